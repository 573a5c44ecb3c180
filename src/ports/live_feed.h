#pragma once

/* ports/live_feed.h - candles while they happen: a venue's stream.
 *
 * What comes is what the venue says, as often as it says it: a closed candle may come twice, or not at all, and order
 * only holds within a series on one connection. services/market/follow.h makes of it that each closes exactly once.
 *
 * Adapters:  adapters/market/binance_live.   Used by: services/market/live.
 * Memory:    events live in cx->arena.   Threads: one at a time; next blocks at most as long as it is told. */

#include "base/ctx.h"
#include "core/series.h"

typedef struct LiveFeed LiveFeed;

typedef struct LiveSeries {
    Symbol symbol;
    Timeframe timeframe;
} LiveSeries;

typedef enum LiveEventKind {
    FEED_CANDLE,  /* the running candle as it stands, or with `closed` its last word */
    FEED_RESUMED, /* the series flows (again): what happened before this is not sure to have come */
    FEED_LOST,    /* the series does not flow; the feed is trying */
} LiveEventKind;

typedef struct LiveEvent {
    LiveEventKind kind;
    size_t series; /* place in the list that the feed was opened with */
    Candle candle; /* of FEED_CANDLE; CANDLE_OPEN unless closed */
    Time at;       /* the venue's clock, ms 0 = not told */
    Str words;     /* of FEED_LOST: why */
} LiveEvent;

typedef struct LiveFeedStats {
    int64_t messages, bad_messages; /* bad: could not be read, left out */
    int64_t connects;               /* that succeeded */
    int64_t losses;                 /* connections that ended before we wanted it */
    int open;                       /* connections */
} LiveFeedStats;

typedef struct LiveFeedOps {
    const char *name;
    /* Waits at most wait_ms for something to happen; *n may be 0. 0 or ErrCode: only what waiting cannot mend (a URL
     * that is none, a guard); lost connections are events. */
    int (*next)(LiveFeed *f, Ctx *cx, int64_t wait_ms, LiveEvent **out, size_t *n);
    void (*stats)(LiveFeed *f, LiveFeedStats *out);
    void (*close)(LiveFeed *f);
} LiveFeedOps;

struct LiveFeed {
    const LiveFeedOps *ops;
};

int live_feed_next(LiveFeed *f, Ctx *cx, int64_t wait_ms, LiveEvent **out, size_t *n);
void live_feed_stats(LiveFeed *f, LiveFeedStats *out);
LiveFeed *live_feed_close(LiveFeed *f); /* NULL is fine; returns NULL */
