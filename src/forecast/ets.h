#pragma once

/* forecast/ets.h - exponential smoothing as state space models (Hyndman, Koehler, Ord, Snyder, 2008).
 *
 * A model is error (A, M), trend (N, A, D = damped additive) and season (N, A, M): "AAN" is Holt's, "MAM" Holt and
 * Winters' multiplicative. The fifteen that are numerically sound: not A with a multiplicative season. Smoothing weights
 * lie within the usual bounds (0 < beta < alpha < 1, gamma < 1 - alpha, 0.8 <= phi <= 0.98).
 *
 * Weights and first states maximise the likelihood. Where the error is additive, the first states are not searched:
 * errors are linear in them (with N or A season), so for given weights the best ones are a least-squares solution.
 * Choice by AICc among all that the data allow (positive values for M), as forecast::ets does. Pure. */

#include "base/ctx.h"

enum { ETS_SEASON_MAX = 400 };

typedef struct EtsSpec {
    char error, trend, season; /* 'A' 'M'; 'N' 'A' 'D'; 'N' 'A' 'M' */
} EtsSpec;

typedef struct EtsModel {
    EtsSpec spec;
    size_t m; /* rows of a season; 1 without */
    double alpha, beta, gamma, phi;
    double level, trend; /* at the end of the series fitted or filtered */
    double *seasonal;    /* (m) that of row t at t % m */
    size_t n;
    double log_likelihood; /* as forecast::ets counts: -n/2 log(sum e^2) - sum log|fitted| where the error is M */
    double aic, aicc, bic;
    double sigma; /* root of the mean squared error, with degrees of freedom taken off */
    size_t n_parameters;
} EtsModel;

/* "AAN", "MAdM", "AAdN" -> the spec; false where it is none of the fifteen. */
bool ets_spec_parse(Str text, EtsSpec *out);
Str ets_spec_text(EtsSpec spec, char out[static 8]); /* "A,Ad,N" */

/* ERR_INVALID: too few values for its parameters, a multiplicative part on values that are not positive. In cx->arena. */
int ets_fit(Ctx *cx, const double *x, size_t n, size_t season, EtsSpec spec, EtsModel *out);
/* The model with the least AICc. additive_only leaves the multiplicative ones out. */
int ets_choose(Ctx *cx, const double *x, size_t n, size_t season, bool additive_only, EtsModel *out);
/* The fitted weights over another series: states that begin by classical decomposition and end where x ends. m's
 * seasonal (m values) is written. */
void ets_filter(Arena *scratch, EtsModel *m, const double *x, size_t n);
void ets_forecast(const EtsModel *m, size_t h, double *out);
