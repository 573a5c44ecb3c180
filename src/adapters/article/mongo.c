/* adapters/article/mongo.c - see mongo.h: life of the store, and its small calls. Articles in: mongo_put.c; searches:
 * mongo_find.c. */

#include "adapters/article/look.h"
#include "adapters/article/mongo_internal.h"
#include "core/words.h"

#include <stdlib.h>

enum { TRIES = 8, SCHEMA_VERSION = 1 };

static ArticleMongo *self(ArticleStore *s) {
    return (ArticleMongo *)s;
}

/* --- by id --- */

typedef struct IdWork {
    Str id;
    MongoItem *item;
    ArticleHit *hit;
    const ArticleSentiment *score;
} IdWork;

static int item_work(MongoCall *c, void *arg) {
    IdWork *w = arg;
    return mongo_item_by_id(c, w->id, &w->item);
}

static int item_of(ArticleStore *s, Ctx *cx, Str id, MongoItem **out) {
    IdWork w = { .id = id };
    int r = mongo_read(self(s), cx, item_work, &w);
    *out = w.item;
    return r;
}

static int get(ArticleStore *s, Ctx *cx, Str id, ArticleHit *out) {
    MongoItem *it;
    int r = item_of(s, cx, id, &it);
    if (r == 0)
        mongo_hit(it, true, out);
    return r;
}

static int newest_first(const void *a, const void *b) {
    const ArticleSentiment *x = a, *y = b;
    int c = time_cmp(y->at, x->at);
    return c ? c : str_cmp(x->model, y->model);
}

static int scores(ArticleStore *s, Ctx *cx, Str id, ArticleSentiment **out, size_t *n) {
    MongoItem *it;
    int r = item_of(s, cx, id, &it);
    if (r)
        return r;
    *out = it->scores.v;
    *n = it->scores.n;
    if (*n)
        qsort(*out, *n, sizeof **out, newest_first);
    return 0;
}

static int copies(ArticleStore *s, Ctx *cx, Str id, ArticleCopy **out, size_t *n) {
    MongoItem *it;
    int r = item_of(s, cx, id, &it);
    if (r)
        return r;
    *out = it->copies.v;
    *n = it->copies.n;
    return 0;
}

/* --- small commits --- */

static int again(MongoCall *c, void *arg, MongoWork *fn) {
    int r = MONGO_AGAIN;
    for (int i = 0; r == MONGO_AGAIN && i < TRIES; i++)
        r = fn(c, arg);
    return r == MONGO_AGAIN
               ? err_set(c->cx, ERR_CONFLICT, "MongoDB: others write too much to database %s", c->s->database)
               : r;
}

static int score_once(MongoCall *c, void *arg) {
    const IdWork *w = arg;
    MongoHead head;
    MongoItem *it;
    int r = mongo_head(c, &head);
    if (r == 0)
        r = mongo_item_by_id(c, w->id, &it);
    if (r)
        return r;
    VEC_FOR (old, &it->scores)
        if (str_eq(old->model, w->score->model))
            return ARTICLE_SCORED;
    vec_push_in(c->cx->arena, &it->scores, *w->score);
    if (!it->a.sentiment.model.n || time_before(it->a.sentiment.at, w->score->at))
        it->a.sentiment = *w->score;
    it->a.revision = ++head.revision;
    it->changed = true;
    head.scored++;
    return mongo_commit(c, &(MongoCommit){ .items = &it, .n = 1, .next = head });
}

static int score_work(MongoCall *c, void *arg) {
    return again(c, arg, score_once);
}

static int score(ArticleStore *s, Ctx *cx, Str id, const ArticleSentiment *v) {
    return mongo_write(self(s), cx, score_work, &(IdWork){ .id = id, .score = v });
}

static int drop_items(MongoCall *c, MongoHead *head, MongoItem **v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        v[i]->gone = true;
        head->articles--;
        head->words -= v[i]->words;
        head->copies -= (int64_t)v[i]->copies.n;
        head->scored -= (int64_t)v[i]->scores.n;
    }
    c->s->recent_loaded = false;
    return n ? mongo_commit(c, &(MongoCommit){ .items = v, .n = n, .next = *head }) : 0;
}

static int remove_once(MongoCall *c, void *arg) {
    const IdWork *w = arg;
    MongoHead head;
    MongoItem *it;
    int r = mongo_head(c, &head);
    if (r == 0)
        r = mongo_item_by_id(c, w->id, &it);
    return r ? r : drop_items(c, &head, &it, 1);
}

