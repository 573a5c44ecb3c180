/* adapters/bus/log_consume.c - giving messages and taking answers.
 *
 * A delivery is an entry behind the cursor of its rank, and a Held in memory. Each row counts its deliveries in the file
 * before the consumer sees it, so the count is right after any crash. */

#include "adapters/bus/log_internal.h"

#include <time.h>

/* --- taking --- */

typedef struct TakeJob {
    LogSubscription *s;
    size_t most, n;
    Delivery *v;
    bool expired;
} TakeJob;

static LogBus *bus_of(const LogSubscription *s) {
    return (LogBus *)s->sub.bus;
}

static bool is_held(LogBus *b, LogQueue *q, int64_t position) {
    pthread_mutex_lock(&b->state);
    bool held = map_get_u64(&q->held, (uint64_t)position) != NULL;
    pthread_mutex_unlock(&b->state);
    return held;
}

static void hold(TakeJob *job, int rank, int64_t position, int64_t count) {
    LogBus *b = bus_of(job->s);
    Held *h = mem_new(Held);
    *h = (Held){ .by = job->s, .position = position, .count = count, .rank = rank };
    pthread_mutex_lock(&b->state);
    map_put_u64(&job->s->queue->held, (uint64_t)position, h);
    job->s->n_held++;
    job->s->queue->delivered++;
    pthread_mutex_unlock(&b->state);
}

static int deliver(TakeJob *job, Ctx *cx, const LogRow *row, int64_t count) {
    Delivery *d = &job->v[job->n];
    *d = (Delivery){ .tag = row->position, .position = row->position, .again = count > 0, .count = count };
    d->exchange = str_dup(cx->arena, row->exchange);
    d->routing_key = str_dup(cx->arena, row->routing_key);
    int r = event_log_row_copy(cx, row, &d->event);
    if (r == 0 && row->death.n) {
        Death *death = arena_new(cx->arena, Death);
        r = event_log_death_read(cx, row->death, death);
        d->death = death;
    }
    return r;
}

/* Where to look from: behind the cursor, or behind what was given back since. */
static int64_t look_from(LogBus *b, LogQueue *q, int rank) {
    pthread_mutex_lock(&b->state);
    int64_t from = MIN(q->cursor[rank], q->back[rank]);
    q->back[rank] = INT64_MAX;
    pthread_mutex_unlock(&b->state);
    return from;
}

static void advance(LogBus *b, LogQueue *q, int rank, int64_t position) {
    pthread_mutex_lock(&b->state);
    q->cursor[rank] = position;
    pthread_mutex_unlock(&b->state);
}

/* Up to job->most of one rank. Rows are collected first: the statement borrows what the next step changes. */
static int take_rank(TakeJob *job, Db *db, Ctx *cx, int rank) {
    LogBus *b = bus_of(job->s);
    LogQueue *q = job->s->queue;
    Time now = clock_wall(cx->clock);
    sqlite3_stmt *st;
    int r =
        db_query(db, cx, SQL_ENTRY_NEXT, &st, "iiii", q->id, (int64_t)rank, look_from(b, q, rank), (int64_t)INT32_MAX);
    while (r == 0 && job->n < job->most && (r = db_step(db, cx, st)) > 0) {
        int64_t position = db_i64(st, 0), expires = db_i64(st, 1), count = db_i64(st, 2);
        LogRow row;
        r = 0;
        advance(b, q, rank, position);
        if (is_held(b, q, position))
            continue;
        event_log_row_read(st, ENTRY_COLUMNS, &row);
        if (expires && expires <= now.ms) {
            r = event_log_die(b, db, cx, q, rank, &row, &(Death){ .reason = S("expired") });
            job->expired = true;
            continue;
        }
        r = deliver(job, cx, &row, count);
        if (r == 0)
            r = db_run(db, cx, SQL_ENTRY_AGAIN, "iii", q->id, (int64_t)rank, position);
        if (r == 0) {
            hold(job, rank, position, count);
            job->n++;
        }
    }
    db_reset(st);
    return r < 0 ? r : 0;
}

static int do_take(Db *db, Ctx *cx, void *arg) {
    TakeJob *job = arg;
    int r = event_log_load(bus_of(job->s), db, cx);
    for (int rank = 0; r == 0 && rank < EVENT_PRIORITIES && job->n < job->most; rank++)
        r = take_rank(job, db, cx, rank);
    return r;
}

/* Under the lock. The entry is free again. */
static void let_go(LogQueue *q, Held *h) {
    q->back[h->rank] = MIN(q->back[h->rank], h->position - 1);
    h->by->n_held--;
    map_del_u64(&q->held, (uint64_t)h->position);
    mem_free(h);
}

static void untake(TakeJob *job) {
    LogBus *b = bus_of(job->s);
    pthread_mutex_lock(&b->state);
    for (size_t i = 0; i < job->n; i++) {
        Held *h = map_get_u64(&job->s->queue->held, (uint64_t)job->v[i].tag);
        if (h)
            let_go(job->s->queue, h);
    }
    job->n = 0;
    pthread_mutex_unlock(&b->state);
}

