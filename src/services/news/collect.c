/* services/news/collect.c - from the sources into the store (FLW-07, FLW-13, FLW-14).
 *
 * Each source is asked on its own and stored on its own: one that is away stops no other. What the feed said to be known
 * by next time (etag, when to come again) is kept after its articles are stored, never before: a kill between the two asks
 * once more and finds everything known. It is not kept where filters left articles out: they would not be seen again. */

#include "services/news/internal.h"

#include "core/article_query.h"

#include <stdlib.h>

typedef struct Run { /* one collection */
    NewsService *s;
    const NewsCollect *q;
    Str job_id;
    ParsedQuery *keywords;
    size_t n_keywords;
    int64_t left; /* articles it may still take */
} Run;

static int newest_first(const void *a, const void *b) {
    return time_cmp(((const Article *)b)->published, ((const Article *)a)->published);
}

static int fail(Run *run, Ctx *cx, const NewsSource *src, SourceState *st, NewsSourceResult *out, int code) {
    out->code = code;
    out->error = str_dup(cx->arena, str_c(cx->err.text));
    st->n_failed++;
    st->error = out->error;
    counter_inc(run->s->failures);
    LOG_WARNING(run->s->o.log, cx, S("news source not read"), F_STR("source", src->name), F_STR("reason", out->error));
    Ctx quiet = *cx;
    source_state_write(run->s, &quiet, src, st);
    return code;
}

static bool filtered(const Run *run) {
    return run->n_keywords || run->q->from.ms || run->q->to.ms;
}

/* The items that pass, as articles; the newest where there are more than may be taken. */
static size_t choose(Run *run, Ctx *cx, const NewsSource *src, const Feed *feed, bool simulated, Article *v,
                     NewsSourceResult *out) {
    Time now = clock_wall(cx->clock);
    size_t n = 0;
    for (size_t i = 0; i < feed->n_items; i++) {
        if (!news_article(cx, src, feed, &feed->items[i], now, simulated, &v[n]))
            out->n_bad++;
        else if (news_passes(run->q, run->keywords, run->n_keywords, &v[n]))
            n++;
    }
    out->n_items = (int64_t)feed->n_items;
    out->n_passed = (int64_t)n;
    qsort(v, n, sizeof *v, newest_first);
    return MIN(n, (size_t)run->left);
}

static int store_feed(Run *run, Ctx *cx, const NewsSource *src, const NewsFeedResult *got, SourceState *st,
                      NewsSourceResult *out) {
    Article *v = arena_new_n(cx->arena, Article, MAX(got->feed.n_items, 1));
    size_t n = choose(run, cx, src, &got->feed, out->simulated, v, out);
    bool all = n == got->feed.n_items - (size_t)out->n_bad && !filtered(run);
    int r = news_store_all(run->s, cx, src->name, run->job_id, v, n, out);
    if (r)
        return r;
    run->left -= out->n_new + out->n_changed;
    st->good_at = clock_wall(cx->clock);
    Str url = got->next.url.n ? got->next.url : st->feed.url;
    st->feed = all ? got->next : (NewsFeedState){ .not_before = got->next.not_before };
    st->feed.url = url;
    return 0;
}

static int collect_source(Run *run, Ctx *cx, const NewsSource *src, NewsSourceResult *out) {
    NewsService *s = run->s;
    SourceState st;
    NewsFeed *feed = src->feed ? src->feed : s->o.feed;
    NewsFeedResult got = { 0 };
    *out = (NewsSourceResult){ .source = src->name, .simulated = news_feed_simulated(feed) };
    int r = source_state_read(s, cx, src, &st);
    if (r < 0)
        return r;
    if (run->q->force)
        st.feed.not_before = time_ms(0);
    out->gone = st.gone && !run->q->force;
    if (out->gone)
        return 0;
    NewsFeedState was = st.feed;
    if (filtered(run))
        was.etag = was.last_modified = (Str){ 0 }; /* what was left out before may pass now */
    st.asked_at = clock_wall(cx->clock);
    st.gone = false;
    r = news_feed_fetch(feed, cx, &was, &got);
    out->simulated |= got.simulated;
    st.simulated = out->simulated || (r != 0 && st.simulated); /* "nothing new" is the same simulator as before */
    if (r < 0)
        return fail(run, cx, src, &st, out, r);
    out->unchanged = r == NEWS_FEED_SAME;
    out->early = r == NEWS_FEED_EARLY;
    out->wait_ms = out->early ? got.wait_ms : 0;
    out->gone = st.gone = r == NEWS_FEED_GONE;
    if (r == 0)
        r = store_feed(run, cx, src, &got, &st, out);
    else if (r == NEWS_FEED_SAME)
        st.good_at = st.asked_at;
    if (r < 0)
        return fail(run, cx, src, &st, out, r);
    if (out->unchanged)
        st.feed = got.next.url.n ? got.next : st.feed;
    st.n_failed = 0;
    st.error = st.gone ? S("the source says that it will not come back (410)") : (Str){ 0 };
    return out->early ? 0 : source_state_write(s, cx, src, &st);
}

/* --- which sources --- */

static const NewsSource *source_named(const NewsService *s, Str name) {
    for (size_t i = 0; i < s->o.n_sources; i++)
        if (str_eq_nocase(s->o.sources[i].name, name))
            return &s->o.sources[i];
    return NULL;
}