static int remove_work(MongoCall *c, void *arg) {
    return again(c, arg, remove_once);
}

static int remove_one(ArticleStore *s, Ctx *cx, Str id) {
    return mongo_write(self(s), cx, remove_work, &(IdWork){ .id = id });
}

typedef struct ExpireWork {
    Time before;
    size_t limit, n;
} ExpireWork;

static int expire_once(MongoCall *c, void *arg) {
    ExpireWork *w = arg;
    MongoHead head;
    MongoItem **v;
    bson_t *filter = BCON_NEW("published_at", "{", "$lt", BCON_DATE_TIME(w->before.ms), "}");
    bson_t *opts = BCON_NEW("sort", "{", "published_at", BCON_INT32(1), "_id", BCON_INT32(1), "}", "limit",
                            BCON_INT64((int64_t)w->limit), "projection", "{", "n_words", BCON_INT32(1), "copies",
                            BCON_INT32(1), "scores", BCON_INT32(1), "}");
    int r = mongo_head(c, &head);
    if (r == 0)
        r = mongo_items(c, filter, opts, &v, &w->n);
    if (r == 0)
        r = drop_items(c, &head, v, w->n);
    bson_destroy(filter);
    bson_destroy(opts);
    return r;
}

static int expire_work(MongoCall *c, void *arg) {
    return again(c, arg, expire_once);
}

static int expire(ArticleStore *s, Ctx *cx, Time before, size_t limit, int64_t *removed) {
    ExpireWork w = { .before = before, .limit = limit };
    int r = limit ? mongo_write(self(s), cx, expire_work, &w) : 0;
    *removed = r == 0 ? (int64_t)w.n : 0;
    return r;
}

typedef struct DropWork {
    const Str *ids;
    size_t n, n_gone;
} DropWork;

static int drop_once(MongoCall *c, void *arg) {
    DropWork *w = arg;
    MongoHead head;
    MongoItem **v;
    bson_t filter = BSON_INITIALIZER, in, list;
    Arena *a = c->cx->arena;
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "keys", &in);
    BSON_APPEND_ARRAY_BEGIN(&in, "$in", &list);
    for (size_t i = 0; i < w->n; i++)
        mongo_put_str(&list, str_cz(a, str_fmt(a, "%zu", i)), w->ids[i]);
    bson_append_array_end(&in, &list);
    bson_append_document_end(&filter, &in);
    int r = mongo_head(c, &head);
    if (r == 0)
        r = mongo_items(c, &filter, NULL, &v, &w->n_gone);
    if (r == 0)
        r = drop_items(c, &head, v, w->n_gone);
    bson_destroy(&filter);
    return r;
}

static int drop_work(MongoCall *c, void *arg) {
    return again(c, arg, drop_once);
}

static int drop(ArticleStore *s, Ctx *cx, const Str *ids, size_t n, int64_t *removed) {
    DropWork w = { .ids = ids, .n = n };
    int r = mongo_write(self(s), cx, drop_work, &w);
    *removed = r == 0 ? (int64_t)w.n_gone : 0;
    return r;
}

/* --- lists --- */

typedef struct ListWork {
    int64_t after;
    size_t limit, n;
    MongoItem **items;
    VEC(ArticleSourceInfo) sources;
} ListWork;

static int changes_work(MongoCall *c, void *arg) {
    ListWork *w = arg;
    bson_t *filter = BCON_NEW("revision", "{", "$gt", BCON_INT64(w->after), "}");
    bson_t *opts = BCON_NEW("sort", "{", "revision", BCON_INT32(1), "}", "limit", BCON_INT64((int64_t)w->limit),
                            "projection", "{", "words", BCON_INT32(0), "content", BCON_INT32(0), "}");
    int r = mongo_items(c, filter, opts, &w->items, &w->n);
    bson_destroy(filter);
    bson_destroy(opts);
    return r;
}

static int changes(ArticleStore *s, Ctx *cx, int64_t after, size_t limit, Article **out, size_t *n) {
    ListWork w = { .after = after, .limit = limit };
    int r = limit ? mongo_read(self(s), cx, changes_work, &w) : 0;
    *out = arena_new_n(cx->arena, Article, MAX(w.n, 1));
    for (size_t i = 0; i < w.n; i++)
        (*out)[i] = w.items[i]->a;
    *n = w.n;
    return r;
}

