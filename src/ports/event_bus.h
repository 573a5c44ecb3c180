#pragma once

/* ports/event_bus.h - events that are never lost: publish with confirm, subscribe with acknowledgement.
 *
 * Adapters:  adapters/bus/{log,amqp,kafka}.  Used by: services/events.
 * Memory:    results go to cx->arena (deliveries too: they are copies); an adapter keeps no pointer of the caller's.
 * Threads:   a bus: any. A subscription: one thread at a time; several subscriptions of one queue share its messages.
 * Durable:   what publish confirmed is on disk (fsynced) where it was told to be. At least once: a consumer sees a
 *            message again when its acknowledgement was lost, so effects are made once by Event.id (an inbox).
 * Errors:    ERR_UNAVAILABLE (no broker; the adapter reconnects by itself, the call may be tried again), ERR_LIMIT (a
 *            queue is full), ERR_NOT_FOUND (no such exchange or queue), ERR_CONFLICT (declared otherwise before),
 *            ERR_UNSUPPORTED (see event_bus_can), ERR_TIMEOUT, ERR_CANCELLED, those of a store.
 * Contract:  tests/contract/event_bus.c runs against every adapter; what an adapter cannot do it says by its flags.
 *
 * Words and rules are AMQP 0-9-1's. A log of partitions (Kafka) maps them: the topic is event_log_topic of the routing
 * key, Event.key chooses the partition, a queue is a consumer group that reads the topics its bindings can match and
 * drops what they do not, ack stores the offset, dead letters go to a topic of their own.
 *
 * Callers use the event_bus_* wrappers, never ops: they check both sides and hear deadlines and cancels. */

#include "base/ctx.h"
#include "core/event.h"
#include "ports/snapshot.h"

typedef struct EventBus EventBus;
typedef struct Subscription Subscription;

enum {
    BUS_UNROUTED = 1, /* publish: mandatory, and no queue took it. It is confirmed and gone */
    BUS_EMPTY = 2,    /* receive: nothing came in the time */
    BUS_STALE = 3,    /* ack, reject: the delivery is no longer this subscription's (reconnected, expired): it comes
                         again, or it came to another */
};

/* What an adapter can do; what it cannot is refused with ERR_UNSUPPORTED or, where the words below say so, left out. */
enum {
    BUS_CAN_ROUTE = 1u << 0,     /* exchanges and bindings of the caller's own making */
    BUS_CAN_MANDATORY = 1u << 1, /* tells BUS_UNROUTED; without it publish answers 0 */
    BUS_CAN_TTL = 1u << 2,       /* expiry into the dead letters; without it messages stay */
    BUS_CAN_PRIORITY = 1u << 3,  /* without it messages come in the order they went */
    BUS_CAN_COUNT = 1u << 4,     /* Delivery.count is exact; without it only `again` is */
    BUS_CAN_REPLAY = 1u << 5,    /* read: the past by position and time */
    BUS_CAN_GROUPS = 1u << 6,    /* SubscribeOptions.group */
    BUS_CAN_DEPTH = 1u << 7,     /* stats tell depth and age */
    BUS_CAN_SELECT = 1u << 8,    /* dead letters one by one; without it requeue and drop take all */
    BUS_CAN_BOUND = 1u << 9,     /* BusQueue.max_length */
    BUS_CAN_DELAY = 1u << 10,    /* reject with requeue puts a message back where it was, not behind the others */
    BUS_CAN_FIRST = 1u << 11,    /* FROM_FIRST */
    BUS_CAN_CLOCK = 1u << 12,    /* times come from the caller's clock: a test moves them */
};

/* --- publish --- */

typedef struct Publication {
    Str exchange; /* empty: the default one, whose routing key is the name of a queue */
    Str routing_key;
    bool mandatory; /* tell when no queue takes it */
    const Event *event;
} Publication;

enum { BUS_BATCH_MAX = 4096 };

/* --- subscribe --- */

typedef enum BusFrom { FROM_NOW, FROM_FIRST } BusFrom; /* what a group that is new gets */

