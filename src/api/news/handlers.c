/* api/news/handlers.c - records into calls of the NewsService, and back. */

#include "api/news/handlers.h"

#include "services/news/news.h"

static List list_of(const StrList *l) {
    return (List){ l->v, l->n };
}

static NewsSentimentRow score_row(const ArticleSentiment *s) {
    return (NewsSentimentRow){ s->model, s->label, s->score, s->confidence, s->at };
}

NewsRow news_api_row(Ctx *cx, const ArticleHit *h) {
    const Article *a = &h->article;
    NewsRow row = { .id = a->id,
                    .title = a->title,
                    .content = a->text,
                    .summary = a->summary,
                    .source = a->source,
                    .published_at = a->published,
                    .url = a->url,
                    .tags = list_of(&a->categories),
                    .tickers = list_of(&a->tickers),
                    .authors = list_of(&a->authors),
                    .language = a->language,
                    .image_url = a->image_url,
                    .collected_at = a->collected,
                    .known_at = a->known_at,
                    .date_estimated = a->date_estimated,
                    .simulated = a->simulated,
                    .copies = h->n_copies,
                    .score = h->score,
                    .title_marked = h->title_marked,
                    .snippet = h->snippet };
    if (a->sentiment.model.n) {
        NewsSentimentRow *s = arena_new(cx->arena, NewsSentimentRow);
        *s = score_row(&a->sentiment);
        row.sentiment = (List){ s, 1 };
    }
    return row;
}

static int find(void *role, Ctx *cx, const NewsListQuery *in, NewsPageOut *out) {
    static const char *const orders[] = { "best", "newest", "oldest" };
    NewsPage page;
    NewsQuery q = { .text = in->q,
                    .filter = { .source = in->source,
                                .ticker = in->ticker,
                                .category = in->category,
                                .language = in->language,
                                .sentiment = in->sentiment,
                                .from = in->start_date.ms ? in->start_date : TIME_MIN,
                                .to = in->end_date.ms ? in->end_date : TIME_MAX,
                                .known_by = in->known_by.ms ? in->known_by : TIME_MAX,
                                .no_simulated = in->no_simulated },
                    .exact = in->exact,
                    .whole = in->content,
                    .marks = in->q.n > 0,
                    .count = true,
                    .skip = in->cursor.n ? 0 : (size_t)in->offset,
                    .limit = (size_t)in->limit,
                    .cursor = in->cursor };
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (str_eq(in->order, str_c(orders[i])))
            q.order = (ArticleOrder)i;
    if (in->time_range.n) {
        int r = news_time_range(cx, in->time_range, clock_wall(cx->clock), &q.filter.from, &q.filter.to);
        if (r)
            return r;
    }
    int r = news_find(role, cx, &q, &page);
    if (r)
        return r;
    const ArticlePage *p = &page.page;
    NewsRow *rows = arena_new_n(cx->arena, NewsRow, MAX(p->n, 1));
    for (size_t i = 0; i < p->n; i++)
        rows[i] = news_api_row(cx, &p->v[i]);
    *out = (NewsPageOut){ (int64_t)p->n, { rows, p->n }, p->total,         p->total_exact,
                          p->more,       p->newest_only, page.next_cursor, page.took_ms };
    return 0;
}

int news_api_list(void *role, Ctx *cx, const void *in, void *out) {
    return find(role, cx, in, out);
}

int news_api_search(void *role, Ctx *cx, const void *in, void *out) {
    return find(role, cx, in, out);
}

int news_api_get(void *role, Ctx *cx, const void *in, void *out) {
    ArticleHit h;
    int r = news_get(role, cx, ((const NewsRef *)in)->id, &h);
    if (r == 0)
        *(NewsRow *)out = news_api_row(cx, &h);
    return r;
}

static NewsSourceRun run_row(const NewsSourceResult *r) {
    return (NewsSourceRun){ .source = r->source,
                            .items = r->n_items,
                            .passed = r->n_passed,
                            .added = r->n_new,
                            .changed = r->n_changed,
                            .known = r->n_known,
                            .near_same = r->n_near,
                            .unchanged = r->unchanged,
                            .early = r->early,
                            .wait_ms = r->wait_ms,
                            .gone = r->gone,
                            .simulated = r->simulated,
                            .error = r->error,
                            .took_ms = r->took_ms };
}

