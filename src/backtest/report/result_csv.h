#pragma once

/* backtest/report/result_csv.h - a result as CSV (RFC 4180): trades, the account at each step, a sweep's rows.
 * Numbers with all their digits, times ISO-8601 UTC, no value: an empty field. Errors: ERR_LIMIT when out is full. */

#include "backtest/lab/sweep.h"
#include "backtest/result.h"
#include "base/buf.h"

/* id,symbol,side,size,entry_time,entry_price,exit_time,exit_price,pnl,fees,costs,pnl_net,candles; open ones have no exit. */
int result_trades_csv(const BacktestResult *r, Buf *out);
/* time,equity,drawdown */
int result_equity_csv(const BacktestResult *r, Buf *out);
/* rank, the axes, the figures of SWEEP_METRICS, refused_orders; refused combinations have a rank and nothing else. */
int sweep_csv(const SweepResult *r, Buf *out);
