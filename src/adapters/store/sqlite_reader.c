/* adapters/store/sqlite_reader.c - pooled read connections, and everything that only reads but candles.
 *
 * A call borrows a connection for its own read transaction, so a thread never holds one between calls and an
 * old snapshot never keeps the WAL from being reset. */

#include "adapters/store/sqlite_store.h"

#include <stdlib.h>
#include <time.h>

enum { READERS_MAX = 16 };

void reader_pool_init(ReaderPool *p) {
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->freed, NULL);
    list_init(&p->idle);
}

static void reader_free(Reader *r) {
    db_close(&r->db);
    block_codec_free(r->codec);
    candles_done_heap(&r->block);
    candles_done_heap(&r->joined);
    mem_free(r);
}

void reader_pool_done(ReaderPool *p) {
    ListNode *node;
    while ((node = list_pop_front(&p->idle))) {
        reader_free(LIST_ENTRY(node, Reader, idle));
        p->open--;
    }
    assert(p->open == 0); /* no call may be running when the store closes */
    pthread_cond_destroy(&p->freed);
    pthread_mutex_destroy(&p->lock);
}

static int reader_open(SqliteStore *s, Ctx *cx, Reader **out) {
    Reader *r = mem_new(Reader);
    DbOptions o = store_db_options(s, true);
    int e = db_open(&r->db, cx, &o);
    if (e) {
        mem_free(r);
        return e;
    }
    r->codec = block_codec_new();
    *out = r;
    return 0;
}

/* Waits in slices, so that a deadline or a cancel is seen. */
static void wait_a_little(ReaderPool *p) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 5 * 1000 * 1000;
    if (until.tv_nsec >= NS_PER_SECOND) {
        until.tv_nsec -= NS_PER_SECOND;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&p->freed, &p->lock, &until);
}

int reader_acquire(SqliteStore *s, Ctx *cx, Reader **out) {
    ReaderPool *p = &s->readers;
    int r = 0;
    pthread_mutex_lock(&p->lock);
    while (list_empty(&p->idle) && p->open == READERS_MAX && (r = ctx_check(cx)) == 0)
        wait_a_little(p);
    ListNode *node = r ? NULL : list_pop_front(&p->idle);
    if (r == 0 && !node)
        p->open++;
    pthread_mutex_unlock(&p->lock);
    if (r)
        return r;
    if (node) {
        *out = LIST_ENTRY(node, Reader, idle);
        return 0;
    }
    r = reader_open(s, cx, out);
    if (r) {
        pthread_mutex_lock(&p->lock);
        p->open--;
        pthread_mutex_unlock(&p->lock);
    }
    return r;
}

void reader_release(SqliteStore *s, Reader *r) {
    pthread_mutex_lock(&s->readers.lock);
    list_push_front(&s->readers.idle, &r->idle); /* the warmest one is taken next */
    pthread_cond_signal(&s->readers.freed);
    pthread_mutex_unlock(&s->readers.lock);
}

int reader_transaction(SqliteStore *s, Ctx *cx, int (*fn)(SqliteStore *s, Reader *r, Ctx *cx, void *arg), void *arg) {
    Reader *r;
    int e = reader_acquire(s, cx, &r);
    if (e)
        return e;
    r->db.cx = cx;
    e = db_run(&r->db, cx, SQL_BEGIN, "");
    if (e == 0) {
        e = fn(s, r, cx, arg);
        Ctx quiet = *cx; /* the end of a read cannot lose anything; the words are those of fn */
        r->db.cx = NULL;
        if (db_run(&r->db, &quiet, SQL_COMMIT, ""))
            db_run(&r->db, &quiet, SQL_ROLLBACK, "");
    }
    r->db.cx = NULL;
    reader_release(s, r);
    return e;
}

/* --- series --- */

typedef struct InfoCall {
    const SeriesKey *key;
    SeriesInfo *out;
} InfoCall;

static int read_info(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    InfoCall *call = arg;
    return series_query(&r->db, cx, call->key, call->out);
}