static int add_source(void *arg, Ctx *cx, const bson_t *doc) {
    ListWork *w = arg;
    bson_iter_t it;
    ArticleSourceInfo i = { .n_articles = mongo_field_i64(doc, "n"),
                            .newest = time_ms(mongo_field_i64(doc, "newest")) };
    if (mongo_field(doc, "_id", &it))
        i.source = mongo_str(&it, cx->arena);
    vec_push_in(cx->arena, &w->sources, i);
    return 0;
}

static int add_copies(void *arg, Ctx *cx, const bson_t *doc) {
    ListWork *w = arg;
    bson_iter_t it;
    Str source = mongo_field(doc, "_id", &it) ? mongo_str(&it, cx->arena) : (Str){ 0 };
    VEC_FOR (i, &w->sources)
        if (str_eq(i->source, source))
            i->n_copies = mongo_field_i64(doc, "n");
    return 0;
}

static int sources_work(MongoCall *c, void *arg) {
    bson_t *by_source =
        BCON_NEW("pipeline", "[", "{", "$group", "{", "_id", "$source", "n", "{", "$sum", BCON_INT64(1), "}", "newest",
                 "{", "$max", "$published_at", "}", "}", "}", "{", "$sort", "{", "_id", BCON_INT32(1), "}", "}", "]");
    bson_t *of_copies = BCON_NEW("pipeline", "[", "{", "$unwind", "$copies", "}", "{", "$group", "{", "_id",
                                 "$copies.source", "n", "{", "$sum", BCON_INT64(1), "}", "}", "}", "]");
    int r = mongo_each_group(c, "articles", by_source, add_source, arg);
    if (r == 0)
        r = mongo_each_group(c, "articles", of_copies, add_copies, arg);
    bson_destroy(by_source);
    bson_destroy(of_copies);
    return r;
}

static int sources(ArticleStore *s, Ctx *cx, ArticleSourceInfo **out, size_t *n) {
    ListWork w = { 0 };
    int r = mongo_read(self(s), cx, sources_work, &w);
    *out = w.sources.v;
    *n = w.sources.n;
    return r;
}

/* --- state --- */

typedef struct StateWork {
    Str key, value;
} StateWork;

static int take_state(void *arg, Ctx *cx, const bson_t *doc) {
    bson_iter_t it;
    if (mongo_field(doc, "value", &it))
        ((StateWork *)arg)->value = mongo_str(&it, cx->arena);
    return 1;
}

static int state_get_work(MongoCall *c, void *arg) {
    StateWork *w = arg;
    bson_t filter = BSON_INITIALIZER;
    mongo_put_str(&filter, "_id", w->key);
    int r = mongo_each(c, "state", &filter, NULL, take_state, w);
    bson_destroy(&filter);
    return r;
}

static int state_get(ArticleStore *s, Ctx *cx, Str key, Str *out) {
    StateWork w = { .key = key };
    int r = mongo_read(self(s), cx, state_get_work, &w);
    *out = w.value;
    return r;
}

static int state_put_work(MongoCall *c, void *arg) {
    const StateWork *w = arg;
    int64_t matched;
    bson_t filter = BSON_INITIALIZER, change = BSON_INITIALIZER, set;
    mongo_put_str(&filter, "_id", w->key);
    BSON_APPEND_DOCUMENT_BEGIN(&change, "$set", &set);
    mongo_put_str(&set, "value", w->value);
    bson_append_document_end(&change, &set);
    int r = mongo_update(c, "state", &filter, &change, true, &matched);
    bson_destroy(&filter);
    bson_destroy(&change);
    return r;
}

static int state_put(ArticleStore *s, Ctx *cx, Str key, Str value) {
    return mongo_write(self(s), cx, state_put_work, &(StateWork){ key, value });
}

/* --- outbox --- */

typedef struct OutboxWork {
    VEC(OutboxRow) v;
    size_t most;
    int64_t last, depth;
    const OutboxRow *rows;
    size_t n;
} OutboxWork;

static ArticleMongo *outbox_self(Outbox *o) {
    return CONTAINER_OF(o, ArticleMongo, outbox);
}

static int add_event(void *arg, Ctx *cx, const bson_t *doc) {
    OutboxWork *w = arg;
    OutboxRow row;
    mongo_event_read(doc, cx->arena, &row);
    vec_push_in(cx->arena, &w->v, row);
    return 0;
}

static int take_work(MongoCall *c, void *arg) {
    OutboxWork *w = arg;
    bson_t all = BSON_INITIALIZER;
    bson_t *opts = BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64((int64_t)w->most));
    int r = mongo_each(c, "outbox", &all, opts, add_event, w);
    bson_destroy(opts);
    return r;
}

