/* adapters/bus/amqp_consume.c - see amqp.h: subscriptions, their answers, their way back after a lost connection.
 *
 * Tags of ours are the connection's number above the broker's tag, so that an answer to what an earlier connection gave
 * is known to be stale; the broker would close the channel for it. */

#include "adapters/bus/amqp_internal.h"

#include <amqp.h>
#include <amqp_framing.h>

enum { TAG_BITS = 40 };

struct AmqpSubscription {
    Subscription sub; /* first */
    AmqpBus *bus;
    AmqpLink link; /* locked by whoever uses it: its thread, or a tick */
    char queue[2 * EVENT_NAME_MAX + 2], consumer[EVENT_NAME_MAX + 1];
    int prefetch;
    int64_t generation; /* of the connection */
    Map held;           /* broker's tag -> Held */
    size_t held_bytes;
    AmqpSubscription *next;
};

typedef struct Held { /* given, without an answer yet */
    uint64_t tag;
    bool whole; /* the message is kept */
    amqp_envelope_t envelope;
} Held;

static amqp_bytes_t bytes_of(Str s) {
    return (amqp_bytes_t){ s.n, (void *)(uintptr_t)(s.n ? s.p : "") };
}

static Str str_of(amqp_bytes_t b) {
    return str_n(b.bytes, b.len);
}

/* --- what is held --- */

static void held_free(AmqpSubscription *s, Held *h) {
    if (h->whole) {
        s->held_bytes -= h->envelope.message.body.len;
        amqp_destroy_envelope(&h->envelope);
    }
    mem_free(h);
}

static Held *held_of(AmqpSubscription *s, int64_t tag) {
    if (!s->link.c || tag < 0 || tag >> TAG_BITS != s->generation)
        return NULL;
    return map_get_u64(&s->held, (uint64_t)tag & ((UINT64_C(1) << TAG_BITS) - 1));
}

static void let_go(AmqpSubscription *s, Held *h) {
    map_del_u64(&s->held, h->tag);
    held_free(s, h);
}

static void lose(AmqpSubscription *s) { /* the connection, and with it what it gave */
    MapEntry e;
    for (size_t at = 0; map_next(&s->held, &at, &e);)
        held_free(s, e.value);
    map_clear(&s->held);
    event_amqp_drop(&s->link);
}

/* --- connection and consumer --- */

static int attach(AmqpSubscription *s, Ctx *cx) {
    if (s->link.c)
        return 0;
    lose(s); /* a tick may have found the connection broken */
    int r = event_amqp_connect(s->bus, cx, &s->link);
    if (r)
        return r;
    s->generation++;
    amqp_basic_qos(s->link.c, AMQP_CHANNEL, 0, (uint16_t)s->prefetch, 0);
    r = event_amqp_check(cx, &s->link, "basic.qos");
    if (r)
        return r;
    amqp_basic_consume(s->link.c, AMQP_CHANNEL, bytes_of(str_c(s->queue)), bytes_of(str_c(s->consumer)), 0, 0, 0,
                       amqp_empty_table);
    return event_amqp_check(cx, &s->link, "basic.consume");
}

static void keep_text(char *to, size_t room, Str s) {
    size_t n = MIN(s.n, room - 1);
    memcpy(to, s.n ? s.p : "", n);
    to[n] = '\0';
}

int event_amqp_subscribe(EventBus *bus, Ctx *cx, const SubscribeOptions *o, Subscription **out) {
    AmqpBus *b = (AmqpBus *)bus;
    Str queue = o->queue;
    int r = o->group.n ? event_amqp_make_group(b, cx, o->queue, o->group, &queue) : 0;
    if (r)
        return r;
    AmqpSubscription *s = mem_new(AmqpSubscription);
    *s = (AmqpSubscription){ .sub = { bus }, .bus = b, .prefetch = o->prefetch };
    event_amqp_link_init(&s->link);
    keep_text(s->queue, sizeof s->queue, queue);
    keep_text(s->consumer, sizeof s->consumer, o->consumer);
    pthread_mutex_lock(&b->state);
    s->next = b->subs;
    b->subs = s;
    pthread_mutex_unlock(&b->state);
    pthread_mutex_lock(&s->link.lock);
    r = attach(s, cx);
    pthread_mutex_unlock(&s->link.lock);
    if (r) {
        event_amqp_unsubscribe(&s->sub);
        return r;
    }
    *out = &s->sub;
    return 0;
}

