#pragma once

/* app/candle_source.h - ports/candle_source over the market service of this process. */

#include "ports/candle_source.h"
#include "services/market/market.h"

typedef struct MarketSource {
    CandleSource source; /* first */
    MarketService *market;
} MarketSource;

/* market is borrowed and outlives the source. */
void market_source_init(MarketSource *s, MarketService *market);
