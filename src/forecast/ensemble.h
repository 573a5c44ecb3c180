#pragma once

/* forecast/ensemble.h - several forecasters as one, weighted by how they did on validation.
 *
 * The weights are at least 0, sum to 1 and make the squared error over the validation windows least: a quadratic problem
 * in the matrix of the members' mutual errors. One member alone is among what is chosen from, so on validation an
 * ensemble is never worse than its best member. Naive is always a member: where nothing beats it, its weight goes to 1. */

#include "forecast/metrics.h"

enum { ENSEMBLE_MAX = 16 };

/* Members: fitted, of one shape, owned by the caller, who frees them after the ensemble. weights sum to 1. In cx->arena. */
int ensemble_new(Ctx *cx, Forecaster *const *members, const double *weights, size_t n, Forecaster **out);
/* The weights for the members over the validation windows of data; errors, unless NULL, gets each one's own mse. */
int ensemble_weigh(Ctx *cx, Forecaster *const *members, size_t n, const ForecastData *data, double *weights,
                   double *errors);

/* Weights w >= 0 with sum 1 that make w' E w least; E (n, n) symmetric, positive semidefinite. Pure; deterministic. */
void simplex_least(const double *E, size_t n, double *w);

/* From now on the ensemble frees its members. */
void ensemble_own(Forecaster *f);
size_t ensemble_members(const Forecaster *f, Forecaster *const **members, const double **weights);
extern const ForecasterKind ensemble_kind;
