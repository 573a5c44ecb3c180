#pragma once

/* feed/text.h - characters as the readers of feeds see them. Private to feed/.
 *
 * Two kinds of white space: that of markup (ASCII) and that of text (Unicode's, with U+00A0 and the separators). */

#include "base/buf.h"
#include "base/utf8.h"

static inline bool text_is_space(char c) { /* ASCII, with vertical tab and form feed */
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool text_is_alpha(char c) {
    return (unsigned char)((c | 32) - 'a') < 26;
}
static inline bool text_is_digit(char c) {
    return (unsigned char)(c - '0') < 10;
}
static inline bool text_is_word(char c) { /* of \w; a byte past ASCII counts as a letter */
    return text_is_alpha(c) || text_is_digit(c) || c == '_' || (c & 0x80);
}
static inline char text_lower_c(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Length of the white space character at the start of s: 1..3, 0 if there is none. Unicode's White_Space and the
 * four separators of ASCII (0x1c..0x1f). */
size_t text_space_size(Str s);
/* White space off both ends. */
Str text_strip(Str s);
/* Words between white space: takes the first off *rest; false when there is none left. */
bool text_word(Str *rest, Str *out);

/* Length of the longest start of s that is ASCII. */
size_t text_ascii_size(Str s);
/* The first byte of [p, end) that is `a` or `b`; end if there is none. */
const char *text_until(const char *p, const char *end, char a, char b);

/* s itself if it has no capital letter of ASCII, else a copy. */
Str text_lower(Arena *a, Str s);
/* memmem; NULL if it is not there. */
const char *text_find(const char *p, const char *end, Str needle);
static inline bool text_has(Str s, Str needle) {
    return s.n >= needle.n && text_find(s.p, s.p + s.n, needle) != NULL;
}
