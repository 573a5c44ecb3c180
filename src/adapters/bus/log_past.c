/* adapters/bus/log_past.c - what was told, what died, and how long it is kept. */

#include "adapters/bus/log_internal.h"

#include <sqlite3.h>

enum { RETENTION_ROWS = 2 * 1000 * 1000, RETENTION_DAYS = 7, PRUNED_AT_ONCE = 2000, LOOKED_AT_ONCE = 20000 };

/* --- the past --- */

typedef struct ReadJob {
    LogBus *bus;
    const BusRead *q;
    BusPage *out;
} ReadJob;

static bool wanted(const BusRead *q, const LogRow *row) {
    return (q->from.ms == 0 || row->event.at.ms >= q->from.ms) &&
           (q->pattern.n == 0 || event_topic_match(q->pattern, row->routing_key)) &&
           (q->type.n == 0 || str_eq(q->type, row->event.type)) && (q->key.n == 0 || str_eq(q->key, row->event.key));
}

/* Looks at a bounded number of rows: a filter that matches nothing goes on by `next`. */
static int do_read(Db *db, Ctx *cx, void *arg) {
    ReadJob *job = arg;
    const BusRead *q = job->q;
    BusPage *out = job->out;
    size_t looked = 0;
    sqlite3_stmt *st;
    out->v = arena_new_n(cx->arena, LoggedEvent, q->limit);
    int r = event_log_load(job->bus, db, cx);
    if (r == 0)
        r = db_query(db, cx, SQL_LOG_AFTER, &st, "ii", q->after, (int64_t)LOOKED_AT_ONCE + 1);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        LogRow row;
        r = 0;
        if (out->n == q->limit || looked == LOOKED_AT_ONCE) {
            out->more = true;
            db_reset(st);
            return 0;
        }
        looked++;
        event_log_row_read(st, 0, &row);
        out->next = row.position;
        if (!wanted(q, &row))
            continue;
        LoggedEvent *e = &out->v[out->n++];
        *e = (LoggedEvent){ .position = row.position,
                            .exchange = str_dup(cx->arena, row.exchange),
                            .routing_key = str_dup(cx->arena, row.routing_key),
                            .at = row.at };
        r = event_log_row_copy(cx, &row, &e->event);
    }
    return r;
}

int event_log_read(EventBus *bus, Ctx *cx, const BusRead *q, BusPage *out) {
    LogBus *b = (LogBus *)bus;
    return db_owner_read(&b->owner, cx, do_read, &(ReadJob){ b, q, out });
}

/* --- the dead --- */

typedef struct DeadJob {
    LogBus *bus;
    Str queue;
    int64_t after;
    size_t limit;
    DeadLetter *v;
    size_t n;
    const Str *handles;
    size_t n_handles;
    bool requeue;
    int64_t done;
} DeadJob;

static int find_queue(DeadJob *job, Db *db, Ctx *cx, LogQueue **out) {
    int r = event_log_load(job->bus, db, cx);
    *out = r ? NULL : event_log_queue_find(job->bus, job->queue);
    return r || *out ? r : err_set_at(cx, ERR_NOT_FOUND, S("queue"), "no queue " STR_FMT, STR_ARG(job->queue));
}

/* A queue of dead letters has no priorities: one rank holds all of it. What has ranks is listed rank by rank. */
static int do_list(Db *db, Ctx *cx, void *arg) {
    DeadJob *job = arg;
    LogQueue *q;
    int r = find_queue(job, db, cx, &q);
    for (int rank = 0; r == 0 && rank < EVENT_PRIORITIES && job->n < job->limit; rank++) {
        sqlite3_stmt *st;
        r = db_query(db, cx, SQL_ENTRY_NEXT, &st, "iiii", q->id, (int64_t)rank, job->after,
                     (int64_t)(job->limit - job->n));
        while (r == 0 && (r = db_step(db, cx, st)) > 0) {
            LogRow row;
            DeadLetter *d = &job->v[job->n++];
            event_log_row_read(st, ENTRY_COLUMNS, &row);
            *d = (DeadLetter){ .handle = str_fmt(cx->arena, "%lld", (long long)row.position) };
            r = event_log_row_copy(cx, &row, &d->event);
            if (r == 0 && row.death.n)
                r = event_log_death_read(cx, row.death, &d->death);
        }
    }
    return r;
}

static int parse_handle(Ctx *cx, Str handle, int64_t *out) {
    *out = 0;
    if (handle.n == 0 || (str_to_i64(handle, out) && *out > 0))
        return 0;
    return err_set_at(cx, ERR_INVALID, S("handle"), "\"" STR_FMT "\" is no dead letter's handle: the list shows them",
                      STR_ARG(str_first(handle, 40)));
}

int event_log_dead_list(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n) {
    LogBus *b = (LogBus *)bus;
    DeadJob job = { .bus = b, .queue = queue, .limit = limit };
    int r = parse_handle(cx, after, &job.after);
    if (r)
        return r;
    job.v = arena_new_n(cx->arena, DeadLetter, limit);
    r = db_owner_read(&b->owner, cx, do_list, &job);
    *out = job.v;
    *n = job.n;
    return r;
}

