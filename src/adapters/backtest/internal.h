#pragma once

/* adapters/backtest/internal.h - shared by sqlite.c, save.c and read.c. */

#include "adapters/backtest/sqlite.h"
#include "adapters/backtest/tables.h"

typedef struct BacktestSqlite {
    BacktestStore store; /* first: the ops get this pointer back */
    DbOwner owner;
} BacktestSqlite;

int backtest_db_save(Db *db, Ctx *cx, void *stored); /* const StoredBacktest * */

typedef struct BacktestGet {
    Str workspace, id;
    StoredBacktest *out;
} BacktestGet;
int backtest_db_get(Db *db, Ctx *cx, void *get); /* 0 or BACKTEST_NO_SUCH */
void backtest_db_summary(sqlite3_stmt *st, Arena *a, BacktestSummary *out);
