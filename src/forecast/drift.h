#pragma once

/* forecast/drift.h - has what comes become another thing than what was learned from?
 *
 * Three looks, each with its own strength (FUT-10):
 *
 *     PSI     population stability index of the latest values over the tenths of the training values:
 *             sum (p_i - 1/10) ln(10 p_i). Below .1 nothing, above .25 another population, as credit scoring reads it
 *             (Siddiqi 2006). Sees the shape, is blind to order
 *     KS      the largest distance of two empirical distributions, and how likely it is by chance (Kolmogorov's
 *             distribution with Stephens' correction; Press et al. 1992, 14.3). For independent values
 *     ADWIN   a window that is cut where the means of its two ends differ by more than chance (Bifet and Gavalda, SDM
 *             2007): tells when, without a window length to choose; for errors as they come
 *
 * Pure; one thread. */

#include "base/defs.h"

enum { DRIFT_TENTHS = 10 };

/* cuts: the 9 inner borders, ascending. An empty tenth counts as half a value, so that the index stays finite. n > 0. */
double drift_psi(const float cuts[static DRIFT_TENTHS - 1], const float *v, size_t n);

/* a, b ascending, neither empty. *p: chance of a distance as large from one population. */
double drift_ks(const float *a, size_t n_a, const float *b, size_t n_b, double *p);

/* Values in [0, 1]. The window is kept as sums of 1, 2, 4, … values, ADWIN_PER_ROW of each, so memory grows with the
 * logarithm of its length. */
enum { ADWIN_PER_ROW = 5, ADWIN_ROWS = 32, ADWIN_LOOK_EVERY = 8, ADWIN_SIDE_MIN = 10 };

typedef struct AdwinSum {
    double sum, squares; /* squares: of deviations from its mean */
} AdwinSum;

typedef struct Adwin {
    double delta; /* chance of a false cut at each look; .002 is usual */
    int64_t n;    /* values in the window */
    double sum, squares;
    int64_t n_seen, n_cuts;
    /* private: row r holds sums of 2^r values, the oldest of them last */
    AdwinSum rows[ADWIN_ROWS][ADWIN_PER_ROW + 1];
    int n_row[ADWIN_ROWS];
    int n_rows;
} Adwin;

void adwin_init(Adwin *a, double delta);
/* True: the mean has changed, and the older part was let go. */
bool adwin_add(Adwin *a, double v);
static inline double adwin_mean(const Adwin *a) {
    return a->n ? a->sum / (double)a->n : 0;
}
