#pragma once

/* forecast/interval.h - intervals around any forecast, from the errors it has made.
 *
 * Split conformal (Papadopoulos et al. 2002; Vovk et al. 2005): for each step and channel the absolute errors over the
 * validation windows; half the width is the ceil((n + 1) level)-th smallest. Covers at the level while errors stay what
 * they were; where validation was harder or easier than what follows, too much or too little.
 *
 * Adaptive conformal (Gibbs and Candes, NeurIPS 2021) follows that: each step and channel has its own level, which moves
 * by gamma (miss - alpha) whenever a forecast is settled, and its errors are those of the last `window` forecasts that
 * have been. The forecast of h steps ahead is settled h rows later and not before:
 *
 *     origin t:   adaptive_issue(a, forecasts, half)       half from what was settled by row t
 *     row t + 1:  adaptive_observe(a, row)                 settles step 1 of origin t, step 2 of t - 1, … step H of t - H + 1
 *
 * Forecasts and values are scaled; layouts (horizon, n_targets). Pure; one thread. */

#include "forecast/metrics.h"

typedef struct ErrorTable { /* absolute errors of settled forecasts, by step and channel */
    size_t horizon, n_targets;
    size_t window; /* kept of each: the latest */
    size_t n;      /* of each so far, at most window */
    float *sorted; /* (horizon, n_targets, window) ascending in the last */
    float *ring;   /* (horizon, n_targets, window) as they came */
    size_t *at;    /* (horizon, n_targets) the oldest, once there are `window` */
} ErrorTable;

/* Errors over the validation windows, the latest `window` of them (0: all). The forecaster is fitted. In cx->arena.
 * ERR_INVALID: no validation window; ERR_LIMIT. */
int errors_measure(Ctx *cx, Forecaster *f, const ForecastData *d, size_t window, ErrorTable *out);
/* The errors' quantile of split conformal at a level in (0, 1); the largest error where the level asks for more than
 * all of them. (horizon, n_targets). */
void errors_half_widths(const ErrorTable *e, double level, float *half);

typedef struct Adaptive {
    ErrorTable errors; /* owned: changed by adaptive_observe */
    double level, gamma;
    /* private */
    double *alpha;           /* (horizon, n_targets) the share of misses aimed at now */
    float *forecasts, *half; /* (horizon) last origins of (horizon, n_targets) each */
    size_t n_issued;
} Adaptive;

/* level: 0.9; gamma: 0 = 0.01. Takes the errors over. In cx->arena. */
int adaptive_new(Ctx *cx, const ErrorTable *errors, double level, double gamma, Adaptive *out);
void adaptive_issue(Adaptive *a, const float *forecasts, float *half);
void adaptive_observe(Adaptive *a, const float *row); /* (n_targets) at least */

typedef struct IntervalFigures {
    double coverage; /* share of values inside, ends included */
    double width;    /* mean, scaled */
    double pinball;  /* mean of the two ends' as quantiles (1 - level)/2 and (1 + level)/2 */
} IntervalFigures;

typedef struct IntervalScore {
    double level;
    IntervalFigures split, adaptive;
    int64_t n;
} IntervalScore;

/* Both kinds over all test windows in order. */
int intervals_evaluate(Ctx *cx, Forecaster *f, const ForecastData *d, const ErrorTable *errors, double level,
                       double gamma, IntervalScore *out);
