/* net/http_upstream.c - see http_upstream.h.
 *
 * A call owns the reply: parser, fields and window; a connection owns the socket. So a connection is free for the next
 * call as soon as the reply is whole, while its last bytes are still being taken. */

#include "net/upstream_internal.h"

#include "net/http_request.h"
#include "net/send_turn.h"

#include <stdio.h>

enum { HEAD_MAX = 64 * 1024, FREE_CALLS_MAX = 64, KEEP_BYTES = 16 * 1024, PUSH_MAX = 1024 * 1024 };

typedef struct UpConn {
    Upstream *u;
    ListNode node; /* in idle or busy */
    Stream stream;
    LoopTimer idle_timer;
    SendLater later;
    UpCall *call; /* NULL: idle */
    bool used;    /* had a call before */
    bool any;     /* a byte of this reply came */
    bool pipe;    /* a tunnel: none of the pool's any more */
} UpConn;

static void call_start(UpCall *c);
static void conn_write(UpConn *k);

/* --- calls --- */

static UpCall *call_new(Upstream *u) {
    ListNode *node = list_pop_front(&u->free);
    UpCall *c;
    if (node) {
        u->n_free--;
        c = LIST_ENTRY(node, UpCall, node);
        Buf text = c->response.text;
        ResponseField *slots = c->response.slots.v;
        size_t n_slots = c->response.slots.cap;
        *c = (UpCall){ .head = c->head, .arena = c->arena, .fields = { .v = c->fields.v, .cap = c->fields.cap } };
        c->response.text = text;
        c->response.slots.v = slots;
        c->response.slots.cap = n_slots;
    } else {
        c = mem_new(UpCall);
        buf_init(&c->head, HEAD_MAX);
    }
    c->u = u;
    u->stats.open++;
    return c;
}

static void upcall_destroy(UpCall *c) {
    arena_done(&c->arena);
    vec_done(&c->fields);
    buf_done(&c->head);
    http_response_done(&c->response);
    mem_free(c);
}

void upcall_free(UpCall *c) {
    Upstream *u = c->u;
    loop_timer_stop(&c->timer);
    list_remove(&c->node);
    u->stats.open--;
    buf_done(&c->in);
    buf_done(&c->push);
    buf_done(&c->piece);
    if (u->n_free == FREE_CALLS_MAX || c->head.cap > KEEP_BYTES || c->arena.used > KEEP_BYTES ||
        c->response.text.cap > KEEP_BYTES) {
        upcall_destroy(c);
        return;
    }
    arena_reset(&c->arena);
    buf_clear(&c->head);
    u->n_free++;
    list_push_front(&u->free, &c->node);
}

void upcall_fail(UpCall *c, int err) {
    c->u->stats.failed++;
    if (!c->told) {
        const UpEvents *events = c->events;
        void *arg = c->arg;
        bool sent = c->sent > 0 || c->retried || c->left;
        upcall_free(c);
        events->fail(arg, err, sent);
        return;
    }
    c->err = err;
    loop_timer_stop(&c->timer);
    if (c->waiting) {
        c->waiting = false;
        c->events->more(c->arg);
    }
}

void upcall_fail_soon(UpCall *c, int err) {
    c->err = err;
    list_push_back(&c->u->ending, &c->node);
    loop_timer_start(&c->timer, 0, 0);
}

/* --- connections --- */

static void conn_free(UpConn *k) {
    Upstream *u = k->u;
    stream_close(&k->stream);
    send_later_stop(&k->later);
    loop_timer_stop(&k->idle_timer);
    list_remove(&k->node);
    if (!k->pipe)
        u->stats.connections--;
    mem_free(k);
}

static void next_waiting(Upstream *u) {
    ListNode *node = list_pop_front(&u->waiting);
    if (!node)
        return;
    u->stats.waiting--;
    call_start(LIST_ENTRY(node, UpCall, node));
}

