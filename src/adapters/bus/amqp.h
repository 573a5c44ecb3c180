#pragma once

/* adapters/bus/amqp.h - the event bus on a broker that speaks AMQP 0-9-1 (RabbitMQ).
 *
 * One connection publishes, for every thread, under a lock: all that one call publishes is in flight together and the
 * call waits once, for the broker's confirms. When the connection breaks, what was not confirmed is published again: at
 * least once, by Event.id. Every subscription has a connection of its own, because the library's connections cannot be
 * shared between threads and because a slow consumer must not hold up the others. What asks about the broker, or changes
 * it, connects for as long as it takes.
 *
 * A subscription that lost its connection takes a new one in the next receive; whatever it held comes again.
 *
 * Dead letters. The broker's own basic.reject has no place for words, so a rejected message is published to the queue's
 * dead-letter exchange with the story of its death in headers (death_reason, death_detail, ...) and then acknowledged.
 * What the broker itself lets die (expiry, length) is read from its x-death header. Where this bus knows nothing of
 * the queue (what it declared, and the documents' topology), or more than HELD_BYTES_MAX are held, the broker rejects, and the words are lost.
 *
 * A group is a queue of its own, "queue@group", bound like the queue; only queues this bus knows can have one.
 *
 * Heartbeats go with every wait; event_bus_tick sends them for consumers that work long. */

#include "ports/event_bus.h"

typedef struct EventAmqpOptions {
    Str url; /* amqp://user:password@host:port/vhost; no or an empty vhost is "/". amqps: TLS 1.2 or newer, and the broker's
                certificate has to be good for the host's name, which cannot be an address */
    Str ca, cert,
        key; /* amqps: files in PEM. Who may sign the broker's certificate, empty = whom the system trusts; what
                          we show it, with its key: both or none */
    int connect_ms, confirm_ms;    /* 0 = 5 s, 30 s */
    int heartbeat_s;               /* 0 = 20 */
    int backoff_ms, most_delay_ms; /* between attempts to connect: 0 = 500 doubling to 30 s, with jitter */
} EventAmqpOptions;

/* Nothing is connected before the first call that needs it. ERR_INVALID: the URL; its password is in no words. */
int event_amqp_open(Ctx *cx, const EventAmqpOptions *o, EventBus **out);
