#pragma once

/* adapters/feed/web.h - feeds of the web: RSS, Atom and JSON Feed over HTTP, read politely (NWS-07..09, NWS-17, NWS-18).
 *
 * Conditional (ETag, Last-Modified), compressed, within a size and a time; redirects are followed within bounds and
 * permanent ones told; robots.txt is asked once a day (RFC 9309); a host gets its pause between requests, and the time
 * it asks for with Retry-After. Every address goes through the HttpClient's SSRF guard, also behind a redirect.
 * Threads: any. */

#include "ports/http_client.h"
#include "ports/news_feed.h"

typedef struct FeedWebOptions {
    HttpClient *http;    /* required; borrowed: outlives the feed */
    Str user_agent;      /* empty = "finsight/VERSION"; its product token is what robots.txt calls us */
    size_t max_bytes;    /* of a feed, decoded; 0 = 16 MiB */
    int64_t timeout_ms;  /* of one exchange; 0 = 20,000 */
    int64_t gap_ms;      /* between two requests to a host; 0 = 1,000; < 0 = none */
    int64_t patience_ms; /* longest wait for the pause to end; past it NEWS_FEED_EARLY. 0 = 5,000 */
    int redirects;       /* 0 = 5 */
    bool allow_private;  /* addresses that are not public: simulators, feeds of one's own */
    bool ignore_robots;  /* for feeds whose owner has said so */
    bool simulated;      /* what comes is made up, also where it does not say so itself */
} FeedWebOptions;

NewsFeed *feed_web_open(const FeedWebOptions *options);
