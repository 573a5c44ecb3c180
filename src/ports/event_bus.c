/* ports/event_bus.c - the checking wrapper around every event bus; what candle_store.c says holds here too. */

#include "ports/event_bus.h"

#include "ports/outbox.h"

void event_bus_set_fault(EventBus *b, EventBusFault *fn, void *arg) {
    b->fault = fn;
    b->fault_arg = arg;
}

static int enter(EventBus *b, Ctx *cx, const char *point) {
    assert(b && b->ops && cx && cx->arena);
    int r = ctx_check(cx);
    return r ? r : b->fault ? b->fault(b->fault_arg, cx, point) : 0;
}

static int leave(EventBus *b, Ctx *cx, const char *point, int r) {
    return r == 0 && b->fault ? b->fault(b->fault_arg, cx, point) : r;
}

/* --- what goes in --- */

static int check_name(Ctx *cx, const char *what, Str name, bool may_be_empty) {
    if ((may_be_empty && name.n == 0) || event_name_valid(name))
        return 0;
    return err_set_at(cx, ERR_INVALID, str_c(what),
                      "%s \"" STR_FMT "\": 1 to %d of letters, digits and . _ - : @ are a name", what,
                      STR_ARG(str_first(name, 80)), EVENT_NAME_MAX);
}

static int check_routing(Ctx *cx, Str key) {
    return event_topic_valid(key)
               ? 0
               : err_set_at(cx, ERR_INVALID, S("routing_key"),
                            "a routing key has at most %d bytes of UTF-8 without control characters", EVENT_KEY_MAX);
}

static int check_text(Ctx *cx, const char *what, Str text, size_t least, size_t most) {
    if (text.n >= least && text.n <= most && event_topic_valid(str_first(text, MIN(text.n, (size_t)EVENT_KEY_MAX))))
        return 0;
    return err_set_at(cx, ERR_INVALID, str_c(what), "%s has %zu bytes: %zu to %zu without control characters are right",
                      what, text.n, least, most);
}

static int check_headers(Ctx *cx, const Event *e) {
    if (e->n_headers > EVENT_HEADERS_MAX)
        return err_set_at(cx, ERR_INVALID, S("headers"), "%zu headers; at most %d", e->n_headers, EVENT_HEADERS_MAX);
    int r = 0;
    for (size_t i = 0; r == 0 && i < e->n_headers; i++) {
        r = check_name(cx, "header", e->headers[i].name, false);
        if (r == 0 && e->headers[i].value.n > EVENT_HEADER_MAX)
            r = err_set_at(cx, ERR_INVALID, S("headers"), "header " STR_FMT " has %zu bytes; at most %d",
                           STR_ARG(e->headers[i].name), e->headers[i].value.n, EVENT_HEADER_MAX);
    }
    return r;
}

int event_check(Ctx *cx, const Event *e) {
    int r = check_text(cx, "id", e->id, 1, EVENT_ID_MAX);
    if (r == 0)
        r = check_name(cx, "event_type", e->type, false);
    if (r == 0)
        r = check_name(cx, "source", e->source, true);
    if (r == 0)
        r = check_text(cx, "key", e->key, 0, EVENT_NAME_MAX);
    if (r == 0)
        r = check_text(cx, "correlation_id", e->correlation_id, 0, EVENT_ID_MAX);
    if (r == 0)
        r = check_headers(cx, e);
    if (r == 0 && (e->priority < 0 || e->priority >= EVENT_PRIORITIES))
        r = err_set_at(cx, ERR_INVALID, S("priority"), "priority %d: 0 to %d", e->priority, EVENT_PRIORITIES - 1);
    if (r == 0 && (e->version < 1 || e->version > INT32_MAX))
        r = err_set_at(cx, ERR_INVALID, S("version"), "a schema's version counts from 1");
    if (r == 0 && e->ttl_ms < 0)
        r = err_set_at(cx, ERR_INVALID, S("ttl"), "a time to live is not negative");
    if (r == 0 && e->body.n > EVENT_BODY_MAX)
        r = err_set_at(cx, ERR_TOO_LARGE, S("payload"), "the body has %zu bytes; at most %d", e->body.n,
                       EVENT_BODY_MAX);
    return r;
}

