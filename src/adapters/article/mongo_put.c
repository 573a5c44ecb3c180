/* adapters/article/mongo_put.c - articles into the database: who is it, is it new, what is told of it.
 *
 * A put is planned in memory on the documents that it can touch, read beforehand, and committed (mongo_commit.c). Where
 * somebody else has committed meanwhile it is planned anew. */

#include "adapters/article/look.h"
#include "adapters/article/mongo_internal.h"
#include "adapters/article/rank.h"
#include "core/near_text.h"

enum { TRIES = 8 };

typedef struct Plan {
    MongoCall *c;
    const ArticlePutRequest *req;
    ArticlePut *out;
    VEC(MongoItem *) items; /* in the call's arena */
    Map by_key, by_row;
    MongoHead head;
} Plan;

/* --- what is there --- */

static void learn(Plan *p, MongoItem *it) {
    vec_push_in(p->c->cx->arena, &p->items, it);
    map_put(&p->by_key, it->a.id, it);
    for (size_t i = 0; i < it->copy_ids.n; i++)
        map_put(&p->by_key, it->copy_ids.v[i], it);
    if (it->a.guid.n)
        map_put(&p->by_key, mongo_guid_key(p->c->cx->arena, it->a.source, it->a.guid), it);
    map_put_u64(&p->by_row, (uint64_t)it->row, it);
}

static int load_stored(Plan *p) {
    Ctx *cx = p->c->cx;
    bson_t filter = BSON_INITIALIZER, in, list;
    size_t n = 0, n_found;
    MongoItem **found;
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "keys", &in);
    BSON_APPEND_ARRAY_BEGIN(&in, "$in", &list);
    for (size_t i = 0; i < p->req->n; i++) {
        const Article *a = &p->req->v[i];
        mongo_put_str(&list, str_cz(cx->arena, str_fmt(cx->arena, "%zu", n++)), a->id);
        if (a->guid.n)
            mongo_put_str(&list, str_cz(cx->arena, str_fmt(cx->arena, "%zu", n++)),
                          mongo_guid_key(cx->arena, a->source, a->guid));
    }
    bson_append_array_end(&in, &list);
    bson_append_document_end(&filter, &in);
    int r = mongo_items(p->c, &filter, NULL, &found, &n_found);
    for (size_t i = 0; r == 0 && i < n_found; i++)
        learn(p, found[i]);
    bson_destroy(&filter);
    return r;
}

static MongoItem *find_stored(const Plan *p, const Article *a) {
    MongoItem *it = map_get(&p->by_key, a->id);
    return it || !a->guid.n ? it : map_get(&p->by_key, mongo_guid_key(p->c->cx->arena, a->source, a->guid));
}

/* --- nearly the same --- */

static int add_recent(void *arg, Ctx *cx, const bson_t *doc) {
    ArticleMongo *s = arg;
    UNUSED(cx);
    MongoRecent r = { (uint64_t)mongo_field_i64(doc, "near_hash"), mongo_field_i64(doc, "_id"),
                      mongo_field_i64(doc, "published_at"), NULL };
    vec_push(&s->recent, r);
    return 0;
}

static int load_recent(MongoCall *c) {
    ArticleMongo *s = c->s;
    if (s->recent_loaded)
        return 0;
    bson_t all = BSON_INITIALIZER;
    bson_t *opts = BCON_NEW("sort", "{", "_id", BCON_INT32(-1), "}", "limit", BCON_INT64(MONGO_RECENT_MAX),
                            "projection", "{", "near_hash", BCON_INT32(1), "published_at", BCON_INT32(1), "}");
    s->recent.n = 0;
    int r = mongo_each(c, "articles", &all, opts, add_recent, s);
    for (size_t i = 0; i < s->recent.n / 2; i++) { /* oldest first */
        MongoRecent t = s->recent.v[i];
        s->recent.v[i] = s->recent.v[s->recent.n - 1 - i];
        s->recent.v[s->recent.n - 1 - i] = t;
    }
    s->recent_loaded = r == 0;
    bson_destroy(opts);
    return r;
}

