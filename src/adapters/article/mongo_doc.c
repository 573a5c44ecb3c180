/* adapters/article/mongo_doc.c - articles and events as BSON, and back. */

#include "adapters/article/mongo_internal.h"

#include "core/words.h"

#include <stdio.h>

/* --- fields --- */

void mongo_put_str(bson_t *b, const char *key, Str s) {
    bson_append_utf8(b, key, -1, s.p ? s.p : "", (int)s.n);
}

Str mongo_str(const bson_iter_t *it, Arena *a) {
    uint32_t n = 0;
    const char *p = BSON_ITER_HOLDS_UTF8(it) ? bson_iter_utf8(it, &n) : NULL;
    return str_dup(a, str_n(p, p ? n : 0));
}

int64_t mongo_i64(const bson_iter_t *it) {
    return BSON_ITER_HOLDS_DATE_TIME(it) ? bson_iter_date_time(it) : bson_iter_as_int64(it);
}

static double number(const bson_iter_t *it) {
    return BSON_ITER_HOLDS_DOUBLE(it) ? bson_iter_double(it) : (double)bson_iter_as_int64(it);
}

bool mongo_field(const bson_t *doc, const char *key, bson_iter_t *it) {
    return bson_iter_init_find(it, doc, key);
}

int64_t mongo_field_i64(const bson_t *doc, const char *key) {
    bson_iter_t it;
    return mongo_field(doc, key, &it) ? mongo_i64(&it) : 0;
}

typedef char IndexKey[24];

static const char *index_key(IndexKey buf, size_t i) {
    snprintf(buf, sizeof(IndexKey), "%zu", i);
    return buf;
}

static void put_list(bson_t *b, const char *key, const StrList *l) {
    bson_t list;
    IndexKey k;
    bson_append_array_begin(b, key, -1, &list);
    for (size_t i = 0; i < l->n; i++)
        mongo_put_str(&list, index_key(k, i), l->v[i]);
    bson_append_array_end(b, &list);
}

static StrList read_list(const bson_iter_t *it, Arena *a) {
    bson_iter_t child;
    VEC(Str) v = { 0 };
    if (!BSON_ITER_HOLDS_ARRAY(it) || !bson_iter_recurse(it, &child))
        return (StrList){ 0 };
    while (bson_iter_next(&child))
        vec_push_in(a, &v, mongo_str(&child, a));
    return (StrList){ v.v, v.n };
}

/* --- what finds an article --- */

Str mongo_guid_key(Arena *a, Str source, Str guid) {
    Article of = { .source = source, .guid = guid };
    char id[ARTICLE_ID_SIZE];
    article_id(&of, id);
    return str_fmt(a, "g%.*s", ARTICLE_ID_SIZE, id);
}

static void put_keys(bson_t *b, const MongoItem *it, Arena *a) {
    bson_t list;
    IndexKey k;
    size_t n = 0;
    BSON_APPEND_ARRAY_BEGIN(b, "keys", &list);
    mongo_put_str(&list, index_key(k, n++), it->a.id);
    for (size_t i = 0; i < it->copy_ids.n; i++)
        mongo_put_str(&list, index_key(k, n++), it->copy_ids.v[i]);
    if (it->a.guid.n)
        mongo_put_str(&list, index_key(k, n++), mongo_guid_key(a, it->a.source, it->a.guid));
    bson_append_array_end(b, &list);
}

/* Every word once. Returns how many there are, each as often as it stands there. */
static void put_words(bson_t *b, const Article *art, Arena *a) {
    const Str texts[] = { art->title, art->summary, art->text };
    bson_t list;
    IndexKey k;
    Map seen = { 0 };
    size_t n = 0;
    BSON_APPEND_ARRAY_BEGIN(b, "words", &list);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        WordReader r;
        Word w;
        words_init(&r, texts[i]);
        while (words_next(&r, &w)) {
            if (map_get(&seen, word_str(&w)))
                continue;
            Str kept = str_dup(a, word_str(&w));
            map_put(&seen, kept, (void *)(uintptr_t)kept.p);
            mongo_put_str(&list, index_key(k, n++), kept);
        }
    }
    bson_append_array_end(b, &list);
    map_done(&seen);
}

