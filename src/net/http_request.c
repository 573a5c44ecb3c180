/* net/http_request.c - see http_request.h. */

#include "net/http_request.h"

/* Eight bytes at a time: has any a value below 0x20, or 0x7f? The usual trick on a word (Hacker's Delight 6-1); bytes of
 * 0x80 and above are none of these. */
static bool word_is_plain(uint64_t w) {
    const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
    uint64_t low7 = w & ~high;
    uint64_t below = ~(low7 + ones * 0x60) & ~w & high; /* x + 0x60 sets the high bit from 0x20 on */
    uint64_t del = (low7 + ones) & ~w & high;           /* 0x7f + 1 does */
    return (below | del) == 0;
}

bool http_one_line(Str s) {
    size_t i = 0;
    for (uint64_t w; i + sizeof w <= s.n; i += sizeof w) {
        memcpy(&w, s.p + i, sizeof w);
        if (!word_is_plain(w))
            return false;
    }
    for (; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static char *put(char *to, Str s) {
    memcpy(to, s.n ? s.p : "", s.n);
    return to + s.n;
}

static void put_field(Buf *b, Str name, Str value) {
    char *to = buf_reserve(b, name.n + value.n + 4);
    if (!to)
        return;
    to = put(put(put(to, name), S(": ")), value);
    memcpy(to, "\r\n", 2);
    b->n += name.n + value.n + 4;
}

int http_request_write(Buf *b, Str method, Str host, Str path, const HttpField *fields, size_t n_fields, size_t body_n,
                       Str *bad) {
    *bad = path;
    if (!str_starts(path, S("/")) || !http_one_line(path) || str_find_char(path, ' ') >= 0)
        return ERR_USAGE;
    buf_put_str(b, method);
    BUF_LIT(b, " ");
    buf_put_str(b, path);
    BUF_LIT(b, " HTTP/1.1\r\n");
    put_field(b, S("Host"), host);
    for (size_t i = 0; i < n_fields; i++) {
        *bad = fields[i].name;
        Str name = fields[i].name;
        if (!http_one_line(name) || !http_one_line(fields[i].value) || memchr(name.n ? name.p : "", ':', name.n))
            return ERR_USAGE;
        put_field(b, fields[i].name, fields[i].value);
    }
    if (body_n == HTTP_REQUEST_CHUNKED)
        BUF_LIT(b, "Transfer-Encoding: chunked\r\n");
    else if (body_n || !(str_eq(method, S("GET")) || str_eq(method, S("HEAD")) || str_eq(method, S("DELETE"))))
        buf_printf(b, "Content-Length: %zu\r\n", body_n);
    BUF_LIT(b, "\r\n");
    return buf_ok(b) ? 0 : ERR_LIMIT;
}

bool http_method_idempotent(Str method) {
    return !str_eq(method, S("POST")) && !str_eq(method, S("PATCH"));
}