static int take(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n) {
    OutboxWork w = { .most = most };
    int r = mongo_read(outbox_self(o), cx, take_work, &w);
    *out = w.v.v;
    *n = w.v.n;
    return r ? r : *n ? 0 : BUS_EMPTY;
}

static int done_work(MongoCall *c, void *arg) {
    bson_t *filter = BCON_NEW("_id", "{", "$lte", BCON_INT64(((OutboxWork *)arg)->last), "}");
    int r = mongo_delete(c, "outbox", filter);
    bson_destroy(filter);
    return r;
}

static int done(Outbox *o, Ctx *cx, int64_t last) {
    return mongo_read(outbox_self(o), cx, done_work, &(OutboxWork){ .last = last });
}

static int depth_work(MongoCall *c, void *arg) {
    bson_t all = BSON_INITIALIZER;
    return mongo_count(c, "outbox", &all, &((OutboxWork *)arg)->depth);
}

static int depth(Outbox *o, Ctx *cx, int64_t *n) {
    OutboxWork w = { 0 };
    int r = mongo_read(outbox_self(o), cx, depth_work, &w);
    *n = w.depth;
    return r;
}

static int put_events_once(MongoCall *c, void *arg) {
    const OutboxWork *w = arg;
    MongoHead head;
    OutboxRow *rows = arena_new_n(c->cx->arena, OutboxRow, w->n);
    memcpy(rows, w->rows, w->n * sizeof *rows);
    int r = mongo_head(c, &head);
    return r ? r : mongo_commit(c, &(MongoCommit){ .events = rows, .n_events = w->n, .next = head });
}

static int put_events_work(MongoCall *c, void *arg) {
    return again(c, arg, put_events_once);
}

static int put_events(Outbox *o, Ctx *cx, const OutboxRow *rows, size_t n) {
    return n ? mongo_write(outbox_self(o), cx, put_events_work, &(OutboxWork){ .rows = rows, .n = n }) : 0;
}

static const OutboxOps outbox_ops = { .name = "news", .take = take, .done = done, .depth = depth, .put = put_events };

static Outbox *outbox(ArticleStore *s) {
    return &self(s)->outbox;
}

/* --- numbers and health --- */

static int take_newest(void *arg, Ctx *cx, const bson_t *doc) {
    UNUSED(cx);
    ((ArticleStoreInfo *)arg)->newest.ms = mongo_field_i64(doc, "published_at");
    return 1;
}

static int describe_work(MongoCall *c, void *arg) {
    ArticleStoreInfo *out = arg;
    MongoHead head;
    bson_t all = BSON_INITIALIZER, reply, *size = BCON_NEW("collStats", "articles");
    bson_t *opts = BCON_NEW("sort", "{", "published_at", BCON_INT32(-1), "}", "limit", BCON_INT64(1), "projection", "{",
                            "published_at", BCON_INT32(1), "}");
    int r = mongo_peek(c, &head);
    if (r == 0)
        r = mongo_each(c, "articles", &all, opts, take_newest, out);
    if (r == 0)
        r = mongo_count(c, "outbox", &all, &out->outbox);
    out->n_articles = head.articles;
    out->n_copies = head.copies;
    out->n_scored = head.scored;
    if (r == 0 && mongoc_client_command_simple(c->client, c->s->database, size, NULL, &reply, NULL)) {
        out->bytes = mongo_field_i64(&reply, "size"); /* a server may not tell: 0 then */
        bson_destroy(&reply);
    }
    bson_destroy(size);
    bson_destroy(opts);
    return r;
}

static int describe(ArticleStore *s, Ctx *cx, ArticleStoreInfo *out) {
    *out = (ArticleStoreInfo){ .adapter = "mongodb",
                               .location = str_dup(cx->arena, str_c(self(s)->location)),
                               .schema_version = SCHEMA_VERSION };
    return mongo_read(self(s), cx, describe_work, out);
}

typedef struct VerifyWork {
    MongoHead sum;
} VerifyWork;

/* The indexed words are those of the texts. */
static bool words_agree(const bson_t *doc, const MongoItem *it, Arena *a) {
    bson_t again = BSON_INITIALIZER;
    bson_iter_t x, y;
    mongo_item_write(it, it->seq, a, &again);
    bool same = mongo_field(doc, "words", &x) && mongo_field(&again, "words", &y) && bson_iter_recurse(&x, &x) &&
                bson_iter_recurse(&y, &y);
    while (same) {
        bool more = bson_iter_next(&x), more_too = bson_iter_next(&y);
        same = more == more_too && (!more || str_eq(mongo_str(&x, a), mongo_str(&y, a)));
        if (!more)
            break;
    }
    bson_destroy(&again);
    return same;
}

