/* app/model_source.c - the registry of models as a ModelSource, the news as a SentimentSource; see prediction.h. */

#include "app/model_source.h"

#include "api/news/news_api.h"
#include "api/news/shapes.h"
#include "app/remote.h"

#include <stdlib.h>

enum { MODELS_LISTED = 500, ARTICLES_MAX = 200, PAGE_MAX = 100 };

/* --- models --- */

static ServableModel servable(const ModelVersion *v) {
    return (ServableModel){ .name = v->v.name,
                            .version = v->v.version,
                            .sha256 = v->sha256,
                            .kind = v->kind,
                            .val_mse = v->val.mse,
                            .val_naive_mse = v->val.naive_mse,
                            .beats_naive = v->beats_naive };
}

static Models *models_of(ModelSource *s) {
    return ((RegisteredModels *)s)->models;
}

static int resolve(ModelSource *s, Ctx *cx, Str ref, ServableModel *out) {
    ModelVersion v;
    int r = models_resolve(models_of(s), cx, ref, &v);
    if (r == 0)
        *out = servable(&v);
    return r == MODELS_NONE ? MODEL_NONE : r;
}

static int versions(ModelSource *s, Ctx *cx, Str name, ServableModel **out, size_t *n) {
    ModelVersion *v;
    size_t all = 0;
    int r = models_versions(models_of(s), cx, name, &v, &all);
    if (r)
        return MIN(r, 0); /* no such model has no versions */
    *out = arena_new_n(cx->arena, ServableModel, all + 1);
    /* what was promoted before is archived now: still good, but last */
    for (int archived = 0; archived < 2; archived++)
        for (size_t i = 0; i < all; i++)
            if (v[i].sha256.n && (v[i].v.stage == ML_STAGE_ARCHIVED) == (archived != 0))
                (*out)[(*n)++] = servable(&v[i]);
    return 0;
}

/* Said by a tag of the version, else by the run: "binance:BTCUSDT 1h" is of the series "BTCUSDT 1h". */
static bool is_of_series(ModelSource *s, Ctx *cx, const ModelVersion *v, Str series) {
    Str said = ml_tag(v->v.tags, v->v.n_tags, MODEL_TAG_SERIES);
    MlRun run;
    Ctx own = *cx;
    if (said.n)
        return str_eq(said, series);
    if (!v->v.run_id.n || ml_run(models_registry(models_of(s)), &own, v->v.run_id, &run) != 0)
        return false;
    Str data = ml_tag(run.params, run.n_params, S("data"));
    ptrdiff_t colon = str_find_char(data, ':');
    return colon >= 0 && str_eq(str_from(data, (size_t)colon + 1), series);
}

static double ratio(const ServableModel *m) {
    return m->val_naive_mse > 0 ? m->val_mse / m->val_naive_mse : 1e300;
}

static int better_first(const void *a, const void *b) {
    double x = ratio(a), y = ratio(b);
    return (x > y) - (x < y);
}

static int models_on(ModelSource *s, Ctx *cx, Str series, ServableModel **out, size_t *n) {
    MlSearch q = { .limit = MODELS_LISTED };
    MlModel *v;
    size_t all = 0;
    Str next;
    int r = ml_models(models_registry(models_of(s)), cx, &q, &v, &all, &next);
    *out = arena_new_n(cx->arena, ServableModel, all + 1);
    for (size_t i = 0; i < all && r == 0; i++) {
        ModelVersion served;
        r = models_resolve(models_of(s), cx, v[i].name, &served);
        if (r == 0 && served.sha256.n && is_of_series(s, cx, &served, series))
            (*out)[(*n)++] = servable(&served);
        r = MIN(r, 0); /* nothing of it is promoted */
    }
    if (r == 0)
        qsort(*out, *n, sizeof **out, better_first);
    return r;
}

