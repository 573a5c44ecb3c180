/* services/events/publish.c - see events.h. The sentences logged are the documents'. */

#include "services/events/internal.h"

enum { PRIORITY_NORMAL = 4, RELAY_MOST = 256 };

/* --- life --- */

EventService *event_service_new(const EventServiceOptions *o) {
    EventService *s = mem_new(EventService);
    s->o = *o;
    if (!s->o.schemas)
        s->o.schemas = &event_schemas;
    if (!s->o.topology)
        s->o.topology = &event_topology;
    return s;
}

EventService *event_service_free(EventService *s) {
    return mem_free(s);
}

EventBus *event_service_bus(EventService *s) {
    return s->o.bus;
}

const EventSchemas *event_service_schemas(const EventService *s) {
    return s->o.schemas;
}

void event_counted(EventService *s, const char *what, Str type) {
    if (s->o.metrics)
        counter_inc(metrics_counter(s->o.metrics, "finsight_events_total", "Events by what became of them.",
                                    METRIC_L({ "outcome", str_c(what) }, { "type", type })));
}

/* What people know the bus as. */
static const char *bus_words(const EventService *s) {
    const char *name = s->o.bus->ops->name;
    return strcmp(name, "amqp") == 0 ? "RabbitMQ" : strcmp(name, "kafka") == 0 ? "Kafka" : "the event log";
}

bool event_service_connect(EventService *s, Ctx *cx) {
    int r = event_bus_declare(s->o.bus, cx, s->o.topology);
    s->connected = r == 0;
    if (r == 0)
        log_printf(s->o.log, cx, LEVEL_INFO, "Successfully connected to %s", bus_words(s));
    else if (r != ERR_CANCELLED) /* somebody who leaves is no fault */
        log_printf(s->o.log, cx, LEVEL_ERROR, "Failed to connect to %s: %s", bus_words(s), cx->err.text);
    return r == 0;
}

/* --- publishing --- */

static int priority_of(Ctx *cx, Str body) {
    Str word;
    if (!event_body_text(cx->arena, body, S("priority"), &word))
        return PRIORITY_NORMAL;
    return str_eq(word, S("high")) ? EVENT_PRIORITY_HIGH : str_eq(word, S("low")) ? 0 : PRIORITY_NORMAL;
}

static Str body_text(Ctx *cx, Str body, Str name) {
    Str text = { 0 };
    return event_body_text(cx->arena, body, name, &text) ? text : (Str){ 0 };
}

static Str correlation_of(EventService *s, Ctx *cx, const EventDraft *d) {
    Str id = d->correlation_id.n ? d->correlation_id : body_text(cx, d->body, S("correlation_id"));
    if (!id.n)
        id = cx->trace.correlation_id;
    return id.n ? str_first(id, EVENT_ID_MAX) : ids_uuid4(s->o.ids, cx->arena);
}

static void complete(EventService *s, Ctx *cx, const EventDraft *d, Event *e) {
    *e = (Event){ .id = d->id.n ? d->id : ids_uuid4(s->o.ids, cx->arena),
                  .type = d->type,
                  .source = d->source,
                  .key = d->key.n ? d->key : str_first(body_text(cx, d->body, S("symbol")), EVENT_NAME_MAX),
                  .correlation_id = correlation_of(s, cx, d),
                  .version = d->version ? d->version : MAX(event_schema_newest(s->o.schemas, d->type), INT64_C(1)),
                  .at = clock_wall(cx->clock),
                  .priority = d->priority < 0 ? priority_of(cx, d->body) : d->priority,
                  .ttl_ms = d->ttl_ms,
                  .headers = d->headers,
                  .n_headers = d->n_headers,
                  .body = d->body };
}

static int check_schema(EventService *s, Ctx *cx, const Event *e) {
    SchemaFault why;
    int r = event_schema_publish(cx->arena, s->o.schemas, e->type, e->version, e->body, &why);
    return r ? err_set_at(cx, ERR_INVALID, why.field.n ? why.field : S("payload"), STR_FMT, STR_ARG(why.words)) : 0;
}

/* What may pass by itself: the bus is away, its disk is full, its queue is. What is wrong with the event will not. */
static bool may_pass(int r) {
    return err_info(r)->retryable || r == ERR_STORAGE || r == ERR_IO;
}

