/* adapters/article/mongo_find.c - search: the server's index on `words` says what may match, we look at each of those.
 *
 * As in find.c a word that more than ARTICLE_NEWEST articles have is ranked among the newest so many, and the answer says
 * so, unless it is asked to be exact. How many articles have a term, which its weight is made of, is counted by the server
 * where the term is one word, and by looking where it is a phrase or stands in one place only. */

#include "adapters/article/look.h"
#include "adapters/article/mongo_internal.h"
#include "adapters/article/rank.h"

#include <stdlib.h>

typedef struct Found {
    double score, bm25;
    int64_t published, row;
} Found;

typedef struct Search {
    MongoCall *c;
    ArticleSearch q; /* as asked, orders and times settled */
    ArticlePage *out;
    int64_t top;
    double idf[QUERY_TERMS_MAX], average;
    VEC(Found) found;
    size_t keep; /* so many of the best are wanted */
    int64_t matches, seen;
    bool newest_only;
} Search;

/* --- filters --- */

/* The words of a regular expression are letters and digits of any script, ', . and ,: only the dot has a meaning there. */
static Str escaped(Arena *a, Str word) {
    char *p = arena_alloc(a, 1 + 2 * word.n);
    size_t n = 0;
    p[n++] = '^';
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] == '.')
            p[n++] = '\\';
        p[n++] = word.p[i];
    }
    return str_n(p, n);
}

static void put_word(bson_t *b, Arena *a, Str word, bool prefix) {
    if (prefix)
        bson_append_regex(b, "words", -1, str_cz(a, escaped(a, word)), "");
    else
        mongo_put_str(b, "words", word);
}

static void put_node(bson_t *b, Arena *a, const QueryNode *n);

static void put_pair(bson_t *b, Arena *a, const char *op, const QueryNode *l, const QueryNode *r) {
    bson_t list, doc;
    bson_append_array_begin(b, op, -1, &list);
    BSON_APPEND_DOCUMENT_BEGIN(&list, "0", &doc);
    put_node(&doc, a, l);
    bson_append_document_end(&list, &doc);
    BSON_APPEND_DOCUMENT_BEGIN(&list, "1", &doc);
    put_node(&doc, a, r);
    bson_append_document_end(&list, &doc);
    bson_append_array_end(b, &list);
}

/* What every match has, wherever: a superset of the matches. */
static void put_node(bson_t *b, Arena *a, const QueryNode *n) {
    bson_t list, doc;
    switch (n->kind) {
    case QUERY_TERM:
        BSON_APPEND_ARRAY_BEGIN(b, "$and", &list);
        for (size_t i = 0; i < n->n_words; i++) {
            bson_append_document_begin(&list, str_cz(a, str_fmt(a, "%zu", i)), -1, &doc);
            put_word(&doc, a, n->words[i], n->prefix && i == n->n_words - 1);
            bson_append_document_end(&list, &doc);
        }
        bson_append_array_end(b, &list);
        break;
    case QUERY_AND:
        put_pair(b, a, "$and", n->left, n->right);
        break;
    case QUERY_OR:
        put_pair(b, a, "$or", n->left, n->right);
        break;
    default:
        put_node(b, a, n->left);
    }
}

static void put_range(bson_t *b, const char *key, int64_t from, int64_t below) {
    bson_t range;
    if (from == INT64_MIN && below == INT64_MAX)
        return;
    bson_append_document_begin(b, key, -1, &range);
    if (from != INT64_MIN)
        BSON_APPEND_DATE_TIME(&range, "$gte", from);
    if (below != INT64_MAX)
        BSON_APPEND_DATE_TIME(&range, "$lt", below);
    bson_append_document_end(b, &range);
}

static void put_filter(bson_t *b, Arena *a, const Search *s) {
    const ArticleFilter *f = &s->q.filter;
    const struct {
        const char *key;
        Str value;
    } equals[] = { { "source", f->source },
                   { "language", f->language },
                   { "tickers", f->ticker },
                   { "tags_lower", str_lower(a, f->category) },
                   { "sentiment.label", f->sentiment } };
    bson_t range;
    for (size_t i = 0; i < ARRAY_LEN(equals); i++)
        if (equals[i].value.n)
            mongo_put_str(b, equals[i].key, equals[i].value);
    put_range(b, "published_at", f->from.ms, f->to.ms);
    if (f->known_by.ms != INT64_MAX)
        put_range(b, "known_at", INT64_MIN, f->known_by.ms + 1);
    if (f->no_simulated)
        BSON_APPEND_BOOL(b, "simulated", false);
    BSON_APPEND_DOCUMENT_BEGIN(b, "_id", &range);
    BSON_APPEND_INT64(&range, "$lte", s->top);
    bson_append_document_end(b, &range);
    if (s->q.query)
        put_node(b, a, s->q.query->root);
}

