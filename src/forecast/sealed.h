#pragma once

/* forecast/sealed.h - a few byte strings as one, which tells when a byte of it was changed or lost.
 *
 *     finsight KIND 1 SHA256 N1 N2 …\n    the hash is over the sizes and all parts
 *     part 1, part 2, …
 *
 * Checkpoints and trained models are kept like this. Pure. */

#include "base/buf.h"
#include "base/ctx.h"

enum { SEALED_PARTS = 8 };

/* Appends to out; 0 or ERR_LIMIT. kind: a word. */
int sealed_write(Str kind, const Str *parts, size_t n, Buf *out);
/* Borrows from bytes. ERR_CORRUPT with the reason: another kind, another number of parts, cut off, changed;
 * ERR_VERSION: written by a later program. */
int sealed_read(Ctx *cx, Str kind, Str bytes, Str *parts, size_t n);
