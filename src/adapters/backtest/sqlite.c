/* adapters/backtest/sqlite.c - see sqlite.h. Rows down: save.c; rows up: read.c. */

#include "adapters/backtest/internal.h"

static int save(BacktestStore *s, Ctx *cx, const StoredBacktest *b) {
    return db_owner_write(&((BacktestSqlite *)s)->owner, cx, backtest_db_save, (void *)(uintptr_t)b);
}

static int get(BacktestStore *s, Ctx *cx, Str workspace, Str id, StoredBacktest *out) {
    BacktestGet g = { .workspace = workspace, .id = id, .out = out };
    return db_owner_read(&((BacktestSqlite *)s)->owner, cx, backtest_db_get, &g);
}

/* --- lists --- */

typedef struct ListWork {
    const BacktestFilter *filter;
    BacktestSummary *v;
    size_t n;
    int64_t total;
} ListWork;

static int count(Db *db, Ctx *cx, const BacktestFilter *f, int64_t *out) {
    sqlite3_stmt *st;
    int r =
        db_query(db, cx, SQL_COUNT, &st, "sssss", f->workspace, f->symbol, f->timeframe, f->strategy_type, f->engine);
    if (r || (r = db_step(db, cx, st)) < 0)
        return r;
    *out = r ? db_i64(st, 0) : 0;
    db_reset(st);
    return 0;
}

static int list_work(Db *db, Ctx *cx, void *arg) {
    static const int by[] = { [BACKTEST_NEWEST] = SQL_NEWEST,
                              [BACKTEST_BEST_SCORE] = SQL_BY_SCORE,
                              [BACKTEST_BEST_RETURN] = SQL_BY_RETURN,
                              [BACKTEST_BEST_SHARPE] = SQL_BY_SHARPE };
    ListWork *w = arg;
    const BacktestFilter *f = w->filter;
    sqlite3_stmt *st;
    int r = count(db, cx, f, &w->total);
    if (r == 0)
        r = db_query(db, cx, by[f->order], &st, "sssssii", f->workspace, f->symbol, f->timeframe, f->strategy_type,
                     f->engine, (int64_t)f->limit, (int64_t)f->skip);
    w->v = arena_zalloc(cx->arena, MAX(f->limit, 1) * sizeof *w->v);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        backtest_db_summary(st, cx->arena, &w->v[w->n++]);
        r = 0;
    }
    return r;
}

static int list(BacktestStore *s, Ctx *cx, const BacktestFilter *f, BacktestSummary **out, size_t *n, int64_t *total) {
    ListWork w = { .filter = f };
    int r = db_owner_read(&((BacktestSqlite *)s)->owner, cx, list_work, &w);
    if (r)
        return r;
    *out = w.v;
    *n = w.n;
    *total = w.total;
    return 0;
}

/* --- removing --- */

typedef struct RemoveWork {
    Str workspace, id;
    Time before;
    int64_t removed;
} RemoveWork;

static int count_removed(Db *db, Ctx *cx, sqlite3_stmt *st, RemoveWork *w) {
    int r;
    while ((r = db_step(db, cx, st)) > 0)
        w->removed++;
    return r;
}

static int remove_work(Db *db, Ctx *cx, void *arg) {
    RemoveWork *w = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_REMOVE, &st, "ss", w->id, w->workspace);
    if (r == 0)
        r = count_removed(db, cx, st, w);
    return r ? r : w->removed ? 0 : BACKTEST_NO_SUCH;
}

static int expire_work(Db *db, Ctx *cx, void *arg) {
    RemoveWork *w = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_EXPIRE, &st, "i", w->before.ms);
    return r ? r : count_removed(db, cx, st, w);
}

static int remove_one(BacktestStore *s, Ctx *cx, Str workspace, Str id) {
    RemoveWork w = { .workspace = workspace, .id = id };
    return db_owner_write(&((BacktestSqlite *)s)->owner, cx, remove_work, &w);
}

static int expire(BacktestStore *s, Ctx *cx, Time before, int64_t *removed) {
    RemoveWork w = { .before = before };
    int r = db_owner_write(&((BacktestSqlite *)s)->owner, cx, expire_work, &w);
    *removed = r == 0 ? w.removed : 0;
    return r;
}

/* --- life --- */

static int snapshot(BacktestStore *s, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return db_owner_snapshot(&((BacktestSqlite *)s)->owner, cx, piece, arg);
}

static void close_store(BacktestStore *s) {
    db_owner_close(&((BacktestSqlite *)s)->owner);
    mem_free(s);
}

static const BacktestStoreOps ops = {
    .name = "sqlite",
    .save = save,
    .get = get,
    .list = list,
    .remove = remove_one,
    .expire = expire,
    .snapshot = snapshot,
    .close = close_store,
};

int backtest_sqlite_open(Ctx *cx, const BacktestSqliteOptions *options, BacktestStore **out) {
    BacktestSqlite *s = mem_new(BacktestSqlite);
    s->store.ops = &ops;
    DbOwnerOptions o = { .path = options->path,
                         .vfs = options->vfs,
                         .table = backtest_sql,
                         .schema = &backtest_schema,
                         .lazy = options->lazy };
    int r = db_owner_open(&s->owner, cx, &o);
    if (r) {
        mem_free(s);
        return r;
    }
    *out = &s->store;
    return 0;
}
