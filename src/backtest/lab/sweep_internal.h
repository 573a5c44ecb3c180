#pragma once

/* backtest/lab/sweep_internal.h - between the parts of a sweep: what is to be run, and the two ways to run it. */

#include "backtest/lab/account.h"
#include "backtest/lab/sweep.h"

typedef struct Sweep {
    Ctx *cx;
    const BacktestEngine *engine;
    const BacktestRequest *base;
    const SweepOptions *options;
    SweepResult *r;
    int threads;
    size_t memory_max;
    size_t n_before; /* combinations of earlier calls, for progress */
} Sweep;

/* The base's configuration with a row's values put in; lives in the arena. */
const StrategyConfig *sweep_config(const Sweep *s, const SweepRow *row, Arena *arena);
int sweep_tell(const Sweep *s, size_t n_done, double fraction);
/* Sums of returns -> SHARPE, VOLATILITY and what follows from the rest; the others are set before. */
void sweep_conclude(const Sweep *s, SweepRow *row, double sum, double squares);

/* NULL when rows can go the way `columns`; else the words why not. Refused rows get their err. */
Str sweep_columns_fit(const Sweep *s, size_t from, size_t n);
int sweep_columns_run(Sweep *s, size_t from, size_t n);
int sweep_engine_run(Sweep *s, size_t from, size_t n);
