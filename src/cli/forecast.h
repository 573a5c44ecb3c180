#pragma once

/* cli/forecast.h - what the commands that forecast share: where their tables come from. */

#include "cli/internal.h"
#include "services/forecast/forecast.h"

typedef struct ForecastSource { /* a CSV file, or stored candles */
    Str csv;
    Str symbol, timeframe, exchange, provider;
    Str features; /* of candles; empty: the standard ones */
    Str extra;    /* CSV whose columns join the candles; empty: none */
} ForecastSource;

/* name: for the card ("ETTh1.csv", "binance:BTCUSDT 1h"); hex: SHA-256 of what was read. */
int forecast_source_read(Cli *c, const ForecastSource *s, ForecastTable *out, Str *name,
                         char hex[static SHA256_HEX + 1]);
/* The features of its candles, for the model's card; empty: a file's columns, or others joined. */
Str forecast_source_features(const ForecastSource *s);
/* A model that train kept. */
int forecast_model_read(Cli *c, Str file, Artifact *out);

/* The forecast of a registered model for stored candles, printed. */
int forecast_predict_served(Cli *c, const ForecastSource *s, Str model, double level);

/* The flags of a ForecastSource that is the member `source` of T. */
/* clang-format off */
#define FORECAST_SOURCE(T, csv_words)                                                                                           \
    { .name = "csv", .offset = offsetof(T, source.csv), .type = FT_STR, .doc = csv_words, .example = "ETTh1.csv" },     \
    { .name = "symbol", .offset = offsetof(T, source.symbol), .type = FT_STR, .pattern = "symbol", .doc = "Instead of a file: stored candles of this symbol." }, \
    { .name = "timeframe", .offset = offsetof(T, source.timeframe), .type = FT_STR, .pattern = "timeframe", .doc = "Length of a candle." }, \
    { .name = "exchange", .offset = offsetof(T, source.exchange), .type = FT_STR, .pattern = "venue", .doc = "Venue. Left out: the only one it is stored of." }, \
    { .name = "provider", .offset = offsetof(T, source.provider), .type = FT_STR, .pattern = "venue", .doc = "Who supplied the data." }, \
    { .name = "features", .offset = offsetof(T, source.features), .type = FT_STR, .max = 4096, .doc = "Columns made of the candles: close, open, high, low, volume, log_close, return, range, volume_change, volatility:N, hour, weekday, month, any indicator (rsi:14).", .example = "close,return,volatility:24,rsi:14,hour,weekday" }, \
    { .name = "extra", .offset = offsetof(T, source.extra), .type = FT_STR, .doc = "CSV whose columns join the candles by the time they were known.", .example = "funding.csv" }
/* clang-format on */