static bson_t *newest(int64_t limit, bool texts) {
    bson_t *opts = BCON_NEW("sort", "{", "_id", BCON_INT32(-1), "}", "projection", "{", "published_at", BCON_INT32(1),
                            "n_words", BCON_INT32(1), "}");
    if (limit)
        BSON_APPEND_INT64(opts, "limit", limit);
    if (texts) {
        bson_destroy(opts);
        opts = BCON_NEW("sort", "{", "_id", BCON_INT32(-1), "}", "projection", "{", "published_at", BCON_INT32(1),
                        "n_words", BCON_INT32(1), "title", BCON_INT32(1), "summary", BCON_INT32(1), "content",
                        BCON_INT32(1), "}");
        if (limit)
            BSON_APPEND_INT64(opts, "limit", limit);
    }
    return opts;
}

/* --- weights --- */

typedef struct TermCount {
    const QueryNode *term;
    int64_t n;
} TermCount;

static int count_one(void *arg, Ctx *cx, const bson_t *doc) {
    TermCount *w = arg;
    ArenaMark mark = arena_mark(cx->arena);
    MongoItem it;
    double f;
    mongo_item_read(doc, cx->arena, &it);
    w->n += look_occurrences(w->term, &it.a, &f) > 0;
    arena_rewind(cx->arena, mark);
    return 0;
}

/* Beyond ARTICLE_NEWEST candidates a term that has to be looked for is counted among the newest so many. */
static int count_term(Search *s, const QueryNode *t, int64_t *n) {
    Arena *a = s->c->cx->arena;
    bson_t filter = BSON_INITIALIZER;
    put_node(&filter, a, t);
    int r = mongo_count(s->c, "articles", &filter, n);
    if (r == 0 && (t->n_words > 1 || t->fields != ARTICLE_IN_ALL) && *n > 0) {
        int64_t all = *n;
        TermCount w = { .term = t };
        bson_t *opts = newest(s->q.exact ? 0 : s->c->s->newest, true);
        r = mongo_each(s->c, "articles", &filter, opts, count_one, &w);
        bson_destroy(opts);
        bool part = !s->q.exact && all > s->c->s->newest;
        *n = part ? (int64_t)((double)w.n * (double)all / (double)s->c->s->newest) : w.n;
    }
    bson_destroy(&filter);
    return r;
}

static int weigh(Search *s, const MongoHead *head) {
    double n_docs = (double)head->articles;
    int r = 0;
    s->average = MAX((double)head->words / MAX(n_docs, 1.0), 1.0);
    for (size_t i = 0; r == 0 && i < s->q.query->n_terms; i++) {
        int64_t with = 0;
        r = count_term(s, s->q.query->terms[i], &with);
        s->idf[i] = rank_idf(n_docs, (double)with);
    }
    return r;
}

/* --- looking --- */

static int by_order(const void *va, const void *vb, void *arg) {
    const Found *a = va, *b = vb;
    const Search *s = arg;
    ArticleCursor c = { .set = true, .score = a->score, .published = time_ms(a->published), .row = a->row };
    return a->row == b->row ? 0 : rank_behind(s->q.order, &c, b->score, b->published, b->row) ? -1 : 1;
}

/* Twice as many as are wanted are kept, then the better half. */
static void trim(Search *s) {
    if (s->found.n)
        qsort_r(s->found.v, s->found.n, sizeof *s->found.v, by_order, s);
    s->found.n = MIN(s->found.n, s->keep);
}

static int look_at(void *arg, Ctx *cx, const bson_t *doc) {
    Search *s = arg;
    ArenaMark mark = arena_mark(cx->arena);
    MongoItem it;
    if (s->q.query && !s->q.exact && ++s->seen > s->c->s->newest) {
        s->newest_only = true;
        return 1;
    }
    mongo_item_read(doc, cx->arena, &it);
    if (!s->q.query || look_matches(s->q.query->root, &it.a)) {
        Found f = { .published = it.a.published.ms, .row = it.row };
        if (s->q.query) {
            f.bm25 = look_bm25(s->q.query, s->idf, &it.a, (double)it.words, s->average);
            f.score = rank_score(f.bm25, f.published, s->q.now);
        }
        s->matches++;
        if (rank_behind(s->q.order, &s->q.after, f.score, f.published, f.row))
            vec_push(&s->found, f);
        if (s->found.n > 2 * s->keep + 1000)
            trim(s);
    }
    arena_rewind(cx->arena, mark);
    return 0;
}

