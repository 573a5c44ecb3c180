#pragma once

/* api/backtest/backtest_api.h - the operations of backtesting.
 *
 * The role object of every operation is a BacktestService. Paths of the design documents (/backtesting/...) are aliases
 * of the canonical /api/v1/backtesting/... ones. */

#include "api/backtest/shapes.h"
#include "api/op.h"

extern const OpTable backtest_api;

extern const Op op_backtest_run, op_backtest_validate, op_backtest_get, op_backtest_list, op_backtest_remove,
    op_backtest_strategies, op_backtest_compare, op_backtest_recommend, op_backtest_report;
