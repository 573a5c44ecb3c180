#pragma once

/* api/backtest/export.h - the tables of a kept backtest as a file: equity curve, trades, orders; and of a sweep its rows. */

#include "api/backtest/backtest_api.h"
#include "api/table.h"

typedef struct BacktestExportQuery {
    Str id, table, format;
} BacktestExportQuery;

extern const Shape backtest_export_shape;
extern const Op op_backtest_export;

/* `table` is one of backtest_export_tables. b must have all its orders and points. */
extern const char *const backtest_export_tables[];
int backtest_table(Ctx *cx, const BacktestResponse *b, Str table, ColumnTable *out);