static int by_row(Plan *p, const MongoRecent *recent, MongoItem **out) {
    MongoItem *known = recent->item ? recent->item : map_get_u64(&p->by_row, (uint64_t)recent->row), **v;
    size_t n;
    *out = known;
    if (known)
        return 0;
    bson_t filter = BSON_INITIALIZER;
    BSON_APPEND_INT64(&filter, "_id", recent->row);
    int r = mongo_items(p->c, &filter, NULL, &v, &n);
    bson_destroy(&filter);
    if (r == 0 && n) {
        *out = v[0];
        learn(p, v[0]);
    }
    return r;
}

static int find_near(Plan *p, const Article *a, MongoItem **out) {
    ArticleMongo *s = p->c->s;
    Arena *arena = p->c->cx->arena;
    int r = load_recent(p->c);
    for (size_t i = 0; r == 0 && i < s->recent.n; i++) {
        const MongoRecent *recent = &s->recent.v[i];
        int64_t apart = recent->published - a->published.ms;
        MongoItem *it;
        if (!recent->hash || near_distance(recent->hash, a->near_hash) > NEAR_BITS_MAX ||
            MAX(apart, -apart) > (int64_t)NEAR_DAYS * MS_PER_DAY)
            continue;
        r = by_row(p, recent, &it);
        if (r || !it)
            continue;
        double least = str_eq(it->a.source, a->source) ? NEAR_OWN_MIN : NEAR_SIMILARITY_MIN;
        ArenaMark mark = arena_mark(arena);
        bool same = near_similarity(arena, a->title, near_body(a), it->a.title, near_body(&it->a)) >= least;
        arena_rewind(arena, mark);
        if (same) {
            *out = it;
            return 0;
        }
    }
    return r;
}

static void remember(ArticleMongo *s, MongoItem *it) {
    if (!s->recent_loaded)
        return;
    if (s->recent.n >= 2 * MONGO_RECENT_MAX) {
        s->recent.n = MONGO_RECENT_MAX;
        memmove(s->recent.v, s->recent.v + MONGO_RECENT_MAX, MONGO_RECENT_MAX * sizeof *s->recent.v);
    }
    MongoRecent r = { it->a.near_hash, it->row, it->a.published.ms, it };
    vec_push(&s->recent, r);
}

/* --- what becomes of one --- */

static void add_copy(Plan *p, MongoItem *it, const Article *a, Str id) {
    Arena *arena = p->c->cx->arena;
    for (size_t i = 0; i < it->copy_ids.n; i++)
        if (str_eq(it->copy_ids.v[i], id))
            return;
    ArticleCopy copy = { a->source, a->url, a->title, a->published, a->collected };
    vec_push_in(arena, &it->copies, copy);
    vec_push_in(arena, &it->copy_ids, str_dup(arena, id));
    map_put(&p->by_key, it->copy_ids.v[it->copy_ids.n - 1], it);
    p->head.copies++;
    it->changed = true;
}

static void correct(Plan *p, MongoItem *it, const Article *a) {
    it->a.title = a->title;
    it->a.summary = a->summary;
    it->a.text = a->text;
    it->a.categories = a->categories;
    it->a.tickers = a->tickers;
    it->a.known_at = a->known_at;
    it->a.near_hash = a->near_hash;
    it->a.revision = ++p->head.revision;
    if (a->image_url.n)
        it->a.image_url = a->image_url;
    int64_t words = (int64_t)look_words(&it->a);
    p->head.words += words - it->words;
    it->words = words;
    it->changed = true;
}

