#pragma once

/* backtest/lab/bootstrap.h - what else the same returns could have come to: a block bootstrap.
 *
 * The candles' RETURNS are drawn again in blocks, with their order kept inside a block, and compounded; profits in money
 * are never shuffled, for their size belongs to the account they were made in. Blocks keep what returns have of memory.
 * Stationary: lengths are geometric with mean `block`, so the drawn series is stationary (Politis, Romano 1994).
 * Circular: all of length `block` (Politis, Romano 1992). Both wrap around the end, so that every return is as likely.
 *
 * A path has as many candles as the run. The same seed gives the same bytes on any number of threads: each path has a
 * generator of its own. What a bootstrap cannot say: it draws only from what happened once. */

#include "base/ctx.h"

typedef enum BootstrapKind { BOOTSTRAP_STATIONARY, BOOTSTRAP_CIRCULAR } BootstrapKind;
const char *bootstrap_kind_name(BootstrapKind kind); /* "stationary" */

enum { BOOTSTRAP_PATHS_MAX = 100000, BOOTSTRAP_POINTS = 128, BOOTSTRAP_BANDS = 5 };

typedef struct BootstrapOptions {
    BootstrapKind kind;
    size_t block; /* candles, a mean for STATIONARY; 0: n^(1/3), the order that is best for a variance (Hall, Horowitz,
                       Jing 1995) */
    size_t n_paths; /* 0: 1,000 */
    uint64_t seed;
    int threads;             /* 0: 1 */
    double candles_per_year; /* of the Sharpe ratio; > 0 */
    double risk_free;        /* a year */
} BootstrapOptions;

/* Quantiles 0.05, 0.25, 0.5, 0.75, 0.95 over the paths. */
extern const double BOOTSTRAP_QUANTILES[BOOTSTRAP_BANDS];

typedef struct BootstrapFigure {
    double observed; /* of the run itself */
    double mean, std;
    double band[BOOTSTRAP_BANDS];
} BootstrapFigure;

typedef struct Bootstrap {
    BootstrapOptions options;                           /* as used */
    size_t n;                                           /* returns */
    BootstrapFigure total_return, max_drawdown, sharpe; /* sharpe: NaN where a path's returns never change */
    double loss_probability;                            /* share of the paths that lost */
    double worse_drawdown_probability;                  /* share whose drawdown was deeper than the run's */
    /* Bands of the account along the way, as multiples of its start, after point_step[k] returns. */
    size_t n_points;
    size_t point_step[BOOTSTRAP_POINTS];
    double band[BOOTSTRAP_BANDS][BOOTSTRAP_POINTS];
} Bootstrap;

/* returns: (n) finite, above -1. ERR_INVALID: fewer than two, or one that is not; too many paths or candles in all
 * (1e11): ERR_LIMIT; ERR_CANCELLED. */
int bootstrap_run(Ctx *cx, const double *returns, size_t n, const BootstrapOptions *options, Bootstrap *out);
