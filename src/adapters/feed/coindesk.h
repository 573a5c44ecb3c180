#pragma once

/* adapters/feed/coindesk.h - CoinDesk's data API (formerly CryptoCompare): its list of news articles as a feed (NWS-07).
 *
 * Needs a key of the operator's; CoinDesk's RSS, which needs none, is read by web.h and is the default. The state's URL
 * is that of the list ("https://data-api.coindesk.com/news/v1/article/list"), with `source_ids`, `categories`, `limit`
 * and `lang` in its query if wanted. Articles newer than the last fetch are the caller's to tell: the API knows no
 * conditional request. No error's words hold the key. Threads: any. */

#include "ports/http_client.h"
#include "ports/news_feed.h"

#define COINDESK_LIST_URL "https://data-api.coindesk.com/news/v1/article/list?lang=EN&limit=100"

typedef struct FeedCoindeskOptions {
    HttpClient *http;   /* required; borrowed */
    Str key;            /* required */
    int64_t timeout_ms; /* 0 = 20,000 */
    int64_t gap_ms;     /* between two requests; 0 = 10,000: answers are cached so long */
    bool allow_private, simulated;
} FeedCoindeskOptions;

/* 0, or ERR_INVALID without a key or with one that no header may hold. */
int feed_coindesk_open(Ctx *cx, const FeedCoindeskOptions *options, NewsFeed **out);

/* The body of an answer. ERR_COLLECTION if it makes no sense; the API's own errors get the code that fits. */
int coindesk_parse(Ctx *cx, Str body, Feed *out);
