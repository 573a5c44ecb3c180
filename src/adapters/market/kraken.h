#pragma once

/* adapters/market/kraken.h - candles from Kraken spot.
 *
 * OHLC answers with the newest 720 candles and the running one, whatever is asked; what is older is built from Trades
 * (kraken_trades.h): exactly, and slowly, for 1,000 trades are one call. Errors come with status 200, in words.
 * Answers tell no limits; the documents tell about one call a second.
 * Symbols are pair names ("XBTUSD"): the venue also takes others of the same pair, and answers under one of its own.
 * Source: docs.kraken.com, Get OHLC Data, Get Recent Trades, Get Tradable Asset Pairs (2026). */

#include "adapters/market/venue.h"

extern const VenueDriver venue_kraken;

enum { KRAKEN_ROWS = 720, KRAKEN_ROWS_MAX = 800, KRAKEN_TRADES_MAX = 1000, KRAKEN_PAIRS_MAX = 20000 };

/* What stands in "error". */
typedef enum KrakenError { KRAKEN_WELL, KRAKEN_BUSY, KRAKEN_LIMITED, KRAKEN_NO_PAIR, KRAKEN_REFUSED } KrakenError;

typedef struct KrakenReply { /* of every answer */
    KrakenError error;
    Str words; /* of the first error: "EQuery:Unknown asset pair" */
} KrakenReply;

/* 0 also where the answer is an error in words: then only `reply` is set. */
int kraken_parse_ohlc(Ctx *cx, Str text, KrakenReply *reply, Candles *out);
int kraken_parse_pairs(Ctx *cx, Str text, KrakenReply *reply, Listing **out, size_t *n);
int kraken_parse_time(Ctx *cx, Str text, KrakenReply *reply, Time *out);

typedef struct KrakenTrade {
    Time at; /* to the ms, cut */
    double price;
    Decimal volume;
} KrakenTrade;

typedef struct KrakenTrades {
    KrakenTrade *v; /* in the order they came: by time */
    size_t n;
    int64_t last_ns; /* ask from here for the next ones */
} KrakenTrades;
int kraken_parse_trades(Ctx *cx, Str text, KrakenReply *reply, KrakenTrades *out);
