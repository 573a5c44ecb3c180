/* adapters/article/sqlite.c - see sqlite.h. Articles in: put.c; searches: find.c; rows: read.c. */

#include "adapters/article/internal.h"
#include "base/vec.h"

#include <sqlite3.h>

static ArticleSqlite *self(ArticleStore *s) {
    return (ArticleSqlite *)s;
}

static int put(ArticleStore *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out) {
    return article_db_put(self(s), cx, req, out);
}

static int search(ArticleStore *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out) {
    return article_db_search(self(s), cx, q, out);
}

/* --- by id --- */

typedef struct IdWork {
    ArticleSqlite *s;
    Str id;
    ArticleHit *hit;
    const ArticleSentiment *score;
    ArticleSentiment *scores;
    ArticleCopy *copies;
    size_t n;
    int64_t row;
} IdWork;

static int get_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    IdWork *w = arg;
    UNUSED(s);
    UNUSED(fts);
    int r = article_row_of(db, cx, w->id, &w->row);
    return r ? r : article_load(db, cx, w->row, true, w->hit);
}

static int get(ArticleStore *s, Ctx *cx, Str id, ArticleHit *out) {
    IdWork w = { .id = id, .hit = out };
    return article_read(self(s), cx, get_work, &w);
}

static int scores_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    IdWork *w = arg;
    VEC(ArticleSentiment) v = { 0 };
    sqlite3_stmt *st;
    UNUSED(s);
    UNUSED(fts);
    int r = article_row_of(db, cx, w->id, &w->row);
    if (r == 0)
        r = db_query(db, cx, SQL_SCORES, &st, "i", w->row);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        vec_push_in(cx->arena, &v, article_score_from_row(st, cx->arena));
        r = 0;
    }
    w->scores = v.v;
    w->n = v.n;
    return r;
}

static int scores(ArticleStore *s, Ctx *cx, Str id, ArticleSentiment **out, size_t *n) {
    IdWork w = { .id = id };
    int r = article_read(self(s), cx, scores_work, &w);
    *out = w.scores;
    *n = w.n;
    return r;
}

static int copies_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    IdWork *w = arg;
    VEC(ArticleCopy) v = { 0 };
    sqlite3_stmt *st;
    UNUSED(s);
    UNUSED(fts);
    int r = article_row_of(db, cx, w->id, &w->row);
    if (r == 0)
        r = db_query(db, cx, SQL_COPIES, &st, "i", w->row);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        ArticleCopy c = { str_dup(cx->arena, db_text(st, 0)), str_dup(cx->arena, db_text(st, 1)),
                          str_dup(cx->arena, db_text(st, 2)), time_ms(db_i64(st, 3)), time_ms(db_i64(st, 4)) };
        vec_push_in(cx->arena, &v, c);
        r = 0;
    }
    w->copies = v.v;
    w->n = v.n;
    return r;
}

static int copies(ArticleStore *s, Ctx *cx, Str id, ArticleCopy **out, size_t *n) {
    IdWork w = { .id = id };
    int r = article_read(self(s), cx, copies_work, &w);
    *out = w.copies;
    *n = w.n;
    return r;
}

/* --- scores --- */

static int score_work(Db *db, Ctx *cx, void *arg) {
    IdWork *w = arg;
    const ArticleSentiment *v = w->score;
    sqlite3_stmt *st;
    int64_t row;
    int r = article_row_of(db, cx, w->id, &row);
    if (r == 0)
        r = db_query(db, cx, SQL_SCORE_PUT, &st, "issddi", row, v->model, v->label, v->score, v->confidence, v->at.ms);
    if (r || (r = db_step(db, cx, st)) < 0)
        return r;
    if (r == 0)
        return ARTICLE_SCORED; /* nothing was inserted */
    db_reset(st);
    if (w->s->revision == 0)
        r = db_pragma_i64(db, cx, article_sql.text[SQL_REVISION], &w->s->revision);
    r = r < 0 ? r
              : db_query(db, cx, SQL_DOC_LABEL, &st, "iiii", row, (int64_t)doc_label_flag(v->label), ++w->s->revision,
                         (int64_t)DOC_LABELS);
    if (r || (r = db_step(db, cx, st)) <= 0)
        return r;
    unsigned flags = (unsigned)db_i64(st, 0);
    db_reset(st);
    if (atomic_load(&w->s->docs_loaded))
        docs_flags(&w->s->docs, row, flags);
    return 0;
}

