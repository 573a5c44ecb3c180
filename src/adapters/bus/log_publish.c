/* adapters/bus/event_log_publish.c - into the log and the queues, and out of them. */

#include "adapters/bus/log_internal.h"

#include <sqlite3.h>

enum { LENGTH_STANDARD = 10 * 1000 * 1000 };

/* --- rows --- */

int event_log_append(LogBus *b, Db *db, Ctx *cx, const LogAppend *a, int64_t *position) {
    const Event *e = a->event;
    int r = db_run(db, cx, SQL_LOG_ADD, "isssssssiiiisss", clock_wall(cx->clock).ms, a->exchange, a->routing_key, e->id,
                   e->type, e->key, e->correlation_id, e->source, e->version, e->at.ms, (int64_t)e->priority, e->ttl_ms,
                   a->headers, a->death, e->body);
    *position = sqlite3_last_insert_rowid(db->handle);
    if (r == 0) {
        pthread_mutex_lock(&b->state);
        b->n_log++;
        pthread_mutex_unlock(&b->state);
    }
    return r;
}

static int64_t bound_of(const LogBus *b, const LogQueue *q) {
    return q->def.max_length ? q->def.max_length : b->options.max_length ? b->options.max_length : LENGTH_STANDARD;
}

static int64_t expiry(const LogQueue *q, const Event *e, Time now) {
    int64_t ttl = q->def.ttl_ms;
    if (e->ttl_ms && (ttl == 0 || e->ttl_ms < ttl))
        ttl = e->ttl_ms;
    return ttl ? time_add_ms(now, ttl).ms : 0;
}

int event_log_entry_add(LogBus *b, Db *db, Ctx *cx, LogQueue *q, int64_t position, const Event *e) {
    int r = db_run(db, cx, SQL_ENTRY_ADD, "iiii", q->id, (int64_t)event_log_rank(q, e->priority), position,
                   expiry(q, e, clock_wall(cx->clock)));
    if (r == 0) {
        pthread_mutex_lock(&b->state);
        q->n++;
        q->published++;
        pthread_mutex_unlock(&b->state);
    }
    return r;
}

/* 1: another queue still needs the row. */
static int needed(LogBus *b, Db *db, Ctx *cx, int64_t position, int priority) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < b->n_queues; i++) {
        sqlite3_stmt *st;
        r = db_query(db, cx, SQL_ENTRY_AT, &st, "iii", b->queues[i]->id,
                     (int64_t)event_log_rank(b->queues[i], priority), position);
        if (r == 0 && (r = db_step(db, cx, st)) > 0)
            db_reset(st);
    }
    return r;
}

int event_log_row_pass(LogBus *b, Db *db, Ctx *cx, int64_t position) {
    sqlite3_stmt *st;
    int priority = 0;
    int r = db_query(db, cx, SQL_LOG_PRIORITY, &st, "i", position);
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        priority = (int)db_i64(st, 0);
        db_reset(st);
        r = needed(b, db, cx, position, priority);
    }
    if (r)
        return MIN(r, 0);
    r = db_run(db, cx, SQL_LOG_DROP, "i", position);
    pthread_mutex_lock(&b->state);
    b->n_log -= sqlite3_changes(db->handle);
    pthread_mutex_unlock(&b->state);
    return r;
}

int event_log_entry_drop(LogBus *b, Db *db, Ctx *cx, LogQueue *q, int rank, int64_t position) {
    int r = db_run(db, cx, SQL_ENTRY_DROP, "iii", q->id, (int64_t)rank, position);
    if (r)
        return r;
    pthread_mutex_lock(&b->state);
    q->n -= sqlite3_changes(db->handle);
    bool passed = position <= b->pruned;
    pthread_mutex_unlock(&b->state);
    return passed ? event_log_row_pass(b, db, cx, position) : 0;
}

/* --- deaths --- */

/* The oldest that nobody holds makes room: a dead letter is never refused. */
static int drop_oldest(LogBus *b, Db *db, Ctx *cx, LogQueue *q) {
    for (int rank = EVENT_PRIORITIES - 1; rank >= 0; rank--) {
        sqlite3_stmt *st;
        int64_t position = -1;
        int r =
            db_query(db, cx, SQL_ENTRY_HEAD, &st, "iiii", q->id, (int64_t)rank, (int64_t)0, (int64_t)BUS_PREFETCH_MAX);
        while (r == 0 && position < 0 && (r = db_step(db, cx, st)) > 0) {
            r = 0;
            pthread_mutex_lock(&b->state);
            if (!map_get_u64(&q->held, (uint64_t)db_i64(st, 0)))
                position = db_i64(st, 0);
            pthread_mutex_unlock(&b->state);
        }
        if (position >= 0) {
            db_reset(st);
            event_log_count(b, &q->dropped);
            return event_log_entry_drop(b, db, cx, q, rank, position);
        }
        if (r)
            return r;
    }
    return 0;
}

/* Expired in the queue it would expire into again: as RabbitMQ, it is dropped, for nobody has ever rejected it. */
static bool goes_round(const LogQueue *from, const LogQueue *to, const Death *why) {
    return from == to && !str_eq(why->reason, S("rejected"));
}

