/* adapters/bus/log_topology.c - exchanges, queues, bindings, and the queues a routing key reaches. */

#include "adapters/bus/log_internal.h"

/* --- loading --- */

static Str keep(LogBus *b, Str s) {
    return s.n ? str_dup(&b->texts, s) : S("");
}

LogQueue *event_log_queue_find(LogBus *b, Str name) {
    for (size_t i = 0; i < b->n_queues; i++)
        if (str_eq(b->queues[i]->def.name, name))
            return b->queues[i];
    return NULL;
}

static LogExchange *find_exchange(LogBus *b, Str name) {
    for (size_t i = 0; i < b->n_exchanges; i++)
        if (str_eq(b->exchanges[i].name, name))
            return &b->exchanges[i];
    return NULL;
}

static int load_queues(LogBus *b, Db *db, Ctx *cx) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_QUEUES, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        r = 0;
        Str name = db_text(st, 1);
        if (event_log_queue_find(b, name))
            continue;
        if (b->n_queues == QUEUES_MAX) {
            db_reset(st);
            return err_set(cx, ERR_LIMIT, "%s: more than %d queues", db->path, QUEUES_MAX);
        }
        LogQueue *q = mem_new(LogQueue);
        *q = (LogQueue){ .id = db_i64(st, 0), .base = keep(b, db_text(st, 2)), .group = keep(b, db_text(st, 3)) };
        q->def = (BusQueue){ .name = keep(b, name),
                             .dead_exchange = keep(b, db_text(st, 4)),
                             .dead_key = keep(b, db_text(st, 5)),
                             .ttl_ms = db_i64(st, 6),
                             .max_priority = (int)CLAMP(db_i64(st, 7), 0, EVENT_PRIORITIES - 1),
                             .max_length = db_i64(st, 8) };
        q->n = -1;
        for (int rank = 0; rank < EVENT_PRIORITIES; rank++)
            q->back[rank] = INT64_MAX;
        b->queues[b->n_queues++] = q;
    }
    for (size_t i = 0; r == 0 && i < b->n_queues; i++) {
        if (b->queues[i]->n >= 0)
            continue;
        r = db_query(db, cx, SQL_QUEUE_COUNT, &st, "i", b->queues[i]->id);
        if (r == 0 && (r = db_step(db, cx, st)) > 0) {
            b->queues[i]->n = db_i64(st, 0);
            db_reset(st);
            r = 0;
        }
    }
    return r;
}

static int load_exchanges(LogBus *b, Db *db, Ctx *cx) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_EXCHANGES, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        r = 0;
        if (find_exchange(b, db_text(st, 0)))
            continue;
        if (b->n_exchanges == EXCHANGES_MAX) {
            db_reset(st);
            return err_set(cx, ERR_LIMIT, "%s: more than %d exchanges", db->path, EXCHANGES_MAX);
        }
        b->exchanges[b->n_exchanges++] = (LogExchange){ keep(b, db_text(st, 0)), (ExchangeKind)db_i64(st, 1) };
    }
    return r;
}

static int load_bindings(LogBus *b, Db *db, Ctx *cx) {
    sqlite3_stmt *st;
    b->n_bindings = 0;
    int r = db_query(db, cx, SQL_BINDINGS, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        r = 0;
        if (b->n_bindings == BINDINGS_MAX) {
            db_reset(st);
            return err_set(cx, ERR_LIMIT, "%s: more than %d bindings", db->path, BINDINGS_MAX);
        }
        b->bindings[b->n_bindings++] = (BusBinding){ keep(b, db_text(st, 0)), keep(b, db_text(st, 1)),
                                                     db_i64(st, 2) != 0, keep(b, db_text(st, 3)) };
    }
    return r;
}

static void forget_routes(LogBus *b) {
    MapEntry e;
    for (size_t at = 0; map_next(&b->routes, &at, &e);)
        mem_free(e.value);
    map_clear(&b->routes);
}

static int one_number(Db *db, Ctx *cx, int sql, int64_t *out) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, sql, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        *out = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    return r;
}

static int load_meta(LogBus *b, Db *db, Ctx *cx) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_META_GET, &st, "s", S("pruned"));
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        b->pruned = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    return r ? r : one_number(db, cx, SQL_LOG_COUNT, &b->n_log);
}

/* What is in memory is what the file says: read whole at the start, and again after something was undone. */
int event_log_load(LogBus *b, Db *db, Ctx *cx) {
    if (b->loaded)
        return 0;
    pthread_mutex_lock(&b->state);
    if (!b->bindings)
        b->bindings = mem_alloc(BINDINGS_MAX * sizeof *b->bindings);
    for (size_t i = 0; i < b->n_queues; i++) { /* what was given to a consumer stays held */
        b->queues[i]->n = -1;
        memset(b->queues[i]->cursor, 0, sizeof b->queues[i]->cursor);
    }
    int r = load_exchanges(b, db, cx);
    if (r == 0)
        r = load_queues(b, db, cx);
    if (r == 0)
        r = load_bindings(b, db, cx);
    if (r == 0)
        r = load_meta(b, db, cx);
    forget_routes(b);
    b->loaded = r == 0;
    pthread_mutex_unlock(&b->state);
    return r;
}

