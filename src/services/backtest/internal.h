#pragma once

/* services/backtest/internal.h - shared by the files of this folder. */

#include "backtest/lab/sweep.h"
#include "services/backtest/backtest.h"

struct BacktestService {
    BacktestOptions o; /* with its standards filled in */
};

/* Progress of a search goes to whoever waits for the call. */
int backtest_service_tell(void *arg, Ctx *cx, const SweepProgress *p);
/* What zoot needs beside the candles: the listings' rules, funding payments, finer candles. */
int backtest_service_zoot(BacktestService *s, Ctx *cx, const BacktestAsk *ask, const Listing *const *rules,
                          BacktestData *out);
/* Gives every asset its columns. ERR_INVALID with their place in the request. */
int backtest_service_columns(Ctx *cx, const BacktestAsk *ask, MarketAsset *assets, size_t n_assets);
/* Holding the first asset, step by step: the last close known at each step. */
const double *backtest_service_benchmark(Ctx *cx, const BacktestData *data, const BacktestResult *r);
/* The request of an engine; its pointers are those of ask and data. */
BacktestRequest backtest_service_request(const BacktestService *s, const BacktestAsk *ask, const BacktestData *data);
