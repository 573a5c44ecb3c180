/* app/demo_news.c - the demo's news: collected from feeds, told of, read, stored, found. The feeds are the simulator's: real
 * ones have terms that the user must read first. */

#include "app/demo.h"

#include "api/news/news_api.h"

enum { WAIT_MS = 20000, LOOK_MS = 20, SHOWN = 3 };

int demo_news_prepare(Demo *d) {
    AppCfg *cfg = &d->app->cfg;
    Ctx *cx = d->c->cx;
    int r = feed_server_start(cx, &(FeedServerOptions){ .seed = 42, .clock = d->app->clock }, &d->feeds);
    if (r != 0)
        return r;
    Str *sources = arena_new_n(cx->arena, Str, 2);
    sources[0] = str_fmt(cx->arena, "coindesk=http://127.0.0.1:%d/coindesk/rss", feed_server_port(d->feeds));
    sources[1] = str_fmt(cx->arena, "cointelegraph=http://127.0.0.1:%d/cointelegraph/rss", feed_server_port(d->feeds));
    cfg->news_sources = (CfgList){ sources, 2 };
    cfg->news_private = cfg->news_simulated = true;
    cfg->news_gap_ms = 0;
    return 0;
}

/* How many articles have a score by now; waits until all have, or for a while. */
static int wait_for_scores(Demo *d, NewsStatus *s) {
    MonoNs from = clock_mono(d->app->clock);
    int r = 0;
    do {
        r = demo_call(d, &op_news_status, NULL, s);
        if (r != 0 || s->scored >= s->articles)
            return r;
        clock_sleep_ms(d->app->clock, LOOK_MS);
    } while (demo_ms_since(d, from) < WAIT_MS);
    return err_set(d->c->cx, ERR_TIMEOUT, "only %lld of %lld articles were scored in %d s", (long long)s->scored,
                   (long long)s->articles, WAIT_MS / 1000);
}

static void show_source(Demo *d, const NewsSourceRun *s) {
    Cli *c = d->c;
    fprintf(c->out, "  %-14.*s %3lld items  %3lld new  %3lld known  %3lld near-same  " STR_FMT "%s%s%s\n",
            STR_ARG(s->source), (long long)s->items, (long long)s->added, (long long)s->known, (long long)s->near_same,
            STR_ARG(s->error.n ? s->error : term_ms(c->cx->arena, (double)s->took_ms)), term_tone(c, TONE_WARN),
            s->simulated ? "  SIMULATED" : "", term_end(c));
}

static int show_found(Demo *d, const char *what) {
    Cli *c = d->c;
    NewsListQuery q = { .q = str_c(what), .order = S("best"), .limit = SHOWN };
    NewsPageOut page = { 0 };
    int r = demo_call(d, &op_news_search, &q, &page);
    if (r != 0)
        return r;
    const NewsRow *v = page.articles.v;
    for (size_t i = 0; i < page.articles.n; i++) {
        const NewsSentimentRow *s = v[i].sentiment.n ? v[i].sentiment.v : NULL;
        fprintf(c->out, "  %s%-8s %+.2f%s  " STR_FMT "  %s" STR_FMT "%s\n",
                term_tone(c, s && s->score > 0.2    ? TONE_GOOD
                             : s && s->score < -0.2 ? TONE_BAD
                                                    : TONE_DIM),
                s ? str_cz(c->cx->arena, s->label) : "unread", s ? s->score : 0.0, term_end(c), STR_ARG(v[i].title),
                term_tone(c, TONE_DIM), STR_ARG(v[i].source), term_end(c));
    }
    fprintf(c->out, "  '%s' is in " STR_FMT " of them, found in " STR_FMT "\n", what,
            STR_ARG(term_count(c->cx->arena, page.total_count)), STR_ARG(term_ms(c->cx->arena, page.search_time_ms)));
    return 0;
}

int demo_news(Demo *d) {
    Cli *c = d->c;
    NewsCollectRequest q = { .max_articles = 1000 };
    NewsCollectResponse done = { 0 };
    NewsStatus status = { 0 };
    MonoNs from = clock_mono(d->app->clock);
    demo_heading(d, "News", "article, event, score, stored, found");
    int r = demo_call(d, &op_news_collect, &q, &done);
    if (r != 0)
        return r;
    const NewsSourceRun *v = done.sources.v;
    for (size_t i = 0; i < done.sources.n; i++)
        show_source(d, &v[i]);
    r = wait_for_scores(d, &status);
    if (r != 0)
        return r;
    fprintf(c->out,
            "  " STR_FMT " articles told as events, read by lexicon-1 and scored once each, " STR_FMT
            " after they were asked for\n",
            STR_ARG(term_count(c->cx->arena, status.scored)), STR_ARG(term_ms(c->cx->arena, demo_ms_since(d, from))));
    return show_found(d, "bitcoin");
}
