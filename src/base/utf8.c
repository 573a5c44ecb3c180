/* base/utf8.c - see utf8.h. */

#include "base/utf8.h"

static bool is_tail(unsigned char c) {
    return (c & 0xC0) == 0x80;
}

/* What a lead byte promises: the length, and the range of the second byte, which alone tells overlong forms,
 * surrogates and numbers past U+10FFFF (Unicode 15, table 3-7). Length 0: not a lead byte. */
typedef struct Lead {
    uint8_t size, second_min, second_max;
} Lead;

static Lead lead_of(unsigned char c) {
    if (c < 0x80)
        return (Lead){ 1, 0, 0 };
    if (c < 0xC2 || c > 0xF4)
        return (Lead){ 0, 0, 0 };
    if (c < 0xE0)
        return (Lead){ 2, 0x80, 0xBF };
    if (c < 0xF0)
        return (Lead){ 3, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF };
    return (Lead){ 4, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF };
}

/* Bytes of p that a valid sequence may start with; the sequence is whole when that is lead.size. */
static size_t matching(const unsigned char *p, size_t n, Lead lead) {
    if (lead.size <= 1 || n < 2 || p[1] < lead.second_min || p[1] > lead.second_max)
        return lead.size ? 1 : 0;
    size_t i = 2;
    while (i < lead.size && i < n && is_tail(p[i]))
        i++;
    return i;
}

size_t utf8_decode(const char *text, size_t n, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)text;
    if (n == 0)
        return 0;
    Lead lead = lead_of(p[0]);
    if (lead.size == 0 || matching(p, n, lead) != lead.size)
        return 0;
    if (cp) {
        static const uint8_t lead_bits[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
        uint32_t v = p[0] & lead_bits[lead.size];
        for (size_t i = 1; i < lead.size; i++)
            v = v << 6 | (p[i] & 0x3F);
        *cp = v;
    }
    return lead.size;
}

size_t utf8_bad_size(const char *text, size_t n) {
    const unsigned char *p = (const unsigned char *)text;
    assert(n > 0);
    return MAX(matching(p, n, lead_of(p[0])), (size_t)1);
}

size_t utf8_encode(uint32_t cp, char out[UTF8_MAX]) {
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        if (cp >= 0xD800 && cp <= 0xDFFF)
            return 0;
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    if (cp > 0x10FFFF)
        return 0;
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t utf8_valid_size(Str s) {
    size_t at = 0;
    while (at < s.n) {
        uint64_t eight;
        if (s.n - at >= sizeof eight) { /* most text is ASCII */
            memcpy(&eight, s.p + at, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                at += sizeof eight;
                continue;
            }
        }
        size_t size = utf8_decode(s.p + at, s.n - at, NULL);
        if (size == 0)
            return at;
        at += size;
    }
    return at;
}

bool utf8_valid(Str s) {
    return utf8_valid_size(s) == s.n;
}

size_t utf8_count(Str s) {
    size_t count = 0;
    for (size_t at = 0; at < s.n; count++)
        at += MAX(utf8_decode(s.p + at, s.n - at, NULL), (size_t)1);
    return count;
}

Str utf8_first(Str s, size_t n) {
    if (n >= s.n)
        return s;
    while (n > 0 && is_tail((unsigned char)s.p[n]))
        n--;
    return str_first(s, n);
}

Str utf8_clean(Arena *a, Str s) {
    size_t good = utf8_valid_size(s);
    if (good == s.n)
        return s;
    char *out = arena_alloc(a, mem_mul(s.n, 3)); /* a bad byte becomes three */
    size_t n = 0;
    while (s.n) {
        if (good)
            memcpy(out + n, s.p, good);
        n += good;
        s = str_from(s, good);
        if (s.n) {
            n += utf8_encode(UTF8_REPLACEMENT, out + n);
            s = str_from(s, utf8_bad_size(s.p, s.n));
        }
        good = utf8_valid_size(s);
    }
    return str_n(out, n);
}
