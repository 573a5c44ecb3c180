/* net/ws_client.c - see ws_client.h.
 *
 * One connection through its stages: name -> TCP and TLS -> HTTP handshake -> frames. Whatever stage it is in, one
 * timer and one way to end. */

#include "net/ws_client.h"

#include "base/mem.h"
#include "net/http_request.h"
#include "net/http_response.h"
#include "net/resolve.h"
#include "net/stream.h"
#include "net/ws_handshake.h"
#include "net/ws_peer.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <sys/un.h>

enum {
    HOST_SIZE = 256,
    PORT_SIZE = 8,
    REQUEST_MAX = 64 << 10,
    READ_SIZE = 64 << 10,
    ADDRESSES_MAX = 8,
    WHY_SIZE = 200
};

typedef enum Stage { STAGE_NAME, STAGE_CONNECT, STAGE_HANDSHAKE, STAGE_OPEN, STAGE_ENDING, STAGE_ENDED } Stage;

struct WsClient {
    Loop *loop;
    WsClientOptions o;
    WsClientEvents events;
    void *arg;
    Stage stage;
    bool busy, freed; /* a callback runs; ws_client_free was called in it */
    char host[HOST_SIZE], port[PORT_SIZE], why[WHY_SIZE];
    bool tls;
    Buf request;
    char key[WS_KEY_TEXT];
    Str protocol; /* in the arena */
    Arena arena;
    Resolve *resolve;
    struct sockaddr_storage addresses[ADDRESSES_MAX]; /* tried one after the other */
    socklen_t address_n[ADDRESSES_MAX];
    int n_addresses, next_address;
    Stream stream;
    LoopTimer timer;
    MonoNs open_by;
    OutPool pool;
    OutQueue out;
    HttpResponse response;
    bool has_response;
    WsLimits limits;
    WsPeer peer;
    WsClientEnd end;
    Buf in; /* room to read into */
};

static void settle(WsClient *c);

/* --- the end --- */

static void destroy(WsClient *c) {
    if (c->resolve)
        resolve_cancel(c->resolve);
    stream_close(&c->stream);
    loop_timer_stop(&c->timer);
    if (c->has_response)
        http_response_done(&c->response);
    ws_peer_done(&c->peer);
    out_queue_clear(&c->out);
    out_pool_done(&c->pool);
    buf_done(&c->request);
    buf_done(&c->in);
    arena_done(&c->arena);
    mem_free(c);
}

/* Tells the end from the loop's next turn: never from within a call of the user's. */
static void end(WsClient *c, int err, const char *why) {
    if (c->stage >= STAGE_ENDING)
        return;
    c->stage = STAGE_ENDING;
    if (c->resolve)
        resolve_cancel(TAKE(c->resolve));
    snprintf(c->why, sizeof c->why, "%s", why);
    c->end.err = err;
    c->end.why = c->why;
    if (!c->end.code)
        c->end.code = WS_CLOSE_LOST;
    stream_close(&c->stream);
    loop_timer_start(&c->timer, 0, 0);
}

/* Around every call of the user's. False when the client is gone after it. */
static bool after_callback(WsClient *c) {
    c->busy = false;
    if (!c->freed)
        return true;
    destroy(c);
    return false;
}

WsClient *ws_client_free(WsClient *c) {
    if (!c)
        return NULL;
    if (c->busy) {
        c->freed = true;
        c->peer.reader.stop = true;
    } else {
        destroy(c);
    }
    return NULL;
}

/* --- frames --- */

static void random_bytes(void *arg, uint8_t *out, size_t n) {
    UNUSED(arg);
    int r = RAND_bytes(out, (int)n); /* unpredictable, as RFC 6455 §10.3 wants masks */
    assert(r == 1);
    UNUSED(r);
}

static void on_message(void *arg, WsKind kind, Str payload) {
    WsClient *c = arg;
    if (!c->freed && c->events.on_message)
        c->events.on_message(c->arg, kind, payload);
}