/* --- articles --- */

static void put_score(bson_t *b, const char *key, const ArticleSentiment *s) {
    bson_t doc;
    bson_append_document_begin(b, key, -1, &doc);
    mongo_put_str(&doc, "model", s->model);
    mongo_put_str(&doc, "label", s->label);
    BSON_APPEND_DOUBLE(&doc, "score", s->score);
    BSON_APPEND_DOUBLE(&doc, "confidence", s->confidence);
    BSON_APPEND_DATE_TIME(&doc, "analyzed_at", s->at.ms);
    bson_append_document_end(b, &doc);
}

static void put_parts(const MongoItem *it, bson_t *doc) {
    bson_t list, copy;
    IndexKey k;
    BSON_APPEND_ARRAY_BEGIN(doc, "copies", &list);
    for (size_t i = 0; i < it->copies.n; i++) {
        const ArticleCopy *c = &it->copies.v[i];
        bson_append_document_begin(&list, index_key(k, i), -1, &copy);
        mongo_put_str(&copy, "id", it->copy_ids.v[i]);
        mongo_put_str(&copy, "source", c->source);
        mongo_put_str(&copy, "url", c->url);
        mongo_put_str(&copy, "title", c->title);
        BSON_APPEND_DATE_TIME(&copy, "published_at", c->published.ms);
        BSON_APPEND_DATE_TIME(&copy, "seen_at", c->seen.ms);
        bson_append_document_end(&list, &copy);
    }
    bson_append_array_end(doc, &list);
    BSON_APPEND_ARRAY_BEGIN(doc, "scores", &list);
    for (size_t i = 0; i < it->scores.n; i++)
        put_score(&list, index_key(k, i), &it->scores.v[i]);
    bson_append_array_end(doc, &list);
}

void mongo_item_write(const MongoItem *it, int64_t seq, Arena *arena, bson_t *doc) {
    const Article *a = &it->a;
    StrList lower = { arena_new_n(arena, Str, a->categories.n), a->categories.n };
    BSON_APPEND_INT64(doc, "_id", it->row);
    BSON_APPEND_INT64(doc, "seq", seq);
    mongo_put_str(doc, "id", a->id);
    mongo_put_str(doc, "guid", a->guid);
    mongo_put_str(doc, "url", a->url);
    mongo_put_str(doc, "source", a->source);
    mongo_put_str(doc, "title", a->title);
    mongo_put_str(doc, "summary", a->summary);
    mongo_put_str(doc, "content", a->text);
    mongo_put_str(doc, "language", a->language);
    mongo_put_str(doc, "image_url", a->image_url);
    put_list(doc, "authors", &a->authors);
    put_list(doc, "tags", &a->categories);
    for (size_t i = 0; i < lower.n; i++)
        lower.v[i] = str_lower(arena, a->categories.v[i]);
    put_list(doc, "tags_lower", &lower);
    put_list(doc, "tickers", &a->tickers);
    BSON_APPEND_DATE_TIME(doc, "published_at", a->published.ms);
    BSON_APPEND_DATE_TIME(doc, "collected_at", a->collected.ms);
    BSON_APPEND_DATE_TIME(doc, "known_at", a->known_at.ms);
    BSON_APPEND_BOOL(doc, "date_estimated", a->date_estimated);
    BSON_APPEND_BOOL(doc, "simulated", a->simulated);
    BSON_APPEND_INT64(doc, "near_hash", (int64_t)a->near_hash);
    BSON_APPEND_INT64(doc, "revision", a->revision);
    BSON_APPEND_INT64(doc, "n_words", it->words);
    if (a->sentiment.model.n)
        put_score(doc, "sentiment", &a->sentiment);
    put_parts(it, doc);
    put_keys(doc, it, arena);
    put_words(doc, a, arena);
}

