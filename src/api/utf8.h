#pragma once

/* api/utf8.h - is it UTF-8 (RFC 3629: shortest forms, no surrogates), and how many characters? Pure. */

#include "base/str.h"

static inline bool utf8_tail(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

/* Bytes of the character at p (n > 0 bytes there), or 0 when it is not well formed. */
static inline size_t utf8_size(const unsigned char *p, size_t n) {
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return n > 1 && utf8_tail(p[1]) ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (n < 3 || !utf8_tail(p[1]) || !utf8_tail(p[2]))
            return 0;
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0, surrogate = p[0] == 0xed && p[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (n < 4 || !utf8_tail(p[1]) || !utf8_tail(p[2]) || !utf8_tail(p[3]))
            return 0;
        bool overlong = p[0] == 0xf0 && p[1] < 0x90, beyond = p[0] == 0xf4 && p[1] > 0x8f;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

/* false when s is not UTF-8. */
static inline bool utf8_count(Str s, size_t *characters) {
    size_t n = 0;
    for (size_t at = 0; at < s.n; n++) {
        size_t size = utf8_size((const unsigned char *)s.p + at, s.n - at);
        if (size == 0)
            return false;
        at += size;
    }
    *characters = n;
    return true;
}
