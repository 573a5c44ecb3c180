#pragma once

/* backtest/lab/sweep.h - one strategy with many parameters: grid, random, or one step after the other.
 *
 * Three ways to the same figures; SweepResult.path tells which was taken and why not a faster one.
 *   columns  Strategies that declare a signal (setup_signal, long only) on one asset, in the semantics of the backtrader
 *            engine. Lines that several combinations share are computed once, in blocks of rows; signals become bits,
 *            and lab/account.h follows them. Hundreds of millions of candle steps a second, a few MB.
 *   engine   Everything else: each combination is a run of the engine, on a thread of its own.
 * Both give the same trades, and figures equal to 1e-9: a test and the bench compare.
 *
 * Rows stand in the order of the combinations, and every number is the same for any number of threads.
 * Memory: results in cx->arena, scratch below options.memory_max. Cancel and deadline come by cx. */

#include "backtest/engine.h"
#include "backtest/lab/heat.h"
#include "backtest/lab/overfit.h"
#include "backtest/metrics.h"

enum { SWEEP_AXES_MAX = 8, SWEEP_COMBOS_MAX = 1000000, SWEEP_VALUES_MAX = 100000 };

typedef struct SweepAxis {
    Str name;             /* a parameter of the strategy */
    const double *values; /* (n) */
    size_t n;
} SweepAxis;

typedef enum SweepMethod {
    SWEEP_GRID,   /* all combinations, the last axis fastest */
    SWEEP_RANDOM, /* n_samples of the grid's combinations, drawn without replacement */
    /* Coordinate search: from the middle of every axis, all values of one axis at a time, keeping the best, until no
     * axis gives a better one or n_samples combinations were run. Few runs; finds a local best. */
    SWEEP_SEQUENTIAL,
} SweepMethod;
bool sweep_method_parse(Str text, SweepMethod *out); /* "grid", "random", "sequential" */
const char *sweep_method_name(SweepMethod method);

typedef struct SweepProgress {
    size_t n_done, n_combos; /* combinations; with `columns` all advance together */
    double fraction;         /* of the work, 0..1 */
} SweepProgress;
/* Time left after `elapsed_ms`; -1 while nothing can be said. */
static inline int64_t sweep_eta_ms(const SweepProgress *p, int64_t elapsed_ms) {
    return p->fraction > 0 ? (int64_t)((double)elapsed_ms * (1 - p->fraction) / p->fraction) : -1;
}

typedef struct SweepOptions {
    SweepMethod method;
    size_t n_samples; /* of random and sequential; 0: 100 */
    uint64_t seed;    /* of random */
    /* What is ranked by: one of SWEEP_METRICS. NULL: the Sharpe ratio. */
    const char *objective;
    double risk_free;  /* a year */
    int threads;       /* 0: 1 */
    size_t memory_max; /* bytes of scratch beside the result; 0: 96 MiB */
    size_t n_blocks;   /* of time, kept for the probability of overfitting: 0: 16; see overfit.h */
    size_t trade_from; /* no decision before this candle; lines begin with the first. Only with the way `columns` */
    bool engine_only;  /* never the way `columns` */
    bool no_avx2;      /* plain C only: the same bits */
    /* May be NULL; < 0 stops the sweep with that code. On the caller's thread. */
    int (*progress)(void *arg, Ctx *cx, const SweepProgress *p);
    void *progress_arg;
} SweepOptions;

/* The figures of a combination, those of metrics.h. */
#define SWEEP_METRICS(X)                                                                                               \
    X(TOTAL_RETURN)                                                                                                    \
    X(ANNUAL_RETURN)                                                                                                   \
    X(SHARPE)                                                                                                          \
    X(MAX_DRAWDOWN)                                                                                                    \
    X(CALMAR)                                                                                                          \
    X(VOLATILITY)                                                                                                      \
    X(FINAL_VALUE)                                                                                                     \
    X(TOTAL_TRADES)                                                                                                    \
    X(WIN_RATE)                                                                                                        \
    X(PROFIT_FACTOR)                                                                                                   \
    X(EXPOSURE)                                                                                                        \
    X(FEES)
typedef enum SweepFigure {
#define SWEEP_ENUM(id) SWEEP_##id,
    SWEEP_METRICS(SWEEP_ENUM)
#undef SWEEP_ENUM
        SWEEP_FIGURES,
} SweepFigure;
const MetricInfo *sweep_figure_info(SweepFigure figure);
bool sweep_figure_find(Str name, SweepFigure *out);

typedef struct SweepRow {
    double p[SWEEP_AXES_MAX]; /* values of the axes */
    double v[SWEEP_FIGURES];  /* NaN = null */
    uint32_t n_refused;       /* orders refused for cash */
    int err;                  /* < 0: not run, the strategy refuses these parameters (short >= long) */
    uint32_t rank;            /* 0 the best; refused ones and those without a value come last, in order */
} SweepRow;

typedef struct SweepResult {
    SweepAxis axes[SWEEP_AXES_MAX];
    size_t n_axes;
    SweepMethod method;
    SweepFigure objective;
    SweepRow *rows;      /* (n) */
    size_t n, n_refused; /* refused combinations are rows too */
    Str refused_words;   /* of the first refused one */
    uint32_t *ranked;    /* (n) row numbers, best first */
    size_t n_candles;
    double n_steps;      /* candles times combinations run */
    const char *path;    /* "columns" or "engine" */
    Str why;             /* why not "columns"; empty */
    size_t n_columns;    /* lines computed, shared by all */
    size_t scratch_size; /* bytes used at most beside the result */
    double candles_per_year;
    BlockSum *blocks; /* (n, n_blocks) of the returns; NULL where the run was too short */
    size_t n_blocks;
    size_t n_in_block[PBO_BLOCKS_MAX];
} SweepResult;

/* base->strategy gives the parameters that are not swept; base->options.progress is not used. Errors: ERR_INVALID
 * (unknown parameter, no values, unknown objective, everything refused: with the place), ERR_LIMIT (combinations,
 * memory), ERR_CANCELLED, ERR_TIMEOUT, and those of the engine. */
int sweep_run(Ctx *cx, const BacktestEngine *engine, const BacktestRequest *base, const SweepAxis *axes, size_t n_axes,
              const SweepOptions *options, SweepResult *out);

/* A figure over two axes, the best over the others. ERR_INVALID when an axis is unknown or both are the same. */
int sweep_heat(Ctx *cx, const SweepResult *r, size_t axis_x, size_t axis_y, SweepFigure figure, HeatMap *out);
/* Of the combinations that ran. ERR_INVALID where there are too few or the run was too short. */
int sweep_overfit(Ctx *cx, const SweepResult *r, int threads, Pbo *out);
/* returns: of the chosen combination's own run. */
void sweep_deflated_sharpe(const SweepResult *r, const double *returns, size_t n, Arena *scratch, DeflatedSharpe *out);
