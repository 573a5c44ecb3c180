#pragma once

/* ta/exact.h - the exactly rounded sum of a window, rolling. Private to ta/.
 *
 * Backtrader sums each window anew with Python's fsum: the double nearest to the true sum. A plain running sum differs
 * by some 1e-13, which is nothing until two averages that are equal must be told from two that cross.
 *
 * The sum is kept as two doubles, added to and taken from without an error. Values of one size fit into their 106 bits
 * always; where a step would lose a bit (it can be told), the window is summed anew until it fits again. */

#include "ta/parts.h"

enum { EXACT_PARTS_MAX = 42 }; /* doubles that do not overlap: 2,098 bits of exponent by 53, and two to spare */

typedef struct ExactSum {
    Window w;
    double high, low; /* their sum is the window's; high is the nearest double to it */
    bool inexact;
} ExactSum;

static inline void exact_init(ExactSum *s, Arena *arena, int period) {
    window_init(&s->w, arena, period);
}

/* a + b = the sum and *error, exactly. Knuth, TAOCP 2, 4.2.2. */
static inline double sum_exactly(double a, double b, double *error) {
    double sum = a + b, b_in = sum - a, a_in = sum - b_in;
    *error = (a - a_in) + (b - b_in);
    return sum;
}

static inline void exact_add(ExactSum *s, double x) {
    double error, lost;
    double high = sum_exactly(s->high, x, &error);
    double low = sum_exactly(s->low, error, &lost);
    s->high = sum_exactly(high, low, &s->low);
    s->inexact |= lost != 0;
}

/* Shewchuk's: parts that do not overlap, smallest first. */
static inline void exact_anew(ExactSum *s) {
    double parts[EXACT_PARTS_MAX];
    int n = 0;
    for (int i = 0; i < s->w.n; i++) {
        double x = s->w.at[i];
        int kept = 0;
        for (int k = 0; k < n; k++) {
            double error;
            x = sum_exactly(x, parts[k], &error);
            if (error != 0)
                parts[kept++] = error;
        }
        assert(kept < EXACT_PARTS_MAX);
        parts[kept] = x;
        n = kept + 1;
    }
    double high = n > 0 ? parts[--n] : 0, low = 0;
    while (n > 0 && low == 0)
        high = sum_exactly(high, parts[--n], &low);
    s->inexact = n > 0; /* something is left below both */
    if (n > 0 && (low > 0) == (parts[n - 1] > 0)) {
        double up = high + 2 * low; /* rounded at half a step, and what is left lies on the other side of it */
        high = up - high == 2 * low ? up : high;
    }
    s->high = high;
    s->low = low;
}

/* NaN while the window is not full. */
static inline double exact_next(ExactSum *s, double x) {
    if (isnan(x))
        return NAN;
    double oldest = window_push(&s->w, x);
    exact_add(s, x);
    if (!isnan(oldest))
        exact_add(s, -oldest);
    if (UNLIKELY(s->inexact))
        exact_anew(s);
    return window_full(&s->w) ? s->high : NAN;
}

static inline double exact_mean(ExactSum *s, double x) {
    return exact_next(s, x) / s->w.size;
}
