/* adapters/article/find.c - search: which articles, in which order.
 *
 * With words: FTS5 gives the rows that match, newest first, news_rank says how well; filters by tag are words of the
 * query, those by time bounds on rows and a look into the table in memory. A query whose words are all seldom is ranked
 * over every match; one with more than ARTICLE_NEWEST matches over the newest of them, unless it is asked to be exact: a
 * reader of news who types "bitcoin" wants no article of four years ago, and waits for none.
 *
 * How many articles have a term is counted in the same way: exactly up to ARTICLE_NEWEST, beyond from how far back the
 * newest so many reach.
 *
 * Without words: the index of published, or of the narrowest tag, in order. */

#include "adapters/article/internal.h"
#include "adapters/article/rank.h"
#include "core/marks.h"

#include <sqlite3.h>
#include <stdlib.h>

typedef struct Found {
    double score, bm25;
    int64_t published, row;
} Found;

typedef struct SearchWork {
    const ArticleSearch *q;
    ArticlePage *out;
    /* the best `keep` so far: a heap whose root is the worst */
    Found *heap;
    size_t n, keep;
    int64_t matches; /* those that pass the filter */
    int64_t behind;  /* of them, those behind the cursor */
    int64_t top;
    bool newest_only;
} SearchWork;

bool rank_behind(ArticleOrder order, const ArticleCursor *c, double score, int64_t published, int64_t row) {
    if (!c->set)
        return true;
    if (order == ARTICLE_BEST)
        return score < c->score || (score <= c->score && row < c->row);
    if (order == ARTICLE_NEWEST_FIRST)
        return published < c->published.ms || (published == c->published.ms && row < c->row);
    return published > c->published.ms || (published == c->published.ms && row > c->row);
}

/* Does a come before b? */
static bool before(ArticleOrder order, const Found *a, const Found *b) {
    ArticleCursor c = { .set = true, .score = a->score, .published = time_ms(a->published), .row = a->row };
    return rank_behind(order, &c, b->score, b->published, b->row);
}

/* --- the best of many --- */

static void sift_down(SearchWork *w, size_t i) {
    for (;;) {
        size_t worst = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2; k++)
            if (k < w->n && before(w->q->order, &w->heap[worst], &w->heap[k]))
                worst = k;
        if (worst == i)
            return;
        Found t = w->heap[i];
        w->heap[i] = w->heap[worst];
        w->heap[worst] = t;
        i = worst;
    }
}

