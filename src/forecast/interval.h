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
    size_t n;      /* of each */
    float *sorted; /* (horizon, n_targets, n) ascending in the last */
    float *told;   /* (horizon, n_targets, n) as they came, the latest last */
} ErrorTable;

enum { ERRORS_MAX = 4096, ADAPTIVE_WINDOW = 500 };

/* Errors over the latest ERRORS_MAX validation windows. The forecaster is fitted. In cx->arena. ERR_INVALID: no
 * validation window; ERR_LIMIT. */
int errors_measure(Ctx *cx, Forecaster *f, const ForecastData *d, ErrorTable *out);
/* The errors' quantile of split conformal at a level in (0, 1); the largest error where the level asks for more than
 * all of them. (horizon, n_targets). */
void errors_half_widths(const ErrorTable *e, double level, float *half);

typedef struct AdaptiveOptions { /* 0: the standard */
    double level;                /* 0.9 */
    double gamma;                /* 0.01 */
    size_t window;               /* errors looked back on; ADAPTIVE_WINDOW */
} AdaptiveOptions;

typedef struct Adaptive {
    size_t horizon, n_targets;
    double level, gamma;
    /* private */
    size_t window;
    float *ring;             /* (horizon, n_targets, window) errors */
    uint16_t *order;         /* (horizon, n_targets, window) their places in the ring, by ascending error */
    uint16_t *at;            /* (horizon, n_targets) the oldest of the ring */
    double *alpha;           /* (horizon, n_targets) the share of misses aimed at now */
    float *forecasts, *half; /* what is not settled yet: of step h + 1 the last h + 1 origins */
    size_t n_issued;
} Adaptive;

/* Begins with the latest of the errors, which are copied. In cx->arena. ERR_LIMIT. */
int adaptive_new(Ctx *cx, const ErrorTable *errors, const AdaptiveOptions *o, Adaptive *out);
void adaptive_issue(Adaptive *a, const float *forecasts, float *half);
void adaptive_observe(Adaptive *a, const float *row); /* (n_targets) at least */
/* What was issued last; there was something. */
void adaptive_last(const Adaptive *a, float *forecasts, float *half);
float adaptive_next(const Adaptive *a); /* its step 1 of channel 0 */

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
int intervals_evaluate(Ctx *cx, Forecaster *f, const ForecastData *d, const ErrorTable *errors,
                       const AdaptiveOptions *o, IntervalScore *out);
