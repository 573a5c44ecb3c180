/* ports/article_store.c - the wrappers: what every adapter may rely on is checked here, once. */

#include "ports/article_store.h"

#include <math.h>
#include <stdio.h>

const char *article_fate_name(ArticleFate f) {
    static const char *const names[] = { "new", "changed", "known", "near" };
    return (unsigned)f < ARTICLE_FATES ? names[f] : "?";
}

/* --- in --- */

static int check_article(Ctx *cx, const Article *a, size_t i) {
    const char *why = NULL;
    if (!article_id_valid(a->id))
        why = "has no id";
    else if (!article_source_valid(a->source))
        why = "has no source, or one with other than letters, digits, '-', '_' and '.'";
    else if (a->title.n == 0 && a->summary.n == 0)
        why = "has neither title nor summary";
    else if (time_before(a->published, TIME_ISO_MIN) || time_before(TIME_ISO_MAX, a->published))
        why = "has a date outside of the calendar";
    else if (a->title.n > ARTICLE_TITLE_MAX || a->summary.n > ARTICLE_SUMMARY_MAX || a->text.n > ARTICLE_TEXT_MAX ||
             a->url.n > ARTICLE_URL_MAX || a->authors.n > ARTICLE_LIST_MAX || a->categories.n > ARTICLE_LIST_MAX ||
             a->tickers.n > ARTICLE_LIST_MAX)
        why = "is longer than articles may be";
    if (!why)
        return 0;
    char field[40];
    int n = snprintf(field, sizeof field, "articles[%zu]", i);
    return err_set_at(cx, ERR_INVALID, str_n(field, (size_t)n), "an article %s", why);
}

static void tell(ArticleStore *s, const ArticleCommit *c) {
    for (ArticleStoreWatch *w = s->watches; w; w = w->next)
        w->heard(w->arg, c);
}

int article_store_put(ArticleStore *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out) {
    assert(req->n <= ARTICLE_PUT_MAX);
    int r = ctx_check(cx);
    for (size_t i = 0; r == 0 && i < req->n; i++)
        r = check_article(cx, &req->v[i], i);
    if (r == 0)
        r = s->ops->put(s, cx, req, out);
    if (r == 0)
        tell(s, &(ArticleCommit){ .v = req->v, .fates = out, .n = req->n });
    return r;
}

static int check_id(Ctx *cx, Str id) {
    int r = ctx_check(cx);
    if (r)
        return r;
    return article_id_valid(id) ? 0
                                : err_set_at(cx, ERR_INVALID, S("id"),
                                             "an article's id is %d digits and small letters a to f", ARTICLE_ID_SIZE);
}

int article_store_score(ArticleStore *s, Ctx *cx, Str id, const ArticleSentiment *v) {
    assert(v->model.n && v->label.n && fabs(v->score) <= 1 && v->confidence >= 0 && v->confidence <= 1);
    int r = check_id(cx, id);
    if (r == 0)
        r = s->ops->score(s, cx, id, v);
    if (r == 0)
        tell(s, &(ArticleCommit){ .v = &(Article){ .id = id }, .n = 1, .score = v });
    return r;
}

/* --- out --- */

int article_store_get(ArticleStore *s, Ctx *cx, Str id, ArticleHit *out) {
    *out = (ArticleHit){ 0 };
    int r = check_id(cx, id);
    return r ? r : s->ops->get(s, cx, id, out);
}

int article_store_search(ArticleStore *s, Ctx *cx, const ArticleSearch *q, ArticlePage *out) {
    assert(q->limit > 0 && q->limit <= ARTICLE_PAGE_MAX && (q->skip == 0 || !q->after.set) &&
           q->skip <= ARTICLE_SKIP_MAX);
    *out = (ArticlePage){ 0 };
    int r = ctx_check(cx);
    return r ? r : s->ops->search(s, cx, q, out);
}

int article_store_scores(ArticleStore *s, Ctx *cx, Str id, ArticleSentiment **out, size_t *n) {
    *out = NULL;
    *n = 0;
    int r = check_id(cx, id);
    return r ? r : s->ops->scores(s, cx, id, out, n);
}

int article_store_copies(ArticleStore *s, Ctx *cx, Str id, ArticleCopy **out, size_t *n) {
    *out = NULL;
    *n = 0;
    int r = check_id(cx, id);
    return r ? r : s->ops->copies(s, cx, id, out, n);
}

int article_store_changes(ArticleStore *s, Ctx *cx, int64_t after, size_t limit, Article **out, size_t *n) {
    assert(limit <= ARTICLE_PAGE_MAX);
    *out = NULL;
    *n = 0;
    int r = ctx_check(cx);
    return r ? r : s->ops->changes(s, cx, after, limit, out, n);
}

