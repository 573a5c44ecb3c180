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
} VenueMaker;

extern const VenueMaker venue_maker; /* defined by each of market_feed_*.c */