static ArticleSentiment read_score(const bson_iter_t *at, Arena *a) {
    ArticleSentiment s = { 0 };
    bson_iter_t it;
    if (!BSON_ITER_HOLDS_DOCUMENT(at) || !bson_iter_recurse(at, &it))
        return s;
    while (bson_iter_next(&it)) {
        Str key = str_c(bson_iter_key(&it));
        if (str_eq(key, S("model")))
            s.model = mongo_str(&it, a);
        else if (str_eq(key, S("label")))
            s.label = mongo_str(&it, a);
        else if (str_eq(key, S("score")))
            s.score = number(&it);
        else if (str_eq(key, S("confidence")))
            s.confidence = number(&it);
        else if (str_eq(key, S("analyzed_at")))
            s.at.ms = mongo_i64(&it);
    }
    return s;
}

static void read_copy(const bson_iter_t *at, Arena *a, MongoItem *out) {
    ArticleCopy c = { 0 };
    Str id = { 0 };
    bson_iter_t it;
    if (!BSON_ITER_HOLDS_DOCUMENT(at) || !bson_iter_recurse(at, &it))
        return;
    while (bson_iter_next(&it)) {
        Str key = str_c(bson_iter_key(&it));
        if (str_eq(key, S("id")))
            id = mongo_str(&it, a);
        else if (str_eq(key, S("source")))
            c.source = mongo_str(&it, a);
        else if (str_eq(key, S("url")))
            c.url = mongo_str(&it, a);
        else if (str_eq(key, S("title")))
            c.title = mongo_str(&it, a);
        else if (str_eq(key, S("published_at")))
            c.published.ms = mongo_i64(&it);
        else if (str_eq(key, S("seen_at")))
            c.seen.ms = mongo_i64(&it);
    }
    vec_push_in(a, &out->copies, c);
    vec_push_in(a, &out->copy_ids, id);
}

typedef struct DocField {
    const char *name;
    enum { F_TEXT, F_NUMBER, F_FLAG, F_LIST } kind;
    size_t at; /* in MongoItem */
} DocField;

#define AT(member) offsetof(MongoItem, member)
/* clang-format off */
static const DocField fields[] = {
    { "_id", F_NUMBER, AT(row) }, { "seq", F_NUMBER, AT(seq) }, { "id", F_TEXT, AT(a.id) }, { "guid", F_TEXT, AT(a.guid) },
    { "url", F_TEXT, AT(a.url) }, { "source", F_TEXT, AT(a.source) }, { "title", F_TEXT, AT(a.title) },
    { "summary", F_TEXT, AT(a.summary) }, { "content", F_TEXT, AT(a.text) }, { "language", F_TEXT, AT(a.language) },
    { "image_url", F_TEXT, AT(a.image_url) }, { "authors", F_LIST, AT(a.authors) }, { "tags", F_LIST, AT(a.categories) },
    { "tickers", F_LIST, AT(a.tickers) }, { "published_at", F_NUMBER, AT(a.published.ms) },
    { "collected_at", F_NUMBER, AT(a.collected.ms) }, { "known_at", F_NUMBER, AT(a.known_at.ms) },
    { "date_estimated", F_FLAG, AT(a.date_estimated) }, { "simulated", F_FLAG, AT(a.simulated) },
    { "near_hash", F_NUMBER, AT(a.near_hash) }, { "revision", F_NUMBER, AT(a.revision) }, { "n_words", F_NUMBER, AT(words) },
};
/* clang-format on */

static void read_field(const bson_iter_t *it, const DocField *f, Arena *a, MongoItem *out) {
    void *at = (char *)out + f->at;
    if (f->kind == F_TEXT)
        *(Str *)at = mongo_str(it, a);
    else if (f->kind == F_NUMBER)
        *(int64_t *)at = mongo_i64(it);
    else if (f->kind == F_FLAG)
        *(bool *)at = bson_iter_as_bool(it);
    else
        *(StrList *)at = read_list(it, a);
}