static int score(ArticleStore *s, Ctx *cx, Str id, const ArticleSentiment *v) {
    IdWork w = { .s = self(s), .id = id, .score = v };
    return db_owner_write(&self(s)->owner, cx, score_work, &w);
}

/* --- lists --- */

typedef struct ListWork {
    int64_t after;
    size_t limit, n;
    Article *articles;
    ArticleSourceInfo *sources;
    ArticleStoreInfo *info;
} ListWork;

static int changes_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    ListWork *w = arg;
    sqlite3_stmt *st;
    int64_t copies_there;
    UNUSED(s);
    UNUSED(fts);
    w->articles = arena_new_n(cx->arena, Article, MAX(w->limit, 1));
    int r = db_query(db, cx, SQL_CHANGES, &st, "ii", w->after, (int64_t)w->limit);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        article_from_row(st, cx->arena, false, &w->articles[w->n++], &copies_there);
        r = 0;
    }
    return r;
}

static int changes(ArticleStore *s, Ctx *cx, int64_t after, size_t limit, Article **out, size_t *n) {
    ListWork w = { .after = after, .limit = limit };
    int r = article_read(self(s), cx, changes_work, &w);
    *out = w.articles;
    *n = w.n;
    return r;
}

static int sources_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    ListWork *w = arg;
    VEC(ArticleSourceInfo) v = { 0 };
    sqlite3_stmt *st;
    UNUSED(s);
    UNUSED(fts);
    int r = db_query(db, cx, SQL_SOURCES, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        ArticleSourceInfo i = { str_dup(cx->arena, db_text(st, 0)), db_i64(st, 1), db_i64(st, 3),
                                time_ms(db_i64(st, 2)) };
        vec_push_in(cx->arena, &v, i);
        r = 0;
    }
    w->sources = v.v;
    w->n = v.n;
    return r;
}

static int sources(ArticleStore *s, Ctx *cx, ArticleSourceInfo **out, size_t *n) {
    ListWork w = { 0 };
    int r = article_read(self(s), cx, sources_work, &w);
    *out = w.sources;
    *n = w.n;
    return r;
}

/* --- removing --- */

typedef struct RemoveWork {
    ArticleSqlite *s;
    Str id;
    const Str *ids; /* `limit` of them */
    Time before;
    size_t limit, n;
    int64_t *rows;
} RemoveWork;

static int remove_work(Db *db, Ctx *cx, void *arg) {
    RemoveWork *w = arg;
    int r = article_row_of(db, cx, w->id, &w->rows[0]);
    w->n = r == 0;
    return r ? r : article_db_remove(w->s, cx, db, w->rows[0]);
}

static int expire_work(Db *db, Ctx *cx, void *arg) {
    RemoveWork *w = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_EXPIRED, &st, "ii", w->before.ms, (int64_t)w->limit);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        w->rows[w->n++] = db_i64(st, 0);
        r = 0;
    }
    for (size_t i = 0; r == 0 && i < w->n; i++)
        r = article_db_remove(w->s, cx, db, w->rows[i]);
    return r;
}

static int drop_work(Db *db, Ctx *cx, void *arg) {
    RemoveWork *w = arg;
    int r = 0;
    w->n = 0;
    for (size_t i = 0; r == 0 && i < w->limit; i++) {
        r = article_row_of(db, cx, w->ids[i], &w->rows[w->n]);
        if (r == 0)
            r = article_db_remove(w->s, cx, db, w->rows[w->n++]);
        r = MIN(r, 0); /* that one is not there */
    }
    return r;
}

static int run_removal(ArticleSqlite *s, Ctx *cx, DbWork *fn, RemoveWork *w) {
    int r = db_owner_write(&s->owner, cx, fn, w);
    pthread_mutex_lock(&s->docs_lock);
    for (size_t i = 0; r == 0 && i < w->n; i++)
        docs_drop(&s->docs, w->rows[i]);
    pthread_mutex_unlock(&s->docs_lock);
    return r;
}

static int remove_one(ArticleStore *s, Ctx *cx, Str id) {
    int64_t row;
    RemoveWork w = { .s = self(s), .id = id, .rows = &row };
    return run_removal(self(s), cx, remove_work, &w);
}

static int expire(ArticleStore *s, Ctx *cx, Time before, size_t limit, int64_t *removed) {
    RemoveWork w = { .s = self(s), .before = before, .limit = limit };
    w.rows = arena_new_n(cx->arena, int64_t, MAX(limit, 1));
    int r = run_removal(self(s), cx, expire_work, &w);
    *removed = r == 0 ? (int64_t)w.n : 0;
    return r;
}