/* Without words the server sorts, and only one page is read. */
static int look_at_page(Search *s, bson_t *filter) {
    int way = s->q.order == ARTICLE_OLDEST_FIRST ? 1 : -1;
    const ArticleCursor *after = &s->q.after;
    int r = mongo_count(s->c, "articles", filter, &s->matches);
    if (after->set) { /* (published, row) behind the cursor's */
        bson_t *behind =
            BCON_NEW("$or", "[", "{", "published_at", "{", way > 0 ? "$gt" : "$lt", BCON_DATE_TIME(after->published.ms),
                     "}", "}", "{", "published_at", BCON_DATE_TIME(after->published.ms), "_id", "{", "$lt",
                     BCON_INT64(after->row), "}", "}", "]");
        bson_concat(filter, behind);
        bson_destroy(behind);
    }
    bson_t *opts = BCON_NEW("sort", "{", "published_at", BCON_INT32(way), "_id", BCON_INT32(-1), "}", "limit",
                            BCON_INT64((int64_t)s->keep), "projection", "{", "published_at", BCON_INT32(1), "}");
    int64_t matches = s->matches;
    if (r == 0)
        r = mongo_each(s->c, "articles", filter, opts, look_at, s);
    s->matches = matches;
    bson_destroy(opts);
    return r;
}

static int look(Search *s) {
    bson_t filter = BSON_INITIALIZER;
    int r;
    put_filter(&filter, s->c->cx->arena, s);
    if (s->q.query) {
        bson_t *opts = newest(s->q.exact ? 0 : s->c->s->newest + 1, true);
        r = mongo_each(s->c, "articles", &filter, opts, look_at, s);
        bson_destroy(opts);
    } else {
        r = look_at_page(s, &filter);
    }
    trim(s);
    bson_destroy(&filter);
    return r;
}

/* --- the answer --- */

static int show(Search *s, const Found *v, size_t n, ArticlePage *out) {
    Ctx *cx = s->c->cx;
    MongoItem **items;
    Map by_row = { 0 };
    size_t n_items;
    bson_t filter = BSON_INITIALIZER, in, list;
    BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &in);
    BSON_APPEND_ARRAY_BEGIN(&in, "$in", &list);
    for (size_t i = 0; i < n; i++)
        bson_append_int64(&list, str_cz(cx->arena, str_fmt(cx->arena, "%zu", i)), -1, v[i].row);
    bson_append_array_end(&in, &list);
    bson_append_document_end(&filter, &in);
    int r = n ? mongo_items(s->c, &filter, NULL, &items, &n_items) : 0;
    bson_destroy(&filter);
    for (size_t i = 0; r == 0 && n && i < n_items; i++)
        map_put_u64(&by_row, (uint64_t)items[i]->row, items[i]);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const MongoItem *it = map_get_u64(&by_row, (uint64_t)v[i].row);
        if (!it)
            continue; /* another process has removed it meanwhile */
        ArticleHit *h = &out->v[out->n++];
        *h = (ArticleHit){ .score = v[i].score, .bm25 = v[i].bm25 };
        if (s->q.marks && s->q.query)
            look_marks(cx, s->q.query, &it->a, h);
        mongo_hit(it, s->q.whole, h);
    }
    map_done(&by_row);
    return r;
}

static int search_work(MongoCall *c, void *arg) {
    Search *s = arg;
    ArticlePage *out = s->out;
    MongoHead head;
    s->c = c;
    int r = mongo_peek(c, &head);
    s->top = s->q.after.set ? s->q.after.top : head.row;
    if (r == 0 && s->q.query)
        r = weigh(s, &head);
    if (r == 0)
        r = look(s);
    size_t n = s->found.n > s->q.skip ? MIN(s->found.n - s->q.skip, s->q.limit) : 0;
    out->v = arena_new_n(c->cx->arena, ArticleHit, MAX(n, 1));
    if (r == 0)
        r = show(s, n ? s->found.v + s->q.skip : NULL, n, out);
    if (r)
        return r;
    out->total = s->newest_only ? c->s->newest : s->matches;
    out->total_exact = !s->newest_only;
    out->newest_only = s->newest_only;
    out->more = s->found.n > s->q.skip + s->q.limit;
    if (out->more) {
        const Found *last = &s->found.v[s->q.skip + s->q.limit - 1];
        out->next = (ArticleCursor){ true, last->score, time_ms(last->published), last->row, s->top, s->q.now };
    }
    return 0;
}

int article_mongo_search(ArticleStore *store, Ctx *cx, const ArticleSearch *q, ArticlePage *out) {
    Search s = { .q = *q, .out = out, .keep = q->skip + q->limit + 1 };
    if (s.q.order == ARTICLE_BEST && !s.q.query)
        s.q.order = ARTICLE_NEWEST_FIRST;
    if (s.q.after.set)
        s.q.now = s.q.after.now;
    int r = mongo_read((ArticleMongo *)store, cx, search_work, &s);
    vec_done(&s.found);
    return r;
}
