/* adapters/bus/amqp_topology.c - exchanges, queues and bindings at the broker, and what of them is remembered here. */

#include "adapters/bus/amqp_internal.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <stdlib.h>

static amqp_bytes_t bytes_of(Str s) {
    return (amqp_bytes_t){ s.n, (void *)(uintptr_t)(s.n ? s.p : "") };
}

/* --- what is remembered --- */

bool event_amqp_queue(AmqpBus *b, Str name, BusQueue *out) {
    bool found = false;
    pthread_mutex_lock(&b->state);
    for (size_t i = 0; i < b->n_queues && !found; i++)
        if ((found = str_eq(b->queues[i].name, name)))
            *out = b->queues[i];
    pthread_mutex_unlock(&b->state);
    return found;
}

static void remember_queue(AmqpBus *b, const BusQueue *q) {
    BusQueue old;
    if (event_amqp_queue(b, q->name, &old))
        return;
    pthread_mutex_lock(&b->state);
    if (b->n_queues < AMQP_QUEUES_MAX) {
        BusQueue *kept = &b->queues[b->n_queues++];
        *kept = *q;
        kept->name = str_dup(&b->texts, q->name);
        kept->dead_exchange = str_dup(&b->texts, q->dead_exchange);
        kept->dead_key = str_dup(&b->texts, q->dead_key);
    }
    pthread_mutex_unlock(&b->state);
}

static void remember_binding(AmqpBus *b, const BusBinding *x) {
    pthread_mutex_lock(&b->state);
    bool there = x->to_exchange || b->n_bindings == AMQP_BINDINGS_MAX;
    for (size_t i = 0; i < b->n_bindings && !there; i++)
        there = str_eq(b->bindings[i].source, x->source) && str_eq(b->bindings[i].destination, x->destination) &&
                str_eq(b->bindings[i].key, x->key);
    if (!there)
        b->bindings[b->n_bindings++] = (BusBinding){ .source = str_dup(&b->texts, x->source),
                                                     .destination = str_dup(&b->texts, x->destination),
                                                     .key = str_dup(&b->texts, x->key) };
    pthread_mutex_unlock(&b->state);
}

void event_amqp_remember(AmqpBus *b, const BusTopology *t) {
    for (size_t i = 0; i < t->n_queues; i++)
        remember_queue(b, &t->queues[i]);
    for (size_t i = 0; i < t->n_bindings; i++)
        remember_binding(b, &t->bindings[i]);
}

static bool same_binding(const BusBinding *x, const BusBinding *y) {
    return x->to_exchange == y->to_exchange && str_eq(x->source, y->source) && str_eq(x->destination, y->destination) &&
           str_eq(x->key, y->key);
}

static void own_exchange(AmqpBus *b, const BusExchange *x) {
    VEC_FOR (old, &b->own_exchanges)
        if (str_eq(old->name, x->name))
            return;
    if (b->own_exchanges.n < AMQP_QUEUES_MAX)
        vec_push(&b->own_exchanges, ((BusExchange){ str_dup(&b->texts, x->name), x->kind }));
}

static void own_queue(AmqpBus *b, const BusQueue *q) {
    VEC_FOR (old, &b->own_queues)
        if (str_eq(old->name, q->name))
            return;
    BusQueue kept = *q;
    kept.name = str_dup(&b->texts, q->name);
    kept.dead_exchange = str_dup(&b->texts, q->dead_exchange);
    kept.dead_key = str_dup(&b->texts, q->dead_key);
    if (b->own_queues.n < AMQP_QUEUES_MAX)
        vec_push(&b->own_queues, kept);
}

static void own_binding(AmqpBus *b, const BusBinding *x) {
    VEC_FOR (old, &b->own_bindings)
        if (same_binding(old, x))
            return;
    if (b->own_bindings.n < AMQP_BINDINGS_MAX)
        vec_push(&b->own_bindings, ((BusBinding){ .source = str_dup(&b->texts, x->source),
                                                  .destination = str_dup(&b->texts, x->destination),
                                                  .to_exchange = x->to_exchange,
                                                  .key = str_dup(&b->texts, x->key) }));
}