static int verify_one(void *arg, Ctx *cx, const bson_t *doc) {
    VerifyWork *w = arg;
    ArenaMark mark = arena_mark(cx->arena);
    MongoItem it;
    mongo_item_read(doc, cx->arena, &it);
    bool good = article_id_valid(it.a.id) && article_source_valid(it.a.source) &&
                it.words == (int64_t)look_words(&it.a) && words_agree(doc, &it, cx->arena);
    w->sum.articles++;
    w->sum.words += it.words;
    w->sum.copies += (int64_t)it.copies.n;
    w->sum.scored += (int64_t)it.scores.n;
    int r = good ? 0
                 : err_set(cx, ERR_CORRUPT, "MongoDB: article " STR_FMT " (_id %lld) does not agree with its words",
                           STR_ARG(it.a.id), (long long)it.row);
    arena_rewind(cx->arena, mark);
    return r;
}

static int verify_work(MongoCall *c, void *arg) {
    VerifyWork *w = arg;
    MongoHead head;
    bson_t all = BSON_INITIALIZER;
    int r = mongo_peek(c, &head);
    if (r == 0)
        r = mongo_each(c, "articles", &all, NULL, verify_one, w);
    if (r == 0 && (w->sum.articles != head.articles || w->sum.words != head.words || w->sum.copies != head.copies ||
                   w->sum.scored != head.scored))
        r = err_set(
            c->cx, ERR_CORRUPT, "MongoDB: %lld articles with %lld words are stored, meta.head says %lld and %lld",
            (long long)w->sum.articles, (long long)w->sum.words, (long long)head.articles, (long long)head.words);
    return r;
}

static int verify(ArticleStore *s, Ctx *cx) {
    return mongo_read(self(s), cx, verify_work, &(VerifyWork){ { 0 } });
}

/* --- life --- */

static void close_store(ArticleStore *store) {
    ArticleMongo *s = self(store);
    if (s->pool)
        mongoc_client_pool_destroy(s->pool);
    if (s->uri)
        mongoc_uri_destroy(s->uri);
    vec_done(&s->recent);
    pthread_rwlock_destroy(&s->turn);
    pthread_mutex_destroy(&s->writer);
    mem_free(s->database);
    mem_free(s->location);
    mem_free(s);
}

static const ArticleStoreOps ops = {
    .name = "mongodb",
    .put = article_mongo_put,
    .get = get,
    .search = article_mongo_search,
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
    .close = close_store,
};

static int make_indexes(MongoCall *c) {
    bson_t reply;
    bson_error_t e;
    /* clang-format off */
    bson_t *command = BCON_NEW("createIndexes", "articles", "indexes", "[",
        "{", "name", "keys", "key", "{", "keys", BCON_INT32(1), "}", "}",
        "{", "name", "words", "key", "{", "words", BCON_INT32(1), "_id", BCON_INT32(-1), "}", "}",
        "{", "name", "published", "key", "{", "published_at", BCON_INT32(-1), "_id", BCON_INT32(-1), "}", "}",
        "{", "name", "source", "key", "{", "source", BCON_INT32(1), "published_at", BCON_INT32(-1), "}", "}",
        "{", "name", "tickers", "key", "{", "tickers", BCON_INT32(1), "published_at", BCON_INT32(-1), "}", "}",
        "{", "name", "revision", "key", "{", "revision", BCON_INT32(1), "}", "}", "]");
    /* clang-format on */
    bool good = mongoc_client_command_simple(c->client, c->s->database, command, NULL, &reply, &e);
    bson_destroy(&reply);
    bson_destroy(command);
    return good ? 0 : mongo_failed(c->cx, &e, "making the indexes");
}

/* The head of a database that is new; another one's stays. */
static int make_head(MongoCall *c) {
    int64_t matched;
    bson_t *filter = BCON_NEW("_id", "head");
    bson_t *change = BCON_NEW("$setOnInsert", "{", "seq", BCON_INT64(0), "parts", BCON_INT64(0), "schema",
                              BCON_INT64(SCHEMA_VERSION), "}");
    int r = mongo_update(c, "meta", filter, change, true, &matched);
    bson_destroy(filter);
    bson_destroy(change);
    return r;
}

