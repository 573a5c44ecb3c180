#pragma once

/* adapters/bus/kafka.h - the event bus in Kafka (librdkafka).
 *
 * Where things are: what goes to a topic exchange is in event_log_topic of its routing key (MSG-33), what goes to a direct
 * exchange (the dead letters) in a topic named as the exchange, what goes to a queue by its name in a topic named as the
 * queue (":" and "@" are "-" there). Event.key is the record's key: a symbol's events are in one partition, in their
 * order (MSG-29). The body is the record's value; everything else is headers, in plain text: message-id, event_type,
 * schema-version (MSG-37), correlation_id, source, timestamp, exchange, routing_key, then the event's own.
 *
 * Publishing is idempotent (acks of all in-sync replicas, no doubles by the client's own repetitions) and answers when
 * the broker has confirmed. A producer that Kafka fences is replaced.
 *
 * A queue is the consumer group of its name, a group of it "queue@group". One bus has one member of a group, however many
 * subscriptions share its records, so that subscribing again costs no rebalance; the member leaves 10 s after its last
 * subscription. An acknowledgement stores the offset up to which every record of the partition has been answered, never
 * one past an unanswered record; stored offsets are committed every second and when partitions go. So records come
 * again after a crash, and none is passed over. Partitions that are revoked take their unanswered deliveries along:
 * BUS_STALE.
 *
 * What Kafka does not have: the topology is what this bus was told by declare; every process declares at its start, and
 * subscribing to a queue that was not declared is ERR_NOT_FOUND. Order is that of a partition, not of a queue. `again`
 * is told of what this process has delivered before, not of what another one had. A new queue begins with the oldest
 * record that its topics keep. Records without our headers are passed over and counted as dropped. No TTL, priority,
 * bound or depth: retention is the topics' own.
 *
 * Threads: one for the producer's answers, one a member. Memory: at most 32 MiB waiting a member (64 MiB on its way
 * out) and what subscribers hold. */

#include "ports/event_bus.h"

typedef struct EventKafkaSetting {
    const char *name, *value;
} EventKafkaSetting;

typedef struct EventKafkaOptions {
    const char *brokers;   /* "host:9092,host:9092" */
    const char *client_id; /* NULL = "finsight" */
    const char *prefix;    /* of topics and groups; NULL = none */
    int partitions;        /* of topics that are made; 0 = 12 */
    int replicas;          /* 0 = as the broker thinks right */
    int64_t confirm_ms;    /* how long a publication may take; 0 = 30,000 */
    int64_t join_ms;       /* how long subscribing waits for its partitions; 0 = 15,000 */
    /* librdkafka's own ("security.protocol", "sasl.username", …), for both sides. Those the promises above rest on are
     * ours: they are set after these. */
    const EventKafkaSetting *settings;
    size_t n_settings;
} EventKafkaOptions;

/* Connects in the background, so that a broker that is down delays no start. ERR_INVALID: a setting librdkafka does not
 * know or take. Everything in the options is copied. */
int event_kafka_open(Ctx *cx, const EventKafkaOptions *o, EventBus **out);