static void keep(SearchWork *w, const Found *f) {
    if (w->n == w->keep) {
        if (!before(w->q->order, f, &w->heap[0]))
            return;
        w->heap[0] = *f;
        sift_down(w, 0);
        return;
    }
    size_t i = w->n++;
    for (; i > 0 && before(w->q->order, &w->heap[(i - 1) / 2], f); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = *f;
}

/* Best first: the worst goes to the end, again and again. */
static void sort_kept(SearchWork *w) {
    size_t all = w->n;
    while (w->n > 1) {
        Found t = w->heap[0];
        w->heap[0] = w->heap[w->n - 1];
        w->heap[--w->n] = t;
        sift_down(w, 0);
    }
    w->n = all;
}

/* --- filters --- */

static int is_known(Db *db, Ctx *cx, const ArticleFilter *f, int64_t row, bool *yes) {
    sqlite3_stmt *st;
    *yes = true;
    if (f->known_by.ms == INT64_MAX)
        return 0;
    int r = db_query(db, cx, SQL_KNOWN, &st, "i", row);
    if (r || (r = db_step(db, cx, st)) < 0)
        return r;
    *yes = r && db_i64(st, 0) <= f->known_by.ms;
    db_reset(st);
    return 0;
}

static bool passes(const ArticleFilter *f, const Doc *d) {
    if ((d->flags & DOC_GONE) || d->published < f->from.ms || d->published >= f->to.ms)
        return false;
    if (f->no_simulated && (d->flags & DOC_SIMULATED))
        return false;
    return f->sentiment.n == 0 || (d->flags & doc_label_flag(f->sentiment)) != 0;
}

typedef struct TagFilter {
    char kind;
    Str name;
} TagFilter;

/* Those that are asked for, the narrowest first. */
static size_t tags_of(Ctx *cx, const ArticleFilter *f, TagFilter out[4]) {
    size_t n = 0;
    if (f->ticker.n)
        out[n++] = (TagFilter){ 't', f->ticker };
    if (f->category.n)
        out[n++] = (TagFilter){ 'c', str_lower(cx->arena, f->category) };
    if (f->source.n)
        out[n++] = (TagFilter){ 's', f->source };
    if (f->language.n)
        out[n++] = (TagFilter){ 'l', f->language };
    return n;
}

/* --- with words --- */

static int count_term(Db *db, Ctx *cx, const Docs *docs, const QueryNode *t, const SearchWork *w, double *n_with) {
    Buf expr;
    sqlite3_stmt *st;
    int64_t n = 0, last = 1;
    buf_init(&expr, 64 << 10);
    fts_put_term(&expr, t);
    int r = db_query(db, cx, SQL_FTS_COUNT, &st, "si", buf_str(&expr), w->top);
    while (r == 0 && (w->q->exact || n < ARTICLE_NEWEST) && (r = db_step(db, cx, st)) > 0) {
        n++;
        last = db_i64(st, 0);
        r = 0;
    }
    bool over = r == 0 && !w->q->exact && n == ARTICLE_NEWEST;
    db_reset(st);
    buf_done(&expr);
    *n_with = (double)n;
    if (over)
        *n_with *= (double)w->top / (double)(w->top - last + 1);
    *n_with = MIN(*n_with, (double)MAX(atomic_load(&docs->n), INT64_C(1)));
    return r;
}

/* The expression and the weight of each of its phrases. */
static int prepare_rank(ArticleSqlite *s, Db *db, Ctx *cx, SearchWork *w, Buf *expr, FtsRank *rank) {
    bool counts[FTS_PHRASES_MAX] = { false };
    TagFilter tags[4];
    size_t n_tags = tags_of(cx, &w->q->filter, tags), term = 0;
    int64_t n_docs = atomic_load(&s->docs.n);
    *rank =
        (FtsRank){ .docs = &s->docs, .average = (double)atomic_load(&s->docs.words) / (double)MAX(n_docs, INT64_C(1)) };
    rank->average = MAX(rank->average, 1.0);
    buf_put_c(expr, '(');
    fts_put_query(expr, w->q->query->root, true, counts, &rank->n_phrases);
    buf_put_c(expr, ')');
    int r = 0;
    for (int i = 0; r == 0 && i < rank->n_phrases; i++) {
        double with = 0;
        if (!counts[i])
            continue;
        r = count_term(db, cx, &s->docs, w->q->query->terms[term++], w, &with);
        rank->idf[i] = rank_idf((double)n_docs, with);
    }
    for (size_t i = 0; i < n_tags; i++)
        fts_put_tag(expr, tags[i].kind, tags[i].name);
    rank->n_phrases += (int)n_tags;
    return r;
}

static int take_match(ArticleSqlite *s, Db *db, Ctx *cx, SearchWork *w, sqlite3_stmt *st) {
    const ArticleSearch *q = w->q;
    Found f = { .row = db_i64(st, 0) };
    Doc d = docs_get(&s->docs, f.row);
    bool known;
    if (!passes(&q->filter, &d))
        return 0;
    int r = is_known(db, cx, &q->filter, f.row, &known);
    if (r || !known)
        return r;
    f.bm25 = db_f64(st, 1);
    f.published = d.published;
    f.score = rank_score(f.bm25, d.published, q->now);
    w->matches++;
    if (rank_behind(q->order, &q->after, f.score, f.published, f.row)) {
        w->behind++;
        keep(w, &f);
    }
    return 0;
}

static int find_words(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, SearchWork *w) {
    const ArticleFilter *f = &w->q->filter;
    sqlite3_stmt *st = NULL;
    FtsRank rank;
    Buf expr;
    int64_t lo, hi, looked = 0;
    buf_init(&expr, 64 << 10);
    int r = prepare_rank(s, db, cx, w, &expr, &rank);
    docs_bounds(&s->docs, f->from.ms, f->to.ms, &lo, &hi);
    fts->rank = &rank;
    if (r == 0)
        r = db_query(db, cx, SQL_FTS_RANK, &st, "sii", buf_str(&expr), lo, MIN(hi, w->top));
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        if (!w->q->exact && w->matches == ARTICLE_NEWEST) { /* one more than is looked at */
            w->newest_only = true;
            r = 0;
            break;
        }
        r = take_match(s, db, cx, w, st);
        if (r == 0 && ++looked % 4096 == 0)
            r = ctx_check(cx);
    }
    if (st)
        db_reset(st);
    fts->rank = NULL;
    buf_done(&expr);
    return r;
}