static void on_ping(void *arg, Str payload) {
    WsClient *c = arg;
    if (!c->freed && c->events.on_ping)
        c->events.on_ping(c->arg, payload);
}

static void opened(WsClient *c, Str behind) {
    c->stage = STAGE_OPEN;
    c->limits = (WsLimits){ c->o.max_message, c->o.max_queue, c->o.idle_ms, c->o.ping_ms, c->o.close_ms };
    c->peer = (WsPeer){ .limits = &c->limits,
                        .out = &c->out,
                        .random = random_bytes,
                        .on_message = on_message,
                        .on_ping = on_ping,
                        .arg = c };
    MonoNs now = loop_now(c->loop);
    ws_peer_init(&c->peer, now);
    if (c->events.on_open)
        c->events.on_open(c->arg);
    if (!c->freed && behind.n)
        ws_peer_input(&c->peer, behind.p, behind.n, now);
}

/* --- the handshake --- */

static Str reply_field(const HttpResponse *r, Str name) {
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_eq(r->fields[i].name, name))
            return r->fields[i].value;
    return (Str){ 0 };
}

static void refused(WsClient *c) {
    const HttpResponse *r = &c->response;
    int64_t seconds;
    c->end.status = r->status;
    if (str_to_i64(reply_field(r, S("retry-after")), &seconds) && seconds > 0 && seconds < INT32_MAX)
        c->end.retry_after_ms = seconds * 1000;
    char why[WHY_SIZE];
    snprintf(why, sizeof why, "the server answered %d %s instead of opening a WebSocket", r->status,
             http_reason(r->status));
    end(c, ERR_COLLECTION, why);
}

static const char *check_answer(const WsClient *c) {
    const HttpResponse *r = &c->response;
    char want[WS_ACCEPT_TEXT];
    ws_accept_key(str_n(c->key, sizeof c->key), want);
    if (!str_eq_nocase(reply_field(r, S("upgrade")), S("websocket")) ||
        !ws_list_has(reply_field(r, S("connection")), S("upgrade")))
        return "the 101 answer does not say Upgrade: websocket";
    if (!str_eq(reply_field(r, S("sec-websocket-accept")), str_n(want, sizeof want)))
        return "Sec-WebSocket-Accept is not the answer to our key";
    if (reply_field(r, S("sec-websocket-extensions")).p)
        return "the server takes an extension that was not offered";
    if (!str_eq(reply_field(r, S("sec-websocket-protocol")), c->protocol))
        return "the server does not take the protocol that was asked for";
    return NULL;
}

static void handshake_input(WsClient *c, const char *p, size_t n) {
    HttpResponse *r = &c->response;
    int err = http_response_feed(r, p, n);
    if (err != 0) {
        end(c, ERR_CORRUPT, "the answer to the handshake is not HTTP");
    } else if (r->head_whole && r->status != 101) {
        refused(c);
    } else if (r->complete) {
        const char *why = check_answer(c);
        if (why)
            end(c, ERR_CORRUPT, why);
        else
            opened(c, str_n(p + r->used, n - r->used));
    }
}

static int drop_body(void *arg, const char *p, size_t n) {
    UNUSED(arg);
    UNUSED(p);
    UNUSED(n);
    return 0;
}

static void connected(WsClient *c) {
    c->stage = STAGE_HANDSHAKE;
    http_response_init(&c->response, &c->arena, false, drop_body, c);
    c->response.may_upgrade = true;
    c->has_response = true;
    out_queue_take(&c->out, &c->request);
}

/* --- the socket --- */

static void on_stream(void *arg, unsigned events);

/* The next address, or the end. */
static void try_connect(WsClient *c, const char *why) {
    stream_close(&c->stream);
    while (c->next_address < c->n_addresses) {
        int i = c->next_address++;
        const struct sockaddr *to = (const struct sockaddr *)&c->addresses[i];
        if (c->o.allow && !c->o.allow(c->arg, to)) {
            why = "the address is of a network that may not be reached";
            c->end.err = ERR_DENIED;
            continue;
        }
        if (stream_connect(&c->stream, c->loop, to, c->address_n[i], c->tls ? c->o.tls : NULL, str_c(c->host),
                           on_stream, c) == 0)
            return;
        why = "no connection";
    }
    char text[WHY_SIZE];
    snprintf(text, sizeof text, "%s:%s: %s", c->host, c->port, why);
    end(c, c->end.err ? c->end.err : ERR_UNAVAILABLE, text);
}