static int take(LogSubscription *s, Ctx *cx, Delivery **out, size_t most, size_t *n) {
    LogBus *b = bus_of(s);
    pthread_mutex_lock(&b->state);
    bool maybe = !b->loaded || s->queue->n > (int64_t)s->queue->held.n;
    most = MIN(most, (size_t)MAX(s->prefetch - s->n_held, 0));
    pthread_mutex_unlock(&b->state);
    if (!maybe || most == 0)
        return BUS_EMPTY;
    TakeJob job = { .s = s, .most = most, .v = arena_new_n(cx->arena, Delivery, most) };
    int r = event_log_write(b, cx, false, do_take, &job);
    if (r < 0) {
        untake(&job);
        return r;
    }
    if (job.expired)
        event_log_wake(b);
    *out = job.v;
    *n = job.n;
    return job.n ? 0 : BUS_EMPTY;
}

static struct timespec after_ms(int64_t ms) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t ns = t.tv_nsec + ms % MS_PER_SECOND * NS_PER_MS;
    return (struct timespec){ .tv_sec = t.tv_sec + ms / MS_PER_SECOND + ns / NS_PER_SECOND,
                              .tv_nsec = ns % NS_PER_SECOND };
}

static bool passed(const struct timespec *t) {
    struct timespec now = after_ms(0);
    return now.tv_sec > t->tv_sec || (now.tv_sec == t->tv_sec && now.tv_nsec >= t->tv_nsec);
}

/* Until something came since `seen`, or a while is over. The threads' own time: a clock that is moved by hand would
 * never let it end. */
static void wait_for_more(LogBus *b, int64_t seen, int64_t most_ms) {
    enum { LOOK_MS = 100 }; /* cancels are heard that often */
    struct timespec t = after_ms(MIN(most_ms, (int64_t)LOOK_MS));
    pthread_mutex_lock(&b->state);
    while (b->n_came == seen && pthread_cond_timedwait(&b->came, &b->state, &t) == 0)
        ;
    pthread_mutex_unlock(&b->state);
}

int event_log_receive(Subscription *sub, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n) {
    LogSubscription *s = (LogSubscription *)sub;
    LogBus *b = bus_of(s);
    struct timespec until = after_ms(wait_ms);
    for (;;) {
        pthread_mutex_lock(&b->state);
        int64_t seen = b->n_came;
        pthread_mutex_unlock(&b->state);
        int r = take(s, cx, out, most, n);
        if (r != BUS_EMPTY || wait_ms == 0 || passed(&until))
            return r;
        wait_for_more(b, seen, wait_ms);
        r = ctx_check(cx);
        if (r)
            return r;
    }
}

/* --- answers --- */

typedef struct AnswerJob {
    LogSubscription *s;
    const int64_t *tags;
    size_t n;
    bool stale;
    Str words;
} AnswerJob;

static Held *held_by(LogSubscription *s, int64_t tag) {
    LogBus *b = bus_of(s);
    pthread_mutex_lock(&b->state);
    Held *h = map_get_u64(&s->queue->held, (uint64_t)tag);
    pthread_mutex_unlock(&b->state);
    return h && h->by == s ? h : NULL;
}

static int do_ack(Db *db, Ctx *cx, void *arg) {
    AnswerJob *job = arg;
    LogBus *b = bus_of(job->s);
    int r = event_log_load(b, db, cx);
    for (size_t i = 0; r == 0 && i < job->n; i++) {
        const Held *h = held_by(job->s, job->tags[i]);
        if (!h)
            job->stale = true;
        else
            r = event_log_entry_drop(b, db, cx, job->s->queue, h->rank, h->position);
    }
    return r;
}

static void settle(AnswerJob *job, bool acked) {
    LogBus *b = bus_of(job->s);
    LogQueue *q = job->s->queue;
    for (size_t i = 0; i < job->n; i++) {
        Held *h = held_by(job->s, job->tags[i]);
        if (!h)
            continue;
        pthread_mutex_lock(&b->state);
        q->acked += acked;
        job->s->n_held--;
        map_del_u64(&q->held, (uint64_t)h->position);
        pthread_mutex_unlock(&b->state);
        mem_free(h);
    }
}

int event_log_ack(Subscription *sub, Ctx *cx, const int64_t *tags, size_t n) {
    AnswerJob job = { .s = (LogSubscription *)sub, .tags = tags, .n = n };
    int r = event_log_write(bus_of(job.s), cx, false, do_ack, &job);
    if (r < 0)
        return r;
    settle(&job, true);
    return job.stale ? BUS_STALE : 0;
}

static int do_die(Db *db, Ctx *cx, void *arg) {
    AnswerJob *job = arg;
    LogBus *b = bus_of(job->s);
    sqlite3_stmt *st;
    LogRow row;
    int r = event_log_load(b, db, cx);
    const Held *h = held_by(job->s, job->tags[0]);
    if (!h)
        job->stale = true;
    if (r || !h)
        return r;
    r = db_query(db, cx, SQL_LOG_GET, &st, "i", h->position);
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        event_log_row_read(st, 0, &row);
        r = event_log_die(b, db, cx, job->s->queue, h->rank, &row,
                          &(Death){ .reason = S("rejected"), .detail = job->words });
        db_reset(st);
    }
    return r;
}

