#pragma once

/* services/backtest/search.h - beyond one run: sweeps over stored candles and what may be believed of the best.
 *
 * See backtest.h for the service; results live in cx->arena and are not kept: the best combination is run once more with
 * backtest_service_run by whoever wants to keep it. */

#include "backtest/lab/sweep.h"
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