/* --- declaring --- */

static int differs(Ctx *cx, const char *what, Str name, const char *argument) {
    return err_set(cx, ERR_CONFLICT,
                   "%s " STR_FMT " is there with another %s: declare it alike everywhere, or use another name", what,
                   STR_ARG(name), argument);
}

static int declare_exchange(LogBus *b, Db *db, Ctx *cx, const BusExchange *x) {
    const LogExchange *had = find_exchange(b, x->name);
    if (had)
        return had->kind == x->kind ? 0 : differs(cx, "exchange", x->name, "type");
    return db_run(db, cx, SQL_EXCHANGE_ADD, "si", x->name, (int64_t)x->kind);
}

static int add_queue(Db *db, Ctx *cx, const BusQueue *q, Str base, Str group) {
    return db_run(db, cx, SQL_QUEUE_ADD, "sssssiii", q->name, base, group, q->dead_exchange, q->dead_key, q->ttl_ms,
                  (int64_t)q->max_priority, q->max_length);
}

static int declare_queue(LogBus *b, Db *db, Ctx *cx, const BusQueue *q) {
    const LogQueue *had = event_log_queue_find(b, q->name);
    if (!had)
        return add_queue(db, cx, q, q->name, (Str){ 0 });
    const char *other = !str_eq(had->def.dead_exchange, q->dead_exchange) ? "x-dead-letter-exchange"
                        : !str_eq(had->def.dead_key, q->dead_key)         ? "x-dead-letter-routing-key"
                        : had->def.ttl_ms != q->ttl_ms                    ? "x-message-ttl"
                        : had->def.max_priority != q->max_priority        ? "x-max-priority"
                        : had->def.max_length != q->max_length            ? "x-max-length"
                                                                          : NULL;
    return other ? differs(cx, "queue", q->name, other) : 0;
}

/* Both ends are there, or come with this declaration. */
static int check_binding(LogBus *b, Ctx *cx, const BusTopology *t, const BusBinding *v) {
    bool from = find_exchange(b, v->source) || bus_exchange_find(t, v->source);
    bool to = v->to_exchange ? find_exchange(b, v->destination) || bus_exchange_find(t, v->destination)
                             : event_log_queue_find(b, v->destination) || bus_queue_find(t, v->destination);
    if (from && to)
        return 0;
    return err_set(cx, ERR_NOT_FOUND, "no %s " STR_FMT " to bind", from && !v->to_exchange ? "queue" : "exchange",
                   STR_ARG(from ? v->destination : v->source));
}

typedef struct Declare {
    LogBus *bus;
    const BusTopology *t;
} Declare;

static int do_declare(Db *db, Ctx *cx, void *arg) {
    LogBus *b = ((Declare *)arg)->bus;
    const BusTopology *t = ((Declare *)arg)->t;
    int r = event_log_load(b, db, cx);
    for (size_t i = 0; r == 0 && i < t->n_exchanges; i++)
        r = declare_exchange(b, db, cx, &t->exchanges[i]);
    for (size_t i = 0; r == 0 && i < t->n_queues; i++)
        r = declare_queue(b, db, cx, &t->queues[i]);
    for (size_t i = 0; r == 0 && i < t->n_bindings; i++) {
        const BusBinding *v = &t->bindings[i];
        r = check_binding(b, cx, t, v);
        if (r == 0)
            r = db_run(db, cx, SQL_BINDING_ADD, "ssis", v->source, v->destination, (int64_t)v->to_exchange, v->key);
    }
    b->loaded = false;
    return r ? r : event_log_load(b, db, cx);
}

int event_log_declare(EventBus *bus, Ctx *cx, const BusTopology *t) {
    LogBus *b = (LogBus *)bus;
    return event_log_write(b, cx, true, do_declare, &(Declare){ b, t });
}

/* --- groups --- */

