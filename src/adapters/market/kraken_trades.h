#pragma once

/* adapters/market/kraken_trades.h - candles built from trades, exactly.
 *
 * Open, high, low and close are prices that were traded; volumes are summed as decimals and rounded once. A place of
 * the grid without a trade gets what the venue's own OHLC shows for it: a flat candle at the price before, volume 0.
 * It is the venue's own rule applied to the venue's whole record, so it carries no flag; where no price before is
 * known (before the first trade) there is no candle.
 * Pure.   tests: OHLC and Trades of one hour, recorded together, give the same candles. */

#include "adapters/market/kraken.h"

typedef struct TradeCandles {
    Timeframe timeframe;
    double price; /* of the last trade; NaN = none yet */
    bool running; /* `candle` has trades */
    Candle candle;
    unsigned __int128 volume; /* of the candle, in 1e-18 */
    Time next;                /* the place behind the last candle that was given out */
} TradeCandles;

/* From the grid time `from` on. */
void trade_candles_init(TradeCandles *b, Timeframe tf, Time from);
/* A trade before `from` only sets the price. Trades come in order of time; one that is late is left out. Candles
 * that it closes go to `out` (grown in arena). */
void trade_candles_add(TradeCandles *b, const KrakenTrade *t, Candles *out, Arena *arena);
/* No trade before `until` will follow: closes what ends by then. */
void trade_candles_until(TradeCandles *b, Time until, Candles *out, Arena *arena);
