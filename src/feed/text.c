/* feed/text.c - white space and letters. */

#include "feed/text.h"

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

const char *text_find(const char *p, const char *end, Str needle) {
    return p == end ? NULL : memmem(p, (size_t)(end - p), needle.p, needle.n);
}
