/* adapters/bus/wire.c - see wire.h. */

#include "adapters/bus/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* --- writing --- */

void wire_i64(Buf *b, int64_t v) {
    buf_put(b, &v, sizeof v);
}

void wire_str(Buf *b, Str s) {
    wire_i64(b, (int64_t)s.n);
    buf_put_str(b, s);
}

void wire_event(Buf *b, const Event *e) {
    const Str texts[] = { e->id, e->type, e->key, e->correlation_id, e->source, e->body };
    const int64_t numbers[] = { e->version, e->at.ms, e->priority, e->ttl_ms, (int64_t)e->n_headers };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        wire_str(b, texts[i]);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        wire_i64(b, numbers[i]);
    for (size_t i = 0; i < e->n_headers; i++) {
        wire_str(b, e->headers[i].name);
        wire_str(b, e->headers[i].value);
    }
}

void wire_death(Buf *b, const Death *d) {
    wire_i64(b, d != NULL);
    if (!d)
        return;
    const Str texts[] = { d->reason, d->detail, d->queue, d->exchange, d->routing_key };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        wire_str(b, texts[i]);
    wire_i64(b, d->at.ms);
    wire_i64(b, d->count);
}

void wire_topology(Buf *b, const BusTopology *t) {
    wire_i64(b, (int64_t)t->n_exchanges);
    for (size_t i = 0; i < t->n_exchanges; i++) {
        wire_str(b, t->exchanges[i].name);
        wire_i64(b, t->exchanges[i].kind);
    }
    wire_i64(b, (int64_t)t->n_queues);
    for (size_t i = 0; i < t->n_queues; i++) {
        const BusQueue *q = &t->queues[i];
        wire_str(b, q->name);
        wire_str(b, q->dead_exchange);
        wire_str(b, q->dead_key);
        wire_i64(b, q->ttl_ms);
        wire_i64(b, q->max_priority);
        wire_i64(b, q->max_length);
    }
    wire_i64(b, (int64_t)t->n_bindings);
    for (size_t i = 0; i < t->n_bindings; i++) {
        const BusBinding *x = &t->bindings[i];
        wire_str(b, x->source);
        wire_str(b, x->destination);
        wire_i64(b, x->to_exchange);
        wire_str(b, x->key);
    }
}

/* --- reading --- */

static Str take(WireIn *in, size_t n) {
    if (in->bad || in->rest.n < n) {
        in->bad = true;
        return (Str){ 0 };
    }
    Str out = str_first(in->rest, n);
    in->rest = str_from(in->rest, n);
    return out;
}

int64_t wire_take_i64(WireIn *in) {
    int64_t v = 0;
    Str bytes = take(in, sizeof v);
    if (bytes.n)
        memcpy(&v, bytes.p, sizeof v);
    return v;
}

Str wire_take_str(WireIn *in) {
    int64_t n = wire_take_i64(in);
    if (n < 0 || n > WIRE_FRAME_MAX)
        in->bad = true;
    return in->bad ? (Str){ 0 } : take(in, (size_t)n);
}

size_t wire_take_count(WireIn *in, size_t size, size_t most) {
    int64_t n = wire_take_i64(in);
    if (n < 0 || (size_t)n > most || (size_t)n > in->rest.n / size)
        in->bad = true;
    return in->bad ? 0 : (size_t)n;
}

static int take_int(WireIn *in, int64_t low, int64_t high) {
    int64_t v = wire_take_i64(in);
    if (v < low || v > high)
        in->bad = true;
    return in->bad ? 0 : (int)v;
}

Event wire_take_event(WireIn *in, Arena *a) {
    Event e = { 0 };
    Str *const texts[] = { &e.id, &e.type, &e.key, &e.correlation_id, &e.source, &e.body };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = wire_take_str(in);
    e.version = wire_take_i64(in);
    e.at = time_ms(wire_take_i64(in));
    e.priority = take_int(in, INT32_MIN, INT32_MAX); /* the bus says which are right */
    e.ttl_ms = wire_take_i64(in);
    e.n_headers = wire_take_count(in, 2 * sizeof(int64_t), EVENT_HEADERS_MAX);
    EventHeader *headers = e.n_headers ? arena_new_n(a, EventHeader, e.n_headers) : NULL;
    for (size_t i = 0; i < e.n_headers; i++) {
        headers[i].name = wire_take_str(in);
        headers[i].value = wire_take_str(in);
    }
    e.headers = headers;
    return e;
}