static void idle_over(void *arg) {
    UpConn *k = arg;
    k->u->stats.idle--;
    conn_free(k);
}

static void conn_fail(UpConn *k, int err) {
    Upstream *u = k->u;
    UpCall *c = k->call;
    bool again = k->used && !k->any && c->idempotent && !c->retried && !c->pumped;
    conn_free(k);
    c->conn = NULL;
    if (again) {
        c->retried = true;
        u->stats.retried++;
        http_response_done(&c->response);
        call_start(c);
        return;
    }
    next_waiting(u);
    upcall_fail(c, err);
}

/* The reply is whole: the connection is the next one's. */
static void conn_release(UpConn *k) {
    Upstream *u = k->u;
    UpCall *c = TAKE(k->call);
    bool keep = c->response.keep_alive && c->sent == c->head.n + c->body.n && !c->pump && !c->piece.n && !u->retired;
    c->conn = NULL;
    loop_timer_stop(&c->timer);
    list_remove(&k->node);
    if (!keep) {
        conn_free(k);
    } else {
        k->used = true;
        list_push_front(&u->idle, &k->node); /* the one used last is the one least likely to be closed */
        u->stats.idle++;
        stream_want(&k->stream, LOOP_READ);
        loop_timer_start(&k->idle_timer, u->o.idle_ms, 0);
    }
    next_waiting(u);
}

/* Whether there is something to send now. */
static bool unsent(const UpCall *c) {
    if (c->tunnel)
        return c->push.n > 0;
    return c->sent < c->head.n + c->body.n || c->piece_at < c->piece.n || (c->pump && !c->pump_waits);
}

static void conn_want(UpConn *k) {
    UpCall *c = k->call;
    stream_want(&k->stream, (c->in.n < k->u->o.window ? LOOP_READ : 0u) | (unsent(c) ? LOOP_WRITE : 0u));
}

static void tunnel_write(UpConn *k) {
    UpCall *c = k->call;
    while (c->push.n) {
        struct iovec iov = { c->push.p, c->push.n };
        ssize_t took = stream_write(&k->stream, &iov, 1);
        if (took < 0)
            break;
        buf_consume(&c->push, (size_t)took);
    }
    conn_want(k);
    if (!c->push.n && c->events->drained)
        c->events->drained(c->arg);
}

int upcall_pump(UpCall *c) {
    if (c->piece_at < c->piece.n)
        return c->pump ? HTTP_PUMP_MORE : HTTP_PUMP_DONE;
    while (c->pump && !c->pump_waits) {
        buf_done(&c->piece);
        c->piece_at = 0;
        c->pumped = true;
        int r = c->pump(c->pump_arg, &c->piece);
        if (r < 0)
            return r;
        c->made += c->piece.n;
        if (c->length && (c->made > c->length || (r == HTTP_PUMP_DONE && c->made != c->length)))
            return ERR_USAGE; /* more or less than was told would be read as something else */
        if (r == HTTP_PUMP_DONE)
            c->pump = NULL;
        c->pump_waits = r == HTTP_PUMP_WAIT;
        if (c->piece.n && r == HTTP_PUMP_WAIT)
            return HTTP_PUMP_MORE;
        if (c->piece.n)
            return r;
    }
    return c->pump ? HTTP_PUMP_WAIT : HTTP_PUMP_DONE;
}

/* The next bytes of the pump as a chunk, which replaces them. */
static int next_chunk(UpCall *c) {
    bool had = c->pump != NULL;
    int r = upcall_pump(c);
    if (r < 0 || r == HTTP_PUMP_WAIT || c->length)
        return r;
    Buf chunk;
    buf_init(&chunk, c->piece.n + 64);
    if (c->piece.n)
        buf_printf(&chunk, "%zx\r\n", c->piece.n);
    buf_put_str(&chunk, buf_str(&c->piece));
    if (c->piece.n)
        BUF_LIT(&chunk, "\r\n");
    if (had && r == HTTP_PUMP_DONE)
        BUF_LIT(&chunk, "0\r\n\r\n");
    buf_done(&c->piece);
    c->piece = chunk;
    return r;
}

