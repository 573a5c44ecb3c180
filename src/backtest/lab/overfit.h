#pragma once

/* backtest/lab/overfit.h - how much of a result is the choice among many.
 *
 * The best of a thousand strategies looks good though none is. Two corrections, both of Bailey and López de Prado:
 *
 * Deflated Sharpe ratio ("The Deflated Sharpe Ratio", J. Portfolio Management 40(5), 2014): the probability that the
 * true Sharpe ratio is above the one that the best of N worthless trials is expected to show, given the length, skew and
 * kurtosis of the returns.
 *
 * Probability of backtest overfitting ("The Probability of Backtest Overfitting", J. Computational Finance 20(4), 2017,
 * with Borwein and Zhu): combinatorially symmetric cross-validation. Time is cut into S blocks; for each way to take
 * half of them, the trial that is best on that half is ranked on the other half. The probability is the share of ways in
 * which it ends in the lower half there. Pure noise gives about 0.5, a trial that is truly best gives about 0.
 *
 * Sharpe ratios here are of one candle, not scaled to a year. A trial whose returns never change counts as 0. */

#include "base/ctx.h"

typedef struct DeflatedSharpe {
    double sharpe;         /* of one candle */
    double expected_max;   /* what the best of n_trials worthless trials would show */
    double probabilistic;  /* P(true Sharpe > 0) */
    double deflated;       /* P(true Sharpe > expected_max): below 0.95 the luck of choosing may be all there is */
    double haircut_sharpe; /* sharpe - expected_max */
    size_t n_trials;
} DeflatedSharpe;

/* Expected greatest Sharpe ratio among n trials without any skill whose estimates have this deviation; 0 for one. */
double expected_max_sharpe(size_t n_trials, double std_of_trials);
/* returns: (n) of the chosen trial; sharpes: (n_trials) of all, one candle each, NaN counts as 0. Fields are NaN where
 * the returns never change or are fewer than three. */
void deflated_sharpe(const double *returns, size_t n, const double *sharpes, size_t n_trials, Arena *scratch,
                     DeflatedSharpe *out);

enum { PBO_BLOCKS_MAX = 20, PBO_BLOCKS = 16, PBO_TRIALS_MAX = 100000, PBO_BINS = 20 };

/* What is kept of a trial for each block of time. */
typedef struct BlockSum {
    double sum, squares; /* of its returns */
} BlockSum;

typedef struct Pbo {
    size_t n_trials, n_blocks, n_ways; /* ways = n_blocks over n_blocks / 2 */
    double probability;
    double loss_probability;      /* share of ways in which the chosen trial had a Sharpe below 0 on the other half */
    double sharpe_in, sharpe_out; /* means of the chosen trial's, on the half it was chosen by and on the other */
    double slope;                 /* of sharpe_out on sharpe_in over the ways; below 0: the better the worse */
    size_t n_logit[PBO_BINS];     /* histogram of the rank's logit from -5 to 5; the ends take what lies beyond */
} Pbo;

/* blocks: (n_trials, n_blocks); n_in_block: candles in each. n_blocks even, 4..20. ERR_INVALID with fewer than two
 * trials or two candles in a block; ERR_LIMIT; ERR_CANCELLED. */
int pbo_of_blocks(Ctx *cx, const BlockSum *blocks, size_t n_trials, size_t n_blocks, const size_t *n_in_block,
                  int threads, Pbo *out);
/* returns: one column of n for each trial. */
int pbo_of_returns(Ctx *cx, const double *const *returns, size_t n_trials, size_t n, size_t n_blocks, int threads,
                   Pbo *out);
/* First candle of block k of n_blocks; block n_blocks starts at n. */
static inline size_t pbo_block_start(size_t n, size_t n_blocks, size_t k) {
    return n / n_blocks * k + MIN(n % n_blocks, k);
}
