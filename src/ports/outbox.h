#pragma once

/* ports/outbox.h - events that were committed together with the data they speak of, on their way to the bus.
 *
 * A store writes the row in the transaction of its data (adapters/sqlite/outbox.h), and services/events relays the rows
 * to the bus with confirm and marks them. Killed between the two it sends them again with the same ids. So an event is
 * told if and only if its data is there, at least once; the consumers' inboxes make that once.
 *
 * Adapters:  stores that have one (candle_store_outbox), adapters/bus/outbox.  Used by: services/events.
 * Memory:    results in cx->arena.  Threads: any; one relay an outbox. */

#include "ports/event_bus.h"

typedef struct Outbox Outbox;

typedef struct OutboxRow {
    int64_t number; /* of the outbox, ascending */
    Str exchange, routing_key;
    Event event;
} OutboxRow;

typedef struct OutboxOps {
    const char *name;
    /* The oldest rows, at most `most`; BUS_EMPTY without any. */
    int (*take)(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n);
    /* Rows up to that number are told; need not be synced. */
    int (*done)(Outbox *o, Ctx *cx, int64_t last);
    int (*depth)(Outbox *o, Ctx *cx, int64_t *n);
    /* Optional: a row without data of its own; synced. Its number is the outbox's. */
    int (*put)(Outbox *o, Ctx *cx, const OutboxRow *rows, size_t n);
    /* Optional: only for those with an owner of their own. */
    void (*close)(Outbox *o);
} OutboxOps;

struct Outbox { /* the first member of an adapter's own struct */
    const OutboxOps *ops;
};

enum { OUTBOX_TAKE_MAX = 1000 };

int outbox_take(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n);
int outbox_done(Outbox *o, Ctx *cx, int64_t last);
int outbox_depth(Outbox *o, Ctx *cx, int64_t *n);
int outbox_put(Outbox *o, Ctx *cx, const OutboxRow *rows, size_t n); /* ERR_UNSUPPORTED where it has none */
Outbox *outbox_close(Outbox *o);                                     /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Outbox *, outbox_close)
