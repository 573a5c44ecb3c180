#pragma once

/* adapters/market/binance.h - candles from Binance spot, or from whatever speaks its REST.
 *
 * The limits are asked for with the first collection and again every hour (exchangeInfo); what is used of them comes
 * with every answer (X-MBX-USED-WEIGHT-*).   Source: binance-spot-api-docs, rest-api.md. */

#include "adapters/market/venue.h"

#define BINANCE_BASE_URL "https://data-api.binance.vision"

extern const VenueDriver venue_binance;

typedef VenueOptions BinanceOptions;
/* market_venue_open with venue_binance. */
int market_binance_open(Ctx *cx, const BinanceOptions *options, MarketFeed **out);