typedef struct SubscribeOptions {
    Str queue;
    Str group; /* empty: the queue itself. A named group gets every message of the queue's bindings for itself; it is made
                     at the first subscription and stays, with its place, when its subscribers go */
    BusFrom from; /* of a new group */
    Str consumer; /* a name for people; may be empty */
    int prefetch; /* deliveries that may be unacknowledged; 0 = 64, at most BUS_PREFETCH_MAX */
} SubscribeOptions;

enum { BUS_PREFETCH_STANDARD = 64, BUS_PREFETCH_MAX = 4096 };

typedef struct Death {                /* of a dead letter, or of one that was put back to work */
    Str reason;                       /* "rejected", "expired", "maxlen", "delivery_limit" */
    Str detail;                       /* words of who rejected it */
    Str queue, exchange, routing_key; /* where it died, and how it had come there */
    Time at;
    int64_t count; /* times for this reason and queue */
} Death;

typedef struct Delivery {
    int64_t tag; /* of the subscription; for ack and reject */
    Event event;
    Str exchange, routing_key;
    bool again;         /* it was delivered before */
    int64_t count;      /* deliveries before this one, as far as the adapter knows (BUS_CAN_COUNT) */
    int64_t position;   /* in the log; -1 where there is none */
    const Death *death; /* the newest; NULL = never */
} Delivery;

typedef enum BusReject { REJECT_REQUEUE, REJECT_DEAD } BusReject;

/* --- the past, and the dead --- */

typedef struct BusRead {
    int64_t after; /* positions > after; -1 = from the oldest kept */
    Time from;     /* and told at or after it; ms 0 = any */
    Str pattern;   /* of routing keys; empty = any */
    Str type, key; /* empty = any */
    size_t limit;  /* 1 .. BUS_READ_MAX */
} BusRead;

enum { BUS_READ_MAX = 10000 };

typedef struct LoggedEvent {
    int64_t position;
    Str exchange, routing_key;
    Event event;
    Time at; /* when the bus took it */
} LoggedEvent;

typedef struct BusPage { /* *next: give it as `after` to go on; the positions seen, matching or not, are up to it */
    LoggedEvent *v;
    size_t n;
    int64_t next;
    bool more; /* the log has more behind `next` */
} BusPage;

typedef struct DeadLetter {
    Str handle; /* the adapter's name for it */
    Event event;
    Death death;
} DeadLetter;

typedef struct QueueDepth {
    Str queue, group;                  /* group empty: the queue itself */
    int64_t ready, unacked, consumers; /* -1: the adapter cannot say */
    Time oldest;                       /* the oldest ready one was told then; ms 0 = none, or not known */
    int64_t published, delivered, acked, requeued, dead, expired,
        dropped; /* since it was made, or since the adapter began */
} QueueDepth;

typedef struct BusInfo {
    const char *adapter;
    Str location;
    int64_t first_position, last_position; /* of the log; -1 = none */
    int64_t bytes;
    bool connected;
} BusInfo;