/* What the pump makes, as far as the socket takes it. False when the rest will never come. */
static bool write_pieces(UpConn *k) {
    UpCall *c = k->call;
    while (c->piece_at < c->piece.n || c->pump) {
        if (c->piece_at == c->piece.n) {
            int r = next_chunk(c);
            if (r < 0)
                return false;
            if (r == HTTP_PUMP_WAIT)
                return true;
            if (!c->piece.n)
                continue;
        }
        struct iovec iov = { c->piece.p + c->piece_at, c->piece.n - c->piece_at };
        ssize_t took = stream_write(&k->stream, &iov, 1);
        if (took < 0)
            return true;
        c->piece_at += (size_t)took;
    }
    buf_done(&c->piece);
    c->piece_at = 0;
    return true;
}

/* What is not sent of head and body, in two pieces at most. */
static int rest_of(const UpCall *c, struct iovec iov[2]) {
    int n = 0;
    size_t in_body = c->sent > c->head.n ? c->sent - c->head.n : 0;
    if (c->sent < c->head.n)
        iov[n++] = (struct iovec){ c->head.p + c->sent, c->head.n - c->sent };
    if (in_body < c->body.n)
        iov[n++] = (struct iovec){ (char *)(uintptr_t)c->body.p + in_body, c->body.n - in_body };
    return n;
}

static void conn_write(UpConn *k) {
    UpCall *c = k->call;
    if (c->tunnel) {
        tunnel_write(k);
        return;
    }
    while (c->sent < c->head.n + c->body.n) {
        struct iovec iov[2];
        int n = rest_of(c, iov);
        ssize_t took = stream_write(&k->stream, iov, n);
        if (took < 0) /* if it is worse than full, reading will tell: an early answer may be there */
            break;
        c->sent += (size_t)took;
    }
    if (c->sent == c->head.n + c->body.n && !write_pieces(k)) {
        c->err = ERR_CANCELLED; /* the body will never be whole: told from the loop's next turn */
        loop_timer_start(&c->timer, 0, 0);
    }
    conn_want(k);
}

/* --- a request on a kept connection leaves with the rest of the turn --- */

static int gather_send(SendLater *l, int *fd, struct iovec iov[SEND_IOV_MAX]) {
    const UpConn *k = CONTAINER_OF(l, UpConn, later);
    if (!k->call || k->call->tunnel)
        return 0;
    *fd = stream_fd(&k->stream);
    return rest_of(k->call, iov);
}

static void was_sent(SendLater *l, ssize_t n) {
    UpConn *k = CONTAINER_OF(l, UpConn, later);
    UpCall *c = k->call;
    if (!c)
        return;
    c->sent += n > 0 ? (size_t)n : 0;
    if (n < 0 || (c->sent == c->head.n + c->body.n && !c->pump))
        conn_want(k); /* what went wrong with it reading will tell: an early answer may be there */
    else
        conn_write(k);
}

static const SendLaterWays conn_sends = { gather_send, was_sent };

static void conn_write_soon(UpConn *k) {
    if (k->u->o.sends && !stream_is_tls(&k->stream))
        send_later(k->u->o.sends, &k->later);
    else
        conn_write(k);
}

static int keep_body(void *arg, const char *bytes, size_t n) {
    return buf_put(&((UpCall *)arg)->in, bytes, n);
}

static void tell_head(UpCall *c) {
    const HttpResponse *r = &c->response;
    c->told = true;
    UpHead head = { .status = r->status,
                    .fields = r->fields,
                    .n_fields = r->n_fields,
                    .length = r->length,
                    .whole = r->complete && !c->tunnel,
                    .reused = c->reused };
    c->events->head(c->arg, &head);
}

