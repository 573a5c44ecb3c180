#pragma once

/* adapters/market/binance_live.h - Binance's kline streams as a LiveFeed.
 *
 * Series are spread over connections of at most 1,000 streams. The venue ends a connection after 24 hours, and says so a
 * minute before it ends one for other reasons: either way a second one is opened and subscribed before the first is
 * given up, and both are listened to meanwhile. A connection that is lost is opened again after a back-off with
 * jitter; its series are FEED_LOST until then and FEED_RESUMED after.
 * Source: web-socket-streams.md: 5 messages a second inbound, 1,024 streams, 300 connections in 5 minutes. */

#include "ports/live_feed.h"
#include "ports/ws_dialer.h"

#define BINANCE_STREAM_URL "wss://data-stream.binance.vision"

typedef struct BinanceLiveOptions {
    WsDialer *dialer;         /* required; borrowed: outlives the feed, which is its only user */
    Str url;                  /* without a path; empty = BINANCE_STREAM_URL; copied */
    const LiveSeries *series; /* copied */
    size_t n;
    bool simulated;                      /* candles get CANDLE_SIMULATED */
    uint64_t seed;                       /* of the back-off's jitter */
    int64_t life_ms;                     /* of a connection, at most; 0 = 23 h 50 min */
    int64_t retry_base_ms, retry_max_ms; /* 0 = 1,000 and 60,000 */
    size_t per_link;                     /* streams; 0 = 1,000 */
} BinanceLiveOptions;

/* Connects with the first next. 0, or ERR_INVALID for series that cannot be streams. */
int market_binance_live_open(Ctx *cx, const BinanceLiveOptions *options, LiveFeed **out);
