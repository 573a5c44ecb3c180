/* net/http_tunnel.c - see http_tunnel.h. A protocol of http_conn.h. */

#include "net/http_tunnel.h"

#include "net/http_exchange.h"

enum { QUEUE_MARK = 256 * 1024 };

struct HttpTunnel {
    HttpConn *conn;
    const TunnelEnd *end;
    void *arg;
    int64_t idle_ms;
    MonoNs moved;
    bool waiting; /* a wake is owed */
    bool over;    /* the other side says no more */
};

static HttpTunnel *tunnel_of(const HttpConn *c) {
    return c->speaker;
}

static void on_input(HttpConn *c, const char *p, size_t n) {
    HttpTunnel *t = tunnel_of(c);
    t->moved = c->core->now;
    if (!t->over)
        t->end->push(t->arg, str_n(p, n));
}

static void on_eof(HttpConn *c) {
    c->dead = true; /* half of a pipe is of no use to either */
}

static bool wants_read(const HttpConn *c) {
    const HttpTunnel *t = tunnel_of(c);
    return t->over ? c->out.bytes == 0 : t->end->queued(t->arg) < QUEUE_MARK;
}

static void on_output(HttpConn *c) {
    HttpTunnel *t = tunnel_of(c);
    while (!t->over && !t->waiting && c->out.bytes < QUEUE_MARK) {
        Buf piece = { 0 };
        int r = t->end->take(t->arg, &piece);
        if (piece.n) {
            t->moved = c->core->now;
            out_take(c, &piece);
        }
        t->waiting = r == HTTP_PUMP_WAIT;
        t->over = r == HTTP_PUMP_DONE || r < 0;
    }
}

static HttpConnState state(const HttpConn *c) {
    if (!tunnel_of(c)->over || c->out.bytes)
        return HTTP_CONN_OPEN;
    return c->eof ? HTTP_CONN_CLOSE : HTTP_CONN_LINGER;
}

static MonoNs deadline(const HttpConn *c) {
    const HttpTunnel *t = tunnel_of(c);
    return mono_add_ms(t->moved, t->idle_ms);
}

static void on_expire(HttpConn *c) {
    c->dead = true;
}

static void on_done(HttpConn *c) {
    HttpTunnel *t = tunnel_of(c);
    t->end->close(t->arg);
    mem_free(t);
}

static const HttpProtocol protocol = {
    .input = on_input,
    .eof = on_eof,
    .wants_read = wants_read,
    .output = on_output,
    .state = state,
    .deadline = deadline,
    .expire = on_expire,
    .done = on_done,
};

static void put_head(HttpConn *c, const HttpField *fields, size_t n) {
    out_put(c, "HTTP/1.1 101 Switching Protocols\r\n", 34);
    for (size_t i = 0; i < n; i++) {
        out_put(c, fields[i].name.p, fields[i].name.n);
        out_put(c, ": ", 2);
        out_put(c, fields[i].value.p, fields[i].value.n);
        out_put(c, "\r\n", 2);
    }
    out_put(c, "\r\n", 2);
}

int http_tunnel(HttpExchange *ex, const HttpField *fields, size_t n, int64_t idle_ms, const TunnelEnd *end, void *arg,
                HttpTunnel **out) {
    Exchange *x = exchange_of(ex);
    HttpConn *c = x->conn;
    if (!c || c->protocol)
        return ERR_UNSUPPORTED;
    if (c->first != x || c->last != x || c->cur || c->stash.n || ex->body.n || x->raw_body)
        return ERR_CONFLICT;
    HttpTunnel *t = mem_new(HttpTunnel);
    *t = (HttpTunnel){ .conn = c, .end = end, .arg = arg, .idle_ms = idle_ms, .moved = c->core->now };
    *out = t;
    put_head(c, fields, n);
    http_conn_switch(c, x, &protocol, t);
    http_conn_touch(c);
    return 0;
}

void http_tunnel_wake(HttpTunnel *t) {
    t->waiting = false;
    http_conn_touch(t->conn);
}

void http_tunnel_drain(HttpTunnel *t) {
    http_conn_touch(t->conn);
}

void http_tunnel_cut(HttpTunnel *t) {
    t->conn->dead = true;
    http_conn_touch(t->conn);
}
