#pragma once

/* adapters/market/venue_rest.h - one request to a venue's REST: budget, retries, verdict, words.
 *
 * All calls of a feed share one VenueRest, from any thread: it holds the venue's limits and what they leave, and a 429
 * or a ban (418) that one thread meets stops all of them until it ends. Nothing is held while a request is under way.
 * An answer with the header "X-FinSight-Simulated: 1" is a simulator's: its candles get CANDLE_SIMULATED and
 * simulated() stays true from then on. */

#include "adapters/market/venue_limits.h"
#include "ports/http_client.h"
#include "ports/market_feed.h"

#include <pthread.h>

typedef struct VenueOptions {
    HttpClient *http;   /* required; borrowed: outlives the feed */
    Str base_url;       /* empty = the venue's own; copied */
    Str name;           /* venue of the listings and of the words of errors; empty = the driver's; copied */
    bool simulated;     /* base_url is known to be a simulator: simulated() says so before the first answer */
    bool allow_private; /* base_url may be a loopback or private address */
    uint64_t seed;      /* of the back-off's jitter */
    int attempts;       /* per request; 0 = 5 */
    int64_t retry_base_ms, retry_max_ms; /* 0 = 1,000 and 60,000 */
    int64_t patience_ms; /* longest wait for a budget, a Retry-After or a ban, beside the Ctx's deadline;
                           * past it the call fails with ERR_LIMIT at once. 0 = 10 minutes */
    int64_t timeout_ms;  /* of one exchange; 0 = 15,000 */
} VenueOptions;

typedef struct VenueDriver VenueDriver;

enum { VENUE_BEGINS = 32 };

typedef struct VenueRest {
    const VenueDriver *driver;
    HttpClient *http;
    char *base_url; /* without a slash at its end */
    Venue venue;
    bool allow_private;
    int attempts;
    int64_t retry_base_ms, retry_max_ms, patience_ms, timeout_ms;
    pthread_mutex_t lock; /* of all below */
    VenueLimits limits;
    Rng rng;
    bool learning;     /* a thread is asking for the limits */
    int64_t learnt_at; /* our monotonic ms; 0 = never */
    int64_t busy_ms;   /* how long the venue was given when it was busy last; doubles while it stays so */
    int64_t requests, retries, waited_ms;
    bool simulated;     /* a simulator's answer was seen */
    struct VenueBegin { /* where the history of a symbol begins, found before: a ring */
        Symbol symbol;
        Timeframe timeframe;
        Time first;
    } begins[VENUE_BEGINS];
    size_t n_begins;
} VenueRest;

int venue_rest_init(VenueRest *b, Ctx *cx, const VenueDriver *driver, const VenueOptions *options);
void venue_rest_done(VenueRest *b);

/* How a body is read. ERR_COLLECTION: it makes no sense, and is asked for again. An answer of 200 may also be an error
 * in the venue's own words: venue_call_busy and call->no_symbol. */
typedef struct VenueCall VenueCall;
typedef int VenueReadFn(VenueCall *call, Ctx *cx, Str body);

struct VenueCall {
    const char *method; /* NULL = "GET" */
    const char *path;   /* "/api/v3/klines" */
    Str query;          /* without '?'; may be empty */
    Str body;           /* of a POST that asks and changes nothing */
    Str what;           /* for the words of errors: "klines BTCUSDT 1m" */
    bool names_symbol;  /* only then FEED_NO_SYMBOL is an answer */
    int64_t weight;     /* as the venue tells it for these parameters; 0 = 1 */
    size_t max_body;
    VenueReadFn *read;
    void *out; /* read's own */
    /* Of the answer, set before read is called. */
    bool simulated;
    Time served_at; /* the venue's clock when it answered, at the least */
    /* Set by read. */
    bool no_symbol, busy;
    /* private */
    VenueRest *rest;
    int64_t sent, exchange_ms;
};

/* 0, FEED_NO_SYMBOL, or ErrCode with words. Other answers than 200 are the driver's `refusal` first: it sets *worded
 * and returns FEED_NO_SYMBOL or a code with words; else common words say what the status means. */
int venue_rest_get(VenueRest *b, Ctx *cx, VenueCall *call);
/* For a read: the venue is busy or we ask too often, in words of its own; it gets 5 s, and twice as long as last time
 * up to a minute. Returns `code`, whose words the caller has set. */
int venue_call_busy(VenueCall *call, int code);
/* An hour after the last time, `ask` is called with one thread asking and the others waiting for a while: before the
 * limits are known nothing else would hold them back. */
int venue_rest_learn(VenueRest *b, Ctx *cx, int (*ask)(VenueRest *b, Ctx *cx, Symbol symbol), Symbol symbol);
/* The venue's clock as far as we know it, else ours. */
Time venue_rest_now(VenueRest *b, Ctx *cx);
void venue_rest_limits(VenueRest *b, FeedLimits *out);
/* Where a history begins, remembered for 32 series. */
bool venue_rest_begin(VenueRest *b, Symbol symbol, Timeframe tf, Time *out);
void venue_rest_set_begin(VenueRest *b, Symbol symbol, Timeframe tf, Time first);
/* `text` as a query value. */
Str venue_escape(Arena *a, Str text);
