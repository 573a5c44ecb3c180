/* adapters/article/mongo_commit.c - many documents as one commit, on a server without transactions; see mongo.h.
 *
 * 1. The documents are written to `journal` in parts below PART_BYTES, all with the commit's own token.
 * 2. meta.head is changed from seq to seq + 1 if it still says seq, and names token and parts: from here on it is
 *    committed. If it says another seq, somebody else has committed: MONGO_AGAIN.
 * 3. The parts are put in place: a changed article only over one that an older commit wrote, a new one and an event
 *    where there is none of its number. So doing it again, late or beside another process, changes nothing.
 * 4. The head says that no parts are left, and the journal is emptied of them.
 *
 * A kill before 2 leaves parts that nobody names: they go at the next opening. A kill after 2 leaves a head with parts:
 * mongo_head does 3 and 4 before it answers. When the line breaks at 2 nobody knows whether it happened: the call fails, the
 * head is read anew before the next one, and what was committed is found there by who puts it again. */

#include "adapters/article/mongo_internal.h"

#include <stdio.h>

enum { PART_BYTES = 8 << 20, OPS_AT_ONCE = 1000 };

/* --- parts --- */

typedef struct Parts {
    VEC(bson_t *) v;
} Parts;

static bson_t *new_part(Parts *p, Str token) {
    bson_t *b = bson_new();
    BSON_APPEND_INT64(b, "n", (int64_t)p->v.n);
    mongo_put_str(b, "token", token);
    vec_push(&p->v, b);
    return b;
}

static void parts_done(Parts *p) {
    VEC_FOR (b, &p->v)
        bson_destroy(*b);
    vec_done(&p->v);
}

static bson_t *room(Parts *p, Str token, size_t in_last) {
    bool full = p->v.n == 0 || p->v.v[p->v.n - 1]->len > PART_BYTES || in_last == OPS_AT_ONCE;
    return full ? new_part(p, token) : p->v.v[p->v.n - 1];
}

/* Each operation is a field of its part: "new", "put", "gone" or "event", a number behind it. */
static void make_parts(MongoCall *c, const MongoCommit *commit, int64_t seq, Str token, Parts *out) {
    size_t in_last = 0;
    char key[32];
    for (size_t i = 0; i < commit->n + commit->n_events; i++) {
        const MongoItem *it = i < commit->n ? commit->items[i] : NULL;
        if (it && !it->changed && !it->gone)
            continue;
        size_t had = out->v.n;
        bson_t *part = room(out, token, in_last), doc = BSON_INITIALIZER;
        in_last = out->v.n > had ? 1 : in_last + 1;
        ArenaMark mark = arena_mark(c->cx->arena);
        snprintf(key, sizeof key, "%s%zu", !it ? "event" : it->gone ? "gone" : it->seq ? "put" : "new", i);
        if (it && it->gone) {
            bson_append_int64(part, key, -1, it->row);
        } else {
            if (it)
                mongo_item_write(it, seq, c->cx->arena, &doc);
            else
                mongo_event_write(&commit->events[i - commit->n], &doc);
            bson_append_document(part, key, -1, &doc);
        }
        bson_destroy(&doc);
        arena_rewind(c->cx->arena, mark);
    }
}

/* --- putting in place --- */

static bool only_duplicates(const bson_t *reply) {
    bson_iter_t it, errors, code;
    if (!mongo_field(reply, "writeErrors", &it) || !bson_iter_recurse(&it, &errors))
        return false;
    bool any = false;
    while (bson_iter_next(&errors)) {
        if (!bson_iter_recurse(&errors, &code) || !bson_iter_find(&code, "code") ||
            bson_iter_as_int64(&code) != MONGO_CODE_DUPLICATE)
            return false;
        any = true;
    }
    return any;
}

static int run_bulk(MongoCall *c, mongoc_bulk_operation_t *bulk, size_t n) {
    bson_t reply;
    bson_error_t e;
    if (n == 0) {
        mongoc_bulk_operation_destroy(bulk);
        return 0;
    }
    bool good = mongoc_bulk_operation_execute(bulk, &reply, &e) != 0 || only_duplicates(&reply);
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    return good ? 0 : mongo_failed(c->cx, &e, "putting a commit in place");
}

