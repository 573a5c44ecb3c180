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
/* A model that train kept. */
int forecast_model_read(Cli *c, Str file, Artifact *out);
