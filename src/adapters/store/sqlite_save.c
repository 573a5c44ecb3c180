/* adapters/store/sqlite_save.c - saving candles: the tail, blocks, coverage, the change row.
 *
 * A few rows at the end of a series go to the tail, one small record each; the tail only ever holds rows of the
 * newest bucket, lying over the block of that bucket if there is one. Many rows, rows of an older bucket and
 * the first rows of a newer one go into blocks, and the tail is folded into its block then.
 * Blocks of many rows are encoded on the caller's thread before the job is queued: the writer encodes again only
 * what has to be merged with something already there. */

#include "adapters/store/sqlite_store.h"

enum {
    TAIL_SAVE_MAX = 32,                  /* more rows than this in one save are cheaper as a block */
    TAIL_ROWS_MAX = 4096,                /* of an off-grid series; then it is folded early */
    TAIL_ROW_BYTES = TAIL_ROW_SIZE + 16, /* about, with its key */
    ENCODE_AHEAD_MAX = 4 << 20,          /* rows; the blobs of more would take too much memory at once */
};

typedef struct Encoded { /* blobs of runs, in order; a run without one has size 0 */
    Buf bytes;
    size_t *sizes; /* (n) in the arena of the call */
    size_t n;
} Encoded;

typedef struct SaveJob {
    const SaveRequest *req;
    SaveResult *out;
    Encoded ahead;
    MergeCount count;
    bool changed;
} SaveJob;

/* --- on the caller's thread --- */

static int encode_ahead(SqliteStore *s, Ctx *cx, const SaveRequest *req, Encoded *out) {
    const Candles *rows = req->rows;
    size_t most = 0;
    buf_init(&out->bytes, (size_t)1 << 30);
    if (rows->n <= TAIL_SAVE_MAX || rows->n > ENCODE_AHEAD_MAX)
        return 0;
    Reader *r;
    int e = reader_acquire(s, cx, &r);
    if (e)
        return e;
    for (size_t at = 0, n; e == 0 && at < rows->n; at += n) {
        n = bucket_run(req->key->timeframe, rows, at);
        if (out->n == most) {
            most = most ? most * 2 : 64;
            out->sizes = arena_grow(cx->arena, out->sizes, out->n * sizeof(size_t), most * sizeof(size_t));
        }
        size_t before = out->bytes.n;
        if (n > TAIL_SAVE_MAX && n <= BLOCK_ROWS_MAX && block_encode(r->codec, rows, at, n, &out->bytes))
            e = err_set(cx, ERR_LIMIT, "%zu candles are too many for one save", rows->n);
        out->sizes[out->n++] = out->bytes.n - before;
        if (e == 0)
            e = ctx_check(cx);
    }
    reader_release(s, r);
    return e;
}

/* --- on the writer's thread --- */

static void count_rows(WriterSeries *s, const MergeCount *before, const MergeCount *after) {
    s->info.n += after->inserted - before->inserted;
    s->info.n_synthetic += after->synthetic - before->synthetic;
}

/* Before count_rows: an empty series has no first and last. */
static void stretch(WriterSeries *s, const Candles *rows) {
    int64_t first = rows->open_ms[0], last = rows->open_ms[rows->n - 1];
    bool empty = s->info.n == 0;
    s->info.first.ms = empty ? first : MIN(s->info.first.ms, first);
    s->info.last.ms = empty ? last : MAX(s->info.last.ms, last);
    int64_t bucket = bucket_of(s->info.key.timeframe, s->info.last);
    s->newest_bucket = bucket;
}

static int drop_tail(Writer *w, Ctx *cx, WriterSeries *s) {
    s->info.bytes -= s->tail_n * TAIL_ROW_BYTES;
    s->tail_n = 0;
    return db_run(&w->db, cx, SQL_TAIL_DROP, "iii", s->info.id, INT64_MIN, INT64_MAX);
}