/* What the log still has of the queue's messages, by the bindings as they are now. */
static int fill_group(LogBus *b, Db *db, Ctx *cx, LogQueue *of, LogQueue *q) {
    enum { AT_ONCE = 1000 };
    int64_t after = 0;
    for (size_t n = AT_ONCE; n == AT_ONCE;) {
        sqlite3_stmt *st;
        int r = db_query(db, cx, SQL_LOG_AFTER, &st, "ii", after, (int64_t)AT_ONCE);
        for (n = 0; r == 0 && (r = db_step(db, cx, st)) > 0; n++) {
            LogRow row;
            const Route *route;
            event_log_row_read(st, 0, &row);
            after = row.position;
            r = row.exchange.n && find_exchange(b, row.exchange)
                    ? event_log_route(b, cx, row.exchange, row.routing_key, &route)
                    : BUS_UNROUTED;
            for (size_t i = 0; r == 0 && i < route->n; i++)
                if (route->v[i] == of)
                    r = event_log_entry_add(b, db, cx, q, row.position, &row.event);
            if (r < 0) {
                db_reset(st);
                return r;
            }
            r = 0;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int event_log_make_group(LogBus *b, Db *db, Ctx *cx, const SubscribeOptions *o, LogQueue *of, LogQueue **out) {
    BusQueue def = of->def;
    def.name = str_fmt(cx->arena, STR_FMT "@" STR_FMT, STR_ARG(o->queue), STR_ARG(o->group));
    if (!event_name_valid(def.name))
        return err_set_at(cx, ERR_INVALID, S("group"), "queue and group have more than %d letters together",
                          EVENT_NAME_MAX - 1);
    int r = add_queue(db, cx, &def, of->def.name, o->group);
    b->loaded = false;
    if (r == 0)
        r = event_log_load(b, db, cx);
    if (r)
        return r;
    *out = event_log_queue_find(b, def.name);
    return o->from == FROM_FIRST ? fill_group(b, db, cx, of, *out) : 0;
}

/* --- routes --- */

typedef struct Walk {
    LogBus *bus;
    Str key;
    bool seen[EXCHANGES_MAX];
    bool taken[QUEUES_MAX];
    size_t n;
} Walk;

static void take_queue(Walk *w, Str name) {
    for (size_t i = 0; i < w->bus->n_queues; i++) {
        const LogQueue *q = w->bus->queues[i];
        bool group_of_it = q->group.n && str_eq(q->base, name);
        if ((str_eq(q->def.name, name) || group_of_it) && !w->taken[i]) {
            w->taken[i] = true;
            w->n++;
        }
    }
}

/* Each exchange once, so circles end. */
static void walk_exchange(Walk *w, const LogExchange *x) {
    LogBus *b = w->bus;
    w->seen[x - b->exchanges] = true;
    for (size_t i = 0; i < b->n_bindings; i++) {
        const BusBinding *v = &b->bindings[i];
        if (!str_eq(v->source, x->name) ||
            !(x->kind == EXCHANGE_TOPIC ? event_topic_match(v->key, w->key) : str_eq(v->key, w->key)))
            continue;
        const LogExchange *next = v->to_exchange ? find_exchange(b, v->destination) : NULL;
        if (next && !w->seen[next - b->exchanges])
            walk_exchange(w, next);
        else if (!v->to_exchange)
            take_queue(w, v->destination);
    }
}

/* The default exchange knows every queue by its name; a name that is there reaches that queue alone. */
static void walk_default(Walk *w) {
    for (size_t i = 0; i < w->bus->n_queues; i++)
        if (str_eq(w->bus->queues[i]->def.name, w->key)) {
            w->taken[i] = true;
            w->n++;
        }
}

int event_log_route(LogBus *b, Ctx *cx, Str exchange, Str key, const Route **out) {
    char text[EVENT_NAME_MAX + EVENT_KEY_MAX + 1];
    assert(exchange.n <= EVENT_NAME_MAX && key.n <= EVENT_KEY_MAX);
    memcpy(text, exchange.n ? exchange.p : "", exchange.n);
    text[exchange.n] = 0;
    memcpy(text + exchange.n + 1, key.n ? key.p : "", key.n);
    Str name = str_n(text, exchange.n + 1 + key.n);
    *out = map_get(&b->routes, name);
    if (*out)
        return 0;
    const LogExchange *x = exchange.n ? find_exchange(b, exchange) : NULL;
    if (exchange.n && !x)
        return err_set_at(cx, ERR_NOT_FOUND, S("exchange"), "no exchange " STR_FMT, STR_ARG(exchange));
    Walk w = { .bus = b, .key = key };
    if (x)
        walk_exchange(&w, x);
    else
        walk_default(&w);
    if (b->routes.n >= ROUTES_KEPT)
        forget_routes(b);
    Route *route = mem_alloc(sizeof *route + w.n * sizeof route->v[0] + name.n);
    route->n = 0;
    for (size_t i = 0; i < b->n_queues; i++)
        if (w.taken[i])
            route->v[route->n++] = b->queues[i];
    route->key = str_n(memcpy((char *)(route->v + w.n), name.p, name.n), name.n);
    map_put(&b->routes, route->key, route);
    *out = route;
    return 0;
}