/* --- without words --- */

static int tag_number(Db *db, Ctx *cx, const TagFilter *t, int64_t *out) {
    sqlite3_stmt *st;
    *out = 0;
    int r = db_query(db, cx, SQL_TAG_FIND, &st, "ss", str_n(&t->kind, 1), t->name);
    if (r || (r = db_step(db, cx, st)) <= 0)
        return r;
    *out = db_i64(st, 0);
    db_reset(st);
    return 0;
}

static int has_tags(Db *db, Ctx *cx, const int64_t *tags, size_t n, const Found *f, bool *yes) {
    int r = 0;
    *yes = true;
    for (size_t i = 1; r == 0 && *yes && i < n; i++) {
        sqlite3_stmt *st;
        r = db_query(db, cx, SQL_TAG_HAS, &st, "iii", tags[i], f->published, f->row);
        if (r == 0 && (r = db_step(db, cx, st)) >= 0) {
            *yes = r == 1;
            r = 0;
            db_reset(st);
        }
    }
    return r;
}

static int list_query(Db *db, Ctx *cx, const SearchWork *w, int64_t tag, const ArticleCursor *after,
                      sqlite3_stmt **st) {
    const ArticleFilter *f = &w->q->filter;
    bool oldest = w->q->order == ARTICLE_OLDEST_FIRST;
    int64_t at = after->set ? after->published.ms : oldest ? INT64_MIN : INT64_MAX;
    int64_t row = after->set ? after->row : oldest ? INT64_MIN : INT64_MAX;
    if (tag)
        return db_query(db, cx, oldest ? SQL_TAGGED_OLDEST : SQL_TAGGED_NEWEST, st, "iiiii", f->from.ms, f->to.ms, at,
                        row, tag);
    return db_query(db, cx, oldest ? SQL_LIST_OLDEST : SQL_LIST_NEWEST, st, "iiii", f->from.ms, f->to.ms, at, row);
}

/* Rows in order until `keep` are found, or all of them when they are to be counted. */
static int walk(Db *db, Ctx *cx, SearchWork *w, const int64_t *tags, size_t n_tags, bool counting) {
    const ArticleFilter *f = &w->q->filter;
    sqlite3_stmt *st;
    int64_t looked = 0;
    const ArticleCursor none = { 0 };
    int r = list_query(db, cx, w, n_tags ? tags[0] : 0, counting ? &none : &w->q->after, &st);
    while (r == 0 && (counting || w->n < w->keep) && (r = db_step(db, cx, st)) > 0) {
        Found found = { .row = db_i64(st, 0), .published = db_i64(st, 1) };
        Doc d = { found.published, 0, (unsigned)db_i64(st, 2) };
        bool good = found.row <= w->top && passes(f, &d) && db_i64(st, 3) <= f->known_by.ms;
        r = good ? has_tags(db, cx, tags, n_tags, &found, &good) : 0;
        if (r == 0 && good && counting)
            w->matches++;
        else if (r == 0 && good)
            w->heap[w->n++] = found; /* in order already */
        if (r == 0 && ++looked % 4096 == 0)
            r = ctx_check(cx);
    }
    db_reset(st);
    return r;
}