static int check_version(void *arg, Ctx *cx, const bson_t *doc) {
    const ArticleMongo *s = arg;
    int64_t version = mongo_field_i64(doc, "schema");
    return version > SCHEMA_VERSION
               ? err_set(cx, ERR_VERSION, "MongoDB: database %s was written by a newer program (%lld)", s->database,
                         (long long)version)
               : 1;
}

/* Parts of commits that never came to be: of a process that was killed before it moved the head. */
static int sweep(MongoCall *c) {
    bson_t all = BSON_INITIALIZER;
    return mongo_delete(c, "journal", &all);
}

static int open_work(MongoCall *c, void *arg) {
    MongoHead head;
    bson_t all = BSON_INITIALIZER;
    UNUSED(arg);
    int r = make_indexes(c);
    if (r == 0)
        r = make_head(c);
    if (r == 0)
        r = mongo_each(c, "meta", &all, NULL, check_version, c->s);
    if (r == 0)
        r = mongo_head(c, &head);
    return r ? r : sweep(c);
}

static pthread_once_t started = PTHREAD_ONCE_INIT;

static void quiet(mongoc_log_level_t level, const char *domain, const char *message, void *arg) {
    UNUSED(level);
    UNUSED(domain);
    UNUSED(message);
    UNUSED(arg);
}

/* The library's own life is the process's: it may not be started again once it has ended. */
static void start(void) {
    mongoc_init();
    mongoc_log_set_handler(quiet, NULL); /* libraries do not print; every failure comes back as an error */
}

static char *dup_z(Str s) {
    char *p = mem_alloc(s.n + 1);
    memcpy(p, s.p ? s.p : "", s.n);
    p[s.n] = '\0';
    return p;
}

static int parse_url(ArticleMongo *s, Ctx *cx, Str url) {
    enum { POOL_MAX = 50, IDLE_MS = 30000, CHOOSE_MS = 5000, CONNECT_MS = 5000, SOCKET_MS = 60000 };
    static const struct {
        const char *name;
        int32_t value;
    } numbers[] = { { MONGOC_URI_MAXPOOLSIZE, POOL_MAX },
                    { MONGOC_URI_SERVERSELECTIONTIMEOUTMS, CHOOSE_MS },
                    { MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS },
                    { MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_MS } };
    bson_error_t e;
    s->uri = mongoc_uri_new_with_error(str_cz(cx->arena, url), &e);
    if (!s->uri)
        return err_set_at(cx, ERR_INVALID, S("news.url"), "not a URL of MongoDB: %s", e.message);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (!mongoc_uri_has_option(s->uri, numbers[i].name))
            mongoc_uri_set_option_as_int32(s->uri, numbers[i].name, numbers[i].value);
    if (!mongoc_uri_has_option(s->uri, MONGOC_URI_W))
        mongoc_uri_set_option_as_utf8(s->uri, MONGOC_URI_W, "majority");
    if (!mongoc_uri_has_option(s->uri, MONGOC_URI_JOURNAL))
        mongoc_uri_set_option_as_bool(s->uri, MONGOC_URI_JOURNAL, true);
    mongoc_uri_set_option_as_utf8(s->uri, MONGOC_URI_APPNAME, "finsight");
    const char *named = mongoc_uri_get_database(s->uri);
    s->database = dup_z(named && named[0] ? str_c(named) : S("finsight"));
    const mongoc_host_list_t *host = mongoc_uri_get_hosts(s->uri);
    s->location = dup_z(str_fmt(cx->arena, "mongodb://%s/%s", host ? host->host_and_port : "", s->database));
    return 0;
}

bool article_mongo_built(void) {
    return true;
}

int article_mongo_open(Ctx *cx, const ArticleMongoOptions *o, ArticleStore **out) {
    pthread_once(&started, start);
    ArticleMongo *s = mem_new(ArticleMongo);
    *s = (ArticleMongo){ .store = { .ops = &ops },
                         .outbox = { .ops = &outbox_ops },
                         .token = o->token,
                         .newest = o->newest ? o->newest : ARTICLE_NEWEST };
    pthread_rwlock_init(&s->turn, NULL);
    pthread_mutex_init(&s->writer, NULL);
    int r = parse_url(s, cx, o->url);
    if (r == 0) {
        s->pool = mongoc_client_pool_new(s->uri);
        mongoc_client_pool_set_error_api(s->pool, MONGOC_ERROR_API_VERSION_2);
        r = mongo_write(s, cx, open_work, NULL);
    }
    if (r)
        close_store(&s->store);
    else
        *out = &s->store;
    return r;
}
