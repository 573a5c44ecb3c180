#pragma once

/* bench/plain_ta.h - indicators as one writes them by hand: a loop over whole columns of finite values.
 *
 * They know one set of candles, no missing values, no pieces; they index the column itself and search a window from one
 * end to the other, or roll a sum. bench_ta holds ta/ against them. */

#include <stddef.h>

typedef struct PlainCandles {
    size_t n;
    const double *open, *high, *low, *close, *volume, *periods;
    const double *y; /* a second column */
} PlainCandles;

typedef struct PlainLoop {
    const char *ta; /* the name in ta/ */
    void (*run)(const PlainCandles *k, const double *p, double *const *out);
    double params[8];
} PlainLoop;

extern const PlainLoop PLAIN_LOOPS[], PLAIN_PATTERNS[];
extern const size_t N_PLAIN_LOOPS, N_PLAIN_PATTERNS;

/* The first rows have no value. */
void plain_not_ready(double *out, int n);
