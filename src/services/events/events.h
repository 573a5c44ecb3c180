#pragma once

/* services/events/events.h - publishing and consuming events, as the documents' EventDrivenService does.
 *
 * Publishing checks the body against its schema, asks the bus for a confirmation, and keeps what a bus that is away could
 * not take in an outbox, from where it is told later. Consuming checks the body, runs every handler of the type, and only
 * then acknowledges: a handler runs at least once, and makes its effect once by Event.id (adapters/sqlite/outbox.h, or
 * because what it does is the same twice).
 *
 * Threads: any, except new and free. A consumer: one thread at a time. */

#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "core/event_schema.h"
#include "ports/outbox.h"

typedef struct EventService EventService;
typedef struct EventConsumer EventConsumer;

typedef struct EventServiceOptions {
    EventBus *bus; /* borrowed, as all below */
    Outbox *kept;  /* where events wait for a bus that is away; NULL = nowhere, and publishing fails */
    Ids *ids;
    Logger *log;                 /* NULL = silent */
    Metrics *metrics;            /* NULL = none */
    const EventSchemas *schemas; /* NULL = event_schemas */
    const BusTopology *topology; /* NULL = event_topology */
} EventServiceOptions;

EventService *event_service_new(const EventServiceOptions *o);
EventService *event_service_free(EventService *s); /* NULL is fine; returns NULL */
EventBus *event_service_bus(EventService *s);
const EventSchemas *event_service_schemas(const EventService *s);

/* The documents' connect() (MSG-44): the topology is declared. false: the bus is away, or has it otherwise; it is tried
 * again at the next publish. Both are logged. */
bool event_service_connect(EventService *s, Ctx *cx);

/* --- publishing --- */

typedef struct EventDraft {
    Str type, source;   /* "data_update", "market" */
    Str body;           /* JSON */
    Str exchange;       /* empty: finsight.events */
    Str routing_key;    /* empty: "{type}.{source}" (MSG-13, U09) */
    Str id;             /* empty: a new one */
    Str key;            /* empty: the body's "symbol" */
    Str correlation_id; /* empty: the body's, else that of cx, else a new one */
    int64_t version;    /* of the schema; 0 = the newest */
    int priority;       /* -1: by the body's "priority": high 9, normal 4, low 0 (MSG-26) */
    int64_t ttl_ms;
    const EventHeader *headers;
    size_t n_headers;
} EventDraft;

enum {
    EVENT_KEPT = 1,   /* the bus is away; the event waits in the outbox and will be told */
    EVENT_NOBODY = 2, /* confirmed, and no queue wants it */
};

/* 0 confirmed, EVENT_KEPT, EVENT_NOBODY; ERR_INVALID (the schema; the field is told) and others: it is not told. *out: as
 * it was sent; may be NULL. */
int event_publish(EventService *s, Ctx *cx, const EventDraft *draft, Event *out);
/* The documents' publish_event(event_type, payload, routing_key) -> bool (MSG-12): false on failure, and the event waits in
 * the outbox where it was a good one. */
bool publish_event(EventService *s, Ctx *cx, Str event_type, Str payload, Str routing_key);

/* --- relaying --- */

/* Tells the oldest rows of an outbox, at most a few hundred. 0, BUS_EMPTY (there were none), ErrCode (the bus is away:
 * they wait). *n = how many were told. Killed anywhere, the next call goes on: rows are told again, never lost. */
int event_relay(EventService *s, Ctx *cx, Outbox *o, size_t *n);

/* --- consuming --- */

enum { EVENT_LATER = 1 };

/* 0: done, acknowledge. EVENT_LATER: not now, give it again. < 0, with words in cx: where the code is one that may pass
 * (err_info: retryable) it is given again, as often as ConsumerOptions.retries says; else, and then, it is a dead letter
 * with the words. */
typedef int EventHandler(void *arg, Ctx *cx, const Delivery *d);

typedef struct EventRoute { /* several of one type run in this order */
    const char *type;       /* "*": every type that has none of its own */
    EventHandler *fn;
    void *arg;
} EventRoute;

typedef struct ConsumerOptions {
    Str queue, group, name;
    const EventRoute *routes; /* borrowed */
    size_t n_routes;
    int prefetch;    /* 0 = 64 */
    int64_t retries; /* of failures that may pass, counted by this consumer; 0 = 5, -1 = none */
} ConsumerOptions;

/* Logs "Started consuming events from QUEUE", or why not. */
int event_consumer_open(EventService *s, Ctx *cx, const ConsumerOptions *o, EventConsumer **out);
EventConsumer *event_consumer_close(EventConsumer *c); /* NULL is fine; returns NULL */

typedef struct ConsumedEvents {
    size_t done, dead, later;
} ConsumedEvents;
/* Waits at most wait_ms for messages, handles and settles them. 0, BUS_EMPTY, ErrCode of the bus. */
int event_consume(EventConsumer *c, Ctx *cx, int64_t wait_ms, ConsumedEvents *out);

/* --- numbers --- */

/* Depths and ages of the queues into the metrics; once every few seconds. Also what the bus has to do now and then. */
int event_service_tick(EventService *s, Ctx *cx);
