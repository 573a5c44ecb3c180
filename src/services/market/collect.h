#pragma once

/* services/market/collect.h - the documents' price collector: one symbol, or all of them (MDS-22, MDS-23, RES-22).
 *
 * What a scheduler calls every COLLECTION_INTERVAL. It asks the venue only for what is not there, as market_ensure
 * does, and logs "Collected N price records for SYMBOL" for each symbol that was asked for.
 * Where a venue rewrites its past (MarketFeedOps.readjusts: shares pay dividends and are split) the last stored
 * candle is compared first, and the whole series is asked for again when it differs. */

#include "services/market/market.h"

enum { MARKET_COLLECT_DAYS = 1, MARKET_COLLECTION_INTERVAL_S = 300 };

typedef struct MarketCollectedPrices {
    int64_t records; /* that the venue gave and that were written: the N of the log line */
    bool up_to_date; /* nothing was missing, and nothing was asked */
    bool refreshed;  /* the venue had rewritten its past: all of the series was asked for again */
    bool simulated;
    MarketEnsured sum; /* of the collection */
} MarketCollectedPrices;

/* Candles of the last `days` (at least 1) and those since the newest stored one. 0, MARKET_NO_VENUE, MARKET_NO_SYMBOL
 * or ErrCode with words. */
int market_collect_symbol_prices(MarketService *m, Ctx *cx, const SeriesKey *key, int64_t days,
                                 MarketCollectedPrices *out);

typedef struct MarketCollectAll {
    const SeriesKey *keys;
    size_t n;
    int64_t days; /* 0 = MARKET_COLLECT_DAYS */
    /* After each symbol: what became of it, r as of market_collect_symbol_prices. < 0 ends the round. May be NULL. */
    int (*done)(void *arg, Ctx *cx, size_t i, int r, const MarketCollectedPrices *got);
    void *arg;
} MarketCollectAll;

typedef struct MarketCollected {
    int64_t success; /* records came, or all were there */
    int64_t failed;
    int64_t records;
} MarketCollected;

/* One symbol that fails, for whatever reason, does not stop the others: success + failed == n unless the round was
 * ended by cancel, deadline or `done`, whose code is returned then. */
int market_collect_all_symbols(MarketService *m, Ctx *cx, const MarketCollectAll *req, MarketCollected *out);