static int load_tail(Writer *w, Ctx *cx, const WriterSeries *s) {
    w->tail.n = 0;
    return s->tail_n ? tail_read(&w->db, cx, s->info.id, TIME_MIN, TIME_MAX, &w->tail) : 0;
}

/* What the bucket holds now, block and tail, into w->joined. */
static int load_bucket(Writer *w, Ctx *cx, const WriterSeries *s, int64_t bucket, int64_t *bytes) {
    bool has_tail = s->tail_n > 0 && s->tail_bucket == bucket;
    w->joined.n = w->tail.n = 0;
    int r = writer_load_block(w, cx, s->info.id, bucket, bytes);
    if (r == 0 && has_tail)
        r = load_tail(w, cx, s);
    if (r == 0)
        rows_overlay(&w->block, &w->tail, &w->joined);
    return r;
}

static int fold_tail(Writer *w, Ctx *cx, WriterSeries *s) {
    int64_t had;
    int r = load_bucket(w, cx, s, s->tail_bucket, &had);
    if (r == 0)
        r = writer_put_block(w, cx, s, s->tail_bucket, &w->joined, (Str){ 0 });
    if (r == 0)
        r = drop_tail(w, cx, s);
    s->info.bytes += (int64_t)w->blob.n - had;
    return r;
}

/* A run of one bucket into its block. `blob` is the run encoded, if that was done ahead. */
static int save_block(Writer *w, Ctx *cx, WriterSeries *s, const Candles *run, int64_t bucket, Str blob,
                      MergeCount *count) {
    MergeCount before = *count;
    bool has_tail = s->tail_n > 0 && s->tail_bucket == bucket;
    int64_t had;
    int r = load_bucket(w, cx, s, bucket, &had);
    if (r)
        return r;
    w->merged.n = 0;
    candles_reserve_heap(&w->merged, w->joined.n + run->n);
    merge_candles(&w->joined, run, &w->merged, count);
    bool alone = w->joined.n == 0;
    if (count->inserted + count->updated == before.inserted + before.updated)
        return 0;
    r = writer_put_block(w, cx, s, bucket, &w->merged, alone ? blob : (Str){ 0 });
    if (r == 0 && has_tail)
        r = drop_tail(w, cx, s);
    s->info.bytes += (int64_t)(alone && blob.n ? blob.n : w->blob.n) - had;
    stretch(s, &w->merged);
    count_rows(s, &before, count);
    return r;
}

/* The row of the series at that time, if any: from the tail, else from the block of its bucket, which is
 * loaded once. */
static int find_row(Writer *w, Ctx *cx, const WriterSeries *s, Time t, bool *block_loaded, Candles *out,
                    bool *in_tail) {
    out->n = 0;
    *in_tail = false;
    if (s->info.n == 0 || t.ms > s->info.last.ms)
        return 0;
    int64_t ignored;
    int r = s->tail_n ? tail_read(&w->db, cx, s->info.id, t, t, out) : 0;
    *in_tail = r == 0 && out->n > 0;
    if (r || *in_tail)
        return r;
    if (!*block_loaded) {
        r = writer_load_block(w, cx, s->info.id, bucket_of(s->info.key.timeframe, t), &ignored);
        *block_loaded = true;
    }
    size_t i = candles_lower_bound(&w->block, t);
    if (r == 0 && i < w->block.n && w->block.open_ms[i] == t.ms) {
        candles_reserve_heap(out, 1);
        candles_append(out, &w->block, i, 1);
    }
    return r;
}

