/* app/news.c - see news.h. */

#include "app/news.h"

#include "adapters/article/memory.h"
#include "adapters/article/mongo.h"
#include "adapters/article/sqlite.h"
#include "adapters/feed/coindesk.h"
#include "adapters/feed/tavily.h"
#include "adapters/feed/web.h"
#include "adapters/sentiment/lexicon.h"
#include "app/news_archive.h"
#include "app/platform.h"
#include "base/file.h"

static int bad_source(Ctx *cx, Str item, const char *why) {
    return err_set_at(cx, ERR_USAGE, S("news.sources"), "'" STR_FMT "': %s", STR_ARG(item), why);
}

/* The documents' collectors. */
static const NewsSource standard_sources[] = {
    { .name = STR_INIT("coindesk"),
      .url = STR_INIT("https://www.coindesk.com/arc/outboundfeeds/rss/"),
      .language = STR_INIT("en") },
    { .name = STR_INIT("cointelegraph"), .url = STR_INIT("https://cointelegraph.com/rss"), .language = STR_INIT("en") },
};

int news_sources_parse(Ctx *cx, const CfgList *list, NewsSource *out, size_t *n) {
    *n = 0;
    if (list->n == 0) {
        memcpy(out, standard_sources, sizeof standard_sources);
        *n = ARRAY_LEN(standard_sources);
    }
    if (list->n == 1 && str_eq_nocase(str_trim(list->v[0]), S("none")))
        return 0;
    for (size_t i = 0; i < list->n; i++) {
        Str item = str_trim(list->v[i]), url = item, name;
        if (*n == NEWS_SOURCES_MAX)
            return bad_source(cx, item, "there are more sources than 200");
        str_next(&url, '=', &name);
        NewsSource s = { .name = str_trim(name), .url = str_trim(url), .off = str_starts(item, S("-")) };
        if (s.off)
            s.name = str_from(s.name, 1);
        if (!article_source_valid(s.name))
            return bad_source(cx, item, "write NAME=https://…; a name has letters, digits, '-', '_' and '.'");
        if (!str_starts(s.url, S("https://")) && !str_starts(s.url, S("http://")))
            return bad_source(cx, item, "the address begins with https:// or http://");
        for (size_t k = 0; k < *n; k++)
            if (str_eq_nocase(out[k].name, s.name))
                return bad_source(cx, item, "there are two sources of that name");
        out[(*n)++] = s;
    }
    return 0;
}

static int open_store(Platform *p, Ctx *cx) {
    if (p->cfg->news_store == NEWS_STORE_MONGODB) {
        ArticleMongoOptions o = { .url = p->cfg->news_url, .token = ids_u64(p->ids) };
        if (!o.url.n)
            return err_set_at(cx, ERR_USAGE, S("news.url"),
                              "news.store is mongodb: news.url has to say where, as mongodb://host:27017/database");
        return article_mongo_open(cx, &o, &p->news.store);
    }
    if (p->cfg->data_store == STORE_MEMORY) {
        p->news.store = article_memory_new();
        return 0;
    }
    ArticleSqliteOptions o = { .path = path_join(cx->arena, p->cfg->data_dir, "news.db"), .lazy = true };
    return article_sqlite_open(cx, &o, &p->news.store);
}

static int open_search(Platform *p, Ctx *cx) {
    const AppCfg *cfg = p->cfg;
    if (!cfg->news_tavily_key.n)
        return 0;
    TavilyOptions o = { .http = p->news.http,
                        .key = cfg->news_tavily_key,
                        .base_url = cfg->news_tavily_url,
                        .allow_private = cfg->news_private,
                        .simulated = cfg->news_simulated,
                        .seed = (uint64_t)clock_mono(p->clock).ns };
    return tavily_open(cx, &o, &p->news.search);
}

/* A source whose address is the list of CoinDesk's data API is read by the adapter that knows its JSON. */
static int open_coindesk(Platform *p, Ctx *cx, NewsSource *sources, size_t n) {
    const AppCfg *cfg = p->cfg;
    NewsRoles *r = &p->news;
    for (size_t i = 0; i < n; i++) {
        if (str_find(sources[i].url, S("/news/v1/article/list")) < 0)
            continue;
        FeedCoindeskOptions o = { .http = r->http,
                                  .key = cfg->news_coindesk_key,
                                  .timeout_ms = cfg->news_timeout_ms,
                                  .allow_private = cfg->news_private,
                                  .simulated = cfg->news_simulated };
        int e = r->coindesk ? 0 : feed_coindesk_open(cx, &o, &r->coindesk);
        if (e)
            return e;
        sources[i].feed = r->coindesk;
    }
    return 0;
}

static int open_news(Platform *p, Ctx *cx) {
    const AppCfg *cfg = p->cfg;
    NewsRoles *r = &p->news;
    NewsSource *sources = arena_new_n(&r->keep, NewsSource, NEWS_SOURCES_MAX);
    size_t n = 0;
    int e = news_sources_parse(cx, &cfg->news_sources, sources, &n);
    if (e == 0)
        e = open_store(p, cx);
    if (e == 0)
        e = platform_http_open(cx, p->log, &r->http);
    if (e == 0)
        e = open_search(p, cx);
    if (e == 0)
        e = open_coindesk(p, cx, sources, n);
    if (e)
        return e;
    r->feed = feed_web_open(&(FeedWebOptions){ .http = r->http,
                                               .gap_ms = cfg->news_gap_ms > 0 ? cfg->news_gap_ms : -1,
                                               .timeout_ms = cfg->news_timeout_ms,
                                               .allow_private = cfg->news_private,
                                               .ignore_robots = !cfg->news_robots,
                                               .simulated = cfg->news_simulated });
    r->news = news_service_new(&(NewsOptions){ .store = r->store,
                                               .feed = r->feed,
                                               .search = r->search,
                                               .sources = sources,
                                               .n_sources = n,
                                               .clock = p->clock,
                                               .ids = p->ids,
                                               .log = p->log,
                                               .metrics = p->metrics,
                                               .archive = cfg->data_store == STORE_MEMORY ? NULL : news_archive_append,
                                               .archive_arg = str_cz(&r->keep, str_c(cfg->data_dir)),
                                               .near_same = cfg->news_near_same });
    news_live_init(&r->live, r->news, &r->live_source);
    return 0;
}

int platform_open_news(Platform *p, Ctx *cx) {
    NewsRoles *r = &p->news;
    if (p->hosts.has[ROLE_SENTIMENT]) {
        r->reader = sentiment_lexicon_new();
        r->sentiment = sentiment_service_new(
            &(SentimentOptions){ .reader = r->reader, .bus = p->bus, .log = p->log, .metrics = p->metrics });
    }
    return p->hosts.has[ROLE_NEWS] ? open_news(p, cx) : 0;
}

void platform_close_news(Platform *p) {
    NewsRoles *r = &p->news;
    news_service_free(r->news);
    sentiment_service_free(r->sentiment);
    sentiment_close(r->reader);
    news_feed_close(r->feed);
    news_feed_close(r->coindesk);
    news_search_close(r->search);
    http_client_close(r->http);
    article_store_close(r->store);
    arena_done(&r->keep);
}

int news_snapshot(void *store, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return article_store_snapshot(store, cx, piece, arg);
}
