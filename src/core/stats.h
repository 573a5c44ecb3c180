#pragma once

/* core/stats.h - what a series looks like, in numbers (MDS-10, MDS-15).
 *
 * Everything streams: add the pieces of a long series one after the other, or add them apart and merge neighbours;
 * both give the reference's two-pass result to 1e-12 relative. What is not defined (a mean of nothing, a sample
 * deviation of one) is NaN, never 0. Synthetic candles count like others; n_synthetic says how many. */

#include "core/candle.h"

/* Count, extremes, mean and squared deviations of one quantity: Welford 1962 as merged by Chan, Golub and LeVeque
 * 1979. Kept in long double, so that a million prices of 1e5 that differ by cents keep their digits. */
typedef struct Moments {
    int64_t n;
    double min, max; /* only where n > 0 */
    /* private */
    long double mean, m2;
} Moments;

void moments_add(Moments *m, double x);
void moments_merge(Moments *m, const Moments *more);
double moments_mean(const Moments *m);
double moments_var_population(const Moments *m); /* divides by n */
double moments_var_sample(const Moments *m);     /* divides by n - 1 */
double moments_std_population(const Moments *m);
double moments_std_sample(const Moments *m);

typedef struct CandleStats {
    Timeframe timeframe;
    int64_t n, n_synthetic;
    Time first, last;              /* open times; only where n > 0 */
    double first_open, last_close; /* only where n > 0 */
    double highest, lowest;        /* of all highs and lows */
    Moments close, volume;
    Moments returns; /* simple returns close[i] / close[i-1] - 1 between neighbours, gaps or not;
                                     none where the earlier close is 0 */
    Moments typical; /* (high + low + close) / 3 */
    int64_t n_cells; /* grid cells with a candle: n less off-grid candles that share a cell */
    /* private */
    double first_close;
    long double volume_sum, typical_volume_sum;
} CandleStats;

void candle_stats_init(CandleStats *s, Timeframe tf);
/* Adds the next piece, whose times come after all before. */
void candle_stats_add(CandleStats *s, const Candles *cs);
/* Appends the statistics of the candles that follow: the step between the two counts as a return. */
void candle_stats_merge(CandleStats *s, const CandleStats *after);

double candle_stats_volume(const CandleStats *s); /* sum */
/* Sum of typical price times volume over volume; NaN when nothing was traded. */
double candle_stats_vwap(const CandleStats *s);
/* Per cent of the grid times from the first to the last candle that have one; NaN when empty. */
double candle_stats_completeness(const CandleStats *s);
/* The same for a range asked for, [from, to); the series read must be that range's. NaN when it has no grid time. */
double candle_stats_completeness_in(const CandleStats *s, Time from, Time to);
