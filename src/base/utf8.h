#pragma once

/* base/utf8.h - UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF.
 *
 * Everything is bounded by the length given; no byte past it is read. */

#include "base/str.h"

enum { UTF8_MAX = 4 };
#define UTF8_REPLACEMENT 0xFFFDu

/* Length (1..4) of the valid sequence at the start of p[0..n), and its code point; 0 when there is none.
 * n may be 0; cp may be NULL. */
size_t utf8_decode(const char *p, size_t n, uint32_t *cp);
/* How many bytes to replace by one U+FFFD where utf8_decode says 0: the longest start of a valid sequence,
 * at least 1 (Unicode 15, section 3.9, "maximal subpart"). n > 0. */
size_t utf8_bad_size(const char *p, size_t n);
/* Writes cp at out; returns 1..4, or 0 for a surrogate or a number past U+10FFFF. */
size_t utf8_encode(uint32_t cp, char out[UTF8_MAX]);

bool utf8_valid(Str s);
/* Length of the longest valid prefix; s.n when all of it is valid. */
size_t utf8_valid_size(Str s);
/* Code points of a valid string; an invalid byte counts as one. */
size_t utf8_count(Str s);
/* At most n bytes of s, cut before a sequence rather than inside it. For valid strings. */
Str utf8_first(Str s, size_t n);
/* s itself when valid, else a copy in which every bad piece is U+FFFD. */
Str utf8_clean(Arena *a, Str s);
