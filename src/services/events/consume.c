/* services/events/consume.c - see events.h. Ack after the handlers, a dead letter with the words when one fails. The
 * sentences logged are the documents'. */

#include "services/events/internal.h"

#include "base/hash.h"

enum { TAKEN_AT_ONCE = 64, RETRIES_STANDARD = 5, FAILED_KEPT = 256, DELIVERIES_MOST = 100 };

/* What a handler could not do yet. Counted here, because a bus counts deliveries: those to consumers that were killed are
 * no failures of the event, and some brokers tell only that there were any. */
typedef struct Failed {
    uint64_t id; /* hash; 0 = free */
    int64_t n;
} Failed;

struct EventConsumer {
    EventService *s;
    ConsumerOptions o;
    Subscription *sub;
    Arena texts; /* of o */
    Failed failed[FAILED_KEPT];
    size_t n_failed; /* ever; the oldest makes room */
};

int event_consumer_open(EventService *s, Ctx *cx, const ConsumerOptions *o, EventConsumer **out) {
    EventConsumer *c = mem_new(EventConsumer);
    *c = (EventConsumer){ .s = s, .o = *o };
    c->o.queue = str_dup(&c->texts, o->queue);
    c->o.group = str_dup(&c->texts, o->group);
    c->o.name = str_dup(&c->texts, o->name);
    c->o.retries = o->retries ? MAX(o->retries, INT64_C(0)) : RETRIES_STANDARD;
    SubscribeOptions so = { .queue = o->queue, .group = o->group, .consumer = o->name, .prefetch = o->prefetch };
    int r =
        s->connected || event_service_connect(s, cx) ? event_bus_subscribe(s->o.bus, cx, &so, &c->sub) : cx->err.code;
    if (r) {
        if (r != ERR_CANCELLED)
            log_printf(s->o.log, cx, LEVEL_ERROR, "Failed to setup event consumption: %s", cx->err.text);
        event_consumer_close(c);
        return r;
    }
    log_printf(s->o.log, cx, LEVEL_INFO, "Started consuming events from " STR_FMT, STR_ARG(o->queue));
    *out = c;
    return 0;
}

EventConsumer *event_consumer_close(EventConsumer *c) {
    if (!c)
        return NULL;
    event_bus_unsubscribe(c->sub);
    arena_done(&c->texts);
    return mem_free(c);
}

/* --- one message --- */

/* The documents' messages say what they are in the body (MSG-46), events in a header. */
static Str type_of(Ctx *cx, const Event *e, bool *message) {
    Str type;
    *message = event_body_text(cx->arena, e->body, S("message_type"), &type);
    return *message ? type : e->type;
}

static bool routed(const EventConsumer *c, Str type) {
    for (size_t i = 0; i < c->o.n_routes; i++)
        if (str_eq(str_c(c->o.routes[i].type), type))
            return true;
    return false;
}

static int check_body(EventConsumer *c, Ctx *cx, Str type, const Event *e) {
    const EventSchema *schema = event_schema_find(c->s->o.schemas, type, MAX(e->version, INT64_C(1)));
    SchemaFault why;
    int r = schema ? event_schema_check(cx->arena, schema, e->body, &why) : 0;
    return r ? err_set_at(cx, ERR_INVALID, why.field, STR_FMT, STR_ARG(why.words)) : 0;
}

static int run_handlers(EventConsumer *c, Ctx *cx, Str type, const Delivery *d) {
    Str wanted = routed(c, type) ? type : S("*");
    int r = 0;
    for (size_t i = 0; r == 0 && i < c->o.n_routes; i++)
        if (str_eq(str_c(c->o.routes[i].type), wanted))
            r = c->o.routes[i].fn(c->o.routes[i].arg, cx, d);
    if (r < 0)
        log_printf(c->s->o.log, cx, LEVEL_ERROR, "Event handler failed: %s", cx->err.text);
    return r;
}

static int handle(EventConsumer *c, Ctx *cx, const Delivery *d) {
    bool message;
    Str type = type_of(cx, &d->event, &message);
    if (!routed(c, type) && !routed(c, S("*"))) {
        if (message)
            return err_set_at(cx, ERR_INVALID, S("message_type"), "unknown message_type " STR_FMT,
                              STR_ARG(str_first(type, 80)));
        log_printf(c->s->o.log, cx, LEVEL_WARNING, "No handler registered for event type: " STR_FMT, STR_ARG(type));
        event_counted(c->s, "ignored", type);
        return 0;
    }
    int r = check_body(c, cx, type, &d->event);
    return r ? r : run_handlers(c, cx, type, d);
}

