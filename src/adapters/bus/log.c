/* adapters/bus/log.c - see log.h: life of the bus, its tables, its numbers. */

#include "adapters/bus/log_internal.h"

#include <stdlib.h>

enum { APPLICATION_ID = 0x46534556, /* "FSEV" */ LOG_PAGES = 4096 };

/* clang-format off */
static const SchemaStep steps[] = {
    { .up =
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE exchange(name TEXT PRIMARY KEY, kind INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE queue("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, base TEXT NOT NULL, grp TEXT NOT NULL,"
        "  dead_exchange TEXT NOT NULL, dead_key TEXT NOT NULL, ttl_ms INTEGER NOT NULL, max_priority INTEGER NOT NULL,"
        "  max_length INTEGER NOT NULL);"
        "CREATE TABLE binding("
        "  source TEXT NOT NULL, destination TEXT NOT NULL, to_exchange INTEGER NOT NULL, key TEXT NOT NULL,"
        "  PRIMARY KEY(source, destination, to_exchange, key)) WITHOUT ROWID;"
        "CREATE TABLE log("
        "  position INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, exchange TEXT NOT NULL, routing_key TEXT NOT NULL,"
        "  id TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, correlation_id TEXT NOT NULL, source TEXT NOT NULL,"
        "  version INTEGER NOT NULL, told_ms INTEGER NOT NULL, priority INTEGER NOT NULL, ttl_ms INTEGER NOT NULL,"
        "  headers TEXT NOT NULL, death TEXT NOT NULL, body TEXT NOT NULL);"
        "CREATE TABLE entry(" /* what a queue is owed; rank 0 comes first */
        "  queue INTEGER NOT NULL, rank INTEGER NOT NULL, position INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
        "  count INTEGER NOT NULL, PRIMARY KEY(queue, rank, position)) WITHOUT ROWID;" },
};
/* clang-format on */

const Schema event_log_schema = { APPLICATION_ID, steps, ARRAY_LEN(steps) };

static const char *const sql_text[N_SQL] = {
#define SQL_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_TEXT) SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};
const SqlTable event_log_sql = { sql_text, N_SQL };

/* --- numbers --- */

typedef struct StatsJob {
    LogBus *bus;
    QueueDepth *v;
    size_t n;
} StatsJob;

/* The oldest entry of each rank is its first. */
static int oldest_of(Db *db, Ctx *cx, const LogQueue *q, Time *out) {
    int64_t position = INT64_MAX;
    int r = 0;
    sqlite3_stmt *st;
    for (int rank = 0; r == 0 && rank < EVENT_PRIORITIES; rank++) {
        r = db_query(db, cx, SQL_ENTRY_HEAD, &st, "iiii", q->id, (int64_t)rank, (int64_t)0, (int64_t)1);
        if (r == 0 && (r = db_step(db, cx, st)) > 0) {
            position = MIN(position, db_i64(st, 0));
            db_reset(st);
            r = 0;
        }
    }
    if (r || position == INT64_MAX)
        return r;
    r = db_query(db, cx, SQL_LOG_AT, &st, "i", position);
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        *out = time_ms(db_i64(st, 0));
        db_reset(st);
        r = 0;
    }
    return r;
}

static int by_name(const void *a, const void *b) {
    const QueueDepth *x = a, *y = b;
    int c = str_cmp(x->queue, y->queue);
    return c ? c : str_cmp(x->group, y->group);
}

static int do_stats(Db *db, Ctx *cx, void *arg) {
    StatsJob *job = arg;
    LogBus *b = job->bus;
    int r = event_log_load(b, db, cx);
    job->v = arena_new_n(cx->arena, QueueDepth, b->n_queues);
    for (size_t i = 0; r == 0 && i < b->n_queues; i++) {
        LogQueue *q = b->queues[i];
        QueueDepth *d = &job->v[job->n++];
        pthread_mutex_lock(&b->state);
        *d = (QueueDepth){ .queue = str_dup(cx->arena, q->base),
                           .group = str_dup(cx->arena, q->group),
                           .unacked = (int64_t)q->held.n,
                           .consumers = q->consumers,
                           .published = q->published,
                           .delivered = q->delivered,
                           .acked = q->acked,
                           .requeued = q->requeued,
                           .dead = q->dead,
                           .expired = q->expired,
                           .dropped = q->dropped };
        d->ready = q->n - d->unacked;
        pthread_mutex_unlock(&b->state);
        r = q->n ? oldest_of(db, cx, q, &d->oldest) : 0;
    }
    if (job->n)
        qsort(job->v, job->n, sizeof *job->v, by_name);
    return r;
}

static int event_log_stats(EventBus *bus, Ctx *cx, QueueDepth **out, size_t *n) {
    LogBus *b = (LogBus *)bus;
    StatsJob job = { .bus = b };
    int r = db_owner_read(&b->owner, cx, do_stats, &job);
    *out = job.v;
    *n = job.n;
    return r;
}

typedef struct DescribeJob {
    LogBus *bus;
    BusInfo *out;
} DescribeJob;

static int do_describe(Db *db, Ctx *cx, void *arg) {
    DescribeJob *job = arg;
    sqlite3_stmt *st;
    int r = event_log_load(job->bus, db, cx);
    if (r == 0)
        r = db_query(db, cx, SQL_LOG_ENDS, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        job->out->first_position = db_i64(st, 0);
        job->out->last_position = db_i64(st, 1);
        db_reset(st);
        r = db_query(db, cx, SQL_PAGES, &st, "");
    }
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        job->out->bytes = db_i64(st, 0);
        db_reset(st);
    }
    return MIN(r, 0);
}

static int event_log_describe(EventBus *bus, Ctx *cx, BusInfo *out) {
    LogBus *b = (LogBus *)bus;
    *out = (BusInfo){ .adapter = "log",
                      .location = b->options.path ? str_c(b->owner.path) : S("memory"),
                      .connected = true };
    return db_owner_read(&b->owner, cx, do_describe, &(DescribeJob){ b, out });
}

void event_log_commits(EventBus *b, int64_t *commits, int64_t *calls) {
    db_group_stats(&((LogBus *)b)->group, commits, calls);
}

/* --- now and then --- */

typedef struct TickJob {
    LogBus *bus;
    int64_t expired;
} TickJob;

static int do_tick(Db *db, Ctx *cx, void *arg) {
    TickJob *job = arg;
    int r = event_log_load(job->bus, db, cx);
    if (r == 0)
        r = event_log_expire(job->bus, db, cx, &job->expired);
    return r ? r : event_log_prune(job->bus, db, cx);
}

static int event_log_tick(EventBus *bus, Ctx *cx) {
    LogBus *b = (LogBus *)bus;
    TickJob job = { .bus = b };
    int r = event_log_write(b, cx, false, do_tick, &job);
    if (job.expired)
        event_log_wake(b);
    return r;
}

/* --- life --- */

static int event_log_snapshot(EventBus *bus, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return db_owner_snapshot(&((LogBus *)bus)->owner, cx, piece, arg);
}

static void free_queue(LogQueue *q) {
    MapEntry e;
    for (size_t at = 0; map_next(&q->held, &at, &e);)
        mem_free(e.value);
    map_done(&q->held);
    mem_free(q);
}

static void event_log_close(EventBus *bus) {
    LogBus *b = (LogBus *)bus;
    MapEntry e;
    db_owner_close(&b->owner);
    db_group_done(&b->group);
    for (size_t at = 0; map_next(&b->routes, &at, &e);)
        mem_free(e.value);
    map_done(&b->routes);
    for (size_t i = 0; i < b->n_queues; i++)
        free_queue(b->queues[i]);
    mem_free(b->bindings);
    arena_done(&b->texts);
    pthread_cond_destroy(&b->came);
    pthread_mutex_destroy(&b->state);
    mem_free(b);
}

static const EventBusOps log_ops = {
    .name = "log",
    .can = BUS_CAN_ROUTE | BUS_CAN_MANDATORY | BUS_CAN_TTL | BUS_CAN_PRIORITY | BUS_CAN_COUNT | BUS_CAN_REPLAY |
           BUS_CAN_GROUPS | BUS_CAN_DEPTH | BUS_CAN_SELECT | BUS_CAN_BOUND | BUS_CAN_DELAY | BUS_CAN_FIRST |
           BUS_CAN_CLOCK,
    .declare = event_log_declare,
    .publish = event_log_publish,
    .subscribe = event_log_subscribe,
    .receive = event_log_receive,
    .ack = event_log_ack,
    .reject = event_log_reject,
    .unsubscribe = event_log_unsubscribe,
    .read = event_log_read,
    .dead_list = event_log_dead_list,
    .dead_requeue = event_log_dead_requeue,
    .dead_drop = event_log_dead_drop,
    .stats = event_log_stats,
    .describe = event_log_describe,
    .tick = event_log_tick,
    .snapshot = event_log_snapshot,
    .close = event_log_close,
};

int event_log_open(Ctx *cx, const EventLogOptions *o, EventBus **out) {
    LogBus *b = mem_new(LogBus);
    *b = (LogBus){ .bus = { .ops = &log_ops }, .options = *o };
    DbOwnerOptions owner = { .path = o->path,
                             .vfs = o->vfs,
                             .table = event_log_sql,
                             .schema = &event_log_schema,
                             .lazy = o->lazy,
                             .log_pages = LOG_PAGES };
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->came, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&b->state, NULL);
    db_group_init(&b->group, &b->owner);
    b->group.undone = event_log_undone;
    b->group.undone_arg = b;
    int r = db_owner_open(&b->owner, cx, &owner);
    if (r) {
        event_log_close(&b->bus);
        return r;
    }
    *out = &b->bus;
    return 0;
}