typedef struct EventBusOps {
    const char *name;
    unsigned can; /* BUS_CAN_ */

    /* Required. Makes what is not there; ERR_CONFLICT where a queue or exchange is there with other arguments. Bindings are
     * added, never taken away. */
    int (*declare)(EventBus *b, Ctx *cx, const BusTopology *t);
    /* Required. outcome: one a publication, 0, BUS_UNROUTED or an ErrCode. Answers 0 when every one is confirmed; else the
     * first failure, and only what has outcome >= 0 is confirmed: the others may be there all the same. */
    int (*publish)(EventBus *b, Ctx *cx, const Publication *v, size_t n, int *outcome);
    /* Required. */
    int (*subscribe)(EventBus *b, Ctx *cx, const SubscribeOptions *o, Subscription **out);
    /* Required. Waits at most wait_ms (0 = no waiting) for the first, takes what is there. 0, BUS_EMPTY, ErrCode. */
    int (*receive)(Subscription *s, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n);
    /* Required. 0, BUS_STALE (some were; the others are acknowledged), ErrCode. */
    int (*ack)(Subscription *s, Ctx *cx, const int64_t *tags, size_t n);
    /* Required. REJECT_DEAD: by the queue's dead-letter arguments, with the words. */
    int (*reject)(Subscription *s, Ctx *cx, int64_t tag, BusReject how, Str words);
    /* Required. What is unacknowledged goes back, with `again`. */
    void (*unsubscribe)(Subscription *s);

    /* Optional: BUS_CAN_REPLAY. In the order of positions. */
    int (*read)(EventBus *b, Ctx *cx, const BusRead *q, BusPage *out);
    /* Required. Dead letters of a dead-letter queue, oldest first, none consumed. after: a handle, empty = the first. */
    int (*dead_list)(EventBus *b, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n);
    /* Required. Back to the queue they died in, with their ids, told in Death; n 0 = all of them. *done = how many. */
    int (*dead_requeue)(EventBus *b, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
    int (*dead_drop)(EventBus *b, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
    /* Required. Every queue and group, by name. */
    int (*stats)(EventBus *b, Ctx *cx, QueueDepth **out, size_t *n);
    int (*describe)(EventBus *b, Ctx *cx, BusInfo *out);
    /* Optional. What has to be done now and then: expiry, retention, heartbeats. Once a second is right. */
    int (*tick)(EventBus *b, Ctx *cx);
    /* Optional. As CandleStoreOps.snapshot. */
    int (*snapshot)(EventBus *b, Ctx *cx, SnapshotPiece *piece, void *arg);
    /* Required. Every subscription has ended. */
    void (*close)(EventBus *b);
} EventBusOps;

/* Tests make calls fail: asked at the start of each call (point = "publish", "receive", "ack", …) and behind a
 * confirmed publish ("published") and ack ("acked"), whose answer is then lost. 0 = go on. */
typedef int EventBusFault(void *arg, Ctx *cx, const char *point);

struct EventBus { /* the first member of every adapter's own struct */
    const EventBusOps *ops;
    EventBusFault *fault; /* NULL outside of tests */
    void *fault_arg;
};

struct Subscription { /* the first member of every adapter's own struct */
    EventBus *bus;
};

void event_bus_set_fault(EventBus *b, EventBusFault *fn, void *arg);
static inline bool event_bus_can(const EventBus *b, unsigned what) {
    return (b->ops->can & what) == what;
}

int event_bus_declare(EventBus *b, Ctx *cx, const BusTopology *t);
/* One: 0, BUS_UNROUTED, ErrCode. */
int event_bus_publish(EventBus *b, Ctx *cx, const Publication *p);
/* Many with one wait for the disk or the broker. outcome may be NULL. n <= BUS_BATCH_MAX. */
int event_bus_publish_many(EventBus *b, Ctx *cx, const Publication *v, size_t n, int *outcome);
int event_bus_subscribe(EventBus *b, Ctx *cx, const SubscribeOptions *o, Subscription **out);
int event_bus_receive(Subscription *s, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n);
int event_bus_ack(Subscription *s, Ctx *cx, int64_t tag);
int event_bus_ack_many(Subscription *s, Ctx *cx, const int64_t *tags, size_t n);
int event_bus_reject(Subscription *s, Ctx *cx, int64_t tag, BusReject how, Str words);
Subscription *event_bus_unsubscribe(Subscription *s); /* NULL is fine; returns NULL */
int event_bus_read(EventBus *b, Ctx *cx, const BusRead *q, BusPage *out);
int event_bus_dead_list(EventBus *b, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n);
int event_bus_dead_requeue(EventBus *b, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
int event_bus_dead_drop(EventBus *b, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
int event_bus_stats(EventBus *b, Ctx *cx, QueueDepth **out, size_t *n);
int event_bus_describe(EventBus *b, Ctx *cx, BusInfo *out);
int event_bus_tick(EventBus *b, Ctx *cx);
int event_bus_snapshot(EventBus *b, Ctx *cx, SnapshotPiece *piece, void *arg); /* ERR_UNSUPPORTED without one */
EventBus *event_bus_close(EventBus *b);                                        /* NULL is fine; returns NULL */
DEFINE_CLEANUP(EventBus *, event_bus_close)
DEFINE_CLEANUP(Subscription *, event_bus_unsubscribe)

/* What every adapter refuses, with the place: names, lengths, priority, version. */
int event_check(Ctx *cx, const Event *e);
