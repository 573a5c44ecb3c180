/* eureka/text.c - see text.h. */

#include "eureka/text.h"

bool eureka_decode(Arena *a, Str s, Str *out) {
    if (str_find_char(s, '%') < 0) {
        *out = s;
        return true;
    }
    char *to = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            bool whole = i + 2 < s.n;
            int hi = whole ? hex_value(s.p[i + 1]) : -1, lo = whole ? hex_value(s.p[i + 2]) : -1;
            if (hi < 0 || lo < 0 || (hi | lo) == 0)
                return false;
            c = (char)(hi << 4 | lo);
            i += 2;
        }
        to[n++] = c;
    }
    *out = str_n(to, n);
    return true;
}

Str eureka_parameter(Arena *a, Str query, Str name) {
    Str pair;
    while (str_next(&query, '&', &pair)) {
        Str value = pair, key, decoded;
        str_next(&value, '=', &key);
        if (str_eq(key, name) && eureka_decode(a, value.p ? value : S(""), &decoded))
            return decoded.p ? decoded : S("");
    }
    return (Str){ 0 };
}