void mongo_item_read(const bson_t *doc, Arena *a, MongoItem *out) {
    bson_iter_t it, child;
    *out = (MongoItem){ 0 };
    if (!bson_iter_init(&it, doc))
        return;
    while (bson_iter_next(&it)) {
        Str key = str_c(bson_iter_key(&it));
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            if (str_eq(key, str_c(fields[i].name)))
                read_field(&it, &fields[i], a, out);
        if (str_eq(key, S("sentiment")))
            out->a.sentiment = read_score(&it, a);
        bool copies = str_eq(key, S("copies"));
        if (!(copies || str_eq(key, S("scores"))) || !BSON_ITER_HOLDS_ARRAY(&it) || !bson_iter_recurse(&it, &child))
            continue;
        while (bson_iter_next(&child)) {
            if (copies)
                read_copy(&child, a, out);
            else
                vec_push_in(a, &out->scores, read_score(&child, a));
        }
    }
}

void mongo_hit(const MongoItem *it, bool whole, ArticleHit *out) {
    out->article = it->a;
    out->n_copies = (int64_t)it->copies.n;
    if (!whole)
        out->article.text = (Str){ 0 };
}

typedef struct ItemsWork {
    VEC(MongoItem *) v;
} ItemsWork;

static int add_item(void *arg, Ctx *cx, const bson_t *doc) {
    ItemsWork *w = arg;
    MongoItem *it = arena_new(cx->arena, MongoItem);
    mongo_item_read(doc, cx->arena, it);
    vec_push_in(cx->arena, &w->v, it);
    return 0;
}

int mongo_items(MongoCall *c, const bson_t *filter, const bson_t *opts, MongoItem ***out, size_t *n) {
    ItemsWork w = { 0 };
    int r = mongo_each(c, "articles", filter, opts, add_item, &w);
    *out = w.v.v;
    *n = w.v.n;
    return r;
}

int mongo_item_by_id(MongoCall *c, Str id, MongoItem **out) {
    MongoItem **v;
    size_t n;
    bson_t filter = BSON_INITIALIZER;
    mongo_put_str(&filter, "keys", id);
    int r = mongo_items(c, &filter, NULL, &v, &n);
    bson_destroy(&filter);
    if (r == 0 && n)
        *out = v[0];
    return r ? r : n ? 0 : ARTICLE_NO_SUCH;
}

/* --- events --- */

void mongo_event_write(const OutboxRow *row, bson_t *doc) {
    const Event *e = &row->event;
    BSON_APPEND_INT64(doc, "_id", row->number);
    mongo_put_str(doc, "exchange", row->exchange);
    mongo_put_str(doc, "routing_key", row->routing_key);
    mongo_put_str(doc, "id", e->id);
    mongo_put_str(doc, "type", e->type);
    mongo_put_str(doc, "key", e->key);
    mongo_put_str(doc, "correlation_id", e->correlation_id);
    mongo_put_str(doc, "source", e->source);
    BSON_APPEND_INT64(doc, "version", e->version);
    BSON_APPEND_DATE_TIME(doc, "at", e->at.ms);
    BSON_APPEND_INT64(doc, "priority", e->priority);
    mongo_put_str(doc, "body", e->body);
}

void mongo_event_read(const bson_t *doc, Arena *a, OutboxRow *out) {
    bson_iter_t it;
    *out = (OutboxRow){ .number = mongo_field_i64(doc, "_id") };
    Event *e = &out->event;
    const struct {
        const char *key;
        Str *to;
    } texts[] = { { "exchange", &out->exchange },
                  { "routing_key", &out->routing_key },
                  { "id", &e->id },
                  { "type", &e->type },
                  { "key", &e->key },
                  { "correlation_id", &e->correlation_id },
                  { "source", &e->source },
                  { "body", &e->body } };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (mongo_field(doc, texts[i].key, &it))
            *texts[i].to = mongo_str(&it, a);
    e->version = mongo_field_i64(doc, "version");
    e->at.ms = mongo_field_i64(doc, "at");
    e->priority = (int)mongo_field_i64(doc, "priority");
}