static void put_stored(Plan *p, MongoItem *it, const Article *a, ArticlePut *out) {
    bool same_id = str_eq(it->a.id, a->id), same_guid = a->guid.n && str_eq(it->a.guid, a->guid);
    *out = (ArticlePut){ ARTICLE_KNOWN, it->a.id, 0 };
    if ((same_id || same_guid) && look_corrects(&it->a, a)) {
        out->fate = ARTICLE_CHANGED;
        correct(p, it, a);
    } else if (same_id && !str_eq(it->a.source, a->source)) {
        Article other = { .source = a->source, .guid = a->url };
        char id[ARTICLE_ID_SIZE];
        article_id(&other, id);
        add_copy(p, it, a, str_n(id, sizeof id));
    }
    out->revision = it->a.revision;
}

static void put_new(Plan *p, const Article *a, ArticlePut *out) {
    MongoItem *it = arena_new(p->c->cx->arena, MongoItem);
    it->a = *a; /* lives as long as the request */
    it->a.sentiment = (ArticleSentiment){ 0 };
    it->a.revision = ++p->head.revision;
    it->row = ++p->head.row;
    it->words = (int64_t)look_words(a);
    it->changed = true;
    p->head.articles++;
    p->head.words += it->words;
    learn(p, it);
    remember(p->c->s, it);
    *out = (ArticlePut){ ARTICLE_NEW, it->a.id, it->a.revision };
}

static int put_one(Plan *p, const Article *given, ArticlePut *out) {
    Article a = *given;
    a.near_hash = near_hash(a.title, near_body(&a));
    MongoItem *it = find_stored(p, &a);
    if (it) {
        put_stored(p, it, &a, out);
        return 0;
    }
    int r = a.near_hash && !p->req->keep_near ? find_near(p, &a, &it) : 0;
    if (r)
        return r;
    if (!it) {
        put_new(p, &a, out);
        return 0;
    }
    add_copy(p, it, &a, a.id);
    *out = (ArticlePut){ ARTICLE_NEAR, it->a.id, it->a.revision };
    return 0;
}

/* --- a put --- */

static bool anything(const Plan *p, size_t n_events) {
    for (size_t i = 0; i < p->items.n; i++)
        if (p->items.v[i]->changed)
            return true;
    return n_events > 0;
}

static int plan_and_commit(Plan *p) {
    Ctx *cx = p->c->cx;
    const ArticlePutRequest *req = p->req;
    OutboxRow *events = arena_new_n(cx->arena, OutboxRow, ARTICLE_EVENTS_MAX);
    size_t n_events = 0;
    int r = mongo_head(p->c, &p->head);
    if (r == 0)
        r = load_stored(p);
    for (size_t i = 0; r == 0 && i < req->n; i++)
        r = put_one(p, &req->v[i], &p->out[i]);
    if (r == 0 && req->events)
        r = req->events(req->events_arg, cx, p->out, req->n, events, &n_events);
    if (r || !anything(p, n_events))
        return r;
    MongoCommit commit = {
        .items = p->items.v, .n = p->items.n, .events = events, .n_events = n_events, .next = p->head
    };
    return mongo_commit(p->c, &commit);
}

typedef struct PutWork {
    const ArticlePutRequest *req;
    ArticlePut *out;
} PutWork;

static int put_work(MongoCall *c, void *arg) {
    const PutWork *w = arg;
    int r = MONGO_AGAIN;
    for (int i = 0; r == MONGO_AGAIN && i < TRIES; i++) {
        Plan p = { .c = c, .req = w->req, .out = w->out };
        r = plan_and_commit(&p);
        map_done(&p.by_key);
        map_done(&p.by_row);
        if (r) /* what the plan noted as stored is not */
            c->s->recent_loaded = false;
        VEC_FOR (recent, &c->s->recent)
            recent->item = NULL;
    }
    return r == MONGO_AGAIN
               ? err_set(c->cx, ERR_CONFLICT, "MongoDB: others write too much to database %s", c->s->database)
               : r;
}

int article_mongo_put(ArticleStore *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out) {
    PutWork w = { req, out };
    return mongo_write((ArticleMongo *)s, cx, put_work, &w);
}
