#pragma once

/* adapters/market/binance.h - candles from Binance spot, or from whatever speaks its REST.
 *
 * One feed is one budget: every call of every thread draws on the weight limits that the venue told in
 * exchangeInfo and in its X-MBX-USED-WEIGHT-* headers (binance_limits.h), and a 429 or a ban (418) that one
 * thread meets stops all of them until it ends. The limits are asked for with the first collection and again
 * every hour.
 * An answer with the header "X-FinSight-Simulated: 1" is a simulator's: its candles get CANDLE_SIMULATED and
 * simulated() stays true from then on.
 * Threads: any; calls block.   Source: binance-spot-api-docs, rest-api.md. */

#include "ports/http_client.h"
#include "ports/market_feed.h"

#define BINANCE_BASE_URL "https://data-api.binance.vision"

typedef struct BinanceOptions {
    HttpClient *http;   /* required; borrowed: outlives the feed */
    Str base_url;       /* empty = BINANCE_BASE_URL; copied */
    Str name;           /* venue of the listings and of the words of errors; empty = "binance"; copied */
    bool simulated;     /* base_url is known to be a simulator: simulated() says so before the first answer */
    bool allow_private; /* base_url may be a loopback or private address */
    uint64_t seed;      /* of the back-off's jitter */
    int attempts;       /* per request; 0 = 5 */
    int64_t retry_base_ms, retry_max_ms; /* 0 = 1,000 and 60,000 */
    int64_t patience_ms; /* longest wait for a budget, a Retry-After or a ban, beside the Ctx's deadline;
                           * past it the call fails with ERR_LIMIT at once. 0 = 10 minutes */
    int64_t timeout_ms;  /* of one exchange; 0 = 15,000 */
} BinanceOptions;

/* Makes no request. 0, or ERR_INVALID for a base URL or name that cannot be one. */
int market_binance_open(Ctx *cx, const BinanceOptions *options, MarketFeed **out);
