#pragma once

/* api/backtest/handlers.h - handlers of the backtesting operations; inside this folder only. */

#include "api/backtest/backtest_api.h"
#include "services/backtest/search.h"

#define HANDLER(name) int name(void *role, Ctx *cx, const void *in, void *out)
HANDLER(backtest_api_run);
HANDLER(backtest_api_validate);
HANDLER(backtest_api_get);
HANDLER(backtest_api_list);
HANDLER(backtest_api_remove);
HANDLER(backtest_api_strategies);
HANDLER(backtest_api_compare);
HANDLER(backtest_api_recommend);
HANDLER(backtest_api_report);
HANDLER(backtest_api_export);
HANDLER(backtest_api_sweep);
HANDLER(backtest_api_walk);
HANDLER(backtest_api_monte_carlo);
HANDLER(backtest_api_prove);

/* A request as the service takes it; places in errors are those of the request. */
int backtest_api_ask(Ctx *cx, const BacktestRequestIn *in, BacktestAsk *out);
/* An object of numbers, booleans and texts. `field` is the place for errors. */
int backtest_api_parameters(Ctx *cx, Str json, Str field, const StrategyValue **out, size_t *n);
/* The first series and the further symbols of a request. */
int backtest_api_assets(Ctx *cx, const BacktestRequestIn *in, const SourceQuery **out, size_t *n);
/* The columns beside the candles. */
int backtest_api_columns(Ctx *cx, const BacktestRequestIn *in, const BacktestColumn **out, size_t *n);
/* The same for a request inside the member "backtest" of another. */
int backtest_api_nested_ask(Ctx *cx, const BacktestRequestIn *in, BacktestAsk *out);
/* A failure `r` of the service at a member of that request gets its place: "backtest.strategy_type". Returns r. */
int backtest_api_nested(Ctx *cx, int r);
/* The member "grid": values by parameter. */
int backtest_api_grid(Ctx *cx, Str json, const SweepAxis **axes, size_t *n);
/* {"short_period": 5, ...} */
RawJson backtest_api_values(Ctx *cx, const SweepAxis *axes, size_t n, const double *values);
/* Evenly spread points of an account, the last one among them; drawdown is that of all candles up to there. */
List backtest_api_equity(Ctx *cx, const int64_t *time_ms, const double *equity, size_t n, double initial,
                         int64_t points);
BacktestOrder backtest_api_sort(Str sort);

/* How much of a result an answer shows. */
typedef struct ShowOptions {
    int64_t equity_points;
    Str orders; /* "none", "refused", "all" */
} ShowOptions;
void backtest_api_show(Ctx *cx, const StoredBacktest *b, const ShowOptions *show, BacktestResponse *out);
BacktestSummaryOut backtest_api_summary(const BacktestSummary *s);
int backtest_api_missing(Ctx *cx, Str id, int r); /* the words for BACKTEST_NO_SUCH */
