#pragma once

/* backtest/report/series.h - what a report shows of an equity curve: returns by month, rolling figures, a histogram.
 * Pure; results in the arena. */

#include "base/arena.h"
#include "base/time.h"

typedef struct MonthReturns { /* one calendar year, UTC */
    int year;
    double month[12]; /* NaN: no candle in it */
    double total;     /* of the year's candles */
} MonthReturns;

/* A month's return is the value at its last candle over the one at the last candle before it; the first stands against
 * `initial`. */
void month_returns(double initial, const double *equity, const int64_t *time_ms, size_t n, Arena *arena,
                   MonthReturns **out, size_t *n_years);

/* Candles of a rolling window: a quarter of a year, from 20 to a fifth of the run; 0 when the run is too short. */
size_t rolling_window(double candles_per_year, size_t n);
/* Sharpe ratio and volatility of the last `window` returns, scaled to a year; NaN before there were as many. */
void rolling_figures(const double *returns, size_t n, size_t window, double candles_per_year, double *sharpe,
                     double *volatility);

enum { HISTOGRAM_MAX = 48 };
typedef struct Histogram1 {
    size_t n_bins;
    double from, step; /* bin k: [from + k step, from + (k + 1) step); 0 is an edge; the ends take what lies beyond */
    size_t n[HISTOGRAM_MAX];
    size_t most;
    bool cut_low, cut_high; /* an end holds values from beyond */
} Histogram1;
/* Bins over the middle 98 % of x; reorders x. n_bins 0 when n is 0. */
void histogram_of(double *x, size_t n, Histogram1 *out);
