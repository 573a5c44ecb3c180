#pragma once

/* adapters/market/bybit.h - candles of Bybit's spot market. */

#include "adapters/market/venue.h"

extern const VenueDriver venue_bybit;

enum { BYBIT_ROWS_MAX = 1100, BYBIT_SYMBOLS_MAX = 20000 };

typedef struct BybitReply { /* of every answer */
    int64_t code;           /* 0 = well */
    Str words;
    Time time; /* the venue's clock */
} BybitReply;

/* Pure; 0 also where the answer is an error in words: then only `reply` is set. */
int bybit_parse_klines(Ctx *cx, Str text, BybitReply *reply, Candles *out);
int bybit_parse_instruments(Ctx *cx, Str text, BybitReply *reply, Listing **out, size_t *n);