/* What is held goes back before the answer to the last call, so that the next consumer finds it. */
static void say_good_bye(AmqpSubscription *s) {
    Arena arena = { 0 };
    Ctx cx = { .arena = &arena };
    if (s->held.n)
        amqp_basic_nack(s->link.c, AMQP_CHANNEL, 0, 1, 1);
    amqp_basic_cancel(s->link.c, AMQP_CHANNEL, bytes_of(str_c(s->consumer)));
    if (amqp_get_rpc_reply(s->link.c).reply_type != AMQP_RESPONSE_NORMAL)
        event_amqp_drop(&s->link);
    else if (amqp_basic_nack(s->link.c, AMQP_CHANNEL, 0, 1, 1) == AMQP_STATUS_OK) /* what came and nobody read */
        event_amqp_sync(&cx, &s->link, str_c(s->queue), NULL, NULL);
    arena_done(&arena);
}

void event_amqp_unsubscribe(Subscription *sub) {
    AmqpSubscription *s = (AmqpSubscription *)sub;
    AmqpBus *b = s->bus;
    pthread_mutex_lock(&b->state);
    for (AmqpSubscription **at = &b->subs; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    pthread_mutex_unlock(&b->state);
    if (s->link.c)
        say_good_bye(s);
    AmqpLink good = s->link;
    s->link.c = NULL;
    lose(s);
    s->link = good;
    event_amqp_link_done(&s->link);
    map_done(&s->held);
    mem_free(s);
}

void event_amqp_beat_all(AmqpBus *b) {
    pthread_mutex_lock(&b->state);
    for (AmqpSubscription *s = b->subs; s; s = s->next)
        if (pthread_mutex_trylock(&s->link.lock) == 0) { /* who holds it is in a call, which beats by itself */
            event_amqp_beat(&s->link, b->options.heartbeat_s);
            pthread_mutex_unlock(&s->link.lock);
        }
    pthread_mutex_unlock(&b->state);
}

/* --- receiving --- */

static void take(AmqpSubscription *s, Ctx *cx, amqp_envelope_t *e, Delivery *d) {
    Held *h = mem_new(Held);
    *h = (Held){ .tag = e->delivery_tag, .whole = s->held_bytes + e->message.body.len <= HELD_BYTES_MAX };
    *d = (Delivery){ .tag = (int64_t)((uint64_t)s->generation << TAG_BITS | e->delivery_tag),
                     .exchange = str_of(e->exchange),
                     .routing_key = str_of(e->routing_key),
                     .again = e->redelivered,
                     .count = e->redelivered ? 1 : 0,
                     .position = -1 };
    event_amqp_message_read(cx->arena, &e->message, &d->exchange, &d->routing_key, &d->event, &d->death);
    if (h->whole) {
        h->envelope = *e;
        s->held_bytes += e->message.body.len;
    } else
        amqp_destroy_envelope(e);
    map_put_u64(&s->held, h->tag, h);
}

/* 0, BUS_EMPTY, or ERR_UNAVAILABLE: the connection is lost. Every method but a delivery means that: the queue was
 * deleted, the channel or the connection closed. A new connection finds out which. */
static int take_one(AmqpSubscription *s, Ctx *cx, int64_t wait_ms, Delivery *d) {
    struct timeval tv = { wait_ms / 1000, wait_ms % 1000 * 1000 };
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(s->link.c);
    amqp_rpc_reply_t r = amqp_consume_message(s->link.c, &envelope, &tv, 0);
    s->link.used_ms = event_amqp_now_ms();
    if (r.reply_type == AMQP_RESPONSE_NORMAL) {
        take(s, cx, &envelope, d);
        return 0;
    }
    if (r.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && r.library_error == AMQP_STATUS_TIMEOUT)
        return BUS_EMPTY;
    return ERR_UNAVAILABLE;
}

static int receive(AmqpSubscription *s, Ctx *cx, int64_t wait_ms, Delivery *v, size_t most, size_t *n) {
    int64_t until = event_amqp_now_ms() + wait_ms;
    for (int lost = 0; *n < most;) {
        int64_t left = MAX(until - event_amqp_now_ms(), 0);
        int r = attach(s, cx);
        if (r == 0)
            r = ctx_check(cx);
        if (r)
            return *n ? 0 : r;
        r = take_one(s, cx, *n ? 0 : MIN(left, (int64_t)AMQP_SLICE_MS), &v[*n]);
        if (r == 0)
            (*n)++;
        else if (r < 0) { /* what this call took would be stale: it comes again */
            lose(s);
            *n = 0;
            if (++lost >= AMQP_ATTEMPTS)
                return err_set(cx, ERR_UNAVAILABLE, "amqp: %s: the connection breaks again and again",
                               s->bus->location);
        } else if (*n || left == 0)
            break;
    }
    return *n ? 0 : BUS_EMPTY;
}

int event_amqp_receive(Subscription *sub, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n) {
    AmqpSubscription *s = (AmqpSubscription *)sub;
    *out = arena_new_n(cx->arena, Delivery, MIN(most, (size_t)s->prefetch));
    pthread_mutex_lock(&s->link.lock);
    int r = receive(s, cx, wait_ms, *out, MIN(most, (size_t)s->prefetch), n);
    pthread_mutex_unlock(&s->link.lock);
    return r;
}

/* --- answers --- */

int event_amqp_ack(Subscription *sub, Ctx *cx, const int64_t *tags, size_t n) {
    UNUSED(cx);
    AmqpSubscription *s = (AmqpSubscription *)sub;
    int r = 0;
    pthread_mutex_lock(&s->link.lock);
    for (size_t i = 0; i < n; i++) {
        Held *h = held_of(s, tags[i]);
        if (!h) {
            r = BUS_STALE;
            continue;
        }
        if (amqp_basic_ack(s->link.c, AMQP_CHANNEL, h->tag, 0) == AMQP_STATUS_OK) {
            let_go(s, h);
            continue;
        }
        lose(s);
        r = BUS_STALE;
    }
    s->link.used_ms = event_amqp_now_ms();
    pthread_mutex_unlock(&s->link.lock);
    return r;
}

/* To the dead letters with the story of its death. BUS_UNROUTED: there is nowhere to go. */
static int bury(AmqpSubscription *s, Ctx *cx, const Held *h, Str words) {
    BusQueue q;
    if (!h->whole || !event_amqp_queue(s->bus, str_c(s->queue), &q) || q.dead_exchange.n == 0)
        return BUS_UNROUTED;
    Event e;
    const Death *before;
    Str exchange = str_of(h->envelope.exchange), key = str_of(h->envelope.routing_key);
    event_amqp_message_read(cx->arena, &h->envelope.message, &exchange, &key, &e, &before);
    bool same = before && str_eq(before->reason, S("rejected")) && str_eq(before->queue, q.name);
    Death d = { .reason = S("rejected"),
                .detail = words,
                .queue = q.name,
                .exchange = exchange,
                .routing_key = key,
                .at = clock_wall(cx->clock),
                .count = same ? before->count + 1 : 1 };
    e.ttl_ms = 0; /* it would die again in the dead letters, for ever */
    AmqpOut o = { .p = { q.dead_exchange, q.dead_key, true, &e }, .death = &d };
    int outcome;
    int r = event_amqp_send(s->bus, cx, &o, 1, &outcome);
    return r == ERR_NOT_FOUND ? BUS_UNROUTED : r ? r : outcome;
}

int event_amqp_reject(Subscription *sub, Ctx *cx, int64_t tag, BusReject how, Str words) {
    AmqpSubscription *s = (AmqpSubscription *)sub;
    pthread_mutex_lock(&s->link.lock);
    Held *h = held_of(s, tag);
    int r = !h ? BUS_STALE : how == REJECT_REQUEUE ? BUS_UNROUTED : bury(s, cx, h, words);
    if (h && r >= 0) {
        int status = r == 0 ? amqp_basic_ack(s->link.c, AMQP_CHANNEL, h->tag, 0)
                            : amqp_basic_reject(s->link.c, AMQP_CHANNEL, h->tag, how == REJECT_REQUEUE);
        r = status == AMQP_STATUS_OK ? 0 : BUS_STALE;
        if (r == 0)
            let_go(s, h);
        else
            lose(s);
    }
    pthread_mutex_unlock(&s->link.lock);
    return r;
}