/* The caller's own mistakes are errors; a source that cannot be read is an answer (FLW-14). */
static bool callers_fault(int code) {
    return code == ERR_INVALID || code == ERR_NOT_FOUND || code == ERR_CONFLICT || code == ERR_UNSUPPORTED ||
           code == ERR_CANCELLED;
}

int news_api_collect(void *role, Ctx *cx, const void *in_, void *out_) {
    const NewsCollectRequest *in = in_;
    NewsCollectResponse *out = out_;
    NewsCollected done;
    NewsCollect q = { .source = in->source,
                      .keywords = { in->keywords.v, in->keywords.n },
                      .max_articles = in->max_articles,
                      .force = in->force };
    int r = news_time_range(cx, in->time_range, clock_wall(cx->clock), &q.from, &q.to);
    if (r == 0)
        r = news_collect(role, cx, &q, &done);
    else
        return r;
    bool asked = r == 0 || done.n_failed > 0;
    if (r != 0 && (callers_fault(r) || !asked) && done.n_failed == 0)
        return r;
    NewsSourceRun *rows = arena_new_n(cx->arena, NewsSourceRun, MAX(done.n_sources, 1));
    for (size_t i = 0; i < done.n_sources; i++)
        rows[i] = run_row(&done.sources[i]);
    *out = (NewsCollectResponse){ .success = r == 0, .sources = { rows, done.n_sources } };
    if (r == 0) {
        out->message = done.message;
        out->articles_collected = done.n_articles;
        out->job_id = done.job_id;
    } else {
        out->message = str_fmt(cx->arena, "Error: %s", cx->err.text);
    }
    return 0;
}

int news_api_sources(void *role, Ctx *cx, const void *in, void *out) {
    NewsSourceStatus *v;
    size_t n;
    UNUSED(in);
    int r = news_sources(role, cx, &v, &n);
    if (r)
        return r;
    NewsSourceRow *rows = arena_new_n(cx->arena, NewsSourceRow, MAX(n, 1));
    for (size_t i = 0; i < n; i++)
        rows[i] = (NewsSourceRow){ .source = v[i].source.name,
                                   .url = v[i].source.url,
                                   .language = v[i].source.language,
                                   .enabled = !v[i].source.off,
                                   .simulated = v[i].simulated,
                                   .gone = v[i].gone,
                                   .articles = v[i].n_articles,
                                   .copies = v[i].n_copies,
                                   .newest = v[i].newest,
                                   .asked_at = v[i].asked_at,
                                   .good_at = v[i].good_at,
                                   .next_at = v[i].next_at,
                                   .failures = v[i].n_failed,
                                   .error = v[i].error };
    *(NewsSourceList *)out = (NewsSourceList){ (int64_t)n, { rows, n } };
    return 0;
}

int news_api_status(void *role, Ctx *cx, const void *in, void *out) {
    NewsHealth h;
    UNUSED(in);
    int r = news_health(role, cx, &h);
    if (r)
        return r;
    bool well = h.n_sources == 0 || h.n_failing < h.n_sources;
    *(NewsStatus *)out = (NewsStatus){ .status = well ? S("healthy") : S("degraded"),
                                       .adapter = str_c(h.store.adapter),
                                       .articles = h.store.n_articles,
                                       .copies = h.store.n_copies,
                                       .scored = h.store.n_scored,
                                       .bytes = h.store.bytes,
                                       .outbox = h.store.outbox,
                                       .sources = h.n_sources,
                                       .failing = h.n_failing,
                                       .newest = h.store.newest,
                                       .last_collected = h.last_good };
    return 0;
}

int news_api_copies(void *role, Ctx *cx, const void *in, void *out) {
    Str id = ((const NewsRef *)in)->id;
    ArticleCopy *v;
    size_t n;
    ArticleHit h;
    int r = news_get(role, cx, id, &h);
    if (r == 0)
        r = article_store_copies(news_store(role), cx, id, &v, &n);
    if (r)
        return MIN(r, 0);
    NewsCopyRow *rows = arena_new_n(cx->arena, NewsCopyRow, MAX(n, 1));
    for (size_t i = 0; i < n; i++)
        rows[i] = (NewsCopyRow){ v[i].source, v[i].url, v[i].title, v[i].published, v[i].seen };
    *(NewsCopyList *)out = (NewsCopyList){ (int64_t)n, { rows, n } };
    return 0;
}

