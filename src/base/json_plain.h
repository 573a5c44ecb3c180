#pragma once

/* base/json_plain.h - what the JSON reader and writer share: how far a string needs no second look. */

#include "base/str.h"

/* Printable ASCII without the quote and the backslash. */
static inline bool json_is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* Length of the plain text at the start of p[0..n); eight bytes a step. A byte's top bit is set in `hit` when the
 * byte is not plain; borrows can set it falsely only above a true hit, so the lowest one is right. */
static inline size_t json_plain_size(const char *p, size_t n) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    size_t at = 0;
    for (; n - at >= 8; at += 8) {
        uint64_t v;
        memcpy(&v, p + at, sizeof v);
        uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\';
        uint64_t hit = (((v - ones * 0x20) | (quote - ones) | (slash - ones)) & ~v & tops) | (v & tops);
        if (hit) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return at + (size_t)__builtin_ctzll(hit) / 8;
#else
            break; /* borrows run the other way: look byte by byte */
#endif
        }
    }
    while (at < n && json_is_plain((unsigned char)p[at]))
        at++;
    return at;
}
