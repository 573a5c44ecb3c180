#pragma once

/* backtest/lab/prove.h - proof that a strategy does not look ahead: run it again on data that ends earlier.
 *
 * Whatever was decided up to candle k must be decided in the same way when the data ends at candle k: the same orders in
 * the same order, and the same value of the account at every candle. A difference at any of many cut points is a look
 * into the future, whoever makes it: strategy, indicator, or an extra column that was stamped too early. Works through
 * the engine port, so with any engine and any strategy, also a plug-in's.
 *
 * Also caught: a run that is not the same when it is run twice (a clock, randomness, state left behind). */

#include "backtest/engine.h"

enum { PROVE_CUTS = 32, PROVE_CUTS_MAX = 10000 };

typedef struct ProveOptions {
    size_t n_cuts; /* 0: PROVE_CUTS, spread evenly, the last candle but one always among them */
    int threads;   /* 0: 1 */
} ProveOptions;

typedef enum ProveFault {
    PROVE_NONE,
    PROVE_NOT_REPEATABLE, /* two runs on the same data differ */
    PROVE_ORDERS,         /* another decision */
    PROVE_EQUITY,         /* the same orders, another value */
} ProveFault;
const char *prove_fault_words(ProveFault fault);

typedef struct ProveResult {
    size_t n_cuts;
    size_t n_decisions; /* orders compared, over all cuts */
    ProveFault fault;   /* PROVE_NONE: no look-ahead was found */
    size_t cut;         /* candles the truncated run had; the least one with a fault */
    size_t step;        /* where it differs first */
    Time at;            /* open time of that step */
    Str words;          /* what differs: "with all the data it decided ..., without the future ..." */
} ProveResult;

/* Every asset is cut at the same time. Errors are those of the engine; ERR_INVALID with fewer than three candles. A
 * look-ahead is no error: it is in the result. */
int prove_run(Ctx *cx, const BacktestEngine *engine, const BacktestRequest *req, const ProveOptions *options,
              ProveResult *out);
