#pragma once

/* adapters/store/block_scale.h - a column of doubles as a column of integers, without losing a bit.
 *
 * Venues write decimals: 46216.93 is the integer 4621693 with two decimals, and its double comes back as
 * 4621693 / 10^2, correctly rounded. A column is coded that way when that holds for every value of it. Some
 * providers send decimals that went through a float (16.65999984741211 is (float)16.66): those come back as
 * (double)(float)(1666 / 10^2). What is neither keeps its bits as the integer.
 * All integers of the column are divided by their common `unit`: a tick of 25, volumes in hundreds. */

#include "base/defs.h"

typedef enum ScaleKind { SCALE_DECIMAL, SCALE_FLOAT, SCALE_BITS, N_SCALE_KINDS } ScaleKind;

enum { SCALE_DECIMALS_MAX = 15 };

typedef struct Scale {
    uint8_t kind;     /* ScaleKind */
    uint8_t decimals; /* 0..SCALE_DECIMALS_MAX; 0 for SCALE_BITS */
    uint64_t unit;    /* > 0 */
} Scale;

/* Finds the scale that fits all n_columns columns of n values and writes their integers. The same values give
 * the same scale. */
Scale scale_fit(const double *const *columns, size_t n_columns, size_t n, int64_t *const *out);
/* The way back; out and m may be the same memory. */
void scale_undo(Scale s, const int64_t *m, size_t n, double *out);
