#pragma once

/* services/backtest/search.h - beyond one run: sweeps over stored candles and what may be believed of the best.
 *
 * See backtest.h for the service; results live in cx->arena and are not kept: the best combination is run once more with
 * backtest_service_run by whoever wants to keep it. */

#include "backtest/lab/bootstrap.h"
#include "backtest/lab/prove.h"
#include "backtest/lab/walk.h"
#include "services/backtest/backtest.h"

typedef struct SweepAsk {
    BacktestAsk base;
    const SweepAxis *axes;
    size_t n_axes;
    SweepOptions options; /* memory_max 0 = 96 MiB; threads 0 = the process's share */
    /* Which two axes the heat map has; SWEEP_AXES_MAX: the first two. */
    size_t heat_x, heat_y;
} SweepAsk;

typedef struct SweepReport {
    SweepResult sweep;
    bool has_heat, has_overfit, has_deflated;
    HeatMap heat;
    Pbo overfit;             /* of all combinations that ran */
    DeflatedSharpe deflated; /* of the best one */
    double seconds;
    SeriesKey key;
    int64_t n_candles, n_synthetic;
    bool simulated;
} SweepReport;

int backtest_service_sweep(BacktestService *s, Ctx *cx, const SweepAsk *ask, SweepReport *out);

typedef struct WalkAsk {
    BacktestAsk base;
    const SweepAxis *axes;
    size_t n_axes;
    WalkOptions options;
} WalkAsk;

typedef struct WalkReport {
    WalkResult walk;
    const Candles *candles; /* windows are rows of it */
    double seconds;
    SeriesKey key;
    int64_t n_synthetic;
    bool simulated;
} WalkReport;

int backtest_service_walk(BacktestService *s, Ctx *cx, const WalkAsk *ask, WalkReport *out);

/* The returns of a kept backtest drawn again. 0 or BACKTEST_NO_SUCH. */
int backtest_service_monte_carlo(BacktestService *s, Ctx *cx, Str id, const BootstrapOptions *options,
                                 StoredBacktest *of, Bootstrap *out);

/* Whether a run would look ahead; n_cuts 0: the standard number. */
int backtest_service_prove(BacktestService *s, Ctx *cx, const BacktestAsk *ask, size_t n_cuts, ProveResult *out);
