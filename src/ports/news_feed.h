#pragma once

/* ports/news_feed.h - where news come from by subscription: a feed at a URL, a vendor's list of articles.
 *
 * Adapters:  adapters/feed: web (RSS, Atom, JSON Feed over HTTP, politely), coindesk (data API); the simulator's feeds
 *            are read by web. Used by: services/news.
 * Memory:    results go to cx->arena; what an adapter keeps for itself is bounded.
 * Threads:   any; calls for one URL at a time are the caller's duty, the adapter shares its rates between threads.
 * Contract:  tests/contract/news_feed.c runs against every adapter, on the feed simulator. */

#include "base/ctx.h"
#include "feed/feed.h"

typedef struct NewsFeed NewsFeed;

/* Outcomes of a fetch beside 0 (items read). In each of them `out->next` says what to keep. */
enum {
    NEWS_FEED_SAME = 1,  /* the source says that nothing has changed since `was` (304) */
    NEWS_FEED_GONE = 2,  /* it says that it will never be back (410): ask no more */
    NEWS_FEED_EARLY = 3, /* too early to ask again (its own word, or our rate for its host): out->wait_ms */
};

/* What the caller keeps of a feed between fetches, opaque but for `url`; all-zero but for `url` at first. */
typedef struct NewsFeedState {
    Str url;           /* where to ask; another one after a permanent redirect */
    Str etag;          /* as received, quotes and W/ included */
    Str last_modified; /* as received */
    Time not_before;   /* asked earlier than this, the answer is NEWS_FEED_EARLY; ms 0 = any time */
} NewsFeedState;

typedef struct NewsFeedResult {
    Feed feed;          /* set only by 0 */
    NewsFeedState next; /* strings in cx->arena */
    bool moved;         /* next.url differs from the URL that was asked: permanently redirected */
    int64_t wait_ms;    /* of NEWS_FEED_EARLY */
    int64_t bytes;      /* of the body, decoded */
    int status;         /* HTTP; 0 if no exchange took place */
    bool simulated;     /* the answer itself says that it is made up */
} NewsFeedResult;

typedef struct NewsFeedOps {
    const char *name;
    /* Required. 0, NEWS_FEED_… or ErrCode: ERR_DENIED (robots.txt, SSRF guard), ERR_COLLECTION (no feed there, with
     * words for what was there instead), ERR_TOO_LARGE, ERR_TIMEOUT, ERR_UNAVAILABLE, ERR_LIMIT (429; with
     * cx->err.retry_after_ms). Items come as the source has them: newest first is usual, not promised. */
    int (*fetch)(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out);
    bool (*simulated)(NewsFeed *f); /* Required. All that it brings is made up: the operator says so */
    void (*close)(NewsFeed *f);     /* Required. */
} NewsFeedOps;

struct NewsFeed {
    const NewsFeedOps *ops;
};

int news_feed_fetch(NewsFeed *f, Ctx *cx, const NewsFeedState *was, NewsFeedResult *out);
bool news_feed_simulated(NewsFeed *f);
NewsFeed *news_feed_close(NewsFeed *f); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(NewsFeed *, news_feed_close)