/* After bytes of a reply came. The call may be closed by what is told: it is told last. */
static void call_moved(UpCall *c) {
    c->progress = loop_now(c->u->loop);
    if (c->tunnel && !c->told)
        next_waiting(c->u);
    if (c->response.complete && !c->tunnel)
        conn_release(c->conn);
    else
        conn_want(c->conn);
    if (!c->told && c->response.head_whole) {
        if (c->tunnel)
            loop_timer_stop(&c->timer); /* how long silence may last is its user's affair */
        else if (c->conn && c->patient)
            loop_timer_stop(&c->timer);
        else if (c->conn)
            loop_timer_start(&c->timer, c->u->o.stall_ms, 0);
        tell_head(c);
    } else if (c->waiting && (c->in.n || c->response.complete)) { /* of a tunnel it is complete from the start */
        c->waiting = false;
        c->events->more(c->arg);
    }
}

static void tunnel_read(UpConn *k, ssize_t n) {
    UpCall *c = k->call;
    if (n > 0) {
        buf_put(&c->in, k->u->buf, (size_t)n);
        call_moved(c);
        return;
    }
    Upstream *u = k->u; /* closed or reset: a pipe has no other end than that */
    conn_free(k);
    c->conn = NULL;
    next_waiting(u);
    upcall_fail(c, ERR_UNAVAILABLE);
}

static void conn_read(UpConn *k) {
    Upstream *u = k->u;
    UpCall *c = k->call;
    ssize_t n = stream_read(&k->stream, u->buf, sizeof u->buf);
    if (n == STREAM_AGAIN)
        return;
    if (!c) { /* closed by the upstream, or out of step */
        u->stats.idle--;
        conn_free(k);
        return;
    }
    int err = ERR_UNAVAILABLE;
    if (c->tunnel) {
        tunnel_read(k, n);
        return;
    }
    if (n > 0) {
        k->any = true;
        err = http_response_feed(&c->response, u->buf, (size_t)n);
        if (err == 0 && c->response.complete && c->response.status == 101) {
            c->tunnel = k->pipe = true;
            u->stats.connections--; /* its place in the pool is for calls */
            buf_init(&c->push, PUSH_MAX);
            buf_put(&c->in, u->buf + c->response.used, (size_t)n - c->response.used);
        }
    } else if (n == 0) {
        err = http_response_eof(&c->response);
    }
    if (err != 0)
        conn_fail(k, err);
    else
        call_moved(c);
}

static void on_stream(void *arg, unsigned events) {
    UpConn *k = arg;
    if ((events & STREAM_READY) && k->call)
        loop_timer_start_at(&k->call->timer, k->call->deadline);
    if ((events & (LOOP_WRITE | STREAM_READY)) && k->call)
        conn_write(k);
    if (events & LOOP_READ) {
        conn_read(k);
        return;
    }
    if (!(events & LOOP_GONE))
        return;
    if (k->call && k->call->in.n < k->u->o.window)
        conn_read(k); /* what it still had to say, or why it went */
    else if (!k->call) {
        k->u->stats.idle--;
        conn_free(k);
    } else {
        conn_fail(k, ERR_UNAVAILABLE);
    }
}

/* Gives the connection its call. */
static void conn_take(UpConn *k, UpCall *c) {
    k->call = c;
    k->any = false;
    c->conn = k;
    c->sent = 0;
    c->reused = k->used;
    c->progress = loop_now(k->u->loop);
    list_push_back(&k->u->busy, &k->node);
    buf_init(&c->in, k->u->o.window + UP_READ_SIZE);
    http_response_init(&c->response, &c->arena, str_starts(buf_str(&c->head), S("HEAD ")), keep_body, c);
    c->response.may_upgrade = c->upgrade;
}

