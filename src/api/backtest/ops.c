/* api/backtest/ops.c - the table of backtesting operations. */

#include "api/backtest/handlers.h"

#include "api/backtest/beyond_shapes.h"
#include "api/backtest/export.h"
#include "api/backtest/search_shapes.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Backtesting"

enum { RUN_MS = 600 * 1000, SMALL_BODY = 1 << 16, BODY = 32 << 20 };

/* clang-format off */

const Op op_backtest_run = {
    .name = "backtest.run", .method = "POST", .path = "/api/v1/backtesting/run", .aliases = PATHS("/backtesting/run"),
    .summary = "Run a backtest", .tag = TAG,
    .doc = "Reads the candles that are stored, runs the strategy under the engine's semantics, keeps the result and answers with it: what is answered "
           "is kept already. Orders fill at the next candle at the earliest. assumptions says what was assumed, warnings what to be careful of, "
           "explanation why there is no trade where there is none.",
    .in = &backtest_request_shape, .out = &backtest_response_shape, .role = ROLE_WRITE, .lane = LANE_CPU, .deadline_ms = RUN_MS,
    .max_body = BODY, .run = backtest_api_run };

const Op op_backtest_validate = {
    .name = "backtest.validate", .method = "POST", .path = "/api/v1/backtesting/validate", .aliases = PATHS("/backtesting/validate"),
    .summary = "Check a request without running it", .tag = TAG, .in = &backtest_request_shape, .out = &backtest_removed_shape,
    .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 5000, .max_body = BODY, .idempotent = true, .run = backtest_api_validate };

const Op op_backtest_get = {
    .name = "backtest.get", .method = "GET", .path = "/api/v1/backtesting/results/{id}", .aliases = PATHS("/backtesting/results/{id}", "/backtesting/get/{id}"),
    .summary = "A kept backtest", .tag = TAG, .in = &backtest_get_shape, .out = &backtest_response_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 30000, .idempotent = true, .run = backtest_api_get };

const Op op_backtest_list = {
    .name = "backtest.list", .method = "GET", .path = "/api/v1/backtesting/results", .aliases = PATHS("/backtesting/results", "/backtesting/list"),
    .summary = "Kept backtests", .tag = TAG, .in = &backtest_list_query_shape, .out = &backtest_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 10000, .idempotent = true, .run = backtest_api_list };

const Op op_backtest_remove = {
    .name = "backtest.remove", .method = "DELETE", .path = "/api/v1/backtesting/results/{id}", .aliases = PATHS("/backtesting/results/{id}"),
    .summary = "Remove a kept backtest", .tag = TAG, .in = &backtest_id_shape, .out = &backtest_removed_shape, .role = ROLE_WRITE,
    .lane = LANE_CPU, .deadline_ms = 30000, .run = backtest_api_remove };

const Op op_backtest_strategies = {
    .name = "backtest.strategies", .method = "GET", .path = "/api/v1/backtesting/strategies", .aliases = PATHS("/backtesting/strategies"),
    .summary = "Strategies, their parameters, and engines", .tag = TAG, .out = &strategy_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 5000, .idempotent = true, .run = backtest_api_strategies };

const Op op_backtest_compare = {
    .name = "backtest.compare", .method = "POST", .path = "/api/v1/backtesting/compare", .aliases = PATHS("/backtesting/compare"),
    .summary = "Backtests beside each other", .tag = TAG,
    .doc = "Kept ones by name, new ones by request; those are run and kept first. One that fails fails the call and names its place.",
    .in = &compare_request_shape, .out = &compare_response_shape, .role = ROLE_WRITE, .lane = LANE_CPU, .deadline_ms = RUN_MS,
    .max_body = BODY, .run = backtest_api_compare };

const Op op_backtest_recommend = {
    .name = "backtest.recommendations", .method = "GET", .path = "/api/v1/backtesting/recommendations/{symbol}",
    .aliases = PATHS("/backtesting/recommendations/{symbol}"),
    .summary = "Strategies for a symbol, by the score of their best kept backtest", .tag = TAG, .in = &recommend_query_shape,
    .out = &recommendation_list_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 30000, .idempotent = true,
    .run = backtest_api_recommend };