int sqlite_info(CandleStore *store, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    InfoCall call = { key, out };
    return reader_transaction((SqliteStore *)store, cx, read_info, &call);
}

typedef struct SeriesList {
    SeriesInfo *v;
    size_t n, cap;
} SeriesList;

static int by_key(const void *a, const void *b) {
    return series_key_cmp(&((const SeriesInfo *)a)->key, &((const SeriesInfo *)b)->key);
}

static int read_list(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    SeriesList *list = arg;
    sqlite3_stmt *st;
    int e = db_query(&r->db, cx, SQL_SERIES_ALL, &st, "");
    while (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        if (list->n == list->cap) {
            size_t cap = list->cap ? list->cap * 2 : 64;
            list->v = arena_grow(cx->arena, list->v, list->cap * sizeof *list->v, cap * sizeof *list->v);
            list->cap = cap;
        }
        series_from_row(st, &list->v[list->n++]);
        e = 0;
    }
    if (e == 0 && list->n)
        qsort(list->v, list->n, sizeof *list->v, by_key);
    return e;
}

int sqlite_list(CandleStore *store, Ctx *cx, SeriesInfo **out, size_t *n) {
    SeriesList list = { 0 };
    int r = reader_transaction((SqliteStore *)store, cx, read_list, &list);
    if (r == 0) {
        *out = list.v;
        *n = list.n;
    }
    return r;
}

/* --- coverage, changes, listings --- */

typedef struct CoverageCall {
    const SeriesKey *key;
    Time first, last;
    Coverage *v;
    size_t n, cap;
} CoverageCall;

static int read_coverage(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    CoverageCall *call = arg;
    SeriesInfo info;
    sqlite3_stmt *st;
    int e = series_query(&r->db, cx, call->key, &info);
    if (e == 0) /* the statement's bounds are inclusive: a window that ends at `first` does not touch it */
        e = db_query(&r->db, cx, SQL_COVER_TOUCH, &st, "iii", info.id, call->first.ms, call->last.ms);
    while (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        e = 0;
        Coverage w = { time_ms(db_i64(st, 0)), time_ms(db_i64(st, 1)), time_ms(db_i64(st, 2)), { 0 } };
        Str source = str_first(db_text(st, 3), sizeof w.source - 1);
        if (source.n)
            memcpy(w.source, source.p, source.n);
        if (w.to.ms <= call->first.ms)
            continue;
        if (call->n == call->cap) {
            size_t cap = call->cap ? call->cap * 2 : 16;
            call->v = arena_grow(cx->arena, call->v, call->cap * sizeof w, cap * sizeof w);
            call->cap = cap;
        }
        call->v[call->n++] = w;
    }
    return e;
}

int sqlite_coverage(CandleStore *store, Ctx *cx, const SeriesKey *key, Time from, Time to, Coverage **out, size_t *n) {
    CoverageCall call = { .key = key, .first = from, .last = time_ms(to.ms == INT64_MIN ? to.ms : to.ms - 1) };
    int r = reader_transaction((SqliteStore *)store, cx, read_coverage, &call);
    if (r == 0) {
        *out = call.v;
        *n = call.n;
    }
    return r;
}

typedef struct ChangesCall {
    int64_t after;
    size_t limit, n;
    SeriesChange *v;
} ChangesCall;

static int read_changes(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    ChangesCall *call = arg;
    sqlite3_stmt *st;
    int64_t first = 0;
    int e = db_query(&r->db, cx, SQL_CHANGE_FIRST, &st, "");
    if (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        first = db_i64(st, 0);
        db_reset(st);
        e = 0;
    }
    if (e == 0 && first > 1 && call->after + 1 < first)
        return err_set(cx, ERR_CONFLICT, "changes before %lld are no longer kept: read the series anew and follow on",
                       (long long)first);
    size_t cap = MIN(call->limit, (size_t)100000);
    call->v = arena_alloc(cx->arena, mem_mul(cap, sizeof *call->v));
    if (e == 0)
        e = db_query(&r->db, cx, SQL_CHANGE_LIST, &st, "ii", call->after, (int64_t)cap);
    while (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        call->v[call->n++] = (SeriesChange){ db_i64(st, 0),          db_i64(st, 1),          db_i64(st, 2),
                                             time_ms(db_i64(st, 3)), time_ms(db_i64(st, 4)), time_ms(db_i64(st, 5)) };
        e = 0;
    }
    return e;
}

