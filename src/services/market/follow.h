#pragma once

/* services/market/follow.h - candles of a venue's stream, stored and told: each closes exactly once.
 *
 * A stream alone is not enough: it repeats, leaves out, and is away for a while. For each series the service knows the
 * place whose last word it waits for; everything before it is done. The last word comes from the stream, or, where a
 * candle should have closed a while ago by the clock, where the stream jumps over one, and after each loss of a
 * connection, from REST: from that place up to now. A place that REST has nothing for, though it has been over for a
 * minute, is a hole, and its coverage says so, as in market_ensure.
 *
 * Closed candles are saved with coverage, durably, those of all series in one commit, and published after it, in order
 * of time within each series, with the series' revision as sequence. What failed to be saved is asked for again.
 * Running candles are published as they come and not stored.
 *
 *     market_follow_new(&o) ... while (market_follow_step(l, cx, 250) == 0) ...
 *
 * Threads: one at a time. A step blocks for its wait; REST is waited for on the lane, where there is one, so that one
 * call that hangs keeps no other series back. */

#include "base/lane.h"
#include "ports/live_feed.h"
#include "services/market/market.h"

typedef struct MarketFollow MarketFollow;

typedef struct MarketFollowEvent {
    size_t series; /* place in the options' keys */
    const SeriesKey *key;
    Candle candle;
    bool closed;      /* the last word; else as it stands now */
    bool caught_up;   /* it came from REST, later than it might have */
    int64_t revision; /* of the series with it; 0 where not closed */
} MarketFollowEvent;

typedef struct MarketFollowOptions {
    CandleStore *store; /* borrowed, as all here: they outlive the service */
    LiveFeed *live;     /* opened with the series of `keys`, in their order */
    MarketFeed *rest;
    Lane *lane; /* REST is asked there, and by its threads at most; NULL: a step asks, and waits for the answer */
    const SeriesKey *keys; /* without provider; copied */
    size_t n;
    Logger *log; /* NULL = silent */
    /* After the commit; the events are valid during the call. May be NULL. */
    void (*publish)(void *arg, Ctx *cx, const MarketFollowEvent *v, size_t n);
    void *arg;
    int64_t grace_ms;    /* after a candle's end the stream's last word is waited for so long; 0 = 3,000 */
    int64_t catch_up_ms; /* how far back the first catching up reaches from the newest stored candle; 0 = one day */
} MarketFollowOptions;

MarketFollow *market_follow_new(const MarketFollowOptions *o);
MarketFollow *market_follow_free(MarketFollow *l); /* NULL is fine; returns NULL */

/* What has come within wait_ms, and what is due. 0 or ErrCode: the feed's own end, a cancel, the deadline. Trouble with
 * the venue or the store is logged, counted and mended later. */
int market_follow_step(MarketFollow *l, Ctx *cx, int64_t wait_ms);

typedef struct MarketFollowStats {
    int64_t updates;   /* running candles published */
    int64_t closed;    /* candles that closed; of them */
    int64_t caught_up; /* by REST */
    int64_t repeats;   /* last words that had been said before */
    int64_t holes;     /* places that closed without a candle */
    int64_t rest_calls, rest_failures, save_failures;
    int64_t flowing; /* series whose stream flows now */
    int64_t behind;  /* series with a candle that is over and not closed yet */
} MarketFollowStats;
void market_follow_stats(const MarketFollow *l, MarketFollowStats *out);