const Op op_backtest_report = {
    .name = "backtest.report", .method = "GET", .path = "/api/v1/backtesting/results/{id}/report",
    .aliases = PATHS("/backtesting/results/{id}/report"),
    .summary = "The tear sheet of a kept backtest", .tag = TAG,
    .doc = "One page that needs nothing else: account, drawdown, months, trades on the price, rolling figures, assumptions, refused orders. "
           "Save it, print it, send it.",
    .in = &backtest_id_shape, .out = &raw_body_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 60000, .idempotent = true,
    .raw = "text/html", .run = backtest_api_report };

const Op op_backtest_export = {
    .name = "backtest.export", .method = "GET", .path = "/api/v1/backtesting/results/{id}/export",
    .aliases = PATHS("/backtesting/results/{id}/export"),
    .summary = "A table of a kept backtest as a file", .tag = TAG,
    .doc = "The account at every candle, every trade or every order, as Parquet or CSV. Columns have the names of the JSON; what is null there is "
           "null in Parquet and empty in CSV. The Parquet file's own metadata tells the backtest.",
    .in = &backtest_export_shape, .out = &raw_body_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = 60000, .idempotent = true,
    .raw = "application/vnd.apache.parquet, text/csv", .run = backtest_api_export };

const Op op_backtest_sweep = {
    .name = "backtest.sweep", .method = "POST", .path = "/api/v1/backtesting/sweep", .aliases = PATHS("/backtesting/sweep"),
    .summary = "Many parameters of one strategy, ranked", .tag = TAG,
    .doc = "Nothing is kept: run the combination you choose. Beside the best stand the probability of overfitting and the deflated Sharpe ratio, "
           "which say how much of the best may be luck.",
    .in = &sweep_request_shape, .out = &sweep_response_shape, .role = ROLE_WRITE, .lane = LANE_CPU, .deadline_ms = RUN_MS,
    .max_body = BODY, .idempotent = true, .run = backtest_api_sweep };

const Op op_backtest_walk = {
    .name = "backtest.walkforward", .method = "POST", .path = "/api/v1/backtesting/walkforward", .aliases = PATHS("/backtesting/walkforward"),
    .summary = "Walk-forward: choose on one stretch, trade on the next", .tag = TAG,
    .doc = "What the tests earned, one after the other, is the honest figure of the whole procedure: the parameters of each were chosen without it.",
    .in = &walk_request_shape, .out = &walk_response_shape, .role = ROLE_WRITE, .lane = LANE_CPU, .deadline_ms = RUN_MS,
    .max_body = BODY, .idempotent = true, .run = backtest_api_walk };

const Op op_backtest_monte_carlo = {
    .name = "backtest.montecarlo", .method = "POST", .path = "/api/v1/backtesting/montecarlo", .aliases = PATHS("/backtesting/montecarlo"),
    .summary = "Monte Carlo: a kept backtest's returns drawn again in blocks", .tag = TAG,
    .doc = "Returns are drawn, never profits in money, whose size belongs to the account they were made in.",
    .in = &monte_carlo_request_shape, .out = &monte_carlo_response_shape, .role = ROLE_READ, .lane = LANE_CPU, .deadline_ms = RUN_MS,
    .max_body = SMALL_BODY, .idempotent = true, .run = backtest_api_monte_carlo };

const Op op_backtest_prove = {
    .name = "backtest.prove", .method = "POST", .path = "/api/v1/backtesting/prove", .aliases = PATHS("/backtesting/prove"),
    .summary = "Prove that a strategy does not look ahead", .tag = TAG,
    .doc = "Runs it again on data that ends earlier, at many places: every decision up to there must be the same.",
    .in = &prove_request_shape, .out = &prove_response_shape, .role = ROLE_WRITE, .lane = LANE_CPU, .deadline_ms = RUN_MS,
    .max_body = BODY, .idempotent = true, .run = backtest_api_prove };

static const Op *const ops[] = {
    &op_backtest_run, &op_backtest_validate, &op_backtest_get, &op_backtest_list, &op_backtest_remove, &op_backtest_strategies,
    &op_backtest_compare, &op_backtest_recommend, &op_backtest_report, &op_backtest_export, &op_backtest_sweep, &op_backtest_walk, &op_backtest_monte_carlo, &op_backtest_prove,
};

const OpTable backtest_api = { .role = "backtest", .ops = ops, .n_ops = ARRAY_LEN(ops) };