int sqlite_changes(CandleStore *store, Ctx *cx, int64_t after, size_t limit, SeriesChange **out, size_t *n) {
    ChangesCall call = { .after = after, .limit = limit };
    int r = reader_transaction((SqliteStore *)store, cx, read_changes, &call);
    if (r == 0) {
        *out = call.v;
        *n = call.n;
    }
    return r;
}

typedef struct ListingsCall {
    const Venue *venue;
    Listing *v;
    size_t n, cap;
} ListingsCall;

static void text_field(sqlite3_stmt *st, int column, char *out, size_t size) {
    Str s = str_first(db_text(st, column), size - 1);
    if (s.n)
        memcpy(out, s.p, s.n);
}

static void listing_from_row(sqlite3_stmt *st, Listing *l) {
    *l = (Listing){ .asset = (AssetClass)db_i64(st, 5),
                    .status = (ListingStatus)db_i64(st, 6),
                    .tick = { db_i64(st, 7), (int)db_i64(st, 8) },
                    .lot = { db_i64(st, 9), (int)db_i64(st, 10) },
                    .min_notional = { db_i64(st, 11), (int)db_i64(st, 12) },
                    .valid_from = time_ms(db_i64(st, 15)),
                    .valid_to = time_ms(db_i64(st, 16)) };
    text_field(st, 0, l->venue.s, sizeof l->venue.s);
    text_field(st, 1, l->symbol.s, sizeof l->symbol.s);
    text_field(st, 2, l->instrument.s, sizeof l->instrument.s);
    text_field(st, 3, l->base.s, sizeof l->base.s);
    text_field(st, 4, l->quote.s, sizeof l->quote.s);
    text_field(st, 13, l->calendar, sizeof l->calendar);
    text_field(st, 14, l->time_zone, sizeof l->time_zone);
}

static int read_listings(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    ListingsCall *call = arg;
    sqlite3_stmt *st;
    int e = call->venue ? db_query(&r->db, cx, SQL_LISTING_OF, &st, "s", venue_str(call->venue))
                        : db_query(&r->db, cx, SQL_LISTING_ALL, &st, "");
    while (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        if (call->n == call->cap) {
            size_t cap = call->cap ? call->cap * 2 : 64;
            call->v = arena_grow(cx->arena, call->v, call->cap * sizeof *call->v, cap * sizeof *call->v);
            call->cap = cap;
        }
        listing_from_row(st, &call->v[call->n++]);
        e = 0;
    }
    return e;
}

int sqlite_listings(CandleStore *store, Ctx *cx, const Venue *venue, Listing **out, size_t *n) {
    ListingsCall call = { .venue = venue };
    int r = reader_transaction((SqliteStore *)store, cx, read_listings, &call);
    if (r == 0) {
        *out = call.v;
        *n = call.n;
    }
    return r;
}

/* --- the whole --- */

static int read_description(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    StoreInfo *out = arg;
    sqlite3_stmt *st;
    *out = (StoreInfo){ .adapter = "sqlite", .location = str_c(s->path), .schema_version = STORE_SQLITE_SCHEMA };
    int e = db_query(&r->db, cx, SQL_SUMS, &st, "");
    if (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        out->n_series = db_i64(st, 0);
        out->n_candles = db_i64(st, 1);
        db_reset(st);
        e = 0;
    }
    if (e == 0)
        e = db_query(&r->db, cx, SQL_PAGES, &st, "");
    if (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        out->bytes = db_i64(st, 0);
        db_reset(st);
        e = 0;
    }
    return e;
}

int sqlite_describe(CandleStore *store, Ctx *cx, StoreInfo *out) {
    return reader_transaction((SqliteStore *)store, cx, read_description, out);
}