static int check_topology(Ctx *cx, const BusTopology *t) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < t->n_exchanges; i++)
        r = check_name(cx, "exchange", t->exchanges[i].name, false);
    for (size_t i = 0; r == 0 && i < t->n_queues; i++) {
        const BusQueue *q = &t->queues[i];
        r = check_name(cx, "queue", q->name, false);
        if (r == 0)
            r = check_name(cx, "dead_exchange", q->dead_exchange, true);
        if (r == 0 &&
            (q->ttl_ms < 0 || q->max_length < 0 || q->max_priority < 0 || q->max_priority >= EVENT_PRIORITIES))
            r = err_set_at(cx, ERR_INVALID, S("queue"), "queue " STR_FMT ": a bound below 0, or a priority past %d",
                           STR_ARG(q->name), EVENT_PRIORITIES - 1);
    }
    for (size_t i = 0; r == 0 && i < t->n_bindings; i++) {
        r = check_name(cx, "source", t->bindings[i].source, false);
        if (r == 0)
            r = check_name(cx, "destination", t->bindings[i].destination, false);
        if (r == 0)
            r = check_routing(cx, t->bindings[i].key);
    }
    return r;
}

/* --- calls --- */

int event_bus_declare(EventBus *b, Ctx *cx, const BusTopology *t) {
    int r = enter(b, cx, "declare");
    if (r == 0)
        r = check_topology(cx, t);
    return r ? r : b->ops->declare(b, cx, t);
}

int event_bus_publish_many(EventBus *b, Ctx *cx, const Publication *v, size_t n, int *outcome) {
    assert(n <= BUS_BATCH_MAX);
    int *told = outcome ? outcome : arena_new_n(cx->arena, int, n);
    for (size_t i = 0; i < n; i++)
        told[i] = ERR_UNAVAILABLE; /* whoever fails early has confirmed nothing */
    int r = enter(b, cx, "publish");
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = check_name(cx, "exchange", v[i].exchange, true);
        if (r == 0)
            r = check_routing(cx, v[i].routing_key);
        if (r == 0)
            r = event_check(cx, v[i].event);
    }
    if (r || n == 0)
        return r;
    return leave(b, cx, "published", b->ops->publish(b, cx, v, n, told));
}

int event_bus_publish(EventBus *b, Ctx *cx, const Publication *p) {
    int outcome = 0;
    int r = event_bus_publish_many(b, cx, p, 1, &outcome);
    return r ? r : outcome;
}

int event_bus_subscribe(EventBus *b, Ctx *cx, const SubscribeOptions *o, Subscription **out) {
    SubscribeOptions full = *o;
    if (full.prefetch == 0)
        full.prefetch = BUS_PREFETCH_STANDARD;
    assert(full.prefetch > 0 && full.prefetch <= BUS_PREFETCH_MAX);
    *out = NULL;
    int r = enter(b, cx, "subscribe");
    if (r == 0)
        r = check_name(cx, "queue", o->queue, false);
    if (r == 0)
        r = check_name(cx, "group", o->group, true);
    if (r == 0)
        r = check_name(cx, "consumer", o->consumer, true);
    if (r == 0 && o->group.n && !event_bus_can(b, BUS_CAN_GROUPS))
        r = err_set(cx, ERR_UNSUPPORTED, "the %s bus has no consumer groups", b->ops->name);
    if (r == 0)
        r = b->ops->subscribe(b, cx, &full, out);
    if (r == 0)
        (*out)->bus = b;
    return r;
}

int event_bus_receive(Subscription *s, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n) {
    assert(most > 0 && wait_ms >= 0);
    *n = 0;
    int r = enter(s->bus, cx, "receive");
    if (r == 0)
        r = s->bus->ops->receive(s, cx, ctx_left_ms(cx, wait_ms), out, most, n);
    assert(r || (*n > 0 && *n <= most));
    return r;
}

int event_bus_ack_many(Subscription *s, Ctx *cx, const int64_t *tags, size_t n) {
    int r = enter(s->bus, cx, "ack");
    if (r || n == 0)
        return r;
    return leave(s->bus, cx, "acked", s->bus->ops->ack(s, cx, tags, n));
}

int event_bus_ack(Subscription *s, Ctx *cx, int64_t tag) {
    return event_bus_ack_many(s, cx, &tag, 1);
}

int event_bus_reject(Subscription *s, Ctx *cx, int64_t tag, BusReject how, Str words) {
    int r = enter(s->bus, cx, "reject");
    return r ? r : s->bus->ops->reject(s, cx, tag, how, str_first(words, EVENT_HEADER_MAX));
}

