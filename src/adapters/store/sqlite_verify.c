/* adapters/store/sqlite_verify.c - reads everything that is stored and compares it with everything said about it.
 *
 * SQLite's own check covers pages and indexes; this covers what SQLite cannot know: the blocks' content, their
 * place, the tail's records, the counts. One series a transaction, so that the WAL can be reset in between. */

#include "adapters/store/sqlite_store.h"

#include <sqlite3.h>

typedef struct Check {
    const SeriesInfo *want;
    int64_t n, n_synthetic, bytes;
    Time first, last;
} Check;

static int check_pages(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    UNUSED(arg);
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(r->db.handle, "PRAGMA integrity_check(1)", -1, &st, NULL) != SQLITE_OK)
        return db_fail(&r->db, cx, "check it");
    int rc = sqlite3_step(st), e = 0;
    Str said = rc == SQLITE_ROW ? db_text(st, 0) : (Str){ 0 };
    if (rc != SQLITE_ROW)
        e = db_fail(&r->db, cx, "check it");
    else if (!str_eq(said, S("ok")))
        e = err_set(cx, ERR_CORRUPT, "%s is damaged: " STR_FMT, r->db.path, STR_ARG(str_first(said, 200)));
    sqlite3_finalize(st);
    return e;
}

static void add_rows(Check *c, const Candles *rows) {
    if (rows->n == 0)
        return;
    if (c->n == 0)
        c->first.ms = rows->open_ms[0];
    c->last.ms = rows->open_ms[rows->n - 1];
    c->n += (int64_t)rows->n;
    c->n_synthetic += candles_synthetic(rows);
}

/* The block in r->block agrees with its row of the table. */
static bool block_agrees(const Check *c, sqlite3_stmt *st, const Candles *rows) {
    Timeframe tf = c->want->key.timeframe;
    int64_t bucket = db_i64(st, 0), first = rows->open_ms[0], last = rows->open_ms[rows->n - 1];
    return db_i64(st, 1) == (int64_t)rows->n && db_i64(st, 2) == candles_synthetic(rows) && db_i64(st, 3) == first &&
           db_i64(st, 4) == last && bucket_of(tf, time_ms(first)) == bucket && bucket_of(tf, time_ms(last)) == bucket;
}

static int check_block(Reader *r, Ctx *cx, Check *c, sqlite3_stmt *st, Candles *tail, int64_t tail_bucket) {
    sqlite3_stmt *data;
    int64_t bucket = db_i64(st, 0);
    int e = db_query(&r->db, cx, SQL_BLOCK_DATA, &data, "i", db_i64(st, 6));
    if (e || (e = db_step(&r->db, cx, data)) < 0)
        return e;
    Str blob = e > 0 ? db_text(data, 0) : (Str){ 0 };
    r->block.n = 0;
    candles_reserve_heap(&r->block, block_rows(blob));
    e = block_decode(r->codec, blob, &r->block);
    db_reset(data);
    if (e == 0 && !block_agrees(c, st, &r->block))
        e = ERR_CORRUPT;
    if (e)
        return block_damage(&r->db, cx, e, c->want->id, bucket);
    if (tail->n && bucket == tail_bucket) {
        r->joined.n = 0;
        rows_overlay(&r->block, tail, &r->joined);
        add_rows(c, &r->joined);
        tail->n = 0;
    } else {
        add_rows(c, &r->block);
    }
    return ctx_check(cx);
}

static int check_blocks(Reader *r, Ctx *cx, Check *c, Candles *tail) {
    sqlite3_stmt *st;
    Timeframe tf = c->want->key.timeframe;
    int64_t tail_bucket = tail->n ? bucket_of(tf, time_ms(tail->open_ms[0])) : 0;
    if (tail->n && bucket_of(tf, time_ms(tail->open_ms[tail->n - 1])) != tail_bucket)
        return err_set(cx, ERR_CORRUPT, "%s: series %lld: its newest rows span two blocks", r->db.path,
                       (long long)c->want->id);
    int e = db_query(&r->db, cx, SQL_BLOCK_RANGE, &st, "iii", c->want->id, INT64_MIN, INT64_MAX);
    while (e == 0 && (e = db_step(&r->db, cx, st)) > 0) {
        e = check_block(r, cx, c, st, tail, tail_bucket);
        if (e)
            db_reset(st);
    }
    if (e == 0)
        add_rows(c, tail);
    return e;
}

static int check_series(SqliteStore *s, Reader *r, Ctx *cx, void *arg) {
    UNUSED(s);
    SeriesInfo now;
    int e = series_query(&r->db, cx, arg, &now);
    if (e)
        return e == STORE_NO_SERIES ? 0 : e; /* removed since the list was made */
    Check c = { .want = &now };
    Candles tail = { 0 };
    e = tail_read(&r->db, cx, now.id, TIME_MIN, TIME_MAX, &tail);
    if (e == 0)
        e = check_blocks(r, cx, &c, &tail);
    candles_done_heap(&tail);
    bool equal = c.n == now.n && c.n_synthetic == now.n_synthetic &&
                 (c.n == 0 || (c.first.ms == now.first.ms && c.last.ms == now.last.ms));
    if (e == 0 && !equal)
        e = err_set(cx, ERR_CORRUPT, "%s: series %lld has %lld candles where its entry says %lld", r->db.path,
                    (long long)now.id, (long long)c.n, (long long)now.n);
    return e == ERR_CORRUPT ? err_prefix(cx, STR_FMT, STR_ARG(series_key_text(cx->arena, &now.key))) : e;
}

int sqlite_verify(CandleStore *store, Ctx *cx) {
    SqliteStore *s = (SqliteStore *)store;
    SeriesInfo *v;
    size_t n;
    int r = reader_transaction(s, cx, check_pages, NULL);
    if (r == 0)
        r = sqlite_list(store, cx, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = reader_transaction(s, cx, check_series, &v[i].key);
    return r;
}
