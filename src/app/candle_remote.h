#pragma once

/* app/candle_remote.h - ports/candle_source over the API of the role market in another process. */

#include "ports/candle_source.h"

typedef struct RemoteCandles {
    CandleSource source; /* first */
    Str address, key;    /* http://HOST:PORT or unix:/PATH; outlive the source */
} RemoteCandles;

void remote_candles_init(RemoteCandles *s, Str address, Str key);