static int drop(ArticleStore *s, Ctx *cx, const Str *ids, size_t n, int64_t *removed) {
    RemoveWork w = { .s = self(s), .ids = ids, .limit = n };
    w.rows = arena_new_n(cx->arena, int64_t, n + 1);
    int r = run_removal(self(s), cx, drop_work, &w);
    *removed = r == 0 ? (int64_t)w.n : 0;
    return r;
}

/* --- state --- */

typedef struct StateWork {
    Str key, value;
} StateWork;

static int state_get_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    StateWork *w = arg;
    sqlite3_stmt *st;
    UNUSED(s);
    UNUSED(fts);
    int r = db_query(db, cx, SQL_STATE_GET, &st, "s", w->key);
    if (r || (r = db_step(db, cx, st)) <= 0)
        return r;
    w->value = str_dup(cx->arena, db_text(st, 0));
    db_reset(st);
    return 0;
}

static int state_get(ArticleStore *s, Ctx *cx, Str key, Str *out) {
    StateWork w = { .key = key };
    int r = article_read(self(s), cx, state_get_work, &w);
    *out = w.value;
    return r;
}

static int state_put_work(Db *db, Ctx *cx, void *arg) {
    StateWork *w = arg;
    return db_run(db, cx, SQL_STATE_PUT, "ss", w->key, w->value);
}

static int state_put(ArticleStore *s, Ctx *cx, Str key, Str value) {
    StateWork w = { key, value };
    return db_owner_write_often(&self(s)->owner, cx, state_put_work, &w); /* losing one asks a feed once more */
}

/* --- what is to be told --- */

static ArticleSqlite *of_outbox(Outbox *o) {
    return CONTAINER_OF(o, ArticleSqlite, outbox);
}

typedef struct OutboxWork {
    OutboxRow *v;
    size_t most, n;
    int64_t number;
} OutboxWork;

static int take_work(Db *db, Ctx *cx, void *arg) {
    OutboxWork *w = arg;
    DbOutboxRow *rows = arena_new_n(cx->arena, DbOutboxRow, MAX(w->most, 1));
    int r = db_outbox_take(db, cx, SQL_OUTBOX_PUT, rows, w->most, &w->n);
    w->v = arena_new_n(cx->arena, OutboxRow, MAX(w->n, 1));
    for (size_t i = 0; r == 0 && i < w->n; i++)
        w->v[i] = (OutboxRow){ rows[i].number, rows[i].exchange, rows[i].routing_key, rows[i].event };
    return r;
}

static int outbox_take_rows(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n) {
    OutboxWork w = { .most = most };
    int r = db_owner_read(&of_outbox(o)->owner, cx, take_work, &w);
    *out = w.v;
    *n = w.n;
    return r ? r : w.n ? 0 : BUS_EMPTY;
}

static int done_work(Db *db, Ctx *cx, void *arg) {
    return db_outbox_done(db, cx, SQL_OUTBOX_PUT, ((OutboxWork *)arg)->number);
}

static int outbox_done_rows(Outbox *o, Ctx *cx, int64_t last) {
    return db_owner_write_often(&of_outbox(o)->owner, cx, done_work, &(OutboxWork){ .number = last });
}

static int depth_work(Db *db, Ctx *cx, void *arg) {
    return db_outbox_count(db, cx, SQL_OUTBOX_PUT, &((OutboxWork *)arg)->number);
}

static int outbox_count(Outbox *o, Ctx *cx, int64_t *n) {
    OutboxWork w = { 0 };
    int r = db_owner_read(&of_outbox(o)->owner, cx, depth_work, &w);
    *n = w.number;
    return r;
}

static int put_rows_work(Db *db, Ctx *cx, void *arg) {
    const OutboxWork *w = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < w->n; i++)
        r = db_outbox_put(db, cx, SQL_OUTBOX_PUT, w->v[i].exchange, w->v[i].routing_key, &w->v[i].event);
    return r;
}

static int outbox_put_rows(Outbox *o, Ctx *cx, const OutboxRow *rows, size_t n) {
    OutboxWork w = { .v = (OutboxRow *)(uintptr_t)rows, .n = n };
    return db_owner_write(&of_outbox(o)->owner, cx, put_rows_work, &w);
}

static const OutboxOps outbox_ops = {
    .name = "news",
    .take = outbox_take_rows,
    .done = outbox_done_rows,
    .depth = outbox_count,
    .put = outbox_put_rows,
};

