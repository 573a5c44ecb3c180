#pragma once

/* forecast/theta.h - the Theta method (Assimakopoulos and Nikolopoulos, IJF 16, 2000).
 *
 * Computed as Hyndman and Billah (IJF 19, 2003) showed it to be: simple exponential smoothing with a drift of half the
 * slope of the line through the data. Smoothing weight and first level minimise the squared one-step errors together.
 * Seasonal data are taken apart first by classical additive decomposition, where the autocorrelation at the season's
 * lag is significant at 90 %, as the method's authors do; additive, because scaled values have no fixed sign. Pure. */

#include "base/arena.h"

typedef struct ThetaFit {
    double alpha, level; /* of the smoothing, at the end of the series */
    double slope;        /* of the least-squares line; half of it is the drift */
    bool seasonal;
    size_t n;
} ThetaFit;

/* n >= 3 values; season 1: none. seasonal: (season) values, the one for row i at i % season; zeroed where not
 * seasonal. Scratch is given back. */
void theta_fit(Arena *scratch, const double *x, size_t n, size_t season, double *seasonal, ThetaFit *out);
void theta_forecast(const ThetaFit *f, const double *seasonal, size_t season, size_t h, double *out);

/* Is the autocorrelation at lag `season` beyond what the lags below it explain (Bartlett), one-sided 90 %? */
bool season_shows(const double *x, size_t n, size_t season);
/* Classical additive decomposition: seasonal means of x less its centred moving average, summing to 0. n >= 2 season. */
void season_additive(Arena *scratch, const double *x, size_t n, size_t season, double *seasonal);
