#pragma once

/* forecast/minimise.h - the minimum of a function of few variables, without its derivative. Pure, deterministic. */

#include "base/arena.h"

typedef double MinimiseFn(void *arg, const double *x); /* may answer infinity outside of its domain */

/* Nelder and Mead 1965 with the adaptive coefficients of Gao and Han 2012, which keep many dimensions from stalling.
 * x: n values, the start, which becomes the best point found; its value is returned. step: the first simplex's extent
 * in each direction. Ends after most calls, or when the simplex's values differ by less than tol times their size. */
double minimise(Arena *scratch, MinimiseFn *fn, void *arg, size_t n, const double *step, double tol, int most,
                double *x);

/* Golden section on [lo, hi] for a function with one valley; returns where. Kiefer 1953. */
double minimise_line(MinimiseFn *fn, void *arg, double lo, double hi, double tol);
