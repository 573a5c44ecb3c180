#pragma once

/* services/backtest/internal.h - shared by the files of this folder. */

#include "services/backtest/backtest.h"

struct BacktestService {
    BacktestOptions o; /* with its standards filled in */
};

/* What zoot needs beside the candles: the listings' rules, funding payments, finer candles. */
int backtest_service_zoot(BacktestService *s, Ctx *cx, const BacktestAsk *ask, const Listing *const *rules,
                          BacktestData *out);
/* Holding the first asset, step by step: the last close known at each step. */
const double *backtest_service_benchmark(Ctx *cx, const BacktestData *data, const BacktestResult *r);
/* The request of an engine; its pointers are those of ask and data. */
BacktestRequest backtest_service_request(const BacktestService *s, const BacktestAsk *ask, const BacktestData *data);