static void connect_failed(WsClient *c) {
    char why[WHY_SIZE];
    snprintf(why, sizeof why, "%s", stream_why(&c->stream)[0] ? stream_why(&c->stream) : "the connection was cut");
    if (str_starts(str_c(why), S("certificate")))
        c->end.err = ERR_DENIED;
    try_connect(c, why);
}

static void flush(WsClient *c) {
    bool had = c->out.bytes > 0;
    while (c->out.bytes > 0) {
        struct iovec iov[OUT_IOV_MAX];
        int n = out_queue_gather(&c->out, iov);
        ssize_t sent = stream_write(&c->stream, iov, n);
        if (sent == STREAM_AGAIN)
            return;
        if (sent < 0) { /* what the peer said last may still be there to read */
            out_queue_clear(&c->out);
            return;
        }
        out_queue_drop(&c->out, (size_t)sent);
    }
    if (had && c->stage == STAGE_OPEN && c->events.on_drain && !c->freed)
        c->events.on_drain(c->arg);
}

static void stream_ended(WsClient *c) {
    if (c->stage == STAGE_OPEN)
        ws_peer_eof(&c->peer);
    else
        end(c, ERR_UNAVAILABLE, "the connection was lost in the handshake");
}

static void read_some(WsClient *c) {
    if (!c->in.p) {
        buf_init(&c->in, READ_SIZE);
        buf_reserve(&c->in, READ_SIZE);
    }
    ssize_t n = stream_read(&c->stream, c->in.p, READ_SIZE);
    if (n == STREAM_AGAIN)
        return;
    if (n <= 0)
        stream_ended(c);
    else if (c->stage == STAGE_HANDSHAKE)
        handshake_input(c, c->in.p, (size_t)n);
    else if (c->stage == STAGE_OPEN)
        ws_peer_input(&c->peer, c->in.p, (size_t)n, loop_now(c->loop));
}

static void on_stream(void *arg, unsigned events) {
    WsClient *c = arg;
    c->busy = true;
    if (c->stage == STAGE_CONNECT) {
        if (events & LOOP_GONE)
            connect_failed(c);
        else
            connected(c);
    } else if (events & LOOP_READ) {
        read_some(c);
    } else if (events & LOOP_GONE) {
        stream_ended(c);
    }
    if (after_callback(c))
        settle(c);
}

/* --- what is next --- */

static void arm(WsClient *c) {
    MonoNs at = c->stage == STAGE_OPEN ? ws_peer_deadline(&c->peer) : c->open_by;
    if (at.ns == INT64_MAX)
        loop_timer_stop(&c->timer);
    else if (!loop_timer_armed(&c->timer) || c->timer.timer.due.ns != at.ns)
        loop_timer_start_at(&c->timer, at);
}

/* After anything happened: write, end, or go on waiting. May free c. */
static void settle(WsClient *c) {
    if (c->stage == STAGE_HANDSHAKE || c->stage == STAGE_OPEN) {
        c->busy = true;
        flush(c);
        if (!after_callback(c))
            return;
    }
    if (c->stage == STAGE_OPEN && c->peer.state == WS_CLOSED) {
        c->end.code = c->peer.code;
        c->end.reason = str_n(c->peer.reason, c->peer.reason_n);
        end(c, c->peer.err, c->peer.why);
    }
    if (c->stage >= STAGE_ENDING)
        return;
    if (c->stage >= STAGE_HANDSHAKE)
        stream_want(&c->stream, LOOP_READ | (c->out.bytes ? LOOP_WRITE : 0u));
    arm(c);
}

