#pragma once

/* services/backtest/internal.h - shared by the files of this folder. */

#include "services/backtest/backtest.h"

struct BacktestService {
    BacktestOptions o; /* with its standards filled in */
};

/* The request of an engine; its pointers are those of ask and data. */
BacktestRequest backtest_service_request(const BacktestService *s, const BacktestAsk *ask, const BacktestData *data);