Subscription *event_bus_unsubscribe(Subscription *s) {
    if (s)
        s->bus->ops->unsubscribe(s);
    return NULL;
}

int event_bus_read(EventBus *b, Ctx *cx, const BusRead *q, BusPage *out) {
    assert(q->limit > 0 && q->limit <= BUS_READ_MAX);
    *out = (BusPage){ .next = q->after };
    int r = enter(b, cx, "read");
    if (r == 0 && !b->ops->read)
        r = err_set(cx, ERR_UNSUPPORTED, "the %s bus keeps no past that can be read: the embedded log does",
                    b->ops->name);
    if (r == 0)
        r = check_routing(cx, q->pattern);
    return r ? r : b->ops->read(b, cx, q, out);
}

int event_bus_dead_list(EventBus *b, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n) {
    assert(limit > 0 && limit <= BUS_READ_MAX);
    *n = 0;
    int r = enter(b, cx, "dead_list");
    if (r == 0)
        r = check_name(cx, "queue", queue, false);
    return r ? r : b->ops->dead_list(b, cx, queue, after, limit, out, n);
}

static int enter_dead(EventBus *b, Ctx *cx, const char *point, Str queue, size_t n, int64_t *done) {
    *done = 0;
    int r = enter(b, cx, point);
    if (r == 0)
        r = check_name(cx, "queue", queue, false);
    if (r == 0 && n && !event_bus_can(b, BUS_CAN_SELECT))
        r = err_set(cx, ERR_UNSUPPORTED, "the %s bus takes all dead letters or none", b->ops->name);
    return r;
}

int event_bus_dead_requeue(EventBus *b, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    int r = enter_dead(b, cx, "dead_requeue", queue, n, done);
    return r ? r : b->ops->dead_requeue(b, cx, queue, handles, n, done);
}

int event_bus_dead_drop(EventBus *b, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    int r = enter_dead(b, cx, "dead_drop", queue, n, done);
    return r ? r : b->ops->dead_drop(b, cx, queue, handles, n, done);
}

int event_bus_stats(EventBus *b, Ctx *cx, QueueDepth **out, size_t *n) {
    int r = enter(b, cx, "stats");
    return r ? r : b->ops->stats(b, cx, out, n);
}

int event_bus_describe(EventBus *b, Ctx *cx, BusInfo *out) {
    int r = enter(b, cx, "describe");
    return r ? r : b->ops->describe(b, cx, out);
}

int event_bus_tick(EventBus *b, Ctx *cx) {
    int r = enter(b, cx, "tick");
    return r || !b->ops->tick ? r : b->ops->tick(b, cx);
}

int event_bus_snapshot(EventBus *b, Ctx *cx, SnapshotPiece *piece, void *arg) {
    int r = enter(b, cx, "snapshot");
    if (r == 0 && !b->ops->snapshot)
        r = err_set(cx, ERR_UNSUPPORTED, "the %s bus has no backup", b->ops->name);
    return r ? r : b->ops->snapshot(b, cx, piece, arg);
}

EventBus *event_bus_close(EventBus *b) {
    if (b)
        b->ops->close(b);
    return NULL;
}

/* --- outboxes --- */

int outbox_take(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n) {
    assert(most > 0 && most <= OUTBOX_TAKE_MAX);
    *n = 0;
    int r = ctx_check(cx);
    return r ? r : o->ops->take(o, cx, out, most, n);
}

int outbox_done(Outbox *o, Ctx *cx, int64_t last) {
    int r = ctx_check(cx);
    return r ? r : o->ops->done(o, cx, last);
}

int outbox_depth(Outbox *o, Ctx *cx, int64_t *n) {
    int r = ctx_check(cx);
    return r ? r : o->ops->depth(o, cx, n);
}

int outbox_put(Outbox *o, Ctx *cx, const OutboxRow *rows, size_t n) {
    int r = ctx_check(cx);
    if (r == 0 && !o->ops->put)
        r = err_set(cx, ERR_UNSUPPORTED, "the outbox of %s takes only what comes with its data", o->ops->name);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = event_check(cx, &rows[i].event);
    return r || n == 0 ? r : o->ops->put(o, cx, rows, n);
}

Outbox *outbox_close(Outbox *o) {
    if (o && o->ops->close)
        o->ops->close(o);
    return NULL;
}