static mongoc_bulk_operation_t *new_bulk(MongoCall *c, const char *name) {
    bson_t opts = BSON_INITIALIZER;
    BSON_APPEND_BOOL(&opts, "ordered", false);
    mongoc_collection_t *coll = mongo_collection(c, name);
    mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts(coll, &opts);
    mongoc_collection_destroy(coll);
    bson_destroy(&opts);
    return bulk;
}

static void add_put(mongoc_bulk_operation_t *bulk, const bson_t *doc) {
    bson_t filter = BSON_INITIALIZER, older, opts = BSON_INITIALIZER;
    BSON_APPEND_INT64(&filter, "_id", mongo_field_i64(doc, "_id"));
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "seq", &older);
    BSON_APPEND_INT64(&older, "$lt", mongo_field_i64(doc, "seq"));
    bson_append_document_end(&filter, &older);
    BSON_APPEND_BOOL(&opts, "upsert", true);
    mongoc_bulk_operation_replace_one_with_opts(bulk, &filter, doc, &opts, NULL);
    bson_destroy(&filter);
    bson_destroy(&opts);
}

static int place(MongoCall *c, const bson_t *part) {
    mongoc_bulk_operation_t *articles = new_bulk(c, "articles"), *events = new_bulk(c, "outbox");
    size_t n_articles = 0, n_events = 0;
    bson_iter_t it;
    bson_iter_init(&it, part);
    while (bson_iter_next(&it)) {
        Str key = str_c(bson_iter_key(&it));
        bson_t doc, filter = BSON_INITIALIZER;
        const uint8_t *bytes = NULL;
        uint32_t size = 0;
        if (BSON_ITER_HOLDS_DOCUMENT(&it)) {
            bson_iter_document(&it, &size, &bytes);
            bson_init_static(&doc, bytes, size);
        }
        if (str_starts(key, S("put")) && bytes) {
            add_put(articles, &doc);
            n_articles++;
        } else if (str_starts(key, S("new")) && bytes) {
            mongoc_bulk_operation_insert_with_opts(articles, &doc, NULL, NULL);
            n_articles++;
        } else if (str_starts(key, S("gone"))) {
            BSON_APPEND_INT64(&filter, "_id", mongo_i64(&it));
            mongoc_bulk_operation_remove_one_with_opts(articles, &filter, NULL, NULL);
            n_articles++;
        } else if (str_starts(key, S("event")) && bytes) {
            mongoc_bulk_operation_insert_with_opts(events, &doc, NULL, NULL);
            n_events++;
        }
        bson_destroy(&filter);
    }
    int r = run_bulk(c, articles, n_articles), r2 = r ? r : run_bulk(c, events, n_events);
    if (r)
        mongoc_bulk_operation_destroy(events);
    return r2;
}

/* --- the head --- */

static void head_filter(bson_t *b, int64_t seq) {
    bson_init(b);
    BSON_APPEND_UTF8(b, "_id", "head");
    BSON_APPEND_INT64(b, "seq", seq);
}

static int forget_parts(MongoCall *c, const MongoHead *h) {
    bson_t filter, change = BSON_INITIALIZER, set, journal = BSON_INITIALIZER;
    int64_t matched;
    head_filter(&filter, h->seq);
    BSON_APPEND_DOCUMENT_BEGIN(&change, "$set", &set);
    BSON_APPEND_INT64(&set, "parts", 0);
    bson_append_document_end(&change, &set);
    int r = mongo_update(c, "meta", &filter, &change, false, &matched);
    mongo_put_str(&journal, "token", str_c(h->token));
    if (r == 0)
        r = mongo_delete(c, "journal", &journal);
    bson_destroy(&filter);
    bson_destroy(&change);
    bson_destroy(&journal);
    return r;
}

static int place_found(void *arg, Ctx *cx, const bson_t *part) {
    UNUSED(cx);
    return place(arg, part);
}

/* Whatever the head says of a commit on its way. */
static int finish(MongoCall *c, MongoHead *h) {
    bson_t filter = BSON_INITIALIZER;
    mongo_put_str(&filter, "token", str_c(h->token));
    pthread_rwlock_wrlock(&c->s->turn);
    int r = mongo_each(c, "journal", &filter, NULL, place_found, c);
    pthread_rwlock_unlock(&c->s->turn);
    if (r == 0)
        r = forget_parts(c, h);
    if (r == 0)
        h->parts = 0;
    bson_destroy(&filter);
    return r;
}

#define HEAD_NUMBERS(X) X(row) X(revision) X(event) X(articles) X(words) X(copies) X(scored)

