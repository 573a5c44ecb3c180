#pragma once

/* services/news/news.h - news: collected, stored once each, found again (FLW-07, FLW-13, NWS-01..19).
 *
 * What a collection does is said in the same commit as what it stored: its events lie in the store's outbox, and a
 * process that is killed at any moment loses neither an article nor what is told of it.
 *
 * Memory: results go to cx->arena.  Threads: every call may come from any thread. */

#include "base/lane.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "ports/article_store.h"
#include "ports/news_feed.h"
#include "ports/news_search.h"

typedef struct NewsService NewsService;

enum { NEWS_SOURCES_MAX = 200, NEWS_KEYWORDS_MAX = 32, NEWS_COLLECT_MAX = 1000 };

typedef struct NewsSource { /* as configured */
    Str name;               /* "coindesk": what its articles carry */
    Str url;
    Str language;   /* where the feed does not say; empty = not known */
    NewsFeed *feed; /* that reads it; borrowed; NULL: NewsOptions.feed */
    bool off;       /* known, but not collected unless it is named */
} NewsSource;

/* Keeps lines, an article each, of the month they were published in; 0 when they are safe. */
typedef int NewsArchiveFn(void *arg, Ctx *cx, Str month, Str lines);

typedef struct NewsOptions {
    ArticleStore *store; /* borrowed, as all of these */
    NewsFeed *feed;      /* NULL: nothing can be collected */
    NewsSearch *search;  /* NULL: no web search */
    const NewsSource *sources;
    size_t n_sources;
    Clock *clock;
    Ids *ids;
    Logger *log; /* NULL = silent */
    Metrics *metrics;
    NewsArchiveFn *archive; /* NULL: nothing can be archived */
    void *archive_arg;
    bool near_same; /* leave out what is nearly the same as a stored one */
} NewsOptions;

NewsService *news_service_new(const NewsOptions *o);
NewsService *news_service_free(NewsService *s);
ArticleStore *news_store(NewsService *s);

/* --- collecting --- */

typedef struct NewsCollect {
    Str source;           /* one, or several with commas; empty or "all": every one that is on */
    StrList keywords;     /* an article has one of them in title, summary, text or categories; none: all pass */
    int64_t max_articles; /* of all sources together, the newest; 0 = NEWS_COLLECT_MAX */
    Time from, to;        /* published in [from, to); ms 0 both = any time */
    bool force;           /* ask a source that said it is too early, or that it is gone; its rate is kept */
} NewsCollect;

/* "1h", "24h", "7d", "30d"; also hour, day, week, month, year; empty = any time. ERR_INVALID at "time_range". */
int news_time_range(Ctx *cx, Str text, Time now, Time *from, Time *to);

typedef struct NewsSourceResult {
    Str source;
    int64_t n_items, n_passed; /* in the feed; of them within the filters */
    int64_t n_new, n_changed, n_known, n_near, n_bad;
    bool unchanged; /* the source said so (304) */
    bool early;     /* not asked: too early, by wait_ms */
    bool gone;      /* it said now, or before and was not asked, that it will not be back (410) */
    bool simulated;
    int code; /* 0 or what went wrong */
    Str error;
    int64_t wait_ms;
    int64_t took_ms;
} NewsSourceResult;

typedef struct NewsCollected {
    Str job_id;         /* UUID version 4 */
    int64_t n_articles; /* new and changed ones */
    Str message;        /* "Collected 12 articles" */
    NewsSourceResult *sources;
    size_t n_sources;
    int64_t n_failed; /* sources that could not be read */
} NewsCollected;

/* Every source is tried; one that fails stops no other. 0 when at least one could be read (or nothing was to be done);
 * else the first failure. ERR_NOT_FOUND: a source of no such name, with the nearest. progress is told by source. */
int news_collect(NewsService *s, Ctx *cx, const NewsCollect *q, NewsCollected *out);
/* Web search (NWS-03): hits become articles of the source "tavily" and are stored like others when `keep`. */
int news_web_search(NewsService *s, Ctx *cx, const NewsSearchQuery *q, bool keep, Article **out, size_t *n);

/* --- reading --- */

typedef struct NewsQuery {
    Str text; /* article_query's language; empty = a list */
    ArticleFilter filter;
    ArticleOrder order;
    bool exact, whole, marks, count;
    size_t skip, limit;
    Str cursor; /* of the page before */
} NewsQuery;

typedef struct NewsPage {
    ArticlePage page;
    Str next_cursor; /* empty at the end */
    double took_ms;  /* measured, > 0 */
} NewsPage;

/* ERR_INVALID: the query, the cursor. */
int news_find(NewsService *s, Ctx *cx, const NewsQuery *q, NewsPage *out);
int news_get(NewsService *s, Ctx *cx, Str id, ArticleHit *out); /* ERR_NOT_FOUND */

/* --- sentiment (FLW-15): score of one article; false in *changed when this model had scored it before (U23).
 * ERR_NOT_FOUND for an id that is not stored. --- */
int news_score(NewsService *s, Ctx *cx, Str id, const ArticleSentiment *score, bool *changed);

/* An EventHandler of sentiment_analysis_completed (NWS-06); arg is the service. Its collection's last word,
 * news_collection_completed (FLW-21), goes into the outbox when the scores are stored. */
int news_on_sentiment(void *service, Ctx *cx, const Delivery *d);

/* --- how long articles are kept --- */

typedef struct NewsRetain {
    Time before;  /* published before: too old; TIME_MIN: none is */
    int64_t keep; /* at most so many, the newest; 0 = any number */
    bool archive; /* before they are removed */
    bool dry_run; /* count only */
} NewsRetain;

typedef struct NewsRetained {
    int64_t removed, archived;
    int64_t held; /* too old or too many, but an event that speaks of them waits to be told: the next round's */
    int64_t left; /* stored */
} NewsRetained;

/* In pages, each one commit: what was removed before a failure stays removed. ERR_UNSUPPORTED: no archive is there. */
int news_retain(NewsService *s, Ctx *cx, const NewsRetain *q, NewsRetained *out);

/* --- sources and how they are --- */

typedef struct NewsSourceStatus {
    NewsSource source;
    int64_t n_articles, n_copies;
    Time newest;                     /* published */
    Time asked_at, good_at, next_at; /* last tried, last read well, not before; ms 0 = never */
    int64_t n_failed;                /* in a row */
    Str error;                       /* of the last try */
    bool gone, simulated;
} NewsSourceStatus;
int news_sources(NewsService *s, Ctx *cx, NewsSourceStatus **out, size_t *n);

typedef struct NewsHealth {
    ArticleStoreInfo store;
    int64_t n_sources, n_failing;
    Time last_good;
} NewsHealth;
int news_health(NewsService *s, Ctx *cx, NewsHealth *out);