static int find_list(Db *db, Ctx *cx, SearchWork *w) {
    TagFilter names[4];
    int64_t tags[4];
    size_t n = tags_of(cx, &w->q->filter, names);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = tag_number(db, cx, &names[i], &tags[i]);
        if (r == 0 && tags[i] == 0)
            return 0; /* no article has it */
    }
    if (r == 0)
        r = walk(db, cx, w, tags, n, false);
    w->behind = (int64_t)w->n;
    return r || !w->q->count ? r : walk(db, cx, w, tags, n, true);
}

/* --- the page --- */

static int load_hit(Db *db, Ctx *cx, const SearchWork *w, const Found *f, ArticleHit *out) {
    enum { SNIPPET_WORDS = 40 };
    const ArticleSearch *q = w->q;
    int r = article_load(db, cx, f->row, q->whole || (q->marks && q->query), out);
    if (r)
        return r;
    Article *a = &out->article;
    out->score = f->score;
    out->bm25 = f->bm25;
    if (q->marks && q->query) {
        out->title_marked = marks_all(cx->arena, q->query, a->title, ARTICLE_IN_TITLE);
        bool summary = a->summary.n > 0;
        out->snippet = marks_snippet(cx->arena, q->query, summary ? a->summary : a->text,
                                     summary ? ARTICLE_IN_SUMMARY : ARTICLE_IN_TEXT, SNIPPET_WORDS);
        if (summary && a->text.n && str_find(out->snippet, S(MARK_BEGIN)) < 0) /* found in the text alone */
            out->snippet = marks_snippet(cx->arena, q->query, a->text, ARTICLE_IN_TEXT, SNIPPET_WORDS);
    }
    if (!q->whole)
        a->text = (Str){ 0 };
    return 0;
}

static int fill_page(Db *db, Ctx *cx, SearchWork *w) {
    const ArticleSearch *q = w->q;
    ArticlePage *p = w->out;
    p->v = arena_new_n(cx->arena, ArticleHit, q->limit);
    const Found *last = NULL;
    int r = 0;
    for (size_t i = q->skip; r >= 0 && i < w->n && p->n < q->limit; i++) {
        r = load_hit(db, cx, w, &w->heap[i], &p->v[p->n]);
        last = &w->heap[i];
        p->n += r == 0; /* removed since: left out */
    }
    p->more = w->behind > (int64_t)(q->skip + q->limit);
    if (p->more && last)
        p->next = (ArticleCursor){ true, last->score, time_ms(last->published), last->row, w->top, q->now };
    p->newest_only = w->newest_only;
    p->total = w->matches;
    p->total_exact = !w->newest_only;
    return MIN(r, 0);
}

static int search_work(ArticleSqlite *s, Db *db, FtsUser *fts, Ctx *cx, void *arg) {
    SearchWork *w = arg;
    int r = w->q->query ? find_words(s, db, fts, cx, w) : find_list(db, cx, w);
    if (r == 0 && w->q->query)
        sort_kept(w);
    return r ? r : fill_page(db, cx, w);
}

int article_db_search(ArticleSqlite *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out) {
    ArticleSearch ask = *q;
    if (ask.order == ARTICLE_BEST && !ask.query)
        ask.order = ARTICLE_NEWEST_FIRST;
    SearchWork w = { .q = &ask, .out = out, .keep = ask.skip + ask.limit + 1 };
    int r = q->query ? article_docs_ready(s, cx) : 0;
    if (r)
        return r;
    w.top = ask.after.set ? ask.after.top : q->query ? docs_top(&s->docs) : INT64_MAX - 1;
    if (ask.after.set)
        ask.now = ask.after.now;
    w.heap = arena_alloc(cx->arena, w.keep * sizeof *w.heap);
    return article_read(s, cx, search_work, &w);
}
