#pragma once

/* api/backtest/beyond_shapes.h - the records of walk-forward, Monte Carlo and the proof; beyond_shapes.c has their
 * field tables. */

#include "api/backtest/shapes.h"

typedef struct WalkRequestIn {
    BacktestRequestIn backtest;
    RawJson grid;
    Str method, objective;
    int64_t samples, seed;
    bool anchored;
    int64_t train, test, purge, embargo; /* candles */
    int64_t equity_points;
} WalkRequestIn;

typedef struct WalkWindowOut {
    Time train_start, train_end, test_start, test_end;
    bool chosen;
    RawJson parameters;
    double train_objective, test_objective, train_return, test_return;
    int64_t test_trades;
} WalkWindowOut;

typedef struct WalkResponse {
    Str exchange, symbol, timeframe, strategy_type, engine, objective;
    List windows; /* WalkWindowOut */
    MetricsOut metrics;
    double efficiency;
    List equity_curve; /* EquityOut */
    double seconds;
    bool simulated;
    int64_t synthetic;
    List advice; /* Str */
} WalkResponse;

typedef struct MonteCarloRequest {
    Str id, kind;
    int64_t block, paths, seed;
} MonteCarloRequest;

typedef struct FigureOut {
    double observed, mean, deviation, p05, p25, p50, p75, p95;
} FigureOut;

typedef struct BandOut {
    Time timestamp;
    double p05, p25, p50, p75, p95;
} BandOut;

typedef struct MonteCarloResponse {
    Str backtest_id, kind;
    int64_t block, paths, seed, returns;
    FigureOut total_return, max_drawdown, sharpe_ratio;
    double loss_probability, worse_drawdown_probability;
    List bands; /* BandOut */
    bool simulated;
    List advice; /* Str */
} MonteCarloResponse;

typedef struct ProveRequest {
    BacktestRequestIn backtest;
    int64_t cuts;
} ProveRequest;

typedef struct ProveResponse {
    bool proved;
    int64_t cuts, decisions;
    Str fault, words;
    int64_t cut;
    Time at;
} ProveResponse;

/* X(member, words, ...), as SEARCH_ROWS. */
/* clang-format off */
#define WALK_ROWS(X) \
    X(anchored, "Training begins with the first candle always; else it moves along.") \
    X(train, "Candles of a training; 0: so that five windows come out.", .def = "0", .has_min = true, .min = 0, .max = 1e9) \
    X(test, "Candles of a test; 0: a quarter of the training.", .def = "0", .has_min = true, .min = 0, .max = 1e9) \
    X(purge, "Candles left out at the end of a training: their trades could still be open in the test.", .def = "0", .has_min = true, .min = 0, .max = 1e9) \
    X(embargo, "Candles left out behind it.", .def = "0", .has_min = true, .min = 0, .max = 1e9)
#define PROVE_ROWS(X) X(cuts, "Places to end the data at.", .def = "32", .min = 1, .max = 10000)
/* clang-format on */

extern const Shape walk_request_shape, walk_response_shape, monte_carlo_request_shape, monte_carlo_response_shape,
    prove_request_shape, prove_response_shape;
extern const Op op_backtest_walk, op_backtest_monte_carlo, op_backtest_prove;