const Death *wire_take_death(WireIn *in, Arena *a) {
    if (!wire_take_i64(in))
        return NULL;
    Death *d = arena_new(a, Death);
    Str *const texts[] = { &d->reason, &d->detail, &d->queue, &d->exchange, &d->routing_key };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = wire_take_str(in);
    d->at = time_ms(wire_take_i64(in));
    d->count = wire_take_i64(in);
    return d;
}

BusTopology wire_take_topology(WireIn *in, Arena *a) {
    enum { NUMBER = sizeof(int64_t), THINGS_MAX = 10000 };
    BusTopology t = { 0 };
    t.n_exchanges = wire_take_count(in, 2 * NUMBER, THINGS_MAX);
    BusExchange *x = arena_new_n(a, BusExchange, t.n_exchanges);
    for (size_t i = 0; i < t.n_exchanges; i++) {
        x[i].name = wire_take_str(in);
        x[i].kind = (ExchangeKind)take_int(in, EXCHANGE_TOPIC, EXCHANGE_DIRECT);
    }
    t.n_queues = wire_take_count(in, 6 * NUMBER, THINGS_MAX);
    BusQueue *q = arena_new_n(a, BusQueue, t.n_queues);
    for (size_t i = 0; i < t.n_queues; i++) {
        q[i].name = wire_take_str(in);
        q[i].dead_exchange = wire_take_str(in);
        q[i].dead_key = wire_take_str(in);
        q[i].ttl_ms = wire_take_i64(in);
        q[i].max_priority = take_int(in, INT32_MIN, INT32_MAX);
        q[i].max_length = wire_take_i64(in);
    }
    t.n_bindings = wire_take_count(in, 4 * NUMBER, THINGS_MAX);
    BusBinding *b = arena_new_n(a, BusBinding, t.n_bindings);
    for (size_t i = 0; i < t.n_bindings; i++) {
        b[i].source = wire_take_str(in);
        b[i].destination = wire_take_str(in);
        b[i].to_exchange = wire_take_i64(in) != 0;
        b[i].key = wire_take_str(in);
    }
    t.exchanges = x;
    t.queues = q;
    t.bindings = b;
    return t;
}

/* --- the line --- */

static int broken(Ctx *cx, const char *what) {
    return err_set(cx, ERR_UNAVAILABLE, "the line to the event bus %s", what);
}

static int send_all(Ctx *cx, int fd, const void *data, size_t n) {
    const char *p = data;
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return broken(cx, "broke while it was written to");
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

int wire_send(Ctx *cx, int fd, const Buf *frame) {
    uint32_t n = (uint32_t)frame->n;
    if (!buf_ok(frame) || frame->n > WIRE_FRAME_MAX)
        return err_set(cx, ERR_TOO_LARGE, "a call of the event bus of more than %d MiB", WIRE_FRAME_MAX >> 20);
    int r = send_all(cx, fd, &n, sizeof n);
    return r ? r : send_all(cx, fd, frame->p, frame->n);
}

static int read_all(Ctx *cx, int fd, const atomic_bool *stop, void *out, size_t n) {
    enum { STEP_MS = 100 };
    char *p = out;
    while (n) {
        struct pollfd one = { .fd = fd, .events = POLLIN };
        int ready = poll(&one, 1, STEP_MS), r = ctx_check(cx);
        if (r)
            return r;
        if (stop && atomic_load(stop))
            return broken(cx, "is being closed");
        if (ready <= 0)
            continue;
        ssize_t k = recv(fd, p, n, 0);
        if (k < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (k <= 0)
            return broken(cx, "was closed at the other end");
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

int wire_receive(Ctx *cx, int fd, const atomic_bool *stop, Str *out) {
    uint32_t n;
    int r = read_all(cx, fd, stop, &n, sizeof n);
    if (r == 0 && n > WIRE_FRAME_MAX)
        r = broken(cx, "carries something else than calls");
    if (r)
        return r;
    char *p = arena_alloc(cx->arena, MAX(n, 1u));
    *out = str_n(p, n);
    return read_all(cx, fd, stop, p, n);
}
