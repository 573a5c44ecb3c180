/* adapters/store/sqlite_remove.c - removing a range: blocks, tail and coverage; and put_listings. */

#include "adapters/store/sqlite_store.h"

typedef struct RemoveJob {
    const SeriesKey *key;
    Time from, to; /* as asked */
    int64_t removed;
} RemoveJob;

typedef struct Doomed { /* a block that has rows in the range */
    int64_t bucket;
    bool whole;
} Doomed;

static int find_blocks(Writer *w, Ctx *cx, const WriterSeries *s, Time first, Time last, Doomed **out, size_t *n) {
    size_t cap = 64;
    sqlite3_stmt *st;
    Timeframe tf = s->info.key.timeframe;
    *n = 0;
    *out = arena_alloc(cx->arena, cap * sizeof **out);
    int r = db_query(&w->db, cx, SQL_BLOCK_RANGE, &st, "iii", s->info.id, bucket_of(tf, first), bucket_of(tf, last));
    while (r == 0 && (r = db_step(&w->db, cx, st)) > 0) {
        int64_t t0 = db_i64(st, 3), t1 = db_i64(st, 4);
        r = 0;
        if (t1 < first.ms || t0 > last.ms)
            continue;
        if (*n == cap) {
            *out = arena_grow(cx->arena, *out, cap * sizeof **out, 2 * cap * sizeof **out);
            cap *= 2;
        }
        (*out)[(*n)++] = (Doomed){ db_i64(st, 0), t0 >= first.ms && t1 <= last.ms };
    }
    return r;
}

static int drop_tail(Writer *w, Ctx *cx, const WriterSeries *s) {
    return db_run(&w->db, cx, SQL_TAIL_DROP, "iii", s->info.id, INT64_MIN, INT64_MAX);
}

/* The tail may lie over rows of a block: folding it first leaves one kind of row to remove. A tail that goes
 * wholly is not even read, so that a damaged one can be removed. */