static void on_timer(void *arg) {
    WsClient *c = arg;
    c->busy = true;
    if (c->stage == STAGE_ENDING) {
        c->stage = STAGE_ENDED;
        if (c->events.on_end)
            c->events.on_end(c->arg, &c->end);
    } else if (c->stage == STAGE_OPEN) {
        ws_peer_expire(&c->peer, loop_now(c->loop));
    } else if (loop_now(c->loop).ns >= c->open_by.ns) {
        end(c, ERR_TIMEOUT, "the handshake took too long");
    }
    if (after_callback(c) && c->stage < STAGE_ENDING)
        settle(c);
}

static void on_resolved(void *arg, const struct addrinfo *list, const char *why) {
    WsClient *c = arg;
    c->resolve = NULL;
    c->stage = STAGE_CONNECT;
    for (; list && c->n_addresses < ADDRESSES_MAX; list = list->ai_next) {
        memcpy(&c->addresses[c->n_addresses], list->ai_addr, list->ai_addrlen);
        c->address_n[c->n_addresses++] = list->ai_addrlen;
    }
    c->busy = true;
    try_connect(c, why);
    if (after_callback(c))
        settle(c);
}

/* A Unix socket has no name to look up. */
static int connect_local(WsClient *c, Ctx *cx, Str path) {
    struct sockaddr_un *a = (struct sockaddr_un *)&c->addresses[0];
    if (path.n >= sizeof a->sun_path)
        return err_set(cx, ERR_USAGE, "'" STR_FMT "' is too long for a socket's path", STR_ARG(path));
    a->sun_family = AF_UNIX;
    memcpy(a->sun_path, path.p, path.n);
    c->address_n[c->n_addresses++] = sizeof *a;
    c->stage = STAGE_CONNECT;
    try_connect(c, "no connection");
    return 0;
}

/* --- calls --- */

void ws_client_options_default(WsClientOptions *o) {
    *o = (WsClientOptions){ .open_ms = 10 * 1000,
                            .idle_ms = 60 * 1000,
                            .ping_ms = 20 * 1000,
                            .close_ms = 5 * 1000,
                            .max_message = 1 << 20,
                            .max_queue = 1 << 20 };
}

/* "wss://host:port/path?query" into c; *path borrows. The Host field has the port only where it is not the usual one. */
static int take_url(WsClient *c, Ctx *cx, Str url, Str *path, Str *host_field) {
    c->tls = str_starts(url, S("wss://"));
    if (!c->tls && !str_starts(url, S("ws://")))
        return err_set(cx, ERR_USAGE, "'" STR_FMT "' is not a ws:// or wss:// URL", STR_ARG(url));
    Str rest = str_from(url, c->tls ? 6 : 5);
    size_t n = 0;
    while (n < rest.n && !memchr("/?#", rest.p[n], 3))
        n++;
    Str host = str_first(rest, n), port = c->tls ? S("443") : S("80");
    *host_field = host;
    *path = str_from(rest, n);
    ptrdiff_t colon = -1;
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == ':')
            colon = (ptrdiff_t)i;
    if (colon >= 0 && !str_ends(host, S("]"))) {
        port = str_from(host, (size_t)colon + 1);
        host = str_first(host, (size_t)colon);
    }
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = str_n(host.p + 1, host.n - 2);
    int64_t number;
    if (host.n == 0 || host.n >= HOST_SIZE || str_find_char(host, '@') >= 0 || memchr(host.p, '\0', host.n) ||
        !str_to_i64(port, &number) || number < 1 || number > 65535 || str_find_char(*path, '#') >= 0)
        return err_set(cx, ERR_USAGE, "'" STR_FMT "' has no valid host and port", STR_ARG(url));
    memcpy(c->host, host.p, host.n);
    snprintf(c->port, sizeof c->port, "%d", (int)number);
    if (c->tls && !c->o.tls)
        return err_set(cx, ERR_USAGE, "'" STR_FMT "' needs TLS, and no trust was given", STR_ARG(url));
    return 0;
}

