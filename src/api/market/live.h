#pragma once

/* api/market/live.h - the market role as a source of the live API. */

#include "api/live.h"
#include "services/market/market.h"

typedef struct MarketLive { /* lives as long as the source; private */
    MarketService *market;
    LiveListener *fn;
    void *arg;
    CandleStoreWatch watch;
} MarketLive;

void market_live_init(MarketLive *m, MarketService *market, LiveSource *out);
