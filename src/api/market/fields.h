#pragma once

/* api/market/fields.h - rows that many field tables of this folder share. */

#include "api/market/shapes.h"

/* clang-format off */

#define EXCHANGE(T) FIELD(T, exchange, .pattern = "venue", .def = "binance", .tag = 1, \
        .doc = "Where the instrument trades.", .example = "binance")
#define ANY_EXCHANGE(T) FIELD(T, exchange, .pattern = "venue", .tag = 1, \
        .doc = "Where the instrument trades. Left out: the only venue it is stored of.", .example = "binance")
#define SYMBOL(T) FIELD(T, symbol, .flags = F_REQUIRED, .pattern = "symbol", .tag = 2, \
        .doc = "The venue's own name of the instrument.", .example = "BTCUSDT")
#define TIMEFRAME(T) FIELD(T, timeframe, .flags = F_REQUIRED, .pattern = "timeframe", .tag = 3, .rename = "interval", \
        .doc = "Length of a candle: 1s 1m 5m 15m 1h 4h 1d 1w 1M and the like. 1m is a minute, 1M a month.", .example = "1h")
#define PROVIDER(T) FIELD(T, provider, .flags = F_OMIT_EMPTY, .pattern = "venue", .tag = 4, \
        .doc = "Who supplied the data, where that is not the venue itself (csv, sim). Empty finds the venue's own series, else the only other one.", .example = "csv")
#define START(T) FIELD(T, start, .flags = F_NULLABLE, .tag = 5, .rename = "start_date", \
        .doc = "First open time wanted (included). ISO-8601, or epoch seconds, ms or µs. Left out: from the first candle.", .example = "2024-01-01T00:00:00Z")
#define END(T) FIELD(T, end, .flags = F_NULLABLE, .tag = 6, .rename = "end_date", \
        .doc = "Open time to stop before (excluded). Left out: to the newest candle.", .example = "2024-02-01T00:00:00Z")
#define OUT_KEY(T) \
        FIELD(T, exchange, .doc = "Where it trades.", .example = "binance"), \
        FIELD(T, symbol, .doc = "The venue's name.", .example = "BTCUSDT"), \
        FIELD(T, timeframe, .doc = "Length of a candle.", .example = "1h"), \
        FIELD(T, provider, .flags = F_OMIT_EMPTY, .doc = "Who supplied the data; left out for the venue itself.")

/* clang-format on */
