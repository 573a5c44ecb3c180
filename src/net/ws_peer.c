/* net/ws_peer.c - see ws_peer.h. */

#include "net/ws_peer.h"

#include "base/utf8.h"

/* --- sending --- */

static void put_frame(WsPeer *w, WsOpcode op, Str payload) {
    char head[WS_HEAD_MAX];
    uint8_t mask[4];
    if (w->random)
        w->random(w->arg, mask, sizeof mask);
    size_t n = ws_frame_head(head, op, true, payload.n, w->random ? mask : NULL);
    char *to = out_queue_reserve(w->out, n + payload.n);
    memcpy(to, head, n);
    if (payload.n)
        memcpy(to + n, payload.p, payload.n);
    if (w->random)
        ws_mask(to + n, payload.n, mask, 0);
    out_queue_commit(w->out, n + payload.n);
}

static int may_send(const WsPeer *w, size_t n) {
    if (w->state != WS_OPEN)
        return ERR_UNAVAILABLE;
    return w->out->bytes + n > w->limits->max_queue ? ERR_LIMIT : 0;
}

int ws_peer_send(WsPeer *w, WsOpcode op, Str payload) {
    int r = may_send(w, payload.n + WS_HEAD_MAX);
    if (r == 0)
        put_frame(w, op, payload);
    return r;
}

int ws_peer_share(WsPeer *w, OutShared *frame) {
    int r = may_send(w, frame->n);
    if (r == 0)
        out_queue_share(w->out, frame);
    return r;
}

/* --- the end --- */

static void ended(WsPeer *w, int err, int code, const char *why) {
    if (w->state == WS_CLOSED)
        return;
    w->state = WS_CLOSED;
    w->reader.stop = true;
    w->err = err;
    w->code = code;
    w->why = why;
}

static void put_close(WsPeer *w, int code, Str reason) {
    char payload[WS_CONTROL_MAX];
    reason = utf8_first(reason, WS_REASON_MAX);
    size_t n = 0;
    if (code != WS_CLOSE_NONE) {
        payload[0] = (char)(code >> 8);
        payload[1] = (char)code;
        memcpy(payload + 2, reason.n ? reason.p : "", reason.n);
        n = 2 + reason.n;
    }
    put_frame(w, WS_OP_CLOSE, str_n(payload, n));
}

void ws_peer_close(WsPeer *w, int code, Str reason, MonoNs now) {
    if (w->state != WS_OPEN)
        return;
    assert(ws_close_code_valid(code));
    put_close(w, code, reason);
    w->state = WS_CLOSING;
    w->close_by = mono_add_ms(now, w->limits->close_ms);
}

/* The peer broke a rule: say which by code, and be done (RFC 6455 §7.1.7). */
static void fail(WsPeer *w, int code, const char *why) {
    if (w->state == WS_OPEN)
        put_close(w, code, str_c(why));
    ended(w, code == WS_CLOSE_TOO_BIG ? ERR_LIMIT : ERR_CORRUPT, WS_CLOSE_LOST, why);
}

static void got_close(WsPeer *w, Str payload) {
    int code;
    Str reason;
    int bad = ws_close_parse(payload, &code, &reason);
    if (bad) {
        fail(w, bad, "the close frame is not valid");
        return;
    }
    w->reason_n = (uint8_t)MIN(reason.n, sizeof w->reason);
    memcpy(w->reason, reason.n ? reason.p : "", w->reason_n);
    if (w->state == WS_OPEN)
        put_close(w, code, (Str){ 0 });
    ended(w, 0, code, "closed");
}

/* --- reading --- */

static void on_message(void *arg, WsKind kind, Str payload) {
    WsPeer *w = arg;
    if (w->state == WS_OPEN) /* after our close frame nothing is of use but the peer's */
        w->on_message(w->arg, kind, payload);
}

static void on_control(void *arg, WsOpcode op, Str payload) {
    WsPeer *w = arg;
    if (op == WS_OP_CLOSE) {
        got_close(w, payload);
        return;
    }
    if (op != WS_OP_PING || w->state != WS_OPEN)
        return;
    put_frame(w, WS_OP_PONG, payload);
    if (w->on_ping)
        w->on_ping(w->arg, payload);
}

void ws_peer_init(WsPeer *w, MonoNs now) {
    w->heard = now;
    w->state = WS_OPEN;
    w->reader = (WsReader){ .masked = !w->random,
                            .max_message = w->limits->max_message,
                            .on_message = on_message,
                            .on_control = on_control,
                            .arg = w };
}

void ws_peer_done(WsPeer *w) {
    ws_reader_done(&w->reader);
}

void ws_peer_input(WsPeer *w, const char *p, size_t n, MonoNs now) {
    if (w->state == WS_CLOSED)
        return;
    w->heard = now;
    w->pinged = false;
    int code = ws_reader_take(&w->reader, p, n);
    if (code != 0)
        fail(w, code, w->reader.why);
}

void ws_peer_eof(WsPeer *w) {
    ended(w, w->state == WS_CLOSING ? 0 : ERR_UNAVAILABLE, WS_CLOSE_LOST, "the connection was lost");
}

bool ws_peer_wants_read(const WsPeer *w) {
    return w->state != WS_CLOSED && w->out->bytes <= w->limits->max_queue;
}

/* --- time --- */

MonoNs ws_peer_deadline(const WsPeer *w) {
    if (w->state == WS_CLOSED)
        return (MonoNs){ INT64_MAX };
    if (w->state == WS_CLOSING)
        return w->close_by;
    MonoNs at = { INT64_MAX };
    if (w->limits->idle_ms)
        at = mono_add_ms(w->heard, w->limits->idle_ms);
    if (w->limits->ping_ms && !w->pinged) {
        MonoNs ping = mono_add_ms(w->heard, w->limits->ping_ms);
        at = ping.ns < at.ns ? ping : at;
    }
    return at;
}

void ws_peer_expire(WsPeer *w, MonoNs now) {
    if (ws_peer_deadline(w).ns > now.ns)
        return;
    if (w->state == WS_CLOSING) {
        ended(w, 0, WS_CLOSE_LOST, "the close frame was not answered");
    } else if (w->limits->idle_ms && mono_add_ms(w->heard, w->limits->idle_ms).ns <= now.ns) {
        put_close(w, WS_CLOSE_GOING_AWAY, S("silent for too long"));
        ended(w, ERR_TIMEOUT, WS_CLOSE_LOST, "the peer was silent for too long");
    } else {
        w->pinged = true;
        put_frame(w, WS_OP_PING, (Str){ 0 });
    }
}
