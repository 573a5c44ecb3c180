#pragma once

/* adapters/sqlite/anchor.h - the newest event's number and link, in a file of its own.
 *
 * Two places in the file are written in turn, each sealed under the chain's key, so one of them is whole whenever the
 * power goes. It is written after the event is synced and not synced itself: after a power cut it may be behind the
 * record, never before it, and only what is before it is an alarm.
 * Threads: one at a time. */

#include "base/ctx.h"
#include "policy/audit_chain.h"

typedef struct AnchorFile {
    int fd; /* -1: none is kept */
    int turn;
    Str key; /* borrowed */
} AnchorFile;

/* Opens or makes the file. *found is what it holds; seq 0 when it is new or unreadable. */
int anchor_open(AnchorFile *f, Ctx *cx, const char *path, Str key, AuditAnchor *found);
int anchor_write(AnchorFile *f, Ctx *cx, const AuditAnchor *a);
void anchor_close(AnchorFile *f);
