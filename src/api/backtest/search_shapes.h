#pragma once

/* api/backtest/search_shapes.h - the records of sweeps; search_shapes.c has their field tables. */

#include "api/backtest/shapes.h"

typedef struct SweepRequestIn {
    BacktestRequestIn backtest;
    RawJson grid; /* {"short_period": [5, 10], "long_period": {"from": 20, "to": 60, "step": 10}} */
    Str method, objective;
    int64_t samples, seed, top;
    List heat; /* Str: two parameters */
} SweepRequestIn;

typedef struct SweepRowOut {
    int64_t rank;
    RawJson parameters;
    double total_return, annual_return, sharpe_ratio, max_drawdown, calmar_ratio, volatility, final_value;
    int64_t total_trades;
    double win_rate, profit_factor, exposure, fees;
    int64_t refused_orders;
} SweepRowOut;

typedef struct HeatOut {
    Str x, y, value;
    RawJson x_values, y_values; /* arrays of numbers */
    RawJson values;             /* rows of y, each an array over x; null where there is none */
} HeatOut;

typedef struct OverfitOut {
    double probability, loss_probability, sharpe_in, sharpe_out;
    int64_t ways;
} OverfitOut;

typedef struct DeflatedOut {
    double sharpe, expected_max, probabilistic, deflated;
    int64_t trials;
} DeflatedOut;

typedef struct SweepResponse {
    Str exchange, symbol, timeframe, strategy_type, engine, method, objective;
    int64_t candles, combinations, refused;
    Str refused_why;
    List best; /* SweepRowOut */
    HeatOut heat;
    OverfitOut overfit;
    DeflatedOut deflated;
    Str path, why;
    double seconds, steps_per_second;
    bool simulated;
    int64_t synthetic;
    List advice; /* Str */
} SweepResponse;

/* clang-format off */
#define SEARCH_METHODS static const char *const methods[] = { "grid", "random", "sequential", NULL };
/* X(member, words, ...): how sweeps and the trainings of walk-forward search; for the wire and the command line. */
#define SEARCH_ROWS(X) \
    X(method, "grid runs all combinations, random draws some, sequential searches one parameter after the other.", .def = "grid", .choices = methods) \
    X(objective, "Metric to rank by.", .def = "sharpe_ratio", .max = 64, .example = "calmar_ratio") \
    X(samples, "Combinations of random and sequential.", .def = "100", .min = 1, .max = 1000000) \
    X(seed, "Of random: the same seed draws the same.", .def = "1", .has_min = true, .min = 0, .max = 9e15)
/* clang-format on */

extern const Shape sweep_request_shape, sweep_response_shape;
extern const Op op_backtest_sweep;
