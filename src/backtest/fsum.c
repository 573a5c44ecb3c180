/* backtest/fsum.c - the exact sum is kept as partial sums that do not overlap, least first. */

#include "backtest/fsum.h"

#include <math.h>

enum { PARTIALS_MAX = 48 }; /* 2,100 bits of exponent in pieces of 53, and some */

static double plain(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* hi + lo = a + b exactly */
static inline double two_sum(double a, double b, double *lo) {
    double hi = a + b, part = hi - a;
    *lo = (a - (hi - part)) + (b - part);
    return hi;
}

/* The partials as one number; a half is rounded to even with what lies below it in mind. */
static double rounded(const double *p, size_t n) {
    double hi = n > 0 ? p[--n] : 0, lo = 0;
    while (n > 0) {
        hi = two_sum(hi, p[--n], &lo);
        if (lo != 0)
            break;
    }
    if (n > 0 && ((lo < 0 && p[n - 1] < 0) || (lo > 0 && p[n - 1] > 0))) {
        double twice = lo * 2, up = hi + twice;
        if (twice == up - hi)
            hi = up;
    }
    return hi;
}

double fsum(const double *x, size_t n) {
    double partials[PARTIALS_MAX];
    size_t n_partials = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = x[i], lo;
        size_t kept = 0;
        for (size_t k = 0; k < n_partials; k++) {
            sum = two_sum(sum, partials[k], &lo);
            if (lo != 0)
                partials[kept++] = lo;
        }
        if (!isfinite(sum) || kept == PARTIALS_MAX)
            return plain(x, n);
        partials[kept++] = sum;
        n_partials = kept;
    }
    return rounded(partials, n_partials);
}