static int requeue(LogSubscription *s, int64_t tag) {
    Held *h = held_by(s, tag);
    if (!h)
        return BUS_STALE;
    LogBus *b = bus_of(s);
    pthread_mutex_lock(&b->state);
    s->queue->requeued++;
    let_go(s->queue, h);
    pthread_mutex_unlock(&b->state);
    event_log_wake(b);
    return 0;
}

/* The dead letter is synced: the queue it leaves has an entry less. */
int event_log_reject(Subscription *sub, Ctx *cx, int64_t tag, BusReject how, Str words) {
    AnswerJob job = { .s = (LogSubscription *)sub, .tags = &tag, .n = 1, .words = words };
    if (how == REJECT_REQUEUE)
        return requeue(job.s, tag);
    int r = event_log_write(bus_of(job.s), cx, true, do_die, &job);
    if (r < 0)
        return r;
    settle(&job, false);
    event_log_wake(bus_of(job.s));
    return job.stale ? BUS_STALE : 0;
}

/* --- subscriptions --- */

typedef struct SubscribeJob {
    LogBus *bus;
    const SubscribeOptions *o;
    LogQueue *queue;
} SubscribeJob;

static int do_subscribe(Db *db, Ctx *cx, void *arg) {
    SubscribeJob *job = arg;
    int r = event_log_load(job->bus, db, cx);
    LogQueue *of = r ? NULL : event_log_queue_find(job->bus, job->o->queue);
    if (r)
        return r;
    if (!of)
        return err_set_at(cx, ERR_NOT_FOUND, S("queue"), "no queue " STR_FMT, STR_ARG(job->o->queue));
    job->queue = of;
    if (job->o->group.n == 0)
        return 0;
    Str name = str_fmt(cx->arena, STR_FMT "@" STR_FMT, STR_ARG(job->o->queue), STR_ARG(job->o->group));
    job->queue = event_log_queue_find(job->bus, name);
    return job->queue ? 0 : event_log_make_group(job->bus, db, cx, job->o, of, &job->queue);
}

int event_log_subscribe(EventBus *bus, Ctx *cx, const SubscribeOptions *o, Subscription **out) {
    LogBus *b = (LogBus *)bus;
    SubscribeJob job = { b, o, NULL };
    int r = event_log_write(b, cx, true, do_subscribe, &job);
    if (r)
        return r;
    LogSubscription *s = mem_new(LogSubscription);
    *s = (LogSubscription){ .queue = job.queue, .prefetch = o->prefetch };
    pthread_mutex_lock(&b->state);
    job.queue->consumers++;
    pthread_mutex_unlock(&b->state);
    *out = &s->sub;
    return 0;
}

void event_log_unsubscribe(Subscription *sub) {
    LogSubscription *s = (LogSubscription *)sub;
    LogBus *b = bus_of(s);
    LogQueue *q = s->queue;
    pthread_mutex_lock(&b->state);
    while (s->n_held) { /* a deletion moves the map's slots: look again each time */
        MapEntry e;
        Held *mine = NULL;
        for (size_t at = 0; !mine && map_next(&q->held, &at, &e);)
            if (((Held *)e.value)->by == s)
                mine = e.value;
        assert(mine);
        let_go(q, mine);
    }
    q->consumers--;
    pthread_mutex_unlock(&b->state);
    event_log_wake(b);
    mem_free(s);
}

/* --- expiry --- */

static int expire_rank(LogBus *b, Db *db, Ctx *cx, LogQueue *q, int rank, int64_t *n) {
    enum { AT_ONCE = 500 };
    Time now = clock_wall(cx->clock);
    sqlite3_stmt *st;
    size_t done = 0;
    int r =
        db_query(db, cx, SQL_ENTRY_NEXT, &st, "iiii", q->id, (int64_t)rank, (int64_t)0, INT64_C(2) * BUS_PREFETCH_MAX);
    while (r == 0 && done < AT_ONCE && (r = db_step(db, cx, st)) > 0) {
        int64_t position = db_i64(st, 0), expires = db_i64(st, 1);
        LogRow row;
        r = 0;
        if (is_held(b, q, position))
            continue;
        if (expires == 0 || expires > now.ms)
            break;
        event_log_row_read(st, ENTRY_COLUMNS, &row);
        r = event_log_die(b, db, cx, q, rank, &row, &(Death){ .reason = S("expired") });
        done++;
    }
    db_reset(st);
    *n += (int64_t)done;
    return r < 0 ? r : 0;
}

int event_log_expire(LogBus *b, Db *db, Ctx *cx, int64_t *n) {
    int r = 0;
    *n = 0;
    for (size_t i = 0; r == 0 && i < b->n_queues; i++) {
        LogQueue *q = b->queues[i];
        for (int rank = 0; r == 0 && q->n && rank < EVENT_PRIORITIES; rank++)
            if (rank >= EVENT_PRIORITIES - 1 - q->def.max_priority)
                r = expire_rank(b, db, cx, q, rank, n);
    }
    return r;
}
