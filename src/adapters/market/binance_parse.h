#pragma once

/* adapters/market/binance_parse.h - what Binance's spot REST sends, as core types. Pure: bytes in, values out.
 *
 * Every limit is a limit on what the venue may send; past it, and for anything that is not what rest-api.md
 * describes, ERR_COLLECTION with the place in cx->err. Fields that we do not use may come and go.
 * Memory: results in cx->arena.   Fuzzed: tests/fuzz/fuzz_binance.c. */

#include "base/ctx.h"
#include "core/candle.h"
#include "core/instrument.h"

enum {
    BINANCE_KLINES_MAX = 1000, /* rows the venue gives at most; also what we ask for */
    BINANCE_ROWS_MAX = 1500,   /* rows we are ready to read */
    BINANCE_SYMBOLS_MAX = 20000,
    BINANCE_LIMITS_MAX = 16,
};

/* [[open time, open, high, low, close, volume, close time, ...], ...] -> rows in the order they came, at any open
 * time, with duplicates if there are. Times in µs (1e14 and more) become ms. A row whose close time is not before
 * `served_at` (the venue's clock when it answered, at the least) gets CANDLE_OPEN. known_at is left 0. */
int binance_parse_klines(Ctx *cx, Str text, Time served_at, Candles *out);

typedef struct BinanceRateLimit {
    int count; /* LimitCount */
    int64_t length_ms, limit;
} BinanceRateLimit;

typedef struct BinanceExchangeInfo {
    Time server_time;                            /* ms 0 = not told */
    BinanceRateLimit limits[BINANCE_LIMITS_MAX]; /* of weight and requests; those of orders are left out */
    size_t n_limits;
    Listing *listings; /* venue empty: the caller's */
    size_t n_listings;
    size_t n_unnamed; /* symbols left out because their name has letters that ours may not have */
} BinanceExchangeInfo;
int binance_parse_exchange_info(Ctx *cx, Str text, BinanceExchangeInfo *out);

/* {"serverTime":1499827319559} */
int binance_parse_time(Ctx *cx, Str text, Time *out);

/* {"code":-1121,"msg":"Invalid symbol."} -> true. Anything else, HTML for instance, is false and no error. */
typedef struct BinanceError {
    int64_t code;
    Str msg;
} BinanceError;
bool binance_parse_error(Arena *arena, Str text, BinanceError *out);
/* The ban's end in the words of a -1003: "... banned until 1612345678901 ..."; false when it is not there. */
bool binance_ban_end(Str msg, Time *out);
/* "x-mbx-used-weight-1m" -> 60,000; 0 for any other header. */
int64_t binance_used_header_ms(Str name);
/* "MINUTE", 5 -> 300,000; 0 for what is unknown. */
int64_t binance_interval_ms(Str unit, int64_t n);
