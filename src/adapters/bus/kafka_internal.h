#pragma once

/* adapters/bus/kafka_internal.h - what the files of the Kafka adapter share. Not for others: see kafka.h. */

#include "adapters/bus/kafka.h"
#include "base/map.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

enum {
    KAFKA_QUEUES_MAX = 512,
    KAFKA_EXCHANGES_MAX = 256,
    KAFKA_BINDINGS_MAX = 8192,
    KAFKA_TOPICS_MAX = 64,  /* that one queue reads */
    KAFKA_LOOK_MS = 100,    /* cancels are heard that often */
    KAFKA_CALL_MS = 10000,  /* of one question to the broker */
    KAFKA_READY_MAX = 4096, /* records waiting in a member */
    KAFKA_READY_BYTES = 32 << 20,
    KAFKA_IDLE_MS = 10000,
};

typedef struct KafkaBus KafkaBus;
typedef struct KafkaMember KafkaMember;
typedef struct KafkaSubscription KafkaSubscription;

/* --- records in a member --- */

typedef struct KafkaPart KafkaPart;

typedef struct KafkaRecord {
    KafkaPart *part;
    rd_kafka_message_t *m; /* NULL once answered */
    int64_t offset, seq;   /* seq: the order of arrival in the member */
    int64_t tag;           /* of the delivery under way */
    KafkaSubscription *by; /* NULL: nobody holds it */
    int64_t count;         /* deliveries before */
    bool done;
    struct KafkaRecord *next;       /* in the partition, by offset */
    struct KafkaRecord *next_ready; /* waiting, by seq */
} KafkaRecord;

struct KafkaPart { /* an assigned partition, and what came from it and is not yet behind the stored offset */
    char *topic;
    int32_t partition;
    int64_t next; /* to be stored: everything before is answered; -1 = nothing was */
    KafkaRecord *first, *last;
    KafkaPart *next_part;
};

struct KafkaMember { /* of one consumer group */
    KafkaBus *bus;
    Str name;         /* of the queue, or "queue@group" */
    Str queue, group; /* both in KafkaBus.texts */
    BusFrom from;
    KafkaMember *next;
    pthread_mutex_t life; /* start and stop; before `lock` */
    pthread_t thread;
    bool started;         /* the thread is to be joined. Under life */
    rd_kafka_t *rk;       /* while it runs */
    pthread_mutex_t lock; /* all below */
    pthread_cond_t came;
    bool running, stop, joined, paused, was_assigned;
    rd_kafka_resp_err_t trouble; /* to be told once by the next receive that finds nothing */
    KafkaPart *parts;
    KafkaRecord *ready, *ready_last;
    size_t n_ready, ready_bytes;
    Map held; /* tag -> KafkaRecord */
    int64_t last_tag, last_seq;
    int64_t consumers, delivered, acked, requeued, dead, dropped;
};

struct KafkaSubscription {
    Subscription sub; /* first */
    KafkaMember *member;
    int prefetch, n_held;
};

/* --- the bus --- */

struct KafkaBus {
    EventBus bus; /* first */
    EventKafkaOptions options;
    Arena texts;          /* under state */
    pthread_rwlock_t out; /* the producer: its users read, whoever replaces it writes */
    rd_kafka_t *producer;
    pthread_t answers;
    atomic_bool stop;
    pthread_mutex_t state; /* topology, members */
    BusExchange exchanges[KAFKA_EXCHANGES_MAX];
    size_t n_exchanges;
    BusQueue queues[KAFKA_QUEUES_MAX];
    int64_t published[KAFKA_QUEUES_MAX]; /* by this bus */
    size_t n_queues;
    BusBinding *bindings;
    size_t n_bindings;
    KafkaMember *members;
};

/* kafka.c */
int event_kafka_code(rd_kafka_resp_err_t e);
int event_kafka_fail(Ctx *cx, rd_kafka_resp_err_t e, const char *what);
/* A configuration with the options' settings and then ours: name, value, …, NULL. */
int event_kafka_conf(KafkaBus *b, Ctx *cx, const char *const *ours, rd_kafka_conf_t **out);
struct timespec event_kafka_after_ms(int64_t ms);
bool event_kafka_passed(const struct timespec *t);
void event_kafka_cond_init(pthread_cond_t *c);
int event_kafka_new(KafkaBus *b, Ctx *cx, rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out);

/* kafka_topology.c */
int event_kafka_declare(EventBus *bus, Ctx *cx, const BusTopology *t);
const BusQueue *event_kafka_queue(KafkaBus *b, Str name); /* under state */
/* The topic of a publication, terminated, in the arena. ERR_NOT_FOUND: no such exchange or queue. */
int event_kafka_topic(KafkaBus *b, Ctx *cx, Str exchange, Str key, char **out);
/* Does it reach the queue? name: of the queue itself or of its group; `of` the queue's. Under no lock. */
bool event_kafka_reaches(KafkaBus *b, Str exchange, Str key, Str of, Str name);
/* How many declared queues it reaches; each is counted as published to. */
size_t event_kafka_count(KafkaBus *b, Str exchange, Str key);
/* The topics that a queue or its group reads, in the arena. */
size_t event_kafka_topics(KafkaBus *b, Arena *a, Str of, Str name, char *out[KAFKA_TOPICS_MAX]);

/* kafka_record.c */
typedef struct KafkaOut {
    const char *topic;
    Str exchange, routing_key;
    const Event *event;
    const Death *death; /* may be NULL */
} KafkaOut;

rd_kafka_headers_t *event_kafka_headers(Ctx *cx, const KafkaOut *o);
/* Exchange and routing key alone, borrowed from the record; false: it is not ours. */
bool event_kafka_address(const rd_kafka_message_t *m, Str *exchange, Str *routing_key);
/* The whole, copied to the arena. */
int event_kafka_read_record(Ctx *cx, const rd_kafka_message_t *m, Delivery *out);

/* kafka_publish.c */
int event_kafka_publish(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome);
int event_kafka_send(KafkaBus *b, Ctx *cx, const KafkaOut *v, size_t n, int *outcome);
int event_kafka_producer_open(KafkaBus *b, Ctx *cx);
void event_kafka_producer_close(KafkaBus *b);

/* kafka_member.c */
int event_kafka_member_start(KafkaMember *m, Ctx *cx); /* nothing where it runs */
void event_kafka_member_free(KafkaMember *m);
void event_kafka_ready_put(KafkaMember *m, KafkaRecord *r); /* by seq. Under lock */
KafkaRecord *event_kafka_ready_take(KafkaMember *m);        /* NULL: none. Under lock */
/* The record is answered: whatever is answered in front of its partition is stored. Under lock. */
int event_kafka_settle(KafkaMember *m, KafkaRecord *r);

/* kafka_consume.c */
int event_kafka_subscribe(EventBus *bus, Ctx *cx, const SubscribeOptions *o, Subscription **out);
int event_kafka_receive(Subscription *sub, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n);
int event_kafka_ack(Subscription *sub, Ctx *cx, const int64_t *tags, size_t n);
int event_kafka_reject(Subscription *sub, Ctx *cx, int64_t tag, BusReject how, Str words);
void event_kafka_unsubscribe(Subscription *sub);

/* kafka_dead.c */
int event_kafka_dead_list(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n);
int event_kafka_dead_requeue(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
int event_kafka_dead_drop(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
