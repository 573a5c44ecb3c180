#pragma once

/* adapters/bus/amqp_internal.h - what the files of the AMQP adapter share. Not for others: see amqp.h. The library's own
 * headers stay out of it, as its rules say; a connection is a void pointer here. */

#include "adapters/bus/amqp.h"
#include "base/map.h"
#include "base/vec.h"

#include <pthread.h>

enum {
    AMQP_CHANNEL = 1,
    AMQP_WINDOW = 512,                  /* publications in flight */
    AMQP_WINDOW_BYTES = 8 << 20,        /* and their bodies */
    AMQP_ATTEMPTS = 4,                  /* connections one call tries */
    AMQP_SLICE_MS = 200,                /* a cancel is heard after that */
    AMQP_QUEUES_MAX = 512,              /* remembered declarations */
    AMQP_BINDINGS_MAX = 8192,           /* */
    HELD_BYTES_MAX = 64 << 20,          /* bodies a subscription keeps for a rejection with words */
    AMQP_DEAD_WALK_MAX = 100000,        /* dead letters looked at in one call */
    AMQP_EXPIRATION_MAX_MS = INT32_MAX, /* past it the broker closes the connection */
};

typedef struct AmqpLink { /* a connection with one channel, or the wish for one */
    pthread_mutex_t lock;
    void *c;                  /* amqp_connection_state_t; NULL = none */
    int64_t next_ms, used_ms; /* monotonic: no attempt before; the last time bytes went */
    int failures;
    uint64_t published; /* on this connection: the newest tag */
    bool blocked;       /* the broker said so: memory or disk */
    bool again;         /* it was there before: the next connection is one after a loss */
} AmqpLink;

typedef struct AmqpSubscription AmqpSubscription;

typedef struct AmqpBus {
    EventBus bus; /* first */
    EventAmqpOptions options;
    Arena texts; /* under state */
    char *url;   /* heap: with the password; cut up below */
    const char *host, *user, *password, *vhost;
    int port;
    char location[300]; /* without them */
    bool tls;
    const char *ca, *cert, *key; /* in texts; NULL = none */
    AmqpLink out;                /* publishes */
    pthread_mutex_t state;
    BusQueue queues[AMQP_QUEUES_MAX]; /* what was declared here; under state */
    size_t n_queues;
    BusBinding *bindings;
    size_t n_bindings;
    AmqpSubscription *subs; /* under state */
    /* What this bus declared itself, to be said again after a loss; under state. */
    VEC(BusExchange) own_exchanges;
    VEC(BusQueue) own_queues;
    VEC(BusBinding) own_bindings;
} AmqpBus;

typedef struct AmqpOut { /* a publication, perhaps of a dead letter */
    Publication p;
    const Death *death;
} AmqpOut;

/* --- connections (amqp_link.c): the caller holds the lock --- */

int64_t event_amqp_now_ms(void); /* monotonic, the machine's: waits on sockets are real */
void event_amqp_link_init(AmqpLink *l);
void event_amqp_link_done(AmqpLink *l); /* says good-bye where there is somebody */
/* The library's socket for a new connection; NULL with words in cx: a file of the TLS is no good. */
void *event_amqp_socket(const AmqpBus *b, Ctx *cx, void *connection);
/* Makes the connection, its channel, and asks for confirms. ERR_UNAVAILABLE at once while it is too early to try again. */
int event_amqp_connect(AmqpBus *b, Ctx *cx, AmqpLink *l); /* after a loss, what was declared is declared again */
void event_amqp_drop(AmqpLink *l);                        /* without a word */
int event_amqp_check(Ctx *cx, AmqpLink *l,
                     const char *doing);            /* the last RPC's answer; drops the link where it failed */
void event_amqp_beat(AmqpLink *l, int heartbeat_s); /* a heartbeat, where it is time */
/* Everything that was sent is done when this has come back. */
int event_amqp_sync(Ctx *cx, AmqpLink *l, Str queue, int64_t *ready, int64_t *consumers);

/* --- publishing (amqp_publish.c) --- */

int event_amqp_send(AmqpBus *b, Ctx *cx, const AmqpOut *v, size_t n, int *outcome);
int event_amqp_publish(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome);

/* --- consuming (amqp_consume.c) --- */

int event_amqp_subscribe(EventBus *bus, Ctx *cx, const SubscribeOptions *o, Subscription **out);
int event_amqp_receive(Subscription *sub, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n);
int event_amqp_ack(Subscription *sub, Ctx *cx, const int64_t *tags, size_t n);
int event_amqp_reject(Subscription *sub, Ctx *cx, int64_t tag, BusReject how, Str words);
void event_amqp_unsubscribe(Subscription *sub);
void event_amqp_beat_all(AmqpBus *b);

/* --- topology and numbers (amqp_topology.c) --- */

int event_amqp_declare(EventBus *bus, Ctx *cx, const BusTopology *t);
/* What this bus has declared, on a new connection. A broker that was killed may have forgotten what it agreed to a moment
 * before (a binding, seen with 3.10: everything after it was unrouted), and the one that comes back may be a new one. What
 * somebody has changed since is left as it is. 0, or why there is no connection any more. */
int event_amqp_declare_again(AmqpBus *b, Ctx *cx, AmqpLink *l);
/* Makes "queue@group"; its name in the arena. */
int event_amqp_make_group(AmqpBus *b, Ctx *cx, Str queue, Str group, Str *name);
void event_amqp_remember(AmqpBus *b, const BusTopology *t);
/* false: nobody told this bus of it. Texts live as long as the bus. */
bool event_amqp_queue(AmqpBus *b, Str name, BusQueue *out);
int event_amqp_stats(EventBus *bus, Ctx *cx, QueueDepth **out, size_t *n);

/* --- the dead (amqp_dead.c) --- */

int event_amqp_dead_list(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n);
int event_amqp_dead_requeue(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
int event_amqp_dead_drop(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);

/* --- messages (amqp_message.c) --- */

/* props: an amqp_basic_properties_t; its texts are the event's and the arena's. */
void event_amqp_props_write(Arena *a, const Event *e, const Death *death, void *props);
/* message: an amqp_message_t. Everything is copied. *exchange and *routing_key come as the broker told them and become
 * those of the first way where a dead letter was put back to work. */
void event_amqp_message_read(Arena *a, const void *message, Str *exchange, Str *routing_key, Event *e,
                             const Death **death);
