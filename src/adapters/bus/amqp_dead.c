/* adapters/bus/amqp_dead.c - looking through a queue of dead letters without consuming it.
 *
 * AMQP has no cursor: letters are taken one by one without acknowledging them, and what stays goes back to its place at
 * the end. While that lasts another who looks sees fewer. A handle is the id, where and when it died, and which of those
 * it is: one that was buried twice, because its consumer was killed between the grave and the acknowledgement, is two. */

#include "adapters/bus/amqp_internal.h"

#include <amqp.h>
#include <amqp_framing.h>

typedef enum Fate { FATE_STAY, FATE_GO, FATE_STOP } Fate;

typedef struct Walk {
    AmqpBus *b;
    Ctx *cx;
    Str queue;
    Fate (*look)(struct Walk *w, const DeadLetter *d); /* STOP: and this one stays */
    int r;                                             /* of look */
    Map seen;                                          /* handle -> how often */
    /* listing */
    Str after;
    bool begun;
    DeadLetter *v;
    size_t n, limit;
    /* choosing */
    const Str *handles;
    size_t n_handles;
    int64_t done;
} Walk;

static amqp_bytes_t bytes_of(Str s) {
    return (amqp_bytes_t){ s.n, (void *)(uintptr_t)(s.n ? s.p : "") };
}

static Str str_of(amqp_bytes_t b) {
    return str_n(b.bytes, b.len);
}

static void letter_read(Arena *a, const amqp_message_t *m, Str exchange, Str key, DeadLetter *d) {
    const Death *death;
    event_amqp_message_read(a, m, &exchange, &key, &d->event, &death);
    d->death = death ? *death : (Death){ 0 };
    d->handle = str_fmt(a, STR_FMT "@" STR_FMT "@%lld", STR_ARG(d->event.id), STR_ARG(d->death.queue),
                        (long long)d->death.at.ms);
}

static void tell_apart(Walk *w, DeadLetter *d) {
    uintptr_t n = (uintptr_t)map_get(&w->seen, d->handle);
    map_put(&w->seen, d->handle, (void *)(n + 1));
    if (n)
        d->handle = str_fmt(w->cx->arena, STR_FMT "#%llu", STR_ARG(d->handle), (unsigned long long)n);
}

/* 0: one was looked at; BUS_EMPTY: there is no more, or enough. */
static int step(Walk *w, AmqpLink *l) {
    amqp_maybe_release_buffers(l->c);
    amqp_rpc_reply_t reply = amqp_basic_get(l->c, AMQP_CHANNEL, bytes_of(w->queue), 0);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL && reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD)
        return BUS_EMPTY;
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return event_amqp_check(w->cx, l, "basic.get");
    const amqp_basic_get_ok_t *ok = reply.reply.decoded;
    uint64_t tag = ok->delivery_tag;
    Str exchange = str_dup(w->cx->arena, str_of(ok->exchange)), key = str_dup(w->cx->arena, str_of(ok->routing_key));
    amqp_message_t m;
    if (amqp_read_message(l->c, AMQP_CHANNEL, &m, 0).reply_type != AMQP_RESPONSE_NORMAL) {
        event_amqp_drop(l);
        return err_set(w->cx, ERR_UNAVAILABLE, "amqp: %s: basic.get: the connection broke", w->b->location);
    }
    DeadLetter d;
    letter_read(w->cx->arena, &m, exchange, key, &d);
    amqp_destroy_message(&m);
    tell_apart(w, &d);
    Fate fate = w->look(w, &d);
    if (fate == FATE_GO)
        amqp_basic_ack(l->c, AMQP_CHANNEL, tag, 0);
    return w->r ? w->r : fate == FATE_STOP ? BUS_EMPTY : 0;
}

static int walk(Walk *w) {
    AmqpLink l;
    int64_t n = 0;
    event_amqp_link_init(&l);
    int r = event_amqp_connect(w->b, w->cx, &l);
    if (r == 0)
        r = event_amqp_sync(w->cx, &l, w->queue, &n, NULL);
    n = MIN(n, (int64_t)AMQP_DEAD_WALK_MAX); /* not those that come, or come back, meanwhile */
    for (int64_t i = 0; r == 0 && i < n; i++) {
        r = ctx_check(w->cx);
        if (r == 0)
            r = step(w, &l);
    }
    if (l.c && amqp_basic_nack(l.c, AMQP_CHANNEL, 0, 1, 1) == AMQP_STATUS_OK) {
        int back = event_amqp_sync(w->cx, &l, w->queue, NULL, NULL);
        r = r < 0 ? r : back;
    }
    event_amqp_link_done(&l);
    map_done(&w->seen);
    return MIN(r, 0);
}

/* --- listing --- */

static Fate list_it(Walk *w, const DeadLetter *d) {
    if (!w->begun) {
        w->begun = str_eq(d->handle, w->after);
        return FATE_STAY;
    }
    if (w->n == w->limit)
        return FATE_STOP;
    w->v[w->n++] = *d;
    return w->n == w->limit ? FATE_STOP : FATE_STAY;
}

int event_amqp_dead_list(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n) {
    Walk w = { .b = (AmqpBus *)bus,
               .cx = cx,
               .queue = queue,
               .look = list_it,
               .after = after,
               .begun = after.n == 0,
               .v = arena_new_n(cx->arena, DeadLetter, limit),
               .limit = limit };
    int r = walk(&w);
    *out = w.v;
    *n = w.n;
    return r;
}

/* --- choosing --- */

static bool chosen(const Walk *w, const DeadLetter *d) {
    for (size_t i = 0; i < w->n_handles; i++)
        if (str_eq(w->handles[i], d->handle))
            return true;
    return w->n_handles == 0;
}

static Fate drop_it(Walk *w, const DeadLetter *d) {
    if (!chosen(w, d))
        return FATE_STAY;
    w->done++;
    return FATE_GO;
}

/* By the default exchange, so that no other queue gets it a second time. It goes from here when it is confirmed there. */
static Fate requeue_it(Walk *w, const DeadLetter *d) {
    if (!chosen(w, d) || d->death.queue.n == 0)
        return FATE_STAY;
    AmqpOut o = { .p = { S(""), d->death.queue, true, &d->event }, .death = &d->death };
    int outcome;
    int r = event_amqp_send(w->b, w->cx, &o, 1, &outcome);
    if (r < 0) {
        w->r = r;
        return FATE_STOP;
    }
    if (outcome == BUS_UNROUTED) /* its queue is gone */
        return FATE_STAY;
    w->done++;
    return FATE_GO;
}

static int choose(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n,
                  Fate (*look)(Walk *w, const DeadLetter *d), int64_t *done) {
    Walk w = { .b = (AmqpBus *)bus, .cx = cx, .queue = queue, .look = look, .handles = handles, .n_handles = n };
    int r = walk(&w);
    *done = w.done;
    return r;
}

int event_amqp_dead_requeue(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    return choose(bus, cx, queue, handles, n, requeue_it, done);
}

int event_amqp_dead_drop(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    return choose(bus, cx, queue, handles, n, drop_it, done);
}
