#pragma once

/* forecast/table.h - columns of numbers over time: what a forecaster learns from.
 *
 * From CSV as the data sets of the field have it: a header, a column of times (named date, time, timestamp, ts,
 * datetime or open_time; else the first), and numbers. Times ascend; where a row in a thousand at most does not come after
 * the one before (clocks that were set back), rows stay in the file's order and are counted. Every cell is a finite
 * number: a hole is refused with its line and column, because what stands in for it is the user's to say. Pure; one
 * thread. */

#include "base/ctx.h"

enum { TABLE_COLUMNS = 1000, TABLE_ROWS_MAX_CSV = 20000000 };

typedef struct ForecastTable {
    size_t n_rows, n_columns;
    Str *names;       /* (n_columns) */
    int64_t *time_ms; /* (n_rows) ascending, but for n_disordered rows */
    double **columns; /* (n_columns)(n_rows) */
    size_t n_disordered;
} ForecastTable;

/* The whole text of a CSV file. ERR_INVALID with line and column in words and field, ERR_TOO_LARGE. Names and numbers
 * are copied to cx->arena. */
int table_read_csv(Ctx *cx, Str text, ForecastTable *out);
/* The column of that name, or -1. */
ptrdiff_t table_column(const ForecastTable *t, Str name);
/* The columns of a comma-separated list, in its order; they are shared with t. Empty list: all. ERR_INVALID names one
 * that is not there and those that are. */
int table_choose(Ctx *cx, const ForecastTable *t, Str list, ForecastTable *out);
/* Column c at the front, the others in their order behind it: what is forecast comes first. */
void table_to_front(ForecastTable *t, size_t c);