static int save_tail(Writer *w, Ctx *cx, WriterSeries *s, const Candles *run, int64_t bucket, MergeCount *count) {
    bool block_loaded = false, in_tail;
    int r = 0;
    for (size_t i = 0; r == 0 && i < run->n; i++) {
        MergeCount before = *count;
        Candles one = candles_view(run, i, 1);
        Candle c = candles_get(run, i);
        r = find_row(w, cx, s, c.open_time, &block_loaded, &w->tail, &in_tail);
        if (r)
            return r;
        w->merged.n = 0;
        candles_reserve_heap(&w->merged, 2);
        merge_candles(&w->tail, &one, &w->merged, count);
        if (count->inserted + count->updated == before.inserted + before.updated)
            continue;
        char row[TAIL_ROW_SIZE];
        r = db_run(&w->db, cx, SQL_TAIL_PUT, "iib", s->info.id, c.open_time.ms, tail_encode(s->info.id, &c, row));
        s->tail_n += !in_tail;
        s->info.bytes += in_tail ? 0 : TAIL_ROW_BYTES;
        s->tail_bucket = bucket;
        stretch(s, &one);
        count_rows(s, &before, count);
        w->group_bytes += TAIL_ROW_BYTES;
    }
    return r;
}

static int save_run(Writer *w, Ctx *cx, WriterSeries *s, const Candles *run, Str blob, MergeCount *count) {
    int64_t bucket = bucket_of(s->info.key.timeframe, time_ms(run->open_ms[0]));
    bool newest = s->info.n == 0 || bucket >= s->newest_bucket;
    int r = 0;
    if (s->tail_n && (bucket > s->tail_bucket || s->tail_n >= TAIL_ROWS_MAX))
        r = fold_tail(w, cx, s);
    if (r)
        return r;
    if (newest && run->n <= TAIL_SAVE_MAX)
        return save_tail(w, cx, s, run, bucket, count);
    return save_block(w, cx, s, run, bucket, blob, count);
}

static int save_rows(Writer *w, Ctx *cx, WriterSeries *s, SaveJob *job) {
    const Candles *rows = job->req->rows;
    size_t blob_at = 0;
    int r = 0;
    for (size_t at = 0, n, k = 0; r == 0 && at < rows->n; at += n, k++) {
        n = bucket_run(s->info.key.timeframe, rows, at);
        Candles run = candles_view(rows, at, n);
        Str blob = { 0 };
        if (k < job->ahead.n)
            blob = str_n(job->ahead.bytes.p + blob_at, job->ahead.sizes[k]);
        blob_at += blob.n;
        r = save_run(w, cx, s, &run, blob, &job->count);
        if (r == 0)
            r = ctx_check(cx);
    }
    return r;
}

/* Reads the windows that [from, to] touches and gives *room places more; in the arena. */
static int touching_windows(Writer *w, Ctx *cx, int64_t series_id, Time from, Time to, Coverage **out, size_t *n) {
    size_t cap = 8;
    sqlite3_stmt *st;
    *n = 0;
    *out = arena_alloc(cx->arena, cap * sizeof **out);
    int r = db_query(&w->db, cx, SQL_COVER_TOUCH, &st, "iii", series_id, from.ms, to.ms);
    while (r == 0 && (r = db_step(&w->db, cx, st)) > 0) {
        if (*n + 2 > cap) {
            *out = arena_grow(cx->arena, *out, cap * sizeof **out, 2 * cap * sizeof **out);
            cap *= 2;
        }
        Coverage *c = &(*out)[(*n)++];
        *c = (Coverage){ time_ms(db_i64(st, 0)), time_ms(db_i64(st, 1)), time_ms(db_i64(st, 2)), { 0 } };
        Str source = str_first(db_text(st, 3), sizeof c->source - 1);
        if (source.n)
            memcpy(c->source, source.p, source.n);
        r = 0;
    }
    return r;
}

static int replace_windows(Writer *w, Ctx *cx, int64_t series_id, Time from, Time to, const Coverage *v, size_t n) {
    int r = db_run(&w->db, cx, SQL_COVER_DROP, "iii", series_id, from.ms, to.ms);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = db_run(&w->db, cx, SQL_COVER_PUT, "iiiis", series_id, v[i].from.ms, v[i].to.ms, v[i].fetched_at.ms,
                   str_n(v[i].source, strnlen(v[i].source, sizeof v[i].source)));
    return r;
}

