#pragma once

/* golden/columns.h - a data set as columns of doubles, found by the headers of its CSV. */

#include "base/ctx.h"
#include "ta/ta.h"

typedef struct Columns {
    size_t n;
    double *of[TA_PERIODS + 1]; /* by TaInput; X is the close, Y as well until a dump says otherwise */
} Columns;

/* Looked up as DIR/name, DIR/ohlcv/name and DIR/indicators/name, with .csv and without. The columns are open, high, low,
 * close and volume in any order and case; what is not there, or an empty field, is NaN, and there must be a close.
 * first_rows: only so many; 0 = all. < 0: ErrCode with words. */
int columns_load(Ctx *cx, const char *dir, Str name, size_t first_rows, Columns *out);