int news_api_scores(void *role, Ctx *cx, const void *in, void *out) {
    Str id = ((const NewsRef *)in)->id;
    ArticleSentiment *v;
    size_t n;
    ArticleHit h;
    int r = news_get(role, cx, id, &h);
    if (r == 0)
        r = article_store_scores(news_store(role), cx, id, &v, &n);
    if (r)
        return MIN(r, 0);
    NewsSentimentRow *rows = arena_new_n(cx->arena, NewsSentimentRow, MAX(n, 1));
    for (size_t i = 0; i < n; i++)
        rows[i] = score_row(&v[i]);
    *(NewsScoreList *)out = (NewsScoreList){ h.article.id, (int64_t)n, { rows, n } };
    return 0;
}

int news_api_web(void *role, Ctx *cx, const void *in_, void *out) {
    const NewsWebQuery *in = in_;
    Article *v;
    size_t n;
    MonoNs from = clock_mono(cx->clock);
    NewsSearchQuery q = { .text = in->q,
                          .topic = str_eq(in->topic, S("finance"))   ? NEWS_SEARCH_FINANCE
                                   : str_eq(in->topic, S("general")) ? NEWS_SEARCH_GENERAL
                                                                     : NEWS_SEARCH_NEWS,
                          .max_results = (int)in->limit,
                          .from = in->start_date,
                          .to = in->end_date };
    int r = news_web_search(role, cx, &q, in->keep, &v, &n);
    if (r)
        return r;
    NewsRow *rows = arena_new_n(cx->arena, NewsRow, MAX(n, 1));
    for (size_t i = 0; i < n; i++)
        rows[i] = news_api_row(cx, &(ArticleHit){ .article = v[i] });
    *(NewsPageOut *)out = (NewsPageOut){ .count = (int64_t)n,
                                         .articles = { rows, n },
                                         .total_count = (int64_t)n,
                                         .search_time_ms = (double)(clock_mono(cx->clock).ns - from.ns) / 1e6 };
    return 0;
}

int news_api_retain(void *role, Ctx *cx, const void *in_, void *out) {
    const NewsRetainRequest *in = in_;
    NewsRetain q = { .before = TIME_MIN, .keep = in->keep, .archive = in->archive, .dry_run = in->dry_run };
    NewsRetained done;
    Time to;
    if (!in->older_than.n && !in->keep)
        return err_set_at(cx, ERR_INVALID, S("older_than"), "say how old, or how many are to stay");
    int r = in->older_than.n ? news_time_range(cx, in->older_than, clock_wall(cx->clock), &q.before, &to) : 0;
    if (r || (in->older_than.n && !q.before.ms))
        return err_set_at(cx, ERR_INVALID, S("older_than"), "'" STR_FMT "' is no age: write 24h, 180d, month, year",
                          STR_ARG(in->older_than));
    r = news_retain(role, cx, &q, &done);
    if (r)
        return r;
    *(NewsRetainResponse *)out =
        (NewsRetainResponse){ .success = true,
                              .message =
                                  str_fmt(cx->arena, "%s %lld articles%s", in->dry_run ? "Would remove" : "Removed",
                                          (long long)done.removed, done.archived ? ", archived before" : ""),
                              .removed = done.removed,
                              .archived = done.archived,
                              .held = done.held,
                              .left = done.left };
    return 0;
}

int news_api_remove(void *role, Ctx *cx, const void *in, void *out) {
    Str id = ((const NewsRef *)in)->id;
    int r = article_store_remove(news_store(role), cx, id);
    if (r == ARTICLE_NO_SUCH)
        return err_set_at(cx, ERR_NOT_FOUND, S("id"), "no article '" STR_FMT "' is stored", STR_ARG(id));
    if (r == 0)
        *(NewsRemoved *)out = (NewsRemoved){ true, str_fmt(cx->arena, "article '" STR_FMT "' removed", STR_ARG(id)) };
    return r;
}