int article_store_sources(ArticleStore *s, Ctx *cx, ArticleSourceInfo **out, size_t *n) {
    *out = NULL;
    *n = 0;
    int r = ctx_check(cx);
    return r ? r : s->ops->sources(s, cx, out, n);
}

int article_store_remove(ArticleStore *s, Ctx *cx, Str id) {
    int r = check_id(cx, id);
    return r ? r : s->ops->remove(s, cx, id);
}

int article_store_expire(ArticleStore *s, Ctx *cx, Time before, size_t limit, int64_t *removed) {
    assert(limit <= ARTICLE_PUT_MAX);
    *removed = 0;
    int r = ctx_check(cx);
    return r ? r : s->ops->expire(s, cx, before, limit, removed);
}

int article_store_drop(ArticleStore *s, Ctx *cx, const Str *ids, size_t n, int64_t *removed) {
    assert(n <= ARTICLE_PUT_MAX);
    *removed = 0;
    int r = ctx_check(cx);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = check_id(cx, ids[i]);
    return r || n == 0 ? r : s->ops->drop(s, cx, ids, n, removed);
}

int article_store_state_get(ArticleStore *s, Ctx *cx, Str key, Str *out) {
    *out = (Str){ 0 };
    int r = ctx_check(cx);
    return r ? r : s->ops->state_get(s, cx, key, out);
}

int article_store_state_put(ArticleStore *s, Ctx *cx, Str key, Str value) {
    int r = ctx_check(cx);
    return r ? r : s->ops->state_put(s, cx, key, value);
}

Outbox *article_store_outbox(ArticleStore *s) {
    return s->ops->outbox(s);
}

int article_store_describe(ArticleStore *s, Ctx *cx, ArticleStoreInfo *out) {
    *out = (ArticleStoreInfo){ 0 };
    int r = ctx_check(cx);
    return r ? r : s->ops->describe(s, cx, out);
}

int article_store_verify(ArticleStore *s, Ctx *cx) {
    int r = ctx_check(cx);
    return r ? r : s->ops->verify(s, cx);
}

int article_store_snapshot(ArticleStore *s, Ctx *cx, SnapshotPiece *piece, void *arg) {
    int r = ctx_check(cx);
    if (r == 0 && !s->ops->snapshot)
        r = err_set(cx, ERR_UNSUPPORTED, "the %s store of articles has no backup", s->ops->name);
    return r ? r : s->ops->snapshot(s, cx, piece, arg);
}

ArticleStore *article_store_close(ArticleStore *s) {
    if (s)
        s->ops->close(s);
    return NULL;
}

void article_store_watch(ArticleStore *s, ArticleStoreWatch *w) {
    ArticleStoreWatch **at = &s->watches;
    while (*at)
        at = &(*at)->next;
    w->next = NULL;
    *at = w;
}

void article_store_unwatch(ArticleStore *s, ArticleStoreWatch *w) {
    for (ArticleStoreWatch **at = &s->watches; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            return;
        }
}

/* --- cursors: "1.<score's bits>.<published>.<row>.<top>.<now>" --- */

Str article_cursor_write(const ArticleCursor *c, Arena *a) {
    uint64_t bits;
    memcpy(&bits, &c->score, sizeof bits);
    return c->set ? str_fmt(a, "1.%llu.%lld.%lld.%lld.%lld", (unsigned long long)bits, (long long)c->published.ms,
                            (long long)c->row, (long long)c->top, (long long)c->now.ms)
                  : (Str){ 0 };
}

bool article_cursor_read(Str text, ArticleCursor *out) {
    Str parts[6];
    size_t n = 0;
    ArticleCursor c = { .set = true };
    uint64_t bits;
    while (n < ARRAY_LEN(parts) && str_next(&text, '.', &parts[n]))
        n++;
    if (n != ARRAY_LEN(parts) || text.p || !str_eq(parts[0], S("1")) || !str_to_u64(parts[1], &bits) ||
        !str_to_i64(parts[2], &c.published.ms) || !str_to_i64(parts[3], &c.row) || !str_to_i64(parts[4], &c.top) ||
        !str_to_i64(parts[5], &c.now.ms))
        return false;
    memcpy(&c.score, &bits, sizeof bits);
    if (!isfinite(c.score) || c.row < 0 || c.top < 0 || time_before(c.now, TIME_ISO_MIN) ||
        time_before(TIME_ISO_MAX, c.now))
        return false;
    *out = c;
    return true;
}