static int write_request(WsClient *c, Ctx *cx, Str path, Str host_field) {
    enum { OWN = 5 };
    HttpField *fields = arena_new_n(&c->arena, HttpField, OWN + c->o.n_fields);
    uint8_t nonce[16];
    random_bytes(NULL, nonce, sizeof nonce);
    ws_key_text(nonce, c->key);
    size_t n = 0;
    fields[n++] = (HttpField){ S("Upgrade"), S("websocket") };
    fields[n++] = (HttpField){ S("Connection"), S("Upgrade") };
    fields[n++] = (HttpField){ S("Sec-WebSocket-Version"), S("13") };
    fields[n++] = (HttpField){ S("Sec-WebSocket-Key"), str_n(c->key, sizeof c->key) };
    if (c->protocol.n)
        fields[n++] = (HttpField){ S("Sec-WebSocket-Protocol"), c->protocol };
    for (size_t i = 0; i < c->o.n_fields; i++)
        fields[n++] = c->o.fields[i];
    Str full = str_starts(path, S("/")) ? path : str_fmt(&c->arena, "/" STR_FMT, STR_ARG(path));
    Str bad;
    buf_init(&c->request, REQUEST_MAX);
    if (http_request_write(&c->request, S("GET"), host_field, full, fields, n, 0, &bad) != 0)
        return err_set(cx, ERR_USAGE, "the request cannot be written: '" STR_FMT "'", STR_ARG(bad));
    return 0;
}

int ws_client_open(Ctx *cx, Loop *l, const WsClientOptions *o, const WsClientEvents *events, void *arg,
                   WsClient **out) {
    WsClient *c = mem_new(WsClient);
    *c = (WsClient){ .loop = l, .o = *o, .events = *events, .arg = arg };
    arena_init(&c->arena, REQUEST_MAX * 4);
    c->out.pool = &c->pool;
    c->protocol = str_dup(&c->arena, o->protocol);
    loop_timer_init(&c->timer, l, on_timer, c);
    Str path, host_field;
    int r = take_url(c, cx, o->url, &path, &host_field);
    if (r == 0)
        r = write_request(c, cx, path, host_field);
    if (r != 0) {
        destroy(c);
        return r;
    }
    c->o.url = c->o.local = (Str){ 0 }; /* the caller's */
    c->o.fields = NULL;
    c->open_by = mono_add_ms(clock_mono(loop_clock(l)), o->open_ms);
    if (o->local.n == 0)
        c->resolve = resolve_start(l, c->host, c->port, on_resolved, c);
    else if ((r = connect_local(c, cx, o->local)) != 0) {
        destroy(c);
        return r;
    }
    if (c->stage < STAGE_ENDING)
        arm(c);
    *out = c;
    return 0;
}

/* Writing is left to the loop: a send may be called from a callback, and many sends share a system call. */
static int queued(WsClient *c, int r) {
    if (r == 0 && !c->busy)
        stream_want(&c->stream, LOOP_READ | LOOP_WRITE);
    return r;
}

int ws_client_send(WsClient *c, WsKind kind, Str data) {
    if (c->stage != STAGE_OPEN)
        return ERR_UNAVAILABLE;
    return queued(c, ws_peer_send(&c->peer, (WsOpcode)kind, data));
}

int ws_client_ping(WsClient *c, Str data) {
    if (c->stage != STAGE_OPEN)
        return ERR_UNAVAILABLE;
    if (data.n > WS_CONTROL_MAX)
        return ERR_LIMIT;
    return queued(c, ws_peer_send(&c->peer, WS_OP_PING, data));
}

void ws_client_close(WsClient *c, int code, Str reason) {
    if (c->stage < STAGE_OPEN) {
        end(c, 0, "closed before it was open");
    } else if (c->stage == STAGE_OPEN && c->peer.state == WS_OPEN) {
        ws_peer_close(&c->peer, code, reason, loop_now(c->loop));
        queued(c, 0);
        arm(c);
    }
}
