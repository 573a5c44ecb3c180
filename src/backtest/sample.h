#pragma once

/* backtest/sample.h - the statistics of a sample of numbers, as numpy and scipy define them.
 *
 * Pure functions over arrays. What is not defined (a deviation of one value, a quantile of none) is NaN, never 0.
 * Sums are taken in long double: a million returns keep their digits. Threads: any. */

#include "base/defs.h"

/* Central moments of the population: m2 is the mean squared distance from the mean, and so on. */
typedef struct SampleMoments {
    size_t n;
    double mean, m2, m3, m4;
} SampleMoments;

void sample_moments(const double *x, size_t n, SampleMoments *out);
double sample_std(const SampleMoments *m, int ddof); /* divides by n - ddof; NaN unless n > ddof */
double sample_skew(const SampleMoments *m);          /* m3 / m2^1.5, biased; NaN where m2 is 0 */
double sample_kurtosis(const SampleMoments *m);      /* m4 / m2^2 - 3, biased: 0 for a normal sample */

/* The k-th smallest, k < n; reorders x. Smaller ones stand before place k afterwards. Expected linear time. */
double sample_select(double *x, size_t n, size_t k);
/* numpy.percentile(x, 100 q), linear between neighbours; reorders x. NaN when n is 0. */
double sample_quantile(double *x, size_t n, double q);
void sample_sort(double *x, size_t n); /* ascending; no NaN */

double normal_cdf(double z);
/* The z with normal_cdf(z) = p, 0 < p < 1: Wichura's AS 241 (1988), relative error below 1e-15. ±infinity at the ends. */
double normal_quantile(double p);
