/* net/ws_server.c - see ws_server.h. A protocol of http_conn.h, round one end of ws_peer.h. */

#include "net/ws_server.h"

#include "base/mem.h"
#include "net/http_exchange.h"
#include "net/ws_handshake.h"
#include "net/ws_peer.h"

struct WsSocket {
    HttpConn *conn;
    const WsOptions *o;
    const WsEvents *events;
    void *arg;
    WsLimits limits;
    WsPeer peer;
    size_t drain_mark; /* 0: nobody waits */
};

static WsSocket *socket_of(const HttpConn *c) {
    return c->speaker;
}

/* --- the connection's protocol --- */

static void ws_input(HttpConn *c, const char *p, size_t n) {
    ws_peer_input(&socket_of(c)->peer, p, n, c->core->now);
}

static void ws_eof(HttpConn *c) {
    ws_peer_eof(&socket_of(c)->peer);
}

static bool ws_wants_read(const HttpConn *c) {
    const WsSocket *ws = socket_of(c);
    return ws->peer.state == WS_CLOSED ? c->out.bytes == 0 : ws_peer_wants_read(&ws->peer);
}

static void ws_output(HttpConn *c) {
    WsSocket *ws = socket_of(c);
    if (c->core->draining)
        ws_peer_close(&ws->peer, WS_CLOSE_GOING_AWAY, S("the server stops"), c->core->now);
}

static void ws_sent(HttpConn *c) {
    WsSocket *ws = socket_of(c);
    if (c->out.bytes >= ws->drain_mark || ws->peer.state != WS_OPEN)
        return;
    ws->drain_mark = 0;
    if (ws->events->on_drain)
        ws->events->on_drain(ws->arg);
}

/* When all is said the sending half is closed first, and what still comes is read and dropped: a bare close would reset
 * our close frame away. */
static HttpConnState ws_state(const HttpConn *c) {
    if (socket_of(c)->peer.state != WS_CLOSED || c->out.bytes)
        return HTTP_CONN_OPEN;
    return c->eof ? HTTP_CONN_CLOSE : HTTP_CONN_LINGER;
}

static MonoNs ws_deadline(const HttpConn *c) {
    return ws_peer_deadline(&socket_of(c)->peer);
}

static void ws_expire(HttpConn *c) {
    ws_peer_expire(&socket_of(c)->peer, c->core->now);
}

static void ws_done(HttpConn *c) {
    WsSocket *ws = socket_of(c);
    WsPeer *w = &ws->peer;
    ws_peer_eof(w);
    WsEnd end = { w->err, w->code, str_n(w->reason, w->reason_n), w->why };
    ws->events->on_end(ws->arg, &end);
    ws_peer_done(w);
    mem_free(ws);
}

static const HttpProtocol ws_protocol = {
    .input = ws_input,
    .eof = ws_eof,
    .wants_read = ws_wants_read,
    .output = ws_output,
    .sent = ws_sent,
    .state = ws_state,
    .deadline = ws_deadline,
    .expire = ws_expire,
    .done = ws_done,
};

/* --- accepting --- */

void ws_options_default(WsOptions *o) {
    *o = (WsOptions){ .max_message = 64 << 10,
                      .max_queue = 256 << 10,
                      .idle_ms = 90 * 1000,
                      .ping_ms = 30 * 1000,
                      .close_ms = 5 * 1000 };
}

static void on_message(void *arg, WsKind kind, Str data) {
    WsSocket *ws = arg;
    if (ws->events->on_message)
        ws->events->on_message(ws->arg, kind, data);
}

static void put_answer(HttpConn *c, Str key, Str protocol) {
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: ";
    char accept[WS_ACCEPT_TEXT];
    ws_accept_key(key, accept);
    out_put(c, head, sizeof head - 1);
    out_put(c, accept, sizeof accept);
    if (protocol.n) {
        out_put(c, "\r\nSec-WebSocket-Protocol: ", 26);
        out_put(c, protocol.p, protocol.n);
    }
    out_put(c, "\r\n\r\n", 4);
}

int ws_accept(HttpExchange *ex, const WsOptions *o, const WsEvents *events, void *arg, WsSocket **out,
              const char **why) {
    Exchange *x = exchange_of(ex);
    HttpConn *c = x->conn;
    Str key;
    if (c && c->protocol) {
        *why = "a WebSocket is opened over HTTP/1.1";
        return 501;
    }
    int status = ws_request_check(&ex->head, &key, why);
    if (status != 0)
        return status;
    /* Behind a pipelined request the 101 would have to wait, and with a body the frames begin nobody knows where. */
    if (!c || c->first != x || c->last != x || c->cur || ex->body.n || x->raw_body) {
        *why = "a WebSocket's request comes alone and without a body";
        return 400;
    }
    WsSocket *ws = mem_new(WsSocket);
    *ws = (WsSocket){ .conn = c, .o = o, .events = events, .arg = arg };
    ws->limits = (WsLimits){ o->max_message, o->max_queue, o->idle_ms, o->ping_ms, o->close_ms };
    ws->peer = (WsPeer){ .limits = &ws->limits, .out = &c->out, .on_message = on_message, .arg = ws };
    put_answer(c, key, o->protocol);
    http_conn_switch(c, x, &ws_protocol, ws);
    ws_peer_init(&ws->peer, c->core->now);
    *out = ws;
    return 0;
}

/* --- sending --- */

/* Leaves with the connection's turn, or with the next one of the loop. */
static int queued(WsSocket *ws, int r) {
    HttpConn *c = ws->conn;
    if (r == 0)
        http_conn_touch(c);
    return r;
}

/* The write deadline counts from when there is something to write. */
static void about_to_queue(HttpConn *c) {
    if (c->out.bytes == 0)
        c->wrote_at = clock_mono(c->core->clock);
}

int ws_send(WsSocket *ws, WsKind kind, Str data) {
    about_to_queue(ws->conn);
    return queued(ws, ws_peer_send(&ws->peer, (WsOpcode)kind, data));
}

int ws_send_frame(WsSocket *ws, WsFrame *f) {
    about_to_queue(ws->conn);
    return queued(ws, ws_peer_share(&ws->peer, f));
}

void ws_close(WsSocket *ws, int code, Str reason) {
    about_to_queue(ws->conn);
    ws_peer_close(&ws->peer, code, reason, clock_mono(ws->conn->core->clock));
    queued(ws, 0);
}

size_t ws_queued(const WsSocket *ws) {
    return ws->conn->out.bytes;
}

void ws_drain_mark(WsSocket *ws, size_t bytes) {
    ws->drain_mark = bytes;
}

Str ws_peer_address(const WsSocket *ws) {
    return str_n(ws->conn->peer, ws->conn->peer_n);
}

WsFrame *ws_frame_new(WsKind kind, Str data) {
    return ws_frame_shared((WsOpcode)kind, data);
}

WsFrame *ws_frame_ref(WsFrame *f) {
    return out_shared_ref(f);
}

WsFrame *ws_frame_unref(WsFrame *f) {
    return out_shared_unref(f);
}

size_t ws_frame_size(const WsFrame *f) {
    return f->n;
}
