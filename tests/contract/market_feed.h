#pragma once

/* tests/contract/market_feed.h - what an adapter gives the suite: a venue it is connected to, that has the suite's
 * candles, runs on the test's manual clock, and misbehaves when told. */

#include "fake_binance.h"
#include "ports/market_feed.h"
#include "test.h"

typedef struct FeedVenue FeedVenue;

typedef struct VenueMaker {
    const char *name;
    /* A venue with these candles of BTCUSDT (the Ctx's clock is its clock), and a feed on it. */
    FeedVenue *(*open)(TestCtx *t, Timeframe tf, const Candles *candles);
    MarketFeed *(*feed)(FeedVenue *v);
    /* The next `count` requests for candles meet it; false: this venue cannot misbehave so. */
    bool (*fault)(FeedVenue *v, VenueFault fault, int count);
    size_t (*n_requests)(FeedVenue *v); /* for candles, so far */
    void (*close)(FeedVenue *v);        /* the feed too */
    bool simulated;                     /* its candles are to be labelled */

    /* What is the venue's own; 0 and NULL: as Binance has it. */
    const char *symbol, *base, *quote, *instrument;
    size_t page;     /* candles of one answer; 0 = 1,000 */
    size_t search;   /* requests more, to find where candles are or what they were made of */
    bool on_grid;    /* open times never stand off it */
    bool flat;       /* places without a trade come as flat candles: the suite makes them */
    bool paced;      /* tells no limits; requests wait for their turn */
    int64_t busy_ms; /* how long it is left alone after a 429 that tells no time; 0: it tells 7 s */
    /* Is the place open? NULL: always. The suite's clock then stands at `start_ms`. */
    bool (*is_open)(Timeframe tf, Time t);
    int64_t start_ms;
} VenueMaker;

extern const VenueMaker venue_maker; /* defined by each of market_feed_*.c */
