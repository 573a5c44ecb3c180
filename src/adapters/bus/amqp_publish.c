/* adapters/bus/amqp_publish.c - see amqp.h: many in flight, every one confirmed, none forgotten.
 *
 * Confirms come out of order and several at once; a return (nobody is bound) comes before the confirm of its message and
 * names no tag, so it is told by exchange, routing key and id, which together have one fate. */

#include "adapters/bus/amqp_internal.h"

#include <amqp.h>
#include <amqp_framing.h>

typedef struct Round { /* one connection's try at what is not settled yet */
    AmqpBus *b;
    Ctx *cx;
    const AmqpOut *v;
    size_t n;
    int *outcome;
    bool *settled;
    size_t *order; /* tag base + 1 + k is publication order[k] */
    bool *waiting; /* of order[k]: no answer yet */
    size_t n_sent, n_waiting, bytes_waiting;
    int r; /* why it ended: 0, ERR_NOT_FOUND where an exchange is not there, ERR_UNAVAILABLE where the link broke, ... */
} Round;

static Str str_of(amqp_bytes_t b) {
    return str_n(b.bytes, b.len);
}

static amqp_bytes_t bytes_of(Str s) {
    return (amqp_bytes_t){ s.n, (void *)(uintptr_t)(s.n ? s.p : "") };
}

/* --- what comes back --- */

static void settle(Round *k, size_t at, int outcome) {
    if (!k->waiting[at])
        return;
    size_t i = k->order[at];
    k->waiting[at] = false;
    k->n_waiting--;
    k->bytes_waiting -= k->v[i].p.event->body.n;
    k->settled[i] = true;
    if (outcome || k->outcome[i] != BUS_UNROUTED)
        k->outcome[i] = outcome;
}

/* Tags count from 1 on a connection, and a round begins a connection's counting where the last one ended. */
static void settle_tags(Round *k, uint64_t tag, bool multiple, int outcome) {
    uint64_t base = k->b->out.published - k->n_sent;
    if (tag <= base && !(multiple && tag == 0))
        return;
    size_t at = tag == 0 ? k->n_sent : (size_t)(tag - base);
    if (at > k->n_sent)
        return;
    for (size_t i = multiple ? 0 : at - 1; i < at; i++)
        settle(k, i, outcome);
}

static int returned(Round *k, const amqp_basic_return_t *m) {
    Str exchange = str_dup(k->cx->arena, str_of(m->exchange)), key = str_dup(k->cx->arena, str_of(m->routing_key));
    amqp_message_t message;
    amqp_rpc_reply_t r = amqp_read_message(k->b->out.c, AMQP_CHANNEL, &message, 0);
    if (r.reply_type != AMQP_RESPONSE_NORMAL)
        return ERR_UNAVAILABLE;
    Str id = message.properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG ? str_of(message.properties.message_id) : S("");
    for (size_t at = 0; at < k->n_sent; at++) {
        const Publication *p = &k->v[k->order[at]].p;
        if (k->waiting[at] && p->mandatory && str_eq(p->event->id, id) && str_eq(p->exchange, exchange) &&
            str_eq(p->routing_key, key))
            k->outcome[k->order[at]] = BUS_UNROUTED;
    }
    amqp_destroy_message(&message);
    return 0;
}

/* "NOT_FOUND - no exchange 'x' in vhost '/'": those to x are settled; the others are published again. */
static int no_exchange(Round *k, Str words) {
    bool any = false;
    for (size_t i = 0; i < k->n; i++) {
        const Publication *p = &k->v[i].p;
        if (k->settled[i] || str_find(words, str_fmt(k->cx->arena, "'" STR_FMT "'", STR_ARG(p->exchange))) < 0)
            continue;
        any = true;
        k->settled[i] = true;
        k->outcome[i] = err_set(k->cx, ERR_NOT_FOUND, "amqp: there is no exchange " STR_FMT, STR_ARG(p->exchange));
    }
    return any ? ERR_NOT_FOUND : err_set(k->cx, ERR_UNAVAILABLE, "amqp: " STR_FMT, STR_ARG(str_first(words, 300)));
}

static int heard(Round *k, const amqp_frame_t *f) {
    if (f->frame_type != AMQP_FRAME_METHOD)
        return 0;
    const void *decoded = f->payload.method.decoded;
    switch (f->payload.method.id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *m = decoded;
        settle_tags(k, m->delivery_tag, m->multiple, 0);
        return 0;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *m = decoded;
        settle_tags(k, m->delivery_tag, m->multiple, err_set(k->cx, ERR_LIMIT, "amqp: the queue is full"));
        return 0;
    }
    case AMQP_BASIC_RETURN_METHOD:
        return returned(k, decoded);
    case AMQP_CHANNEL_CLOSE_METHOD: {
        const amqp_channel_close_t *m = decoded;
        if (m->reply_code == AMQP_NOT_FOUND)
            return no_exchange(k, str_of(m->reply_text));
        return err_set(k->cx, ERR_UNAVAILABLE, "amqp: basic.publish: " STR_FMT,
                       STR_ARG(str_first(str_of(m->reply_text), 300)));
    }
    case AMQP_CONNECTION_CLOSE_METHOD: {
        const amqp_connection_close_t *m = decoded;
        return err_set(k->cx, ERR_UNAVAILABLE, "amqp: the broker closed the connection: " STR_FMT,
                       STR_ARG(str_first(str_of(m->reply_text), 300)));
    }
    case AMQP_CONNECTION_BLOCKED_METHOD:
        k->b->out.blocked = true;
        return 0;
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
        k->b->out.blocked = false;
        return 0;
    default:
        return 0;
    }
}