static int load(ModelSource *s, Ctx *cx, const ServableModel *m, Str *bytes) {
    ModelVersion v;
    ModelWeights w;
    int r = models_version(models_of(s), cx, m->name, m->version, &v);
    if (r == MODELS_NONE)
        return err_set(cx, ERR_NOT_FOUND, "version " STR_FMT " of " STR_FMT " is no longer registered",
                       STR_ARG(m->version), STR_ARG(m->name));
    if (r == 0)
        r = models_load(models_of(s), cx, &v, &w);
    if (r == 0)
        *bytes = w.bytes;
    return r;
}

void registered_models_init(RegisteredModels *s, Models *models) {
    static const ModelSourceOps ops = { "registry", resolve, versions, models_on, load };
    *s = (RegisteredModels){ .source = { &ops }, .models = models };
}

/* --- news --- */

/* BTCUSDT is about BTC. */
static Str base_of(Str symbol) {
    static const Str quotes[] = { STR_INIT("USDT"), STR_INIT("USDC"), STR_INIT("BUSD"), STR_INIT("FDUSD"),
                                  STR_INIT("-USD"), STR_INIT("/USD"), STR_INIT("USD"),  STR_INIT("EUR") };
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++)
        if (symbol.n > quotes[i].n && str_ends(symbol, quotes[i]))
            return str_first(symbol, symbol.n - quotes[i].n);
    return symbol;
}

static int summed(SentimentNow *out) {
    if (out->n_articles == 0)
        return SENTIMENT_NONE;
    out->score /= (double)out->n_articles;
    return 0;
}

static void add(SentimentNow *out, double score, Time published) {
    out->score += score;
    out->n_articles++;
    out->newest = time_before(out->newest, published) ? published : out->newest;
}

static int ask_here(NewsService *news, Ctx *cx, Str ticker, Time from, Time to, SentimentNow *out) {
    NewsQuery q = { .filter = { .ticker = ticker, .from = from, .to = to, .known_by = TIME_MAX },
                    .order = ARTICLE_NEWEST_FIRST,
                    .limit = ARTICLES_MAX };
    NewsPage page;
    int r = news_find(news, cx, &q, &page);
    for (size_t i = 0; r == 0 && i < page.page.n; i++) {
        const Article *a = &page.page.v[i].article;
        if (a->sentiment.label.n)
            add(out, a->sentiment.score, a->published);
    }
    return r ? r : summed(out);
}

static int ask_elsewhere(const NewsSentiment *s, Ctx *cx, Str ticker, Time from, Time to, SentimentNow *out) {
    NewsListQuery q;
    NewsPageOut page = { 0 };
    ApiCaller *api;
    int r = remote_open(cx, s->address, &s->trust, &api); /* a connection of its own: callers are one thread's */
    if (r)
        return r;
    shape_init(op_news_list.in, cx, &q);
    q.ticker = ticker;
    q.start_date = from;
    q.end_date = to;
    q.limit = PAGE_MAX;
    r = api_call(api, cx, &op_news_list, &q, &page);
    for (size_t i = 0; r == 0 && i < page.articles.n; i++) {
        const NewsRow *a = &((const NewsRow *)page.articles.v)[i];
        if (a->sentiment.n)
            add(out, ((const NewsSentimentRow *)a->sentiment.v)->score, a->published_at);
    }
    api_caller_close(api);
    return r ? r : summed(out);
}

static int get(SentimentSource *source, Ctx *cx, Symbol symbol, Time from, Time to, SentimentNow *out) {
    const NewsSentiment *s = (const NewsSentiment *)source;
    Str ticker = base_of(symbol_str(&symbol));
    return s->news ? ask_here(s->news, cx, ticker, from, to, out) : ask_elsewhere(s, cx, ticker, from, to, out);
}

void news_sentiment_init(NewsSentiment *s, NewsService *news, Str address, const RemoteTrust *trust) {
    static const SentimentSourceOps ops = { "news", get };
    *s = (NewsSentiment){ .source = { &ops }, .news = news, .address = address, .trust = *trust };
}
