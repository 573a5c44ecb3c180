/* adapters/store/sqlite_read.c - reading candles: which blocks, then each block straight into the answer.
 *
 * First the directory of the range (no blob is touched), from the end that counts, until it holds more rows
 * than asked for; then the blocks in ascending order. A block that lies wholly inside is decoded in place; one
 * at the edge, or with the tail over it, goes through scratch or the cache. */

#include "adapters/store/sqlite_store.h"

enum { CACHED_BLOCKS_MAX = 8 }; /* a longer read is a scan: it would push the hot windows out */

typedef struct Entry {
    int64_t bucket, n, n_synthetic, revision, rowid;
    Time first, last;
} Entry;

typedef struct Read {
    const SeriesKey *key;
    const CandleQuery *q;
    Candles *out;
    bool more;
    /* of the transaction */
    SeriesInfo info;
    Time first, last; /* inclusive */
    Entry *v;         /* in the order found; (n) in scratch */
    size_t n, cap;
    Candles tail; /* rows of the tail in the range; heap */
    int64_t tail_bucket;
} Read;

static bool inside(const Read *c, const Entry *e) {
    return e->first.ms >= c->first.ms && e->last.ms <= c->last.ms;
}

static int list_blocks(Reader *r, Ctx *cx, Read *c) {
    Timeframe tf = c->key->timeframe;
    sqlite3_stmt *st;
    int64_t sure = 0; /* rows that are in the answer, whatever the edges and the tail add */
    int e = db_query(&r->db, cx, c->q->newest ? SQL_BLOCK_RANGE_BACK : SQL_BLOCK_RANGE, &st, "iii", c->info.id,
                     bucket_of(tf, c->first), bucket_of(tf, c->last));
    while (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        Entry b = { db_i64(st, 0), db_i64(st, 1),          db_i64(st, 2),         db_i64(st, 5),
                    db_i64(st, 6), time_ms(db_i64(st, 3)), time_ms(db_i64(st, 4)) };
        e = 0;
        if (b.last.ms < c->first.ms || b.first.ms > c->last.ms)
            continue;
        if (c->n == c->cap) {
            size_t cap = c->cap ? c->cap * 2 : 16;
            c->v = mem_realloc(c->v, cap * sizeof b);
            c->cap = cap;
        }
        c->v[c->n++] = b;
        sure += !inside(c, &b) ? 0 : c->q->skip_synthetic ? b.n - b.n_synthetic : b.n;
        if (sure > (int64_t)c->q->limit) {
            db_reset(st);
            break;
        }
    }
    return e;
}

/* The newest part of the series: needed unless the blocks before it already fill the page. */
static int load_tail(Reader *r, Ctx *cx, Read *c) {
    int e = tail_read(&r->db, cx, c->info.id, c->first, c->last, &c->tail);
    if (e == 0 && c->tail.n)
        c->tail_bucket = bucket_of(c->key->timeframe, time_ms(c->tail.open_ms[0]));
    return e;
}

static int decode_into(Reader *r, Ctx *cx, const Read *c, const Entry *b, Candles *out) {
    sqlite3_stmt *st;
    int e = db_query(&r->db, cx, SQL_BLOCK_DATA, &st, "i", b->rowid);
    if (e == 0)
        e = db_step(&r->db, cx, st);
    if (e <= 0)
        return e < 0 ? e : block_damage(&r->db, cx, ERR_CORRUPT, c->info.id, b->bucket);
    Str blob = db_text(st, 0);
    size_t at = out->n;
    e = block_rows(blob) == (size_t)b->n || block_rows(blob) == 0 ? block_decode(r->codec, blob, out) : ERR_CORRUPT;
    if (e == 0 && (out->open_ms[at] != b->first.ms || out->open_ms[out->n - 1] != b->last.ms))
        e = ERR_CORRUPT; /* a whole block, in the wrong place */
    db_reset(st);
    return e ? block_damage(&r->db, cx, e, c->info.id, b->bucket) : 0;
}

static void append_filtered(const Read *c, Ctx *cx, const Candles *rows) {
    size_t lo = candles_lower_bound(rows, c->first);
    size_t hi = candles_lower_bound(rows, time_add_ms(c->last, 1));
    if (lo >= hi)
        return;
    candles_reserve(c->out, cx->arena, c->out->n + hi - lo);
    if (!c->q->skip_synthetic) {
        candles_append(c->out, rows, lo, hi - lo);
        return;
    }
    for (size_t i = lo; i < hi; i++)
        if (!(rows->flags[i] & CANDLE_SYNTHETIC))
            candles_append(c->out, rows, i, 1);
}