static void keep_own(AmqpBus *b, const BusTopology *t) {
    pthread_mutex_lock(&b->state);
    for (size_t i = 0; i < t->n_exchanges; i++)
        own_exchange(b, &t->exchanges[i]);
    for (size_t i = 0; i < t->n_queues; i++)
        own_queue(b, &t->queues[i]);
    for (size_t i = 0; i < t->n_bindings; i++)
        own_binding(b, &t->bindings[i]);
    pthread_mutex_unlock(&b->state);
}

/* --- declaring --- */

static void put_text(amqp_table_t *t, const char *name, Str value) {
    t->entries[t->num_entries++] =
        (amqp_table_entry_t){ .key = amqp_cstring_bytes(name),
                              .value = { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = bytes_of(value) } };
}

static void put_number(amqp_table_t *t, const char *name, int64_t value) {
    t->entries[t->num_entries++] = (amqp_table_entry_t){ .key = amqp_cstring_bytes(name),
                                                         .value = { .kind = AMQP_FIELD_KIND_I64, .value.i64 = value } };
}

/* MSG-14's arguments. Nothing stands there that was not asked for: another client of the documents declares the same. */
static int declare_queue(Ctx *cx, AmqpLink *l, const BusQueue *q) {
    amqp_table_entry_t entries[6];
    amqp_table_t t = { 0, entries };
    if (q->dead_exchange.n) {
        put_text(&t, "x-dead-letter-exchange", q->dead_exchange);
        put_text(&t, "x-dead-letter-routing-key", q->dead_key);
    }
    if (q->ttl_ms)
        put_number(&t, "x-message-ttl", q->ttl_ms);
    if (q->max_priority)
        put_number(&t, "x-max-priority", q->max_priority);
    if (q->max_length) {
        put_number(&t, "x-max-length", q->max_length);
        put_text(&t, "x-overflow", S("reject-publish"));
    }
    amqp_queue_declare(l->c, AMQP_CHANNEL, bytes_of(q->name), 0, 1, 0, 0, t);
    return event_amqp_check(cx, l, "queue.declare");
}

static int declare_exchange(Ctx *cx, AmqpLink *l, const BusExchange *x) {
    amqp_exchange_declare(l->c, AMQP_CHANNEL, bytes_of(x->name),
                          amqp_cstring_bytes(x->kind == EXCHANGE_TOPIC ? "topic" : "direct"), 0, 1, 0, 0,
                          amqp_empty_table);
    return event_amqp_check(cx, l, "exchange.declare");
}

static int bind(Ctx *cx, AmqpLink *l, const BusBinding *x) {
    if (x->to_exchange)
        amqp_exchange_bind(l->c, AMQP_CHANNEL, bytes_of(x->destination), bytes_of(x->source), bytes_of(x->key),
                           amqp_empty_table);
    else
        amqp_queue_bind(l->c, AMQP_CHANNEL, bytes_of(x->destination), bytes_of(x->source), bytes_of(x->key),
                        amqp_empty_table);
    return event_amqp_check(cx, l, x->to_exchange ? "exchange.bind" : "queue.bind");
}

static int declare(AmqpBus *b, Ctx *cx, AmqpLink *l, const BusTopology *t) {
    int r = event_amqp_connect(b, cx, l);
    for (size_t i = 0; r == 0 && i < t->n_exchanges; i++)
        r = declare_exchange(cx, l, &t->exchanges[i]);
    for (size_t i = 0; r == 0 && i < t->n_queues; i++)
        r = declare_queue(cx, l, &t->queues[i]);
    for (size_t i = 0; r == 0 && i < t->n_bindings; i++)
        r = bind(cx, l, &t->bindings[i]);
    if (r == 0) {
        event_amqp_remember(b, t);
        keep_own(b, t);
    }
    return r;
}

/* --- declaring again --- */

static void *copy(Arena *a, const void *from, size_t n) {
    return n ? memcpy(arena_alloc(a, n), from, n) : NULL;
}

static BusTopology own_topology(AmqpBus *b, Arena *a) {
    pthread_mutex_lock(&b->state);
    BusTopology t = { .exchanges = copy(a, b->own_exchanges.v, b->own_exchanges.n * sizeof(BusExchange)),
                      .n_exchanges = b->own_exchanges.n,
                      .queues = copy(a, b->own_queues.v, b->own_queues.n * sizeof(BusQueue)),
                      .n_queues = b->own_queues.n,
                      .bindings = copy(a, b->own_bindings.v, b->own_bindings.n * sizeof(BusBinding)),
                      .n_bindings = b->own_bindings.n };
    pthread_mutex_unlock(&b->state);
    return t;
}

