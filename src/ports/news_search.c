/* ports/news_search.c - the checking wrapper around every search engine. */

#include "ports/news_search.h"

#include <math.h>

enum { TEXT_MAX = 400, RESULTS_MAX = 20, DOMAINS_MAX = 100 };

int news_search_run(NewsSearch *s, Ctx *cx, const NewsSearchQuery *q, NewsSearchResult *out) {
    assert(s && q && out);
    int r = ctx_check(cx);
    if (r)
        return r;
    if (q->text.n == 0 || q->text.n > TEXT_MAX)
        return err_set_at(cx, ERR_INVALID, S("query"), "a search has 1 to %d bytes of words", TEXT_MAX);
    if (q->max_results < 0 || q->max_results > RESULTS_MAX)
        return err_set_at(cx, ERR_INVALID, S("max_results"), "a search gives 1 to %d results", RESULTS_MAX);
    if (q->from.ms && q->to.ms && q->to.ms < q->from.ms)
        return err_set_at(cx, ERR_INVALID, S("from"), "the time range ends before it begins");
    if (q->n_include > DOMAINS_MAX || q->n_exclude > DOMAINS_MAX)
        return err_set_at(cx, ERR_INVALID, S("domains"), "at most %d domains can be named", DOMAINS_MAX);

    NewsSearchResult got = { .credits = -1 };
    r = s->ops->search(s, cx, q, &got);
    assert(r <= 0);
    if (r)
        return r;
    for (size_t i = 0; i < got.n_hits; i++)
        if (!got.hits[i].url.n || !isfinite(got.hits[i].score))
            return err_set(cx, ERR_COLLECTION, "%s: result %zu has no URL or no finite score", s->ops->name, i);
    *out = got;
    return 0;
}

NewsSearch *news_search_close(NewsSearch *s) {
    if (s)
        s->ops->close(s);
    return NULL;
}