static int save_coverage(Writer *w, Ctx *cx, WriterSeries *s, SaveJob *job) {
    const Coverage *add = &job->req->coverage;
    Coverage *v;
    size_t n;
    int r = touching_windows(w, cx, s->info.id, add->from, add->to, &v, &n);
    if (r)
        return r;
    if (coverage_add(v, &n, add)) {
        job->changed = true;
        job->count.from.ms = MIN(job->count.from.ms, add->from.ms);
        job->count.to.ms = MAX(job->count.to.ms, add->to.ms);
    }
    return replace_windows(w, cx, s->info.id, add->from, add->to, v, n);
}

int writer_cut_coverage(Writer *w, Ctx *cx, int64_t series_id, Time from, Time to, bool *cut) {
    Coverage *v;
    size_t n;
    int r = touching_windows(w, cx, series_id, from, to, &v, &n);
    *cut = r == 0 && coverage_cut(v, &n, from, to);
    return *cut ? replace_windows(w, cx, series_id, from, to, v, n) : r;
}

static int run_save(Writer *w, Ctx *cx, void *arg) {
    SaveJob *job = arg;
    WriterSeries *s;
    job->count = MERGE_COUNT_NONE;
    job->changed = false;
    int r = writer_series(w, cx, job->req->key, true, &s);
    if (r == 0)
        r = save_rows(w, cx, s, job);
    job->changed = merge_changed(&job->count);
    if (r == 0 && (job->req->flags & SAVE_COVERAGE))
        r = save_coverage(w, cx, s, job);
    if (r == 0 && job->changed)
        r = writer_log_change(w, cx, s, job->count.from, job->count.to);
    if (r == 0 && job->changed)
        r = db_run(&w->db, cx, SQL_SERIES_PUT, "iiiiiii", s->info.id, s->info.n, s->info.n_synthetic, s->info.first.ms,
                   s->info.last.ms, s->info.revision, s->info.bytes);
    if (r == 0 && (job->req->flags & SAVE_ANNOUNCE))
        r = writer_announce(w, cx, s, &job->count);
    if (r == 0)
        *job->out = (SaveResult){ job->count.inserted, job->count.updated, job->count.unchanged, job->count.kept_real,
                                  s->info.revision };
    return r;
}

int sqlite_save(CandleStore *store, Ctx *cx, const SaveRequest *req, SaveResult *out) {
    SqliteStore *s = (SqliteStore *)store;
    if (s->read_only)
        return err_set(cx, ERR_DENIED, "%s is opened read-only", s->path);
    SaveJob job = { .req = req, .out = out };
    int r = encode_ahead(s, cx, req, &job.ahead);
    if (r == 0)
        r = writer_call(&s->writer, cx, req->flags & SAVE_DURABLE, run_save, &job);
    buf_done(&job.ahead.bytes);
    return r;
}

typedef struct SaveMany {
    const SaveRequest *reqs;
    size_t n;
    SaveResult *out;
} SaveMany;

/* One job: its savepoint holds all of them. */
static int run_save_many(Writer *w, Ctx *cx, void *arg) {
    SaveMany *many = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < many->n; i++) {
        SaveJob job = { .req = &many->reqs[i], .out = &many->out[i] };
        r = run_save(w, cx, &job);
    }
    return r;
}

int sqlite_save_many(CandleStore *store, Ctx *cx, const SaveRequest *reqs, size_t n, SaveResult *out) {
    SqliteStore *s = (SqliteStore *)store;
    SaveMany many = { reqs, n, out };
    bool durable = false;
    for (size_t i = 0; i < n; i++)
        durable |= (reqs[i].flags & SAVE_DURABLE) != 0;
    return writer_call(&s->writer, cx, durable, run_save_many, &many);
}