static bool conn_open(Upstream *u, UpCall *c) {
    UpConn *k = mem_new(UpConn);
    k->u = u;
    Str host = u->host[0] ? str_c(u->host) : address_host(&u->address);
    if (stream_connect(&k->stream, u->loop, &u->address.any, u->address.n, u->tls, host, on_stream, k) != 0) {
        mem_free(k);
        return false;
    }
    loop_timer_init(&k->idle_timer, u->loop, idle_over, k);
    send_later_init(&k->later, &conn_sends);
    u->stats.connections++;
    u->stats.opened++;
    conn_take(k, c);
    MonoNs by = mono_add_ms(loop_now(u->loop), u->o.connect_ms);
    if (by.ns < c->deadline.ns)
        loop_timer_start_at(&c->timer, by);
    return true;
}

static void call_start(UpCall *c) {
    Upstream *u = c->u;
    if (u->o.h2) {
        h2_call_start(c);
        return;
    }
    if (!c->retried && !list_empty(&u->idle)) {
        UpConn *k = LIST_ENTRY(u->idle.next, UpConn, node);
        list_remove(&k->node);
        u->stats.idle--;
        u->stats.reused++;
        loop_timer_stop(&k->idle_timer);
        conn_take(k, c);
        conn_write_soon(k);
    } else if (!conn_open(u, c)) {
        upcall_fail_soon(c, ERR_UNAVAILABLE);
    }
}

/* Off its connection, which is in mid-reply and of no further use, or out of its queue. */
static void call_leave(UpCall *c) {
    Upstream *u = c->u;
    if (c->link) {
        h2_call_leave(c);
    } else if (c->conn) {
        conn_free(TAKE(c->conn));
        next_waiting(u);
    } else if (!c->told && !c->err) {
        u->stats.waiting--;
    }
    list_remove(&c->node);
}

static void call_timer(void *arg) {
    UpCall *c = arg;
    Upstream *u = c->u;
    if (c->told) { /* nothing of the reply for too long, unless we are the ones who do not read */
        int64_t quiet = mono_ms_between(c->progress, loop_now(u->loop));
        if (quiet < u->o.stall_ms || c->in.n >= u->o.window) {
            loop_timer_start(&c->timer, MAX(u->o.stall_ms - quiet, (int64_t)1000), 0);
            return;
        }
    }
    int err = c->err                                                         ? c->err
              : c->conn && !c->told && c->deadline.ns > loop_now(u->loop).ns ? ERR_UNAVAILABLE /* does not connect */
                                                                             : ERR_TIMEOUT;
    call_leave(c);
    upcall_fail(c, err);
}

static int call_prepare(UpCall *c, const UpRequest *rq) {
    Str bad;
    if (c->u->o.h2)
        return h2_call_prepare(c, rq);
    return http_request_write(&c->head, rq->method, rq->host.n ? rq->host : str_c(c->u->address.text), rq->target,
                              rq->fields, rq->n_fields,
                              !rq->pump    ? rq->body.n
                              : rq->length ? rq->length
                                           : HTTP_REQUEST_CHUNKED,
                              &bad);
}

int upstream_send(Upstream *u, const UpRequest *rq, const UpEvents *events, void *arg, UpCall **out) {
    bool full = u->o.h2 ? !h2_has_room(u) : u->stats.connections >= u->o.max_connections && list_empty(&u->idle);
    if (full && u->stats.waiting >= u->o.max_waiting)
        return ERR_BUSY;
    UpCall *c = call_new(u);
    if (call_prepare(c, rq) != 0) {
        upcall_free(c);
        return ERR_USAGE;
    }
    c->events = events;
    c->arg = arg;
    c->body = rq->body;
    c->pump = rq->pump;
    c->pump_arg = rq->pump_arg;
    c->length = rq->length;
    c->patient = rq->patient;
    c->idempotent = http_method_idempotent(rq->method);
    c->deadline = rq->deadline;
    c->upgrade = rq->upgrade;
    u->stats.calls++;
    loop_timer_init(&c->timer, u->loop, call_timer, c);
    loop_timer_start_at(&c->timer, rq->deadline);
    *out = c;
    if (full) {
        list_push_back(&u->waiting, &c->node);
        u->stats.waiting++;
    } else {
        call_start(c);
    }
    return 0;
}