static int keep(EventService *s, Ctx *cx, const Publication *p) {
    OutboxRow row = { .exchange = p->exchange, .routing_key = p->routing_key, .event = *p->event };
    return s->o.kept ? outbox_put(s->o.kept, cx, &row, 1) : ERR_UNAVAILABLE;
}

static int send_or_keep(EventService *s, Ctx *cx, const Publication *p) {
    int r = s->connected || event_service_connect(s, cx) ? event_bus_publish(s->o.bus, cx, p) : cx->err.code;
    const Event *e = p->event;
    if (r >= 0) {
        event_counted(s, "published", e->type);
        log_printf(s->o.log, cx, LEVEL_INFO, "Published event " STR_FMT " with routing key " STR_FMT, STR_ARG(e->type),
                   STR_ARG(p->routing_key));
        return r == BUS_UNROUTED ? EVENT_NOBODY : 0;
    }
    if (r == ERR_NOT_FOUND) /* an exchange that was taken away: declare again next time */
        s->connected = false;
    log_printf(s->o.log, cx, LEVEL_ERROR, "Failed to publish event: %s", cx->err.text);
    event_counted(s, "failed", e->type);
    if (!may_pass(r))
        return r;
    Ctx own = *cx; /* the words of what failed first stay */
    return keep(s, &own, p) == 0 ? EVENT_KEPT : r;
}

int event_publish(EventService *s, Ctx *cx, const EventDraft *d, Event *out) {
    Event e;
    complete(s, cx, d, &e);
    int r = event_check(cx, &e);
    if (r == 0)
        r = check_schema(s, cx, &e);
    if (r) {
        log_printf(s->o.log, cx, LEVEL_ERROR, "Failed to publish event: %s", cx->err.text);
        event_counted(s, "refused", S("-"));
        return r;
    }
    Publication p = { d->exchange.n ? d->exchange : BUS_EVENTS,
                      d->routing_key.n ? d->routing_key : event_routing_key(cx->arena, &e), true, &e };
    if (out)
        *out = e;
    return send_or_keep(s, cx, &p);
}

/* The source is what the routing key ends with, as the documents make it. */
bool publish_event(EventService *s, Ctx *cx, Str event_type, Str payload, Str routing_key) {
    Str rest = routing_key, source = { 0 };
    while (rest.n && str_next(&rest, '.', &source))
        ;
    EventDraft d = {
        .type = event_type, .source = source, .body = payload, .routing_key = routing_key, .priority = -1
    };
    int r = event_publish(s, cx, &d, NULL);
    return r == 0 || r == EVENT_NOBODY;
}

/* --- relaying --- */

int event_relay(EventService *s, Ctx *cx, Outbox *o, size_t *n) {
    OutboxRow *rows;
    size_t n_rows, told = 0;
    *n = 0;
    int r = outbox_take(o, cx, &rows, RELAY_MOST, &n_rows);
    if (r || n_rows == 0)
        return r ? r : BUS_EMPTY;
    if (!s->connected && !event_service_connect(s, cx))
        return cx->err.code;
    Publication *v = arena_new_n(cx->arena, Publication, n_rows);
    int *outcome = arena_new_n(cx->arena, int, n_rows);
    for (size_t i = 0; i < n_rows; i++)
        v[i] = (Publication){ rows[i].exchange, rows[i].routing_key, true, &rows[i].event };
    r = event_bus_publish_many(s->o.bus, cx, v, n_rows, outcome);
    if (r < 0)
        log_printf(s->o.log, cx, LEVEL_ERROR, "Failed to publish event: %s", cx->err.text);
    while (told < n_rows && outcome[told] >= 0)
        told++; /* what is behind one that failed waits with it: the order stays */
    for (size_t i = 0; i < told; i++) {
        event_counted(s, "published", rows[i].event.type);
        log_printf(s->o.log, cx, LEVEL_INFO, "Published event " STR_FMT " with routing key " STR_FMT,
                   STR_ARG(rows[i].event.type), STR_ARG(rows[i].routing_key));
    }
    *n = told;
    int done = told ? outbox_done(o, cx, rows[told - 1].number) : 0;
    return r < 0 ? r : done;
}