/* Rows of the block through the cache; *pinned tells whether they must be unpinned. */
static int block_rows_of(SqliteStore *s, Reader *r, Ctx *cx, const Read *c, const Entry *b, const Candles **rows,
                         bool *pinned) {
    BlockId id = { c->info.id, b->bucket, b->revision };
    *pinned = c->n <= CACHED_BLOCKS_MAX;
    if (*pinned && (*rows = block_cache_pin(s->cache, id)))
        return 0;
    Candles fresh = { 0 }, *into = *pinned ? &fresh : &r->block;
    into->n = 0;
    candles_reserve_heap(into, (size_t)b->n);
    int e = decode_into(r, cx, c, b, into);
    if (e) {
        candles_done_heap(&fresh);
        *pinned = false;
        return e;
    }
    *rows = *pinned ? block_cache_put(s->cache, id, &fresh) : &r->block;
    return 0;
}

static int append_block(SqliteStore *s, Reader *r, Ctx *cx, Read *c, const Entry *b) {
    bool has_tail = c->tail.n > 0 && c->tail_bucket == b->bucket, pinned;
    bool direct = inside(c, b) && !has_tail && (!c->q->skip_synthetic || b->n_synthetic == 0);
    if (direct && c->n > CACHED_BLOCKS_MAX) {
        candles_reserve(c->out, cx->arena, c->out->n + (size_t)b->n);
        return decode_into(r, cx, c, b, c->out);
    }
    const Candles *rows;
    int e = block_rows_of(s, r, cx, c, b, &rows, &pinned);
    if (e)
        return e;
    if (has_tail) {
        r->joined.n = 0;
        rows_overlay(rows, &c->tail, &r->joined);
        append_filtered(c, cx, &r->joined);
        c->tail.n = 0;
    } else {
        append_filtered(c, cx, rows);
    }
    if (pinned)
        block_cache_unpin(s->cache, rows);
    return 0;
}

/* Keeps `limit` rows behind `before`: the first or the last of them. */
static void trim(Read *c, size_t before) {
    Candles *o = c->out;
    size_t n = o->n - before, keep = c->q->limit;
    c->more = n > keep;
    if (!c->more)
        return;
    if (c->q->newest) {
        Candles last = candles_view(o, o->n - keep, keep);
        memmove(o->open_ms + before, last.open_ms, keep * sizeof *o->open_ms);
        memmove(o->open + before, last.open, keep * sizeof *o->open);
        memmove(o->high + before, last.high, keep * sizeof *o->high);
        memmove(o->low + before, last.low, keep * sizeof *o->low);
        memmove(o->close + before, last.close, keep * sizeof *o->close);
        memmove(o->volume + before, last.volume, keep * sizeof *o->volume);
        memmove(o->known_ms + before, last.known_ms, keep * sizeof *o->known_ms);
        memmove(o->flags + before, last.flags, keep);
    }
    o->n = before + keep;
}

static int read_rows(SqliteStore *s, Reader *r, Ctx *cx, Read *c) {
    int e = list_blocks(r, cx, c);
    if (e == 0)
        e = load_tail(r, cx, c);
    if (e)
        return e;
    size_t before = c->out->n, room = c->tail.n;
    for (size_t i = 0; i < c->n; i++)
        room += (size_t)c->v[i].n;
    if (c->n > CACHED_BLOCKS_MAX) /* else each block asks for what it adds */
        candles_reserve(c->out, cx->arena, before + room);
    for (size_t i = 0; e == 0 && i < c->n; i++) {
        e = append_block(s, r, cx, c, &c->v[c->q->newest ? c->n - 1 - i : i]);
        if (e == 0)
            e = ctx_check(cx);
    }
    if (e == 0 && c->tail.n) { /* its bucket has no block yet; a block list cut short leaves a gap before it */
        bool reached = c->q->newest || c->n == 0 || c->out->n - before <= c->q->limit;
        if (reached)
            append_filtered(c, cx, &c->tail);
    }
    if (e == 0)
        trim(c, before);
    return e;
}

static int read_candles(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    Read *c = arg;
    int e = series_query(&r->db, cx, c->key, &c->info);
    if (e == 0 && stored_range(c->q->from, c->q->to, &c->first, &c->last)) {
        e = read_rows(s, r, cx, c);
        mem_free(c->v);
        candles_done_heap(&c->tail);
    }
    return e;
}

int sqlite_read(CandleStore *store, Ctx *cx, const SeriesKey *key, const CandleQuery *q, Candles *out, bool *more) {
    Read call = { .key = key, .q = q, .out = out };
    int r = reader_transaction((SqliteStore *)store, cx, read_candles, &call);
    if (r == 0)
        *more = call.more;
    return r;
}