static int send_dead(LogBus *b, Db *db, Ctx *cx, LogQueue *q, const LogRow *row, const Death *why) {
    const Route *route;
    Str key = q->def.dead_key.n ? q->def.dead_key : row->routing_key;
    if (q->def.dead_exchange.n == 0 || event_log_route(b, cx, q->def.dead_exchange, key, &route) || route->n == 0) {
        event_log_count(b, &q->dropped);
        return 0;
    }
    int64_t position;
    Event e = row->event;
    e.ttl_ms = 0; /* of the message: it has died of it */
    LogAppend a = { q->def.dead_exchange, key, row->headers, event_log_death_write(cx, why), &e };
    int r = event_log_append(b, db, cx, &a, &position);
    for (size_t i = 0; r == 0 && i < route->n; i++) {
        LogQueue *to = route->v[i];
        if (goes_round(q, to, why)) {
            event_log_count(b, &q->dropped);
            continue;
        }
        if (to->n >= bound_of(b, to))
            r = drop_oldest(b, db, cx, to);
        if (r == 0)
            r = event_log_entry_add(b, db, cx, to, position, &e);
    }
    return r;
}

int event_log_die(LogBus *b, Db *db, Ctx *cx, LogQueue *q, int rank, const LogRow *row, const Death *why) {
    Death d = *why, before;
    d.queue = q->def.name;
    d.exchange = row->exchange;
    d.routing_key = row->routing_key;
    d.at = clock_wall(cx->clock);
    d.count = 1;
    if (row->death.n && event_log_death_read(cx, row->death, &before) == 0 && str_eq(before.queue, d.queue) &&
        str_eq(before.reason, d.reason))
        d.count += before.count;
    int r = send_dead(b, db, cx, q, row, &d);
    if (r == 0) {
        event_log_count(b, str_eq(why->reason, S("expired")) ? &q->expired : &q->dead);
        r = event_log_entry_drop(b, db, cx, q, rank, row->position);
    }
    return r;
}

/* --- publishing --- */

typedef struct PublishJob {
    LogBus *bus;
    const Publication *v;
    const Str *headers;
    size_t n;
    int *outcome;
    Err full; /* of the first that was refused */
} PublishJob;

static bool has_room(PublishJob *job, Ctx *cx, const Route *route) {
    for (size_t i = 0; i < route->n; i++) {
        const LogQueue *q = route->v[i];
        int64_t bound = bound_of(job->bus, q);
        if (q->n < bound)
            continue;
        err_set(cx, ERR_LIMIT, "queue " STR_FMT " is full with %lld messages: let its consumers catch up",
                STR_ARG(q->def.name), (long long)q->n);
        return false;
    }
    return true;
}

static int publish_one(PublishJob *job, Db *db, Ctx *cx, size_t i) {
    const Publication *p = &job->v[i];
    const Route *route;
    int64_t position;
    int r = event_log_route(job->bus, cx, p->exchange, p->routing_key, &route);
    if (r)
        return r;
    job->outcome[i] = 0;
    if (!has_room(job, cx, route)) {
        job->outcome[i] = ERR_LIMIT;
        return 0;
    }
    if (route->n == 0 && p->mandatory)
        job->outcome[i] = BUS_UNROUTED;
    r = event_log_append(job->bus, db, cx,
                         &(LogAppend){ p->exchange, p->routing_key, job->headers[i], { 0 }, p->event }, &position);
    for (size_t k = 0; r == 0 && k < route->n; k++)
        r = event_log_entry_add(job->bus, db, cx, route->v[k], position, p->event);
    return r;
}

static int do_publish(Db *db, Ctx *cx, void *arg) {
    PublishJob *job = arg;
    int r = event_log_load(job->bus, db, cx);
    for (size_t i = 0; r == 0 && i < job->n; i++)
        r = publish_one(job, db, cx, i);
    return r;
}

int event_log_publish(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome) {
    LogBus *b = (LogBus *)bus;
    Str *headers = arena_new_n(cx->arena, Str, n);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++)
        r = event_log_headers_write(cx, v[i].event->headers, v[i].event->n_headers, &headers[i]);
    PublishJob job = { .bus = b, .v = v, .headers = headers, .n = n, .outcome = outcome };
    if (r == 0)
        r = event_log_write(b, cx, true, do_publish, &job);
    if (r < 0) {
        for (size_t i = 0; i < n; i++)
            outcome[i] = r;
        return r;
    }
    event_log_wake(b);
    for (size_t i = 0; i < n; i++)
        if (outcome[i] < 0)
            return outcome[i]; /* its words are in cx */
    return 0;
}

/* --- the group --- */

void event_log_wake(LogBus *b) {
    pthread_mutex_lock(&b->state);
    b->n_came++;
    pthread_cond_broadcast(&b->came);
    pthread_mutex_unlock(&b->state);
}

void event_log_count(LogBus *b, int64_t *counter) {
    pthread_mutex_lock(&b->state);
    ++*counter;
    pthread_mutex_unlock(&b->state);
}

typedef struct Guarded {
    LogBus *bus;
    DbWork *fn;
    void *arg;
} Guarded;

/* Undone work may have changed counts in memory: they are read anew before anything else of the group uses them. */
static int do_guarded(Db *db, Ctx *cx, void *arg) {
    Guarded *g = arg;
    int r = g->fn(db, cx, g->arg);
    if (r < 0)
        g->bus->loaded = false;
    return r;
}

void event_log_undone(void *bus) {
    ((LogBus *)bus)->loaded = false;
}

int event_log_write(LogBus *b, Ctx *cx, bool durable, DbWork *fn, void *arg) {
    return db_group_write(&b->group, cx, durable, do_guarded, &(Guarded){ b, fn, arg });
}
