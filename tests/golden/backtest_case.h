#pragma once

/* golden/backtest_case.h - dumps of Backtrader's runs: read, run again, compared.
 *
 * A case tells itself: dataset, rules in words, sizing, broker, params; then what Backtrader made of it. Nothing is
 * taken from the name of the file. A rule, a sizing or a setting that is not understood fails the case and says which.
 *
 * Compared: candles, first decision, every trade, every event of an order, cash, position, the value at every candle,
 * and all analyzers the dump has. Numbers are equal within 1e-9 of their size; where a number is the difference of
 * greater ones (a profit, a return), within 1e-12 of those too. */

#include <stdio.h>

#include "backtest/engine.h"
#include "base/ctx.h"

typedef struct CaseReport {
    FILE *out; /* NULL: silent */
    size_t n_passed, n_failed;
    /* of the present case */
    Str name;
    size_t n_differences;
} CaseReport;

/* One line a difference, the first CASE_LINES_MAX of a case. */
enum { CASE_LINES_MAX = 20 };
void case_differs(CaseReport *rep, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Runs one case and counts it. Never fails itself: what goes wrong is a failed case with a line that says why. */
void case_check(Ctx *cx, CaseReport *rep, Str name, Str json, const char *data_dir);

/* --- parts --- */

/* DIR/name, DIR/ohlcv/name, DIR/indicators/name, with .csv and without; columns ts, open, high, low, close, volume. */
int case_data(Ctx *cx, const char *dir, Str name, size_t first_rows, Candles *out, Timeframe *timeframe);

typedef struct CaseRules {
    Str strategy, rules, sizing; /* as written */
    Str params;                  /* JSON */
} CaseRules;
/* A strategy that follows the rules; the type lives in cx->arena. */
int case_strategy(Ctx *cx, const CaseRules *rules, const StrategyType **out);

/* The same of a recorded list of orders: backtest_script.c. */
int case_script(Ctx *cx, Str json, const StrategyType **out);

int case_broker(Ctx *cx, Str json, double cash, BrokerConfig *out);

/* The analyzers of the dump, by its names, against those of the result. */
int case_check_analyzers(Ctx *cx, CaseReport *rep, const BacktestResult *r, Str json);
/* |got - want| within 1e-9 of want or 1e-12 of scale. */
bool case_near(double got, double want, double scale);
