#pragma once

/* adapters/backtest/sqlite.h - backtests in backtest.db, one file with one owner (adapters/sqlite/owner.h).
 *
 * A backtest is rows a person can query: summary, parameters, assets, trades, orders, notes, metrics; the account's
 * value at each candle is one compressed column. A save is one synced transaction.
 *
 * Threads: any, except open and close. */

#include "ports/backtest_store.h"

typedef struct BacktestSqliteOptions {
    const char *path; /* "<data directory>/backtest.db"; NULL = in memory */
    const char *vfs;  /* NULL = the system's */
    bool lazy;        /* open the file at the first call */
} BacktestSqliteOptions;

/* ERR_CONFLICT, ERR_VERSION, ERR_CORRUPT, ERR_DENIED: as store_sqlite_open says. */
int backtest_sqlite_open(Ctx *cx, const BacktestSqliteOptions *options, BacktestStore **out);
