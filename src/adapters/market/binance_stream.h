#pragma once

/* adapters/market/binance_stream.h - texts of Binance's WebSocket streams. Pure; fuzzed (fuzz_binance_stream.c).
 * Source: web-socket-streams.md (2026). */

#include "base/ctx.h"
#include "core/candle.h"
#include "core/symbol.h"

typedef enum BinanceStreamKind {
    BINANCE_STREAM_OTHER, /* something we did not ask for */
    BINANCE_STREAM_KLINE,
    BINANCE_STREAM_ANSWER,   /* to a request of ours, by id */
    BINANCE_STREAM_REFUSAL,  /* the same, in words */
    BINANCE_STREAM_SHUTDOWN, /* the server is about to end the connection */
} BinanceStreamKind;

typedef struct BinanceStreamText {
    BinanceStreamKind kind;
    Symbol symbol; /* of a kline, capitals */
    Timeframe timeframe;
    Candle candle; /* CANDLE_OPEN until it has closed */
    Time at;       /* the venue's clock */
    int64_t id;    /* of an answer; 0 = none */
    Str words;     /* of a refusal */
} BinanceStreamText;

/* Bare, or in {"stream": …, "data": …}. ERR_COLLECTION with words for what makes no sense. */
int binance_parse_stream(Ctx *cx, Str text, BinanceStreamText *out);

/* "btcusdt@kline_1m" */
Str binance_stream_name(Arena *a, Symbol symbol, Timeframe tf);
