#pragma once

/* app/candle_remote.h - ports/candle_source over the API of the role market in another process. */

#include "app/remote.h"
#include "ports/candle_source.h"

typedef struct RemoteCandles {
    CandleSource source; /* first */
    Str address;         /* of remote_open; outlives the source, as what trust names does */
    RemoteTrust trust;
} RemoteCandles;

void remote_candles_init(RemoteCandles *s, Str address, const RemoteTrust *trust);
