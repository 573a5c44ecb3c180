/* net/http_out.c - what a connection has yet to send: heads of replies, bodies, streams. */

#include "net/http_exchange.h"

#include <stdio.h>

char *out_reserve(HttpConn *c, size_t n) {
    return out_queue_reserve(&c->out, n);
}

/* The write deadline counts from when there is something to write. */
static void about_to_queue(HttpConn *c) {
    if (c->out.bytes == 0)
        c->wrote_at = c->queued_at = c->core->now;
}

void out_commit(HttpConn *c, size_t n) {
    about_to_queue(c);
    out_queue_commit(&c->out, n);
}

void out_put(HttpConn *c, const void *p, size_t n) {
    about_to_queue(c);
    out_queue_put(&c->out, p, n);
}

void out_take(HttpConn *c, Buf *b) {
    about_to_queue(c);
    out_queue_take(&c->out, b);
}

void out_share(HttpConn *c, OutShared *shared) {
    out_share_part(c, shared, 0, shared->n);
}

void out_share_part(HttpConn *c, OutShared *shared, size_t at, size_t n) {
    about_to_queue(c);
    out_queue_share_part(&c->out, shared, at, n);
}

/* --- the head of a reply --- */

const char *http_reason(int status) {
    static const struct {
        int status;
        const char *reason;
    } table[] = {
        /* clang-format off */
        { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 206, "Partial Content" },
        { 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" },
        { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" }, { 400, "Bad Request" },
        { 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
        { 406, "Not Acceptable" }, { 408, "Request Timeout" }, { 409, "Conflict" }, { 410, "Gone" },
        { 411, "Length Required" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" },
        { 414, "URI Too Long" }, { 415, "Unsupported Media Type" }, { 416, "Range Not Satisfiable" },
        { 417, "Expectation Failed" }, { 418, "I'm a teapot" }, { 422, "Unprocessable Content" },
        { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" }, { 451, "Unavailable For Legal Reasons" },
        { 499, "Client Closed Request" }, { 500, "Internal Server Error" }, { 501, "Not Implemented" },
        { 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" }, { 507, "Insufficient Storage" },
        /* clang-format on */
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].status == status)
            return table[i].reason;
    return "Status";
}

const char *http_date(HttpCore *core) {
    if (core->now.ns - core->date_read.ns < 100 * NS_PER_MS && core->date_read.ns != 0)
        return core->date;
    core->date_read = core->now;
    Time wall = clock_wall(core->clock);
    int64_t second = floor_div(wall.ms, MS_PER_SECOND);
    if (second != core->date_second || core->date[0] == '\0') {
        size_t n = time_format_http(wall, core->date);
        assert(n == HTTP_DATE_TEXT);
        core->date_second = second;
    }
    return core->date;
}

static char *put(char *to, const char *p, size_t n) {
    memcpy(to, p, n);
    return to + n;
}
#define PUT_LIT(to, literal) put((to), ("" literal ""), sizeof(literal) - 1)

static char *put_number(char *to, uint64_t v) {
    char digits[20];
    size_t n = 0;
    do
        digits[sizeof digits - ++n] = (char)('0' + v % 10);
    while (v /= 10);
    return put(to, digits + sizeof digits - n, n);
}

void out_reply_head(HttpConn *c, Exchange *x, int64_t body_n, bool close) {
    HttpCore *core = c->core;
    const char *reason = http_reason(x->status);
    size_t reason_n = strlen(reason);
    char *start = out_reserve(c, 256 + reason_n + core->o.server_name.n + x->lines_out.n), *to = start;
    to = PUT_LIT(to, "HTTP/1.1 ");
    to = put_number(to, (uint64_t)x->status);
    *to++ = ' ';
    to = put(to, reason, reason_n);
    to = PUT_LIT(to, "\r\nDate: ");
    to = put(to, http_date(core), HTTP_DATE_TEXT);
    if (core->o.server_name.n) {
        to = PUT_LIT(to, "\r\nServer: ");
        to = put(to, core->o.server_name.p, core->o.server_name.n);
    }
    to = PUT_LIT(to, "\r\n");
    if (x->lines_out.n)
        to = put(to, x->lines_out.p, x->lines_out.n);
    if (x->chunked)
        to = PUT_LIT(to, "Transfer-Encoding: chunked\r\n");
    else if (body_n >= 0 && x->status != 204 && x->status != 304) {
        to = PUT_LIT(to, "Content-Length: ");
        to = put_number(to, (uint64_t)body_n);
        to = PUT_LIT(to, "\r\n");
    }
    if (close)
        to = PUT_LIT(to, "Connection: close\r\n");
    else if (x->pub.head.minor == 0)
        to = PUT_LIT(to, "Connection: keep-alive\r\n");
    to = PUT_LIT(to, "\r\n");
    out_commit(c, (size_t)(to - start));
}

/* --- streams --- */

/* One piece of a stream, framed as a chunk if the client knows chunks. */
void out_piece(HttpConn *c, Exchange *x, Buf *piece) {
    if (piece->n == 0) { /* an empty chunk would end the body */
        buf_done(piece);
        return;
    }
    x->sent += (int64_t)piece->n;
    if (!x->chunked) {
        out_take(c, piece);
        return;
    }
    char size[24];
    out_put(c, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", piece->n));
    out_take(c, piece);
    out_put(c, "\r\n", 2);
}

int out_pump(HttpConn *c, Exchange *x) {
    enum { PIECE_MAX = 1024 * 1024 };
    while (c->out.bytes < HTTP_PUMP_LOW && !x->waiting) {
        Buf piece;
        buf_init(&piece, PIECE_MAX);
        int r = x->pump(x->pump_arg, &piece);
        if (r < 0 || !buf_ok(&piece)) { /* a piece past its limit is cut: the body would have a hole */
            buf_done(&piece);
            return r < 0 ? r : ERR_LIMIT;
        }
        if (x->length > 0 && x->sent + (int64_t)piece.n > x->length)
            r = ERR_LIMIT;
        if (r < 0 || (r == HTTP_PUMP_DONE && x->length > 0 && x->sent + (int64_t)piece.n != x->length)) {
            buf_done(&piece); /* more or less than was told: what follows would be read as the next reply */
            return ERR_LIMIT;
        }
        out_piece(c, x, &piece);
        if (r == HTTP_PUMP_DONE) {
            if (x->chunked) {
                out_put(c, "0\r\n", 3);
                out_put(c, x->trailers_out.p, x->trailers_out.n);
                out_put(c, "\r\n", 2);
            }
            return HTTP_PUMP_DONE;
        }
        if (r == HTTP_PUMP_WAIT)
            x->waiting = !x->woken;
        x->woken = false;
    }
    return HTTP_PUMP_MORE;
}