static int clear_tail(Writer *w, Ctx *cx, WriterSeries *s, Time first, Time last) {
    sqlite3_stmt *st;
    int64_t had, outside = 0;
    if (s->tail_n == 0)
        return 0;
    int r = db_query(&w->db, cx, SQL_TAIL_OUTSIDE, &st, "iii", s->info.id, first.ms, last.ms);
    if (r == 0 && (r = db_step(&w->db, cx, st)) > 0) {
        outside = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    if (r || outside == 0)
        return r ? r : drop_tail(w, cx, s);
    w->tail.n = w->joined.n = 0;
    r = writer_load_block(w, cx, s->info.id, s->tail_bucket, &had);
    if (r == 0)
        r = tail_read(&w->db, cx, s->info.id, TIME_MIN, TIME_MAX, &w->tail);
    if (r == 0) {
        rows_overlay(&w->block, &w->tail, &w->joined);
        r = writer_put_block(w, cx, s, s->tail_bucket, &w->joined, (Str){ 0 });
    }
    return r ? r : drop_tail(w, cx, s);
}

static int cut_block(Writer *w, Ctx *cx, const WriterSeries *s, int64_t bucket, Time first, Time last) {
    int64_t had;
    int r = writer_load_block(w, cx, s->info.id, bucket, &had);
    if (r)
        return r;
    size_t lo = candles_lower_bound(&w->block, first), hi = candles_lower_bound(&w->block, time_add_ms(last, 1));
    w->merged.n = 0;
    candles_reserve_heap(&w->merged, w->block.n);
    candles_append(&w->merged, &w->block, 0, lo);
    candles_append(&w->merged, &w->block, hi, w->block.n - hi);
    return hi > lo ? writer_put_block(w, cx, s, bucket, &w->merged, (Str){ 0 }) : 0;
}

static int remove_rows(Writer *w, Ctx *cx, WriterSeries *s, Time first, Time last) {
    Doomed *blocks;
    size_t n;
    int r = clear_tail(w, cx, s, first, last);
    if (r == 0)
        r = find_blocks(w, cx, s, first, last, &blocks, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (blocks[i].whole) /* not even read: a damaged block can be removed */
            r = db_run(&w->db, cx, SQL_BLOCK_DROP, "ii", s->info.id, blocks[i].bucket);
        else
            r = cut_block(w, cx, s, blocks[i].bucket, first, last);
        if (r == 0)
            r = ctx_check(cx);
    }
    return r;
}

/* Counts, first and last open time and stored size, from the blocks that are left; there is no tail now. */
static int measure(Writer *w, Ctx *cx, SeriesInfo *info) {
    sqlite3_stmt *st;
    info->n = info->n_synthetic = info->bytes = 0;
    int r = db_query(&w->db, cx, SQL_BLOCK_RANGE, &st, "iii", info->id, INT64_MIN, INT64_MAX);
    while (r == 0 && (r = db_step(&w->db, cx, st)) > 0) {
        if (info->n == 0)
            info->first.ms = db_i64(st, 3);
        info->last.ms = db_i64(st, 4);
        info->n += db_i64(st, 1);
        info->n_synthetic += db_i64(st, 2);
        info->bytes += db_i64(st, 7);
        r = 0;
    }
    return r;
}

static int run_remove(Writer *w, Ctx *cx, void *arg) {
    RemoveJob *job = arg;
    bool all = job->from.ms == INT64_MIN && job->to.ms == INT64_MAX, cut = false;
    WriterSeries *s;
    Time first, last;
    job->removed = 0;
    int r = writer_series(w, cx, job->key, false, &s);
    if (r)
        return r;
    if (job->from.ms >= job->to.ms)
        return 0;
    SeriesInfo info = s->info;
    if (stored_range(job->from, job->to, &first, &last))
        r = remove_rows(w, cx, s, first, last);
    if (r == 0 && first.ms <= last.ms)
        r = measure(w, cx, &info);
    if (r == 0)
        r = writer_cut_coverage(w, cx, s->info.id, job->from, job->to, &cut);
    job->removed = s->info.n - info.n;
    if (r == 0 && (job->removed || cut || all)) {
        r = writer_log_change(w, cx, s, job->from, job->to);
        info.revision = s->info.revision;
    }
    if (r == 0)
        r = all ? db_run(&w->db, cx, SQL_SERIES_DROP, "i", info.id)
                : db_run(&w->db, cx, SQL_SERIES_PUT, "iiiiiii", info.id, info.n, info.n_synthetic, info.first.ms,
                         info.last.ms, info.revision, info.bytes);
    writer_forget(w, job->key); /* s is gone; the next job reads what is left */
    return r;
}

int sqlite_remove(CandleStore *store, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed) {
    RemoveJob job = { .key = key, .from = from, .to = to };
    int r = writer_call(&((SqliteStore *)store)->writer, cx, true, run_remove, &job);
    if (r == 0)
        *removed = job.removed;
    return r;
}

/* --- listings --- */

typedef struct ListingsJob {
    const Listing *v;
    size_t n;
} ListingsJob;

static Str field(const char *text, size_t size) {
    return str_n(text, strnlen(text, size));
}

static int run_put_listings(Writer *w, Ctx *cx, void *arg) {
    const ListingsJob *job = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < job->n; i++) {
        const Listing *l = &job->v[i];
        r = db_run(&w->db, cx, SQL_LISTING_PUT, "sssssiiiiiiiissii", venue_str(&l->venue), symbol_str(&l->symbol),
                   symbol_str(&l->instrument), symbol_str(&l->base), symbol_str(&l->quote), (int64_t)l->asset,
                   (int64_t)l->status, l->tick.mantissa, (int64_t)l->tick.scale, l->lot.mantissa, (int64_t)l->lot.scale,
                   l->min_notional.mantissa, (int64_t)l->min_notional.scale, field(l->calendar, sizeof l->calendar),
                   field(l->time_zone, sizeof l->time_zone), l->valid_from.ms, l->valid_to.ms);
    }
    return r;
}

int sqlite_put_listings(CandleStore *store, Ctx *cx, const Listing *v, size_t n) {
    ListingsJob job = { v, n };
    return writer_call(&((SqliteStore *)store)->writer, cx, true, run_put_listings, &job);
}
