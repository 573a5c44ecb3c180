#pragma once

/* ta/calls.h - the most used indicators as plain functions over whole columns; all of them are in the table of ta.h.
 *
 *     ta_rsi(close, n, 14, out);          out may be close
 *     ta_rsi_lookback(14);                rows of NaN before the first value
 *     ta_atr(high, low, close, n, 14, out);
 *
 * The period must be in the range that the table names (asserted). Threads: any. */

#include "ta/ta.h"

/* clang-format off */
/* void ta_NAME(const double *x, size_t n, int period, double *out) */
#define TA_CALLS_OF_COLUMN(X)                                                                      \
    X(sma) X(ema) X(rma) X(wma) X(dema) X(tema) X(trima) X(kama) X(hma) X(zlema) X(trix)           \
    X(rsi) X(cmo) X(mom) X(roc) X(sum) X(max) X(min) X(midpoint) X(avgdev)                         \
    X(linearreg) X(linearreg_slope) X(tsf) X(dpo) X(percentrank)                                   \
    X(sma_ta4j) X(ema_ta4j) X(kama_backtrader) X(rsi_backtrader)

/* void ta_NAME(const double *high, const double *low, const double *close, size_t n, int period, double *out) */
#define TA_CALLS_OF_CANDLES(X)                                                                     \
    X(atr) X(natr) X(adx) X(adxr) X(dx) X(plus_di) X(minus_di) X(cci) X(willr) X(cci_backtrader)
/* clang-format on */

#define TA_DECLARE(name)                                                                                               \
    void ta_##name(const double *x, size_t n, int period, double *out);                                                \
    int ta_##name##_lookback(int period);
TA_CALLS_OF_COLUMN(TA_DECLARE)
#undef TA_DECLARE

#define TA_DECLARE(name)                                                                                               \
    void ta_##name(const double *high, const double *low, const double *close, size_t n, int period, double *out);     \
    int ta_##name##_lookback(int period);
TA_CALLS_OF_CANDLES(TA_DECLARE)
#undef TA_DECLARE
