#pragma once

/* tests/lib/fake_feed.h - a MarketFeed over a function of time, that counts what it is asked (PRI-06). */

#include "ports/market_feed.h"

typedef struct FakeFeed {
    MarketFeed feed;       /* first */
    const char *symbol;    /* the only one it knows */
    Time listed;           /* its first candle */
    Time gap_from, gap_to; /* no candles in between */
    size_t page_rows;      /* 0 = 1000 */
    bool simulated;
    bool turns_simulated; /* says so only with its first answer */
    int64_t lag_ms;       /* how far its clock is behind ours */
    bool tells_time;      /* pages have `closed` */
    int fail_at_page;     /* 1-based; ERR_TIMEOUT there; 0 = never */
    bool bad_row;         /* the second row of each page is not a candle */
    int64_t requests;
} FakeFeed;

/* Venue "binance", listed 2017-01-01, symbol BTCUSDT. Lives in the caller's memory; close does nothing. */
void fake_feed_init(FakeFeed *f);
/* The candle it gives at t. */
Candle fake_feed_candle(Time t);
