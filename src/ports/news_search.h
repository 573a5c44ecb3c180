#pragma once

/* ports/news_search.h - a search engine of the web that finds news (NWS-10).
 *
 * Adapters:  adapters/feed/tavily. Used by: services/news.
 * Memory:    results go to cx->arena.   Threads: any.
 * Contract:  tests/contract/news_search.c. */

#include "base/ctx.h"

typedef struct NewsSearch NewsSearch;

typedef enum NewsSearchTopic { NEWS_SEARCH_GENERAL, NEWS_SEARCH_NEWS, NEWS_SEARCH_FINANCE } NewsSearchTopic;

typedef struct NewsSearchQuery {
    Str text; /* 1 to 400 bytes */
    NewsSearchTopic topic;
    int max_results; /* 1..20; 0 = 5 */
    Time from, to;   /* days; from.ms 0 and to.ms 0 = not bounded */
    const Str *include_domains, *exclude_domains;
    size_t n_include, n_exclude;
    bool deep;        /* better and dearer */
    bool raw_content; /* the pages' whole text as well */
} NewsSearchQuery;

typedef struct NewsSearchHit {
    Str url, title;
    Str content;     /* what of the page answers the query */
    Str raw_content; /* empty unless asked for and there */
    double score;    /* 0..1 */
    bool has_published;
    Time published;
} NewsSearchHit;

typedef struct NewsSearchResult {
    NewsSearchHit *hits; /* best first */
    size_t n_hits;
    double credits; /* what it cost, in the engine's own money; < 0 if not told */
    Str request_id;
    bool simulated; /* the answer says that it is made up */
} NewsSearchResult;

typedef struct NewsSearchOps {
    const char *name;
    /* Required. 0 or ErrCode: ERR_UNAUTHORIZED (key), ERR_DENIED (not allowed to), ERR_LIMIT (rate: with
     * cx->err.retry_after_ms; quota: without, repeating is of no use), ERR_INVALID (the query), ERR_UNAVAILABLE,
     * ERR_TIMEOUT, ERR_COLLECTION (an answer that makes no sense). No error's words hold the key. */
    int (*search)(NewsSearch *s, Ctx *cx, const NewsSearchQuery *q, NewsSearchResult *out);
    void (*close)(NewsSearch *s); /* Required. */
} NewsSearchOps;

struct NewsSearch {
    const NewsSearchOps *ops;
};

int news_search_run(NewsSearch *s, Ctx *cx, const NewsSearchQuery *q, NewsSearchResult *out);
NewsSearch *news_search_close(NewsSearch *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(NewsSearch *, news_search_close)
