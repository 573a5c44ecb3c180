/* base/base64.c - see base64.h. */

#include "base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_put(Buf *out, Str bytes) {
    if (bytes.n == 0)
        return 0;
    char *to = buf_reserve(out, (bytes.n + 2) / 3 * 4);
    if (!to)
        return ERR_LIMIT;
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t n = 0;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0u);
        to[n++] = digits[v >> 18];
        to[n++] = digits[v >> 12 & 63];
        to[n++] = left > 1 ? digits[v >> 6 & 63] : '=';
        to[n++] = left > 2 ? digits[v & 63] : '=';
    }
    out->n += n;
    return 0;
}

static int digit_of(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool base64_read(Arena *a, Str text, Str *out) {
    if (text.n % 4 != 0)
        return false;
    size_t pad = text.n == 0 ? 0 : (text.p[text.n - 1] == '=') + (size_t)(text.p[text.n - 2] == '=');
    if (pad == 1 && text.p[text.n - 1] != '=')
        return false;
    uint8_t *to = arena_alloc(a, text.n / 4 * 3 + 1);
    size_t n = 0, digits_n = text.n - pad;
    uint32_t v = 0;
    for (size_t i = 0; i < text.n; i++) {
        int d = i < digits_n ? digit_of(text.p[i]) : 0;
        if (d < 0)
            return false;
        v = v << 6 | (uint32_t)d;
        if (i % 4 != 3)
            continue;
        to[n++] = (uint8_t)(v >> 16);
        to[n++] = (uint8_t)(v >> 8);
        to[n++] = (uint8_t)v;
        v = 0;
    }
    for (size_t i = 0; i < pad; i++)
        if (to[--n] != 0) /* bits that no encoder writes */
            return false;
    *out = str_n((const char *)to, n);
    return true;
}