static Outbox *outbox(ArticleStore *s) {
    return &self(s)->outbox;
}

/* --- the whole --- */

static int describe_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    ArticleStoreInfo *i = ((ListWork *)arg)->info;
    sqlite3_stmt *st;
    int64_t pages = 0, size = 0;
    UNUSED(fts);
    *i = (ArticleStoreInfo){ .adapter = "sqlite", .location = str_c(s->owner.options.path ? s->owner.path : "memory") };
    int r = db_query(db, cx, SQL_COUNTS, &st, "");
    if (r || (r = db_step(db, cx, st)) <= 0)
        return r;
    i->n_articles = db_i64(st, 0);
    i->n_copies = db_i64(st, 1);
    i->n_scored = db_i64(st, 2);
    i->newest = time_ms(db_i64(st, 3));
    i->outbox = db_i64(st, 4);
    db_reset(st);
    r = db_pragma_i64(db, cx, "PRAGMA page_count", &pages);
    r = r ? r : db_pragma_i64(db, cx, "PRAGMA page_size", &size);
    i->bytes = pages * size;
    return r ? r : schema_version(db, cx, &article_schema, &i->schema_version);
}

static int describe(ArticleStore *s, Ctx *cx, ArticleStoreInfo *out) {
    ListWork w = { .info = out };
    return article_read(self(s), cx, describe_work, &w);
}

/* Rows of all tables against each other, the index's own sums, every page. */
static int verify_work(Db *db, Ctx *cx, void *arg) {
    sqlite3_stmt *st;
    int64_t bad = 0;
    UNUSED(arg);
    int r = db_query(db, cx, SQL_ORPHANS, &st, "");
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        bad = db_i64(st, 0);
        db_reset(st);
        r = 0;
    }
    if (r == 0 && bad)
        return err_set(cx, ERR_CORRUPT, "%s: %lld rows of its tables do not belong together", db->path, (long long)bad);
    r = r ? r : db_run(db, cx, SQL_FTS_CHECK, "");
    if (r < 0)
        return err_set(cx, ERR_CORRUPT, "%s: the index of words is damaged", db->path);
    r = db_pragma_i64(db, cx, "SELECT count(*) FROM pragma_quick_check WHERE quick_check<>'ok'", &bad);
    return r == 0 && bad ? err_set(cx, ERR_CORRUPT, "%s is damaged; restore a copy", db->path) : r;
}

static int verify(ArticleStore *s, Ctx *cx) {
    return db_owner_write(&self(s)->owner, cx, verify_work, NULL);
}

static int snapshot(ArticleStore *s, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return db_owner_snapshot(&self(s)->owner, cx, piece, arg);
}

/* --- life --- */

static void close_store(ArticleStore *store) {
    ArticleSqlite *s = self(store);
    article_readers_done(s);
    db_owner_close(&s->owner);
    docs_done(&s->docs);
    pthread_mutex_destroy(&s->docs_lock);
    mem_free(s->recent);
    mem_free(s);
}

static const ArticleStoreOps ops = {
    .name = "sqlite",
    .put = put,
    .get = get,
    .search = search,
    .score = score,
    .scores = scores,
    .copies = copies,
    .changes = changes,
    .sources = sources,
    .remove = remove_one,
    .expire = expire,
    .drop = drop,
    .state_get = state_get,
    .state_put = state_put,
    .outbox = outbox,
    .describe = describe,
    .verify = verify,
    .snapshot = snapshot,
    .close = close_store,
};

static int opened(void *arg, Db *db, Ctx *cx) {
    ArticleSqlite *s = arg;
    int r = fts_register(db, cx, &s->fts);
    return r ? r : db_exec(db, cx, "PRAGMA cache_size=-32768"); /* keys fall anywhere in their index */
}

int article_sqlite_open(Ctx *cx, const ArticleSqliteOptions *options, ArticleStore **out) {
    ArticleSqlite *s = mem_new(ArticleSqlite);
    s->store.ops = &ops;
    s->outbox.ops = &outbox_ops;
    s->unsynced = options->unsynced;
    pthread_mutex_init(&s->docs_lock, NULL);
    article_readers_init(s);
    DbOwnerOptions o = { .path = options->path,
                         .vfs = options->vfs,
                         .table = article_sql,
                         .schema = &article_schema,
                         .lazy = options->lazy,
                         .opened = opened,
                         .opened_arg = s };
    int r = db_owner_open(&s->owner, cx, &o);
    if (r) {
        close_store(&s->store);
        return r;
    }
    *out = &s->store;
    return 0;
}
