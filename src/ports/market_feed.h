#pragma once

/* ports/market_feed.h - where candles come from: an exchange, a broker, a data vendor.
 *
 * Adapters:  adapters/market: binance, bybit, coinbase, kraken, vci.  Used by: services/market.
 * Memory:    results go to cx->arena.
 * Threads:   calls may come from any thread; an adapter shares its rate budget between them.
 * Contract:  tests/contract/market_feed.c runs against every adapter, on the exchange simulator. */

#include "base/ctx.h"
#include "core/instrument.h"
#include "core/series.h"

typedef struct MarketFeed MarketFeed;

enum { FEED_NO_SYMBOL = 1 }; /* the venue does not know the symbol */

typedef struct FeedPage {
    const Candles *rows; /* ascending, unique, standardised; only valid during the call */
    Time from, to;       /* [from, to): the window this page answers for; nothing else is in it */
    int64_t n_total;     /* rows so far, this page included */
    /* By the source's clock at the answer, the open time of the running candle: what is behind it may still change or
     * come, also where no row says so (CANDLE_OPEN). ms 0 = the source tells no time; ours must do. */
    Time closed;
} FeedPage;

/* Called once a page, in time order. < 0 stops the collection with that code. */
typedef int FeedPageFn(void *arg, Ctx *cx, const FeedPage *page);

typedef struct FeedLimits { /* what the venue told last; 0 = nothing yet */
    int64_t weight_limit, weight_used;
    int64_t window_ms;
    int64_t requests;  /* sent since open */
    int64_t retries;   /* of them repeated */
    int64_t waited_ms; /* spent waiting for the budget or a Retry-After */
} FeedLimits;

typedef struct MarketFeedOps {
    const char *name; /* the venue: "binance" */
    /* It may rewrite its past (shares: dividends and splits). Who goes on from stored candles compares the last one
     * first, and asks for all of them again where it differs. */
    bool readjusts;

    /* Required. Candles with from <= open time < to, page by page. The last candle of a venue is still
     * open: it is delivered with CANDLE_OPEN, or left out when its open time is >= to. Gaps stay gaps;
     * an empty page in mid-history does not end the collection. 0, FEED_NO_SYMBOL or ErrCode. */
    int (*collect)(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn, void *arg);
    /* Required. Every listing with its trading rules. */
    int (*symbols)(MarketFeed *f, Ctx *cx, Listing **out, size_t *n);
    /* Required. The timeframes the venue serves itself. */
    int (*timeframes)(MarketFeed *f, const Timeframe **out, size_t *n);
    /* Required. Open time of the first candle ever; 0, FEED_NO_SYMBOL or ErrCode. */
    int (*first_candle)(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out);
    /* Required. The venue's clock and reachability in one cheap call. */
    int (*server_time)(MarketFeed *f, Ctx *cx, Time *out);
    void (*limits)(MarketFeed *f, FeedLimits *out); /* Required. */
    bool (*simulated)(MarketFeed *f);               /* Required. Its data are labelled CANDLE_SIMULATED */
    void (*close)(MarketFeed *f);                   /* Required. */
} MarketFeedOps;

struct MarketFeed {
    const MarketFeedOps *ops;
    _Atomic int64_t ok_ms, failed_ms; /* wall time of the last call that ended so; 0: none */
    _Atomic int failed_code;
};

/* How the venue was met last, by whatever call: what health tells of it without asking it anything. */
typedef struct FeedSeen {
    Time ok, failed; /* ms 0: never */
    int code;        /* of the last failure */
} FeedSeen;
void market_feed_seen(MarketFeed *f, FeedSeen *out);

int market_feed_collect(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn,
                        void *arg);
int market_feed_symbols(MarketFeed *f, Ctx *cx, Listing **out, size_t *n);
int market_feed_timeframes(MarketFeed *f, const Timeframe **out, size_t *n);
int market_feed_first_candle(MarketFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out);
int market_feed_server_time(MarketFeed *f, Ctx *cx, Time *out);
void market_feed_limits(MarketFeed *f, FeedLimits *out);
bool market_feed_simulated(MarketFeed *f);
MarketFeed *market_feed_close(MarketFeed *f); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(MarketFeed *, market_feed_close)