static int no_source(const NewsService *s, Ctx *cx, Str name) {
    const NewsSource *near = NULL;
    size_t best = 4;
    for (size_t i = 0; i < s->o.n_sources; i++) {
        size_t d = str_distance(s->o.sources[i].name, name, best);
        if (d < best) {
            best = d;
            near = &s->o.sources[i];
        }
    }
    return near
               ? err_set_at(cx, ERR_NOT_FOUND, S("source"), "there is no news source '" STR_FMT "'; is it " STR_FMT "?",
                            STR_ARG(name), STR_ARG(near->name))
               : err_set_at(cx, ERR_NOT_FOUND, S("source"),
                            "there is no news source '" STR_FMT "'; `finsight news sources` lists them", STR_ARG(name));
}

static int pick(NewsService *s, Ctx *cx, Str names, const NewsSource **v, size_t *n) {
    *n = 0;
    if (names.n == 0 || str_eq_nocase(names, S("all"))) {
        for (size_t i = 0; i < s->o.n_sources; i++)
            if (!s->o.sources[i].off)
                v[(*n)++] = &s->o.sources[i];
        return *n ? 0
                  : err_set_at(cx, ERR_CONFLICT, S("source"),
                               "no news source is on: name some in news.sources, as NAME=https://…");
    }
    Str rest = names, one;
    while (str_next(&rest, ',', &one) && *n < NEWS_SOURCES_MAX) {
        const NewsSource *src = source_named(s, str_trim(one));
        if (!src)
            return no_source(s, cx, str_trim(one));
        v[(*n)++] = src;
    }
    return 0;
}

/* --- the collection --- */

static int parse_keywords(Run *run, Ctx *cx) {
    const StrList *l = &run->q->keywords;
    if (l->n > NEWS_KEYWORDS_MAX)
        return err_set_at(cx, ERR_INVALID, S("keywords"), "at most %d keywords", NEWS_KEYWORDS_MAX);
    run->keywords = arena_new_n(cx->arena, ParsedQuery, MAX(l->n, 1));
    for (size_t i = 0; i < l->n; i++) {
        Str quoted = str_fmt(cx->arena, "\"" STR_FMT "\"", STR_ARG(l->v[i])); /* words in this order */
        if (str_trim(l->v[i]).n == 0)
            continue;
        if (str_find_char(l->v[i], '"') >= 0 || article_query_parse(cx, quoted, &run->keywords[run->n_keywords]) != 0)
            return err_set_at(cx, ERR_INVALID, S("keywords"), "'" STR_FMT "' is no keyword", STR_ARG(l->v[i]));
        run->n_keywords++;
    }
    return 0;
}

static void sum_up(Ctx *cx, NewsCollected *out) {
    for (size_t i = 0; i < out->n_sources; i++) {
        out->n_articles += out->sources[i].n_new + out->sources[i].n_changed;
        out->n_failed += out->sources[i].code < 0;
    }
    out->message = out->n_failed ? str_fmt(cx->arena, "Collected %lld articles; %lld of %zu sources could not be read",
                                           (long long)out->n_articles, (long long)out->n_failed, out->n_sources)
                                 : str_fmt(cx->arena, "Collected %lld articles", (long long)out->n_articles);
}

int news_collect(NewsService *s, Ctx *cx, const NewsCollect *q, NewsCollected *out) {
    const NewsSource *picked[NEWS_SOURCES_MAX];
    size_t n = 0;
    Run run = { .s = s,
                .q = q,
                .left = q->max_articles > 0 ? MIN(q->max_articles, (int64_t)NEWS_COLLECT_MAX) : NEWS_COLLECT_MAX };
    *out = (NewsCollected){ .job_id = ids_uuid4(s->o.ids, cx->arena) };
    if (!s->o.feed)
        return err_set(cx, ERR_UNSUPPORTED, "this process collects no news");
    run.job_id = out->job_id;
    int r = parse_keywords(&run, cx), first = 0;
    if (r == 0)
        r = pick(s, cx, str_trim(q->source), picked, &n);
    if (r)
        return r;
    out->sources = arena_new_n(cx->arena, NewsSourceResult, MAX(n, 1));
    for (size_t i = 0; i < n && run.left > 0; i++) {
        ctx_progress(cx, (double)i / (double)n, (int64_t)i);
        MonoNs from = clock_mono(cx->clock);
        r = collect_source(&run, cx, picked[i], &out->sources[out->n_sources]);
        out->sources[out->n_sources++].took_ms = mono_ms_between(from, clock_mono(cx->clock));
        if (r == ERR_CANCELLED || (r == ERR_TIMEOUT && ctx_check(cx) != 0))
            return r;
        first = first ? first : r;
    }
    ctx_progress(cx, 1, (int64_t)n);
    sum_up(cx, out);
    LOG_INFO(s->o.log, cx, S("news collected"), F_STR("job_id", out->job_id), F_I64("articles", out->n_articles),
             F_I64("sources", (int64_t)out->n_sources), F_I64("failed", out->n_failed));
    return out->n_failed == (int64_t)out->n_sources && n > 0 ? first : 0;
}

int news_web_search(NewsService *s, Ctx *cx, const NewsSearchQuery *q, bool keep, Article **out, size_t *n) {
    NewsSearchResult found;
    *n = 0;
    if (!s->o.search)
        return err_set(cx, ERR_UNSUPPORTED, "web search needs a key of Tavily: set news.tavily_key");
    int r = news_search_run(s->o.search, cx, q, &found);
    if (r)
        return r;
    *out = arena_new_n(cx->arena, Article, MAX(found.n_hits, 1));
    Time now = clock_wall(cx->clock);
    for (size_t i = 0; i < found.n_hits; i++)
        *n += news_article_of_hit(cx, S("tavily"), &found.hits[i], now, found.simulated, &(*out)[*n]);
    NewsSourceResult counts = { 0 };
    return keep ? news_store_all(s, cx, S("tavily"), ids_uuid4(s->o.ids, cx->arena), *out, *n, &counts) : 0;
}
