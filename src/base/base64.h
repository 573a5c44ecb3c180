#pragma once

/* base/base64.h - RFC 4648 §4: the common alphabet, with padding. Pure. */

#include "base/buf.h"

int base64_put(Buf *out, Str bytes); /* 0 or ERR_LIMIT */
/* Strict: whole groups of four, padding at the end alone, no bits behind the last byte. Into the arena. */
bool base64_read(Arena *a, Str text, Str *out);