/* Straight into the queue it died in: to others that had the event it would come twice. */
static int send_back(DeadJob *job, Db *db, Ctx *cx, const LogRow *row) {
    Death d = { 0 };
    const Route *route;
    int64_t position;
    int r = row->death.n ? event_log_death_read(cx, row->death, &d) : 0;
    if (r)
        return r;
    if (d.queue.n == 0)
        return err_set(cx, ERR_CONFLICT, "message %lld did not die: there is no queue to put it back to",
                       (long long)row->position);
    r = event_log_route(job->bus, cx, (Str){ 0 }, d.queue, &route);
    if (r == 0 && route->n == 0)
        r = err_set(cx, ERR_NOT_FOUND, "the queue " STR_FMT " it died in is gone", STR_ARG(d.queue));
    if (r == 0)
        r = event_log_append(job->bus, db, cx, &(LogAppend){ { 0 }, d.queue, row->headers, row->death, &row->event },
                             &position);
    for (size_t i = 0; r == 0 && i < route->n; i++)
        r = event_log_entry_add(job->bus, db, cx, route->v[i], position, &row->event);
    return r;
}

static int settle_row(DeadJob *job, Db *db, Ctx *cx, LogQueue *q, int rank, const LogRow *row) {
    LogBus *b = job->bus;
    pthread_mutex_lock(&b->state);
    bool held = map_get_u64(&q->held, (uint64_t)row->position) != NULL;
    pthread_mutex_unlock(&b->state);
    if (held)
        return 0;
    int r = job->requeue ? send_back(job, db, cx, row) : 0;
    if (r == 0)
        r = event_log_entry_drop(b, db, cx, q, rank, row->position);
    if (r == 0)
        job->done++;
    return r;
}

/* Rows from `after` on: those of one handle, or a bounded number. *next = where to go on. */
static int settle_rows(DeadJob *job, Db *db, Ctx *cx, LogQueue *q, int64_t after, size_t most, int64_t only) {
    int r = 0;
    for (int rank = 0; r == 0 && rank < EVENT_PRIORITIES; rank++) {
        sqlite3_stmt *st;
        r = db_query(db, cx, SQL_ENTRY_NEXT, &st, "iiii", q->id, (int64_t)rank, after, (int64_t)most);
        while (r == 0 && (r = db_step(db, cx, st)) > 0) {
            LogRow row;
            r = 0;
            event_log_row_read(st, ENTRY_COLUMNS, &row);
            if (only && row.position != only)
                break;
            r = settle_row(job, db, cx, q, rank, &row);
        }
        db_reset(st);
        r = MIN(r, 0);
    }
    return r;
}

static int do_settle(Db *db, Ctx *cx, void *arg) {
    DeadJob *job = arg;
    LogQueue *q;
    int r = find_queue(job, db, cx, &q);
    for (size_t i = 0; r == 0 && i < job->n_handles; i++) {
        int64_t position;
        r = parse_handle(cx, job->handles[i], &position);
        if (r == 0)
            r = settle_rows(job, db, cx, q, position - 1, 1, position);
    }
    if (r == 0 && job->n_handles == 0)
        r = settle_rows(job, db, cx, q, 0, INT32_MAX, 0);
    return r;
}

static int settle_all(EventBus *bus, Ctx *cx, DeadJob *job, int64_t *done) {
    int r = event_log_write((LogBus *)bus, cx, true, do_settle, job);
    *done = r < 0 ? 0 : job->done;
    event_log_wake((LogBus *)bus);
    return r;
}

int event_log_dead_requeue(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    return settle_all(
        bus, cx,
        &(DeadJob){ .bus = (LogBus *)bus, .queue = queue, .handles = handles, .n_handles = n, .requeue = true }, done);
}

int event_log_dead_drop(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done) {
    return settle_all(bus, cx, &(DeadJob){ .bus = (LogBus *)bus, .queue = queue, .handles = handles, .n_handles = n },
                      done);
}

/* --- retention --- */

static bool too_old(LogBus *b, Time at, Time now, int64_t over) {
    int64_t kept = b->options.retention_ms ? b->options.retention_ms : (int64_t)RETENTION_DAYS * MS_PER_DAY;
    return over > 0 || at.ms <= now.ms - kept;
}

/* Passes the oldest rows: those that nobody is owed go now, the others with their last acknowledgement
 * (event_log_entry_drop). The newest row stays, so that no position comes twice. */
int event_log_prune(LogBus *b, Db *db, Ctx *cx) {
    int64_t rows = b->options.retention_rows ? b->options.retention_rows : RETENTION_ROWS;
    int64_t over = b->n_log - MAX(rows, (int64_t)1), passed[PRUNED_AT_ONCE];
    Time now = clock_wall(cx->clock);
    size_t n = 0;
    sqlite3_stmt *st;
    int64_t last = -1;
    int r = db_query(db, cx, SQL_LOG_ENDS, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        last = db_i64(st, 1);
        db_reset(st);
    }
    r = r < 0 ? r : db_query(db, cx, SQL_LOG_OLD, &st, "ii", b->pruned, (int64_t)PRUNED_AT_ONCE);
    while (r == 0 && n < PRUNED_AT_ONCE && (r = db_step(db, cx, st)) > 0) {
        r = 0;
        if (db_i64(st, 0) == last || !too_old(b, time_ms(db_i64(st, 1)), now, over - (int64_t)n))
            break;
        passed[n++] = db_i64(st, 0);
    }
    db_reset(st);
    for (size_t i = 0; r >= 0 && i < n; i++)
        r = event_log_row_pass(b, db, cx, passed[i]);
    if (r < 0 || n == 0)
        return MIN(r, 0);
    pthread_mutex_lock(&b->state);
    b->pruned = passed[n - 1];
    pthread_mutex_unlock(&b->state);
    return db_run(db, cx, SQL_META_PUT, "si", S("pruned"), passed[n - 1]);
}
