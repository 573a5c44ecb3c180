#pragma once

/* forecast/candle_features.h - candles as a table to learn from: prices, returns, volatility, indicators, calendar, other data.
 *
 *     features_table(cx, &candles, tf, S("close,return,volatility:24,rsi:14,hour,weekday"), NULL, &table)
 *
 * Row i is what was known when candle i closed, and nothing else: a candle that is not closed is left out, an indicator
 * sees candles up to i, another table's columns give their last row that was known by then. So no value of a row changes
 * when later candles come. Rows in which something is not ready yet are left out at the front.
 *
 *     close open high low volume   as they are
 *     log_close                    logarithm
 *     return                       log(close / close before)
 *     range                        (high - low) / close
 *     volume_change                log((volume + 1) / (volume before + 1))
 *     volatility:N                 population deviation of the last N returns (24)
 *     hour weekday month           two columns each: sine and cosine of its place in the cycle, of the close's time, UTC
 *     NAME:P1/P2…                  an indicator of ta/ta.h with its parameters; several outputs are columns NAME_OUTPUT
 *
 * The first of the list is what is forecast where one target is asked for. Pure. */

#include "core/candle.h"
#include "forecast/table.h"

/* extra: other data whose times say when a row was known; all its columns join. May be NULL. ERR_INVALID: a feature that
 * is none (named), a price that has no logarithm, too few candles. In cx->arena. */
int features_table(Ctx *cx, const Candles *candles, Timeframe tf, Str list, const ForecastTable *extra,
                   ForecastTable *out);

/* The ones that need no list: "close,return,volatility:24,rsi:14,hour,weekday". */
Str features_standard(void);
