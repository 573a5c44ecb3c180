/* services/news/news.c - life, reading, how the sources are. */

#include "services/news/internal.h"

#include "core/ticker_tag.h"

NewsService *news_service_new(const NewsOptions *o) {
    NewsService *s = mem_new(NewsService);
    s->o = *o;
    pthread_mutex_init(&s->storing, NULL);
    if (!o->metrics)
        return s;
    for (int f = 0; f < ARTICLE_FATES; f++)
        s->collected[f] = metrics_counter(o->metrics, "finsight_news_articles_total",
                                          "Articles of collections, by what became of them",
                                          METRIC_L({ "fate", str_c(article_fate_name((ArticleFate)f)) }));
    s->failures = metrics_counter(o->metrics, "finsight_news_source_failures_total",
                                  "Collections of a source that failed", METRIC_NO_LABELS);
    s->scored = metrics_counter(o->metrics, "finsight_news_scores_total", "Sentiment scores stored",
                                METRIC_L({ "seen", S("first") }));
    s->scored_again = metrics_counter(o->metrics, "finsight_news_scores_total", "Sentiment scores stored",
                                      METRIC_L({ "seen", S("again") }));
    s->search_s = metrics_histogram(o->metrics, "finsight_news_search_seconds", "Searches of the article store", NULL,
                                    0, METRIC_NO_LABELS);
    return s;
}

NewsService *news_service_free(NewsService *s) {
    if (s)
        pthread_mutex_destroy(&s->storing);
    return mem_free(s);
}

ArticleStore *news_store(NewsService *s) {
    return s->o.store;
}

/* --- reading --- */

int news_find(NewsService *s, Ctx *cx, const NewsQuery *q, NewsPage *out) {
    ParsedQuery parsed;
    MonoNs from = clock_mono(cx->clock);
    ArticleSearch search = { .filter = q->filter,
                             .order = q->order,
                             .exact = q->exact,
                             .whole = q->whole,
                             .marks = q->marks,
                             .count = q->count,
                             .skip = q->skip,
                             .limit = q->limit,
                             .now = clock_wall(cx->clock) };
    *out = (NewsPage){ 0 };
    if (q->cursor.n && (q->skip || !article_cursor_read(q->cursor, &search.after)))
        return err_set_at(cx, ERR_INVALID, S("cursor"),
                          "this is not the cursor of a page before, or stands beside an offset");
    if (search.filter.ticker.n)
        search.filter.ticker = ticker_canonical(cx->arena, search.filter.ticker);
    int r = 0;
    if (str_trim(q->text).n) {
        r = article_query_parse(cx, q->text, &parsed);
        search.query = &parsed;
    }
    if (r == 0)
        r = article_store_search(s->o.store, cx, &search, &out->page);
    if (r)
        return r;
    int64_t took_ns = MAX(clock_mono(cx->clock).ns - from.ns, INT64_C(1000)); /* a clock that did not move: 1 µs */
    out->took_ms = (double)took_ns / 1e6;
    out->next_cursor = article_cursor_write(&out->page.next, cx->arena);
    histogram_observe(s->search_s, (double)took_ns / 1e9);
    return 0;
}

int news_get(NewsService *s, Ctx *cx, Str id, ArticleHit *out) {
    int r = article_store_get(s->o.store, cx, id, out);
    return r == ARTICLE_NO_SUCH
               ? err_set_at(cx, ERR_NOT_FOUND, S("id"), "no article '" STR_FMT "' is stored", STR_ARG(id))
               : r;
}

/* --- how it is --- */

static void add_stored(NewsSourceStatus *v, size_t n, const ArticleSourceInfo *i) {
    for (size_t k = 0; k < n; k++)
        if (str_eq(v[k].source.name, i->source)) {
            v[k].n_articles = i->n_articles;
            v[k].n_copies = i->n_copies;
            v[k].newest = i->newest;
            return;
        }
}

static bool configured(const NewsService *s, Str name) {
    for (size_t i = 0; i < s->o.n_sources; i++)
        if (str_eq(s->o.sources[i].name, name))
            return true;
    return false;
}

int news_sources(NewsService *s, Ctx *cx, NewsSourceStatus **out, size_t *n) {
    ArticleSourceInfo *stored;
    size_t n_stored;
    int r = article_store_sources(s->o.store, cx, &stored, &n_stored);
    NewsSourceStatus *v = arena_new_n(cx->arena, NewsSourceStatus, s->o.n_sources + (r ? 0 : n_stored) + 1);
    *n = 0;
    for (size_t i = 0; r == 0 && i < s->o.n_sources; i++) {
        SourceState st;
        r = source_state_read(s, cx, &s->o.sources[i], &st);
        v[(*n)++] = (NewsSourceStatus){ .source = s->o.sources[i],
                                        .asked_at = st.asked_at,
                                        .good_at = st.good_at,
                                        .next_at = st.feed.not_before,
                                        .n_failed = st.n_failed,
                                        .error = st.error,
                                        .gone = st.gone,
                                        .simulated = st.simulated };
    }
    for (size_t i = 0; r == 0 && i < n_stored; i++) { /* articles of sources that are not configured any more */
        if (!configured(s, stored[i].source))
            v[(*n)++] = (NewsSourceStatus){ .source = { .name = stored[i].source, .off = true } };
        add_stored(v, *n, &stored[i]);
    }
    *out = v;
    return r;
}

int news_health(NewsService *s, Ctx *cx, NewsHealth *out) {
    NewsSourceStatus *v;
    size_t n;
    *out = (NewsHealth){ .n_sources = (int64_t)s->o.n_sources };
    int r = article_store_describe(s->o.store, cx, &out->store);
    if (r == 0)
        r = news_sources(s, cx, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        out->n_failing += v[i].n_failed > 0;
        out->last_good.ms = MAX(out->last_good.ms, v[i].good_at.ms);
    }
    return r;
}