/* Reads until at most `most` are unanswered. */
static int listen_until(Round *k, size_t most, int64_t until_ms) {
    while (k->n_waiting > most) {
        int64_t left = until_ms - event_amqp_now_ms();
        int r = ctx_check(k->cx);
        if (r)
            return r;
        if (left <= 0)
            return err_set(k->cx, ERR_TIMEOUT, "amqp: %s: no confirm in %d ms%s", k->b->location,
                           k->b->options.confirm_ms,
                           k->b->out.blocked ? "; the broker takes nothing now (memory or disk)" : "");
        struct timeval tv = { 0, MIN(left, (int64_t)AMQP_SLICE_MS) * 1000 };
        amqp_frame_t frame;
        amqp_maybe_release_buffers(k->b->out.c);
        int status = amqp_simple_wait_frame_noblock(k->b->out.c, &frame, &tv);
        if (status == AMQP_STATUS_TIMEOUT)
            continue;
        if (status != AMQP_STATUS_OK)
            return err_set(k->cx, ERR_UNAVAILABLE, "amqp: %s: %s", k->b->location, amqp_error_string2(status));
        r = heard(k, &frame);
        if (r)
            return r;
    }
    return 0;
}

/* --- what goes --- */

static int send_one(Round *k, size_t i) {
    const AmqpOut *o = &k->v[i];
    amqp_basic_properties_t props;
    ArenaMark mark = arena_mark(k->cx->arena);
    event_amqp_props_write(k->cx->arena, o->p.event, o->death, &props);
    int status = amqp_basic_publish(k->b->out.c, AMQP_CHANNEL, bytes_of(o->p.exchange), bytes_of(o->p.routing_key),
                                    o->p.mandatory, 0, &props, bytes_of(o->p.event->body));
    arena_rewind(k->cx->arena, mark);
    if (status != AMQP_STATUS_OK)
        return err_set(k->cx, ERR_UNAVAILABLE, "amqp: %s: %s", k->b->location, amqp_error_string2(status));
    k->b->out.published++;
    k->order[k->n_sent] = i;
    k->waiting[k->n_sent++] = true;
    k->n_waiting++;
    k->bytes_waiting += o->p.event->body.n;
    return 0;
}

static int send_round(Round *k) {
    int64_t until = event_amqp_now_ms() + k->b->options.confirm_ms;
    int r = event_amqp_connect(k->b, k->cx, &k->b->out);
    k->n_sent = k->n_waiting = k->bytes_waiting = 0;
    for (size_t i = 0; r == 0 && i < k->n; i++) {
        if (k->settled[i])
            continue;
        if (k->n_waiting >= AMQP_WINDOW || k->bytes_waiting >= AMQP_WINDOW_BYTES)
            r = listen_until(k, k->bytes_waiting >= AMQP_WINDOW_BYTES ? 0 : AMQP_WINDOW / 2, until);
        if (r == 0)
            r = send_one(k, i);
    }
    if (r == 0)
        r = listen_until(k, 0, until);
    k->b->out.used_ms = event_amqp_now_ms();
    if (r)
        event_amqp_drop(&k->b->out); /* what it still owes us would be taken for the next one's */
    return r;
}

static int first_failure(const Round *k) {
    for (size_t i = 0; i < k->n; i++)
        if (k->outcome[i] < 0)
            return k->outcome[i];
    return 0;
}

static bool all_settled(const Round *k) {
    for (size_t i = 0; i < k->n; i++)
        if (!k->settled[i])
            return false;
    return true;
}

int event_amqp_send(AmqpBus *b, Ctx *cx, const AmqpOut *v, size_t n, int *outcome) {
    Round k = { .b = b,
                .cx = cx,
                .v = v,
                .n = n,
                .outcome = outcome,
                .settled = arena_new_n(cx->arena, bool, n),
                .order = arena_new_n(cx->arena, size_t, n),
                .waiting = arena_new_n(cx->arena, bool, n) };
    int r = ERR_UNAVAILABLE;
    for (size_t i = 0; i < n; i++)
        outcome[i] = ERR_UNAVAILABLE;
    pthread_mutex_lock(&b->out.lock);
    for (int attempt = 0; attempt < AMQP_ATTEMPTS; attempt++) {
        r = send_round(&k);
        bool broken = r == ERR_UNAVAILABLE && b->out.failures == 0; /* not: nobody to connect to */
        if (r == 0 || (!broken && r != ERR_NOT_FOUND) || all_settled(&k))
            break;
        for (size_t i = 0; i < n; i++) /* returned, but not confirmed: asked again */
            if (!k.settled[i])
                outcome[i] = ERR_UNAVAILABLE;
    }
    pthread_mutex_unlock(&b->out.lock);
    for (size_t i = 0; i < n; i++)
        if (!k.settled[i])
            outcome[i] = r < 0 ? r : ERR_UNAVAILABLE;
    return first_failure(&k);
}

int event_amqp_publish(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome) {
    AmqpOut *out = arena_new_n(cx->arena, AmqpOut, n);
    for (size_t i = 0; i < n; i++)
        out[i] = (AmqpOut){ .p = v[i] };
    return event_amqp_send((AmqpBus *)bus, cx, out, n, outcome);
}
