#pragma once

/* adapters/market/coinbase.h - candles from Coinbase Exchange.
 *
 * Symbols are product ids ("BTC-USD"). Answers tell no limits; the documents tell 10 requests a second and address,
 * 15 at once. Minutes in which nobody traded have no candle.
 * Source: docs.cdp.coinbase.com, Exchange REST API, "Get product candles" and "Rate limits" (2026). */

#include "adapters/market/venue.h"

extern const VenueDriver venue_coinbase;

/* --- what it sends, as core types: pure, fuzzed (tests/fuzz/fuzz_coinbase.c); results in cx->arena --- */

enum { COINBASE_ROWS_MAX = 512, COINBASE_PRODUCTS_MAX = 20000 };

/* [[time s, low, high, open, close, volume], ...] in any order, or Advanced Trade's {"candles": [{"start": …}]}.
 * Volumes lose the noise of the venue's own sums: they are rounded to 8 decimals. */
int coinbase_parse_candles(Ctx *cx, Str text, Candles *out);
/* [{"id": …}], or Advanced Trade's {"products": [{"product_id": …}]}. */
int coinbase_parse_products(Ctx *cx, Str text, Listing **out, size_t *n);
/* {"iso": …, "epoch": 1420674445.201} */
int coinbase_parse_time(Ctx *cx, Str text, Time *out);
/* {"message": "NotFound"}; false for anything else. */
bool coinbase_parse_error(Arena *arena, Str text, Str *out);
