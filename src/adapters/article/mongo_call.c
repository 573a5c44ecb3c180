/* adapters/article/mongo_call.c - calls of the server: what they say, and whose turn it is. */

#include "adapters/article/mongo_internal.h"

int mongo_failed(Ctx *cx, const bson_error_t *e, const char *what) {
    enum { UNAUTHORIZED = 13, AUTH_FAILED = 18, TIME_IS_UP = 50 };
    int code = ERR_REPOSITORY;
    if (e->domain == MONGOC_ERROR_SERVER_SELECTION || e->domain == MONGOC_ERROR_STREAM)
        code = ERR_UNAVAILABLE;
    else if (e->domain == MONGOC_ERROR_CLIENT && e->code == MONGOC_ERROR_CLIENT_AUTHENTICATE)
        code = ERR_DENIED;
    else if (e->code == UNAUTHORIZED || e->code == AUTH_FAILED)
        code = ERR_DENIED;
    else if (e->code == TIME_IS_UP)
        code = ERR_TIMEOUT;
    return err_set(cx, code, "MongoDB: %s: %s", what, e->message);
}

mongoc_collection_t *mongo_collection(MongoCall *c, const char *name) {
    return mongoc_client_get_collection(c->client, c->s->database, name);
}

static int drain(MongoCall *c, mongoc_cursor_t *cursor, const char *what, MongoEach *fn, void *arg) {
    const bson_t *doc;
    bson_error_t e;
    int r = 0;
    for (int i = 0; r == 0 && mongoc_cursor_next(cursor, &doc); i++) {
        r = i % 256 == 255 ? ctx_check(c->cx) : 0;
        if (r == 0)
            r = fn(arg, c->cx, doc);
    }
    if (r == 0 && mongoc_cursor_error(cursor, &e))
        r = mongo_failed(c->cx, &e, what);
    mongoc_cursor_destroy(cursor);
    return MIN(r, 0);
}

int mongo_each(MongoCall *c, const char *name, const bson_t *filter, const bson_t *opts, MongoEach *fn, void *arg) {
    enum { WITHOUT_DEADLINE_MS = 600000 };
    mongoc_collection_t *coll = mongo_collection(c, name);
    bson_t all = BSON_INITIALIZER;
    if (opts)
        bson_concat(&all, opts);
    BSON_APPEND_INT64(&all, "maxTimeMS", MAX(ctx_left_ms(c->cx, WITHOUT_DEADLINE_MS), INT64_C(1)));
    int r = drain(c, mongoc_collection_find_with_opts(coll, filter, &all, NULL), name, fn, arg);
    bson_destroy(&all);
    mongoc_collection_destroy(coll);
    return r;
}

int mongo_each_group(MongoCall *c, const char *name, const bson_t *stages, MongoEach *fn, void *arg) {
    mongoc_collection_t *coll = mongo_collection(c, name);
    int r = drain(c, mongoc_collection_aggregate(coll, MONGOC_QUERY_NONE, stages, NULL, NULL), name, fn, arg);
    mongoc_collection_destroy(coll);
    return r;
}

int mongo_count(MongoCall *c, const char *name, const bson_t *filter, int64_t *n) {
    bson_error_t e;
    mongoc_collection_t *coll = mongo_collection(c, name);
    *n = mongoc_collection_count_documents(coll, filter, NULL, NULL, NULL, &e);
    mongoc_collection_destroy(coll);
    return *n < 0 ? mongo_failed(c->cx, &e, "counting") : 0;
}

int mongo_insert(MongoCall *c, const char *name, const bson_t *doc) {
    bson_error_t e;
    mongoc_collection_t *coll = mongo_collection(c, name);
    bool good = mongoc_collection_insert_one(coll, doc, NULL, NULL, &e);
    mongoc_collection_destroy(coll);
    return good ? 0 : e.code == MONGO_CODE_DUPLICATE ? MONGO_AGAIN : mongo_failed(c->cx, &e, "writing");
}

int mongo_update(MongoCall *c, const char *name, const bson_t *filter, const bson_t *change, bool upsert,
                 int64_t *matched) {
    bson_error_t e;
    bson_t reply, opts = BSON_INITIALIZER;
    mongoc_collection_t *coll = mongo_collection(c, name);
    BSON_APPEND_BOOL(&opts, "upsert", upsert);
    bool good = mongoc_collection_update_one(coll, filter, change, &opts, &reply, &e);
    *matched = good ? mongo_field_i64(&reply, "matchedCount") : 0;
    bson_destroy(&reply);
    bson_destroy(&opts);
    mongoc_collection_destroy(coll);
    return good ? 0 : mongo_failed(c->cx, &e, "writing");
}

int mongo_delete(MongoCall *c, const char *name, const bson_t *filter) {
    bson_error_t e;
    mongoc_collection_t *coll = mongo_collection(c, name);
    bool good = mongoc_collection_delete_many(coll, filter, NULL, NULL, &e);
    mongoc_collection_destroy(coll);
    return good ? 0 : mongo_failed(c->cx, &e, "removing");
}

/* --- turns --- */

int mongo_write(ArticleMongo *s, Ctx *cx, MongoWork *fn, void *arg) {
    MongoCall c = { s, cx, NULL };
    pthread_mutex_lock(&s->writer);
    c.client = mongoc_client_pool_pop(s->pool);
    int r = fn(&c, arg);
    mongoc_client_pool_push(s->pool, c.client);
    pthread_mutex_unlock(&s->writer);
    return r;
}

static int catch_up(MongoCall *c, void *arg) {
    MongoHead head;
    UNUSED(arg);
    return mongo_head(c, &head);
}

int mongo_read(ArticleMongo *s, Ctx *cx, MongoWork *fn, void *arg) {
    int r = atomic_load(&s->behind) ? mongo_write(s, cx, catch_up, NULL) : 0;
    if (r)
        return r;
    MongoCall c = { s, cx, mongoc_client_pool_pop(s->pool) };
    pthread_rwlock_rdlock(&s->turn);
    r = fn(&c, arg);
    pthread_rwlock_unlock(&s->turn);
    mongoc_client_pool_push(s->pool, c.client);
    return r;
}
