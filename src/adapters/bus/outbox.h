#pragma once

/* adapters/bus/outbox.h - an outbox in a file of its own: outbox.db. For events without data of their own that a bus which
 * is away could not take; what stands beside data is in the outbox of their store. */

#include "ports/outbox.h"

typedef struct OutboxFileOptions {
    const char *path, *vfs; /* path NULL = in memory; vfs NULL = the system's */
    bool lazy;
} OutboxFileOptions;

int outbox_file_open(Ctx *cx, const OutboxFileOptions *o, Outbox **out);
