/* feed/text.c - white space and letters. */

#include "feed/text.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

size_t text_space_size(Str s) {
    if (s.n == 0)
        return 0;
    unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80)
        return text_is_space((char)c) || (c >= 0x1c && c <= 0x1f);
    uint32_t cp;
    size_t n = utf8_decode(s.p, s.n, &cp);
    bool space = cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 ||
                 cp == 0x2029 || cp == 0x202f || cp == 0x205f || cp == 0x3000;
    return n && space ? n : 0;
}

Str text_strip(Str s) {
    size_t k;
    while ((k = text_space_size(s)) > 0)
        s = str_from(s, k);
    while (s.n > 0) {
        size_t at = s.n - 1;
        while (at > 0 && s.n - at < 3 && ((unsigned char)s.p[at] & 0xc0) == 0x80)
            at--;
        k = text_space_size(str_from(s, at));
        if (k == 0 || at + k != s.n)
            break;
        s.n = at;
    }
    return s;
}

bool text_word(Str *rest, Str *out) {
    size_t k;
    while ((k = text_space_size(*rest)) > 0)
        *rest = str_from(*rest, k);
    size_t n = 0;
    while (n < rest->n && text_space_size(str_from(*rest, n)) == 0)
        n++;
    *out = str_first(*rest, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

Str text_lower(Arena *a, Str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'A' && s.p[i] <= 'Z')
            return str_lower(a, s);
    return s;
}

/* Needles are short and begin with a rare byte: the C library's memmem prepares for worse. */
const char *text_find(const char *p, const char *end, Str needle) {
    while (end - p >= (ptrdiff_t)needle.n) {
        p = memchr(p, needle.p[0], (size_t)(end - p) - needle.n + 1);
        if (!p || memcmp(p, needle.p, needle.n) == 0)
            return p;
        p++;
    }
    return NULL;
}

const char *text_until(const char *p, const char *end, char a, char b) {
#ifdef __SSE2__
    const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        int hit = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)));
        if (hit)
            return p + __builtin_ctz((unsigned)hit);
    }
#endif
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}

size_t text_ascii_size(Str s) {
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= s.n; i += sizeof word) {
        memcpy(&word, s.p + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    while (i < s.n && !(s.p[i] & 0x80))
        i++;
    return i;
}
