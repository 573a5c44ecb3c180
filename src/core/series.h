#pragma once

/* core/series.h - what identifies a stored sequence of candles. */

#include "core/candle.h"
#include "core/symbol.h"

typedef enum PriceType { PRICE_TRADE, PRICE_BID, PRICE_ASK, PRICE_MID, PRICE_MARK, PRICE_INDEX } PriceType;
typedef enum Adjustment { ADJUST_NONE, ADJUST_SPLITS, ADJUST_ALL } Adjustment;

typedef struct SeriesKey {
    Venue venue;   /* where it trades: "binance" */
    Symbol symbol; /* the venue's spelling */
    Timeframe timeframe;
    Venue provider;     /* who told us, where that is not the venue ("csv", "sim"); empty = the venue */
    uint8_t price;      /* PriceType */
    uint8_t adjustment; /* Adjustment */
} SeriesKey;

const char *price_type_name(PriceType price); /* "trade", "bid", … */
bool price_type_parse(Str text, PriceType *out);
const char *adjustment_name(Adjustment adjustment); /* "none", "splits", "all" */
bool adjustment_parse(Str text, Adjustment *out);

bool series_key_eq(const SeriesKey *a, const SeriesKey *b);
/* "binance:BTCUSDT:1h", with "@provider", "/bid", "+splits" only where they are not the default.
 * parse(text) gives the same key back; it also takes the defaults spelled out ("/trade", "+none"). */
Str series_key_text(Arena *a, const SeriesKey *key);
bool series_key_parse(Str text, SeriesKey *out);

typedef struct SeriesInfo {
    int64_t id; /* of the store, stable */
    SeriesKey key;
    int64_t n; /* candles stored, synthetic ones included */
    int64_t n_synthetic;
    Time first, last; /* open times; only where n > 0 */
    int64_t revision; /* grows with each commit that changed the series; ETag, cache, sequence */
    int64_t bytes;    /* stored size, 0 if the store cannot say */
} SeriesInfo;
