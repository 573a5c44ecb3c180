#pragma once

/* adapters/feed/tavily.h - the search engine Tavily (NWS-10).
 *
 * POST /search with the operator's key. Errors are told apart: a wrong key, a rate (429, with its time), a used up
 * plan (432, 433: repeating is of no use). The key goes into a header and nowhere else: never into words, never to
 * another address (redirects are not followed). Threads: any. */

#include "ports/http_client.h"
#include "ports/news_search.h"

typedef struct TavilyOptions {
    HttpClient *http;   /* required; borrowed */
    Str key;            /* required */
    Str base_url;       /* empty = "https://api.tavily.com" */
    int64_t timeout_ms; /* 0 = 60,000 */
    int attempts;       /* 0 = 2 */
    bool allow_private, simulated;
    uint64_t seed; /* of the back-off's jitter */
} TavilyOptions;

/* 0, or ERR_INVALID without a key or with one that no header may hold. */
int tavily_open(Ctx *cx, const TavilyOptions *options, NewsSearch **out);

enum { TAVILY_HITS_MAX = 50 };
/* The body of a good answer; ERR_COLLECTION if it makes no sense. `now` is for dates. */
int tavily_parse(Ctx *cx, Str body, Time now, NewsSearchResult *out);
/* The words of an error's body, in both forms it may have; empty if it has none. *retry_after_ms if it tells. */
Str tavily_error(Arena *a, Str body, int64_t *retry_after_ms);