/* What the broker refuses costs the channel: the next has a new connection. < 0: there is none. */
static int refused(AmqpBus *b, Ctx *cx, AmqpLink *l, int r) {
    if (r == 0 || r == ERR_UNAVAILABLE)
        return r;
    err_clear(cx);
    l->again = false;
    return event_amqp_connect(b, cx, l);
}

int event_amqp_declare_again(AmqpBus *b, Ctx *cx, AmqpLink *l) {
    BusTopology t = own_topology(b, cx->arena);
    int r = 0;
    for (size_t i = 0; r == 0 && i < t.n_exchanges; i++)
        r = refused(b, cx, l, declare_exchange(cx, l, &t.exchanges[i]));
    for (size_t i = 0; r == 0 && i < t.n_queues; i++)
        r = refused(b, cx, l, declare_queue(cx, l, &t.queues[i]));
    for (size_t i = 0; r == 0 && i < t.n_bindings; i++)
        r = refused(b, cx, l, bind(cx, l, &t.bindings[i]));
    return r;
}

int event_amqp_declare(EventBus *bus, Ctx *cx, const BusTopology *t) {
    AmqpLink l;
    event_amqp_link_init(&l);
    int r = declare((AmqpBus *)bus, cx, &l, t);
    event_amqp_link_done(&l);
    return r;
}

int event_amqp_make_group(AmqpBus *b, Ctx *cx, Str queue, Str group, Str *name) {
    BusQueue q;
    if (!event_amqp_queue(b, queue, &q))
        return err_set(cx, ERR_NOT_FOUND, "amqp: queue " STR_FMT " was not declared here: it can have no group",
                       STR_ARG(queue));
    q.name = *name = str_fmt(cx->arena, STR_FMT "@" STR_FMT, STR_ARG(queue), STR_ARG(group));
    BusTopology t = { .queues = &q, .n_queues = 1 };
    pthread_mutex_lock(&b->state);
    BusBinding *v = arena_new_n(cx->arena, BusBinding, b->n_bindings);
    for (size_t i = 0; i < b->n_bindings; i++)
        if (str_eq(b->bindings[i].destination, queue)) {
            v[t.n_bindings] = b->bindings[i];
            v[t.n_bindings++].destination = q.name;
        }
    pthread_mutex_unlock(&b->state);
    t.bindings = v;
    return event_amqp_declare(&b->bus, cx, &t);
}

/* --- numbers --- */

static int by_name(const void *a, const void *b) {
    const QueueDepth *x = a, *y = b;
    int c = str_cmp(x->queue, y->queue);
    return c ? c : str_cmp(x->group, y->group);
}

static int depths(AmqpBus *b, Ctx *cx, AmqpLink *l, QueueDepth *v, size_t n_names, size_t *n) {
    for (size_t i = 0; i < n_names; i++) {
        int r = event_amqp_connect(b, cx, l);
        Str name = b->queues[i].name; /* rows are added, never changed */
        if (r)
            return r;
        QueueDepth d = { .unacked = -1 };
        r = event_amqp_sync(cx, l, name, &d.ready, &d.consumers);
        if (r == ERR_NOT_FOUND) /* somebody deleted it */
            continue;
        if (r)
            return r;
        ptrdiff_t at = str_find_char(name, '@');
        d.queue = str_dup(cx->arena, at < 0 ? name : str_first(name, (size_t)at));
        d.group = at < 0 ? S("") : str_dup(cx->arena, str_from(name, (size_t)at + 1));
        v[(*n)++] = d;
    }
    return 0;
}

int event_amqp_stats(EventBus *bus, Ctx *cx, QueueDepth **out, size_t *n) {
    AmqpBus *b = (AmqpBus *)bus;
    AmqpLink l;
    *n = 0;
    pthread_mutex_lock(&b->state);
    size_t n_names = b->n_queues;
    pthread_mutex_unlock(&b->state);
    *out = arena_new_n(cx->arena, QueueDepth, n_names);
    event_amqp_link_init(&l);
    int r = depths(b, cx, &l, *out, n_names, n);
    event_amqp_link_done(&l);
    if (*n)
        qsort(*out, *n, sizeof **out, by_name);
    return r;
}
