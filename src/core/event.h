#pragma once

/* core/event.h - what is told to others, where it is sent, and the documents' exchanges and queues. Pure.
 *
 * An event goes to an exchange with a routing key; bindings say which queues get it. The words and the rules are AMQP
 * 0-9-1's, because they are the documents' own; every adapter of ports/event_bus.h keeps them. */

#include "base/time.h"

enum {
    EVENT_ID_MAX = 200,   /* bytes */
    EVENT_NAME_MAX = 128, /* of types, sources, keys, queues, exchanges */
    EVENT_KEY_MAX = 255,  /* of routing keys and patterns, as AMQP bounds them */
    EVENT_BODY_MAX = 1 << 20,
    EVENT_HEADERS_MAX = 32,
    EVENT_HEADER_MAX = 1024,
    EVENT_PRIORITIES = 10, /* 0 .. 9; what a queue without priorities gets counts as 0 */
    EVENT_PRIORITY_HIGH = 9,
};

typedef struct EventHeader {
    Str name, value;
} EventHeader;

typedef struct Event {
    Str id;             /* the same however often it is sent: what consumers tell repetitions by */
    Str type;           /* "data_update": header event_type */
    Str key;            /* whose events keep their order where an adapter has partitions: the symbol; may be empty */
    Str correlation_id; /* of the user's action that led here; may be empty */
    Str source;         /* the service that tells it: "market" */
    int64_t version;    /* of the schema of the body, from 1 */
    Time at;            /* when it was told: header timestamp */
    int priority;       /* 0 .. EVENT_PRIORITY_HIGH */
    int64_t ttl_ms;     /* 0 = the queue's own; the smaller one counts */
    const EventHeader *headers; /* others than the above */
    size_t n_headers;
    Str body; /* JSON, an object */
} Event;

/* "data_update.market" (MSG-13); in the arena. */
Str event_routing_key(Arena *a, const Event *e);

/* --- topics --- */

/* Does the routing key match the pattern: words between dots, * one word, # none or more (MSG-19). Bounded by both
 * lengths; no pattern makes it slow. */
bool event_topic_match(Str pattern, Str key);
/* At most EVENT_KEY_MAX bytes of UTF-8 without control characters. The empty one is valid: no words. */
bool event_topic_valid(Str text);
/* Names of exchanges, queues, groups, consumers: 1 .. EVENT_NAME_MAX of letters, digits, . _ - : @ */
bool event_name_valid(Str text);

/* --- topology --- */

typedef enum ExchangeKind { EXCHANGE_TOPIC, EXCHANGE_DIRECT } ExchangeKind;

typedef struct BusExchange {
    Str name;
    ExchangeKind kind;
} BusExchange;

typedef struct BusQueue {
    Str name;
    Str dead_exchange,
        dead_key;       /* where what is rejected, expired or too much goes; empty = it is dropped and counted */
    int64_t ttl_ms;     /* 0 = none */
    int max_priority;   /* 0 = none */
    int64_t max_length; /* waiting messages; then publishing is refused. 0 = the adapter's bound */
} BusQueue;

typedef struct BusBinding {
    Str source, destination;
    bool to_exchange; /* destination is an exchange */
    Str key;          /* pattern of a topic exchange, exact for a direct one */
} BusBinding;

typedef struct BusTopology {
    const BusExchange *exchanges;
    size_t n_exchanges;
    const BusQueue *queues;
    size_t n_queues;
    const BusBinding *bindings;
    size_t n_bindings;
} BusTopology;

#define BUS_EVENTS      S("finsight.events")
#define BUS_DEAD        S("finsight.dlx")
#define BUS_DEAD_QUEUE  S("finsight.dlq")
#define BUS_DEAD_LETTER S("dead.letter")

/* The documents' topology (MSG-01 .. MSG-07, MSG-14, MSG-15, U08 .. U10). */
extern const BusTopology event_topology;
const BusQueue *bus_queue_find(const BusTopology *t, Str name);
const BusExchange *bus_exchange_find(const BusTopology *t, Str name);

/* Where a log of partitions keeps it (MSG-33): "market_data_topic", "news_topic", "sentiment_topic", … by the service
 * that the routing key ends with. */
Str event_log_topic(Str routing_key);
/* Every one of those topics: false past the last. A topic may come twice. */
bool event_log_topic_at(size_t i, Str *topic);