static int read_head(void *arg, Ctx *cx, const bson_t *doc) {
    MongoHead *h = arg;
    bson_iter_t it;
    h->seq = mongo_field_i64(doc, "seq");
    h->parts = mongo_field_i64(doc, "parts");
#define READ_NUMBER(name) h->name = mongo_field_i64(doc, #name);
    HEAD_NUMBERS(READ_NUMBER)
#undef READ_NUMBER
    if (mongo_field(doc, "token", &it))
        snprintf(h->token, sizeof h->token, STR_FMT, STR_ARG(mongo_str(&it, cx->arena)));
    return 1;
}

int mongo_peek(MongoCall *c, MongoHead *out) {
    bson_t filter = BSON_INITIALIZER;
    *out = (MongoHead){ .seq = -1 };
    BSON_APPEND_UTF8(&filter, "_id", "head");
    int r = mongo_each(c, "meta", &filter, NULL, read_head, out);
    bson_destroy(&filter);
    if (r == 0 && out->seq < 0)
        r = err_set(c->cx, ERR_CORRUPT, "MongoDB: database %s has lost its document meta.head", c->s->database);
    return r;
}

int mongo_head(MongoCall *c, MongoHead *out) {
    ArticleMongo *s = c->s;
    if (s->head_known) {
        *out = s->head;
        return 0;
    }
    int r = mongo_peek(c, out);
    if (r == 0 && out->parts)
        r = finish(c, out);
    if (r)
        return r;
    s->head = *out;
    s->head_known = true;
    s->recent_loaded = false;
    atomic_store(&s->behind, false);
    return 0;
}

/* From seq to seq + 1. 0 or MONGO_AGAIN. */
static int move_head(MongoCall *c, int64_t seq, const MongoHead *next) {
    bson_t filter, change = BSON_INITIALIZER, set;
    int64_t matched;
    head_filter(&filter, seq);
    BSON_APPEND_DOCUMENT_BEGIN(&change, "$set", &set);
    BSON_APPEND_INT64(&set, "seq", next->seq);
    BSON_APPEND_INT64(&set, "parts", next->parts);
    BSON_APPEND_UTF8(&set, "token", next->token);
#define WRITE_NUMBER(name) BSON_APPEND_INT64(&set, #name, next->name);
    HEAD_NUMBERS(WRITE_NUMBER)
#undef WRITE_NUMBER
    bson_append_document_end(&change, &set);
    int r = mongo_update(c, "meta", &filter, &change, false, &matched);
    bson_destroy(&filter);
    bson_destroy(&change);
    return r ? r : matched ? 0 : MONGO_AGAIN;
}

/* --- a commit --- */

static void unsure(ArticleMongo *s) {
    s->head_known = false;
    atomic_store(&s->behind, true);
}

/* Steps 3 and 4. What fails here is done by the next call: the commit is there. */
static void settle(MongoCall *c, const Parts *parts, const MongoHead *next) {
    ArticleMongo *s = c->s;
    int r = 0;
    for (size_t i = 0; r == 0 && i < parts->v.n; i++)
        r = place(c, parts->v.v[i]);
    if (r == 0 && forget_parts(c, next) == 0) {
        s->head = *next;
        s->head.parts = 0;
        return;
    }
    unsure(s);
    err_clear(c->cx);
}

int mongo_commit(MongoCall *c, MongoCommit *commit) {
    ArticleMongo *s = c->s;
    MongoHead next = commit->next;
    Parts parts = { 0 };
    next.seq = s->head.seq + 1;
    snprintf(next.token, sizeof next.token, "%016llx-%lld", (unsigned long long)s->token, (long long)++s->n_commits);
    for (size_t i = 0; i < commit->n_events; i++)
        commit->events[i].number = ++next.event;
    make_parts(c, commit, next.seq, str_c(next.token), &parts);
    next.parts = (int64_t)parts.v.n;
    int r = 0;
    for (size_t i = 0; r == 0 && i < parts.v.n; i++)
        r = mongo_insert(c, "journal", parts.v.v[i]);
    pthread_rwlock_wrlock(&s->turn);
    if (r == 0)
        r = move_head(c, s->head.seq, &next);
    if (r == 0)
        settle(c, &parts, &next);
    else
        unsure(s);
    pthread_rwlock_unlock(&s->turn);
    parts_done(&parts);
    return r;
}