static bool is_complete(const UpCall *c) {
    return c->complete || (c->response.complete && !c->tunnel);
}

void upstream_trailers(const UpCall *c, const HttpField **fields, size_t *n) {
    *fields = c->trailers;
    *n = c->n_trailers;
}

void upstream_wake(UpCall *c) {
    c->pump_waits = false;
    if (c->conn && stream_is_ready(&c->conn->stream))
        conn_write(c->conn);
    else
        h2_call_wake(c);
}

int upstream_take(UpCall *c, Buf *out) {
    assert(c->told && out->n == 0);
    if (c->in.n) {
        buf_done(out);
        *out = c->in;
        c->in = (Buf){ 0 };
        if (c->link) {
            buf_init(&c->in, c->u->o.window + UP_READ_SIZE);
            c->progress = loop_now(c->u->loop);
            h2_call_took(c, out->n);
        } else if (c->conn) {
            buf_init(&c->in, c->u->o.window + UP_READ_SIZE);
            c->progress = loop_now(c->u->loop);
            conn_want(c->conn);
        }
        return is_complete(c) ? HTTP_PUMP_DONE : HTTP_PUMP_MORE;
    }
    if (is_complete(c))
        return HTTP_PUMP_DONE;
    if (c->err)
        return c->err;
    c->waiting = true;
    return HTTP_PUMP_WAIT;
}

void upstream_push(UpCall *c, Str bytes) {
    assert(c->tunnel);
    if (!c->conn)
        return;                              /* it is over: upstream_take will say so */
    if (buf_put_str(&c->push, bytes) != 0) { /* past any mark: whoever pushes did not look */
        stream_shut(&c->conn->stream);
        return;
    }
    UpConn *k = c->conn;
    struct iovec iov = { c->push.p, c->push.n };
    ssize_t took = stream_write(&k->stream, &iov, 1);
    if (took > 0)
        buf_consume(&c->push, (size_t)took);
    conn_want(k);
}

size_t upstream_queued(const UpCall *c) {
    return c->push.n;
}

void upstream_close(UpCall *c) {
    if (!c)
        return;
    call_leave(c);
    upcall_free(c);
}

/* --- life --- */

void upstream_options_default(UpstreamOptions *o) {
    *o = (UpstreamOptions){

        .max_connections = 256,
        .max_waiting = 1024,
        .connect_ms = 2000,
        .idle_ms = 20 * 1000,
        .stall_ms = 30 * 1000,
        .window = 128 * 1024
    };
}

Upstream *upstream_new(Loop *l, Str address, const UpstreamOptions *o, TlsClient *tls, Str host) {
    Address a;
    if (!address_parse(address, &a) || host.n >= sizeof((Upstream *)0)->host)
        return NULL;
    Upstream *u = mem_new(Upstream);
    u->loop = l;
    u->o = *o;
    u->address = a;
    u->tls = tls;
    memcpy(u->host, host.n ? host.p : "", host.n);
    list_init(&u->idle);
    list_init(&u->busy);
    list_init(&u->links);
    list_init(&u->waiting);
    list_init(&u->ending);
    list_init(&u->free);
    return u;
}

void upstream_retire(Upstream *u) {
    u->retired = true;
    while (!list_empty(&u->idle))
        idle_over(LIST_ENTRY(u->idle.next, UpConn, node));
    h2_links_close(u);
}

Upstream *upstream_free(Upstream *u) {
    if (!u)
        return NULL;
    assert(u->stats.open == 0);
    upstream_retire(u);
    for (ListNode *n; (n = list_pop_front(&u->free));) {
        upcall_destroy(LIST_ENTRY(n, UpCall, node));
    }
    out_pool_done(&u->segs);
    return mem_free(u);
}

void upstream_stats(const Upstream *u, UpstreamStats *out) {
    *out = u->stats;
}