static Failed *failed_of(EventConsumer *c, Str id) {
    uint64_t hash = hash64_str(id, 0) | 1;
    for (size_t i = 0; i < FAILED_KEPT; i++)
        if (c->failed[i].id == hash)
            return &c->failed[i];
    Failed *f = &c->failed[c->n_failed++ % FAILED_KEPT];
    *f = (Failed){ .id = hash };
    return f;
}

/* Does it come again? A bus that counts bounds those, too, that no consumer lives long enough to fail at. */
static bool give_again(EventConsumer *c, const Delivery *d, int r) {
    if (r == EVENT_LATER || r == ERR_CANCELLED)
        return true;
    if (!err_info(r)->retryable || d->count >= DELIVERIES_MOST)
        return false;
    Failed *f = failed_of(c, d->event.id);
    if (f->n++ < c->o.retries)
        return true;
    *f = (Failed){ 0 };
    return false;
}

static int settle(EventConsumer *c, Ctx *cx, const Delivery *d, int r, ConsumedEvents *out) {
    Str queue = c->o.queue, words = str_dup(cx->arena, str_c(r < 0 ? cx->err.text : ""));
    Ctx own = *cx; /* settled whatever became of the handler's time */
    own.deadline = (MonoNs){ 0 };
    own.cancel = NULL;
    int e;
    if (r == 0) {
        e = event_bus_ack(c->sub, &own, d->tag);
        out->done++;
        log_printf(c->s->o.log, cx, LEVEL_INFO, "Successfully processed message from " STR_FMT, STR_ARG(queue));
        event_counted(c->s, "processed", d->event.type);
    } else if (give_again(c, d, r)) {
        e = event_bus_reject(c->sub, &own, d->tag, REJECT_REQUEUE, words);
        out->later++;
        event_counted(c->s, "later", d->event.type);
    } else {
        log_printf(c->s->o.log, cx, LEVEL_ERROR, "Failed to process message: " STR_FMT, STR_ARG(words));
        e = event_bus_reject(c->sub, &own, d->tag, REJECT_DEAD, words);
        out->dead++;
        event_counted(c->s, "dead", d->event.type);
    }
    if (e < 0)
        cx->err = own.err;
    return MIN(e, 0); /* stale: it comes again */
}

/* Each message has its own memory and correlation; what the handlers leave in the Ctx is theirs. */
static int consume_one(EventConsumer *c, Ctx *cx, const Delivery *d, ConsumedEvents *out) {
    Arena arena = { 0 };
    Ctx own = *cx;
    own.arena = &arena;
    own.trace.correlation_id = d->event.correlation_id;
    err_clear(&own);
    int r = handle(c, &own, d);
    r = settle(c, &own, d, r, out);
    if (r < 0)
        cx->err = own.err;
    arena_done(&arena);
    return r;
}

int event_consume(EventConsumer *c, Ctx *cx, int64_t wait_ms, ConsumedEvents *out) {
    Delivery *v;
    size_t n;
    *out = (ConsumedEvents){ 0 };
    int r = event_bus_receive(c->sub, cx, wait_ms, &v, TAKEN_AT_ONCE, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = consume_one(c, cx, &v[i], out);
    return r;
}

/* --- numbers --- */

static void gauge(EventService *s, const char *name, const char *help, const QueueDepth *q, const char *state,
                  double v) {
    Str queue = q->queue;
    gauge_set(metrics_gauge(s->o.metrics, name, help,
                            METRIC_L({ "queue", queue }, { "group", q->group }, { "state", str_c(state) })),
              v);
}

int event_service_tick(EventService *s, Ctx *cx) {
    QueueDepth *v;
    size_t n;
    int r = event_bus_tick(s->o.bus, cx);
    if (r == 0 && s->o.metrics)
        r = event_bus_stats(s->o.bus, cx, &v, &n);
    if (r || !s->o.metrics)
        return r;
    Time now = clock_wall(cx->clock);
    for (size_t i = 0; i < n; i++) {
        static const char depth[] = "finsight_event_queue_depth", help[] = "Messages of a queue.";
        if (v[i].ready >= 0) {
            gauge(s, depth, help, &v[i], "ready", (double)v[i].ready);
            gauge(s, depth, help, &v[i], "unacked", (double)v[i].unacked);
        }
        gauge(s, "finsight_event_queue_age_seconds", "Age of the oldest message of a queue.", &v[i], "ready",
              v[i].oldest.ms ? (double)(now.ms - v[i].oldest.ms) / MS_PER_SECOND : 0);
    }
    return 0;
}
