/* net/http_request.c - see http_request.h. */

#include "net/http_request.h"

static bool one_line(Str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static void put_field(Buf *b, Str name, Str value) {
    buf_put_str(b, name);
    BUF_LIT(b, ": ");
    buf_put_str(b, value);
    BUF_LIT(b, "\r\n");
}

int http_request_write(Buf *b, Str method, Str host, Str path, const HttpField *fields, size_t n_fields, size_t body_n,
                       Str *bad) {
    *bad = path;
    if (!str_starts(path, S("/")) || !one_line(path) || str_find_char(path, ' ') >= 0)
        return ERR_USAGE;
    buf_put_str(b, method);
    BUF_LIT(b, " ");
    buf_put_str(b, path);
    BUF_LIT(b, " HTTP/1.1\r\n");
    put_field(b, S("Host"), host);
    for (size_t i = 0; i < n_fields; i++) {
        *bad = fields[i].name;
        if (!one_line(fields[i].name) || !one_line(fields[i].value) || str_find_char(fields[i].name, ':') >= 0)
            return ERR_USAGE;
        put_field(b, fields[i].name, fields[i].value);
    }
    if (body_n || !(str_eq(method, S("GET")) || str_eq(method, S("HEAD")) || str_eq(method, S("DELETE"))))
        buf_printf(b, "Content-Length: %zu\r\n", body_n);
    BUF_LIT(b, "\r\n");
    return buf_ok(b) ? 0 : ERR_LIMIT;
}

bool http_method_idempotent(Str method) {
    return !str_eq(method, S("POST")) && !str_eq(method, S("PATCH"));
}
