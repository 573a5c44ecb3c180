#pragma once

/* core/value_csv.h - a column of values with the times at which they became known, from CSV text.
 *
 *     timestamp,sentiment          a header, or none where there are two columns
 *     2024-01-01T09:30:00Z,0.31
 *
 * The time's column is called timestamp, time, date, datetime or known_at, or is the first. The value's column has the
 * name asked for, or is called value, or is the only other one; further columns are left alone. Times are ISO-8601 (without
 * a zone: UTC) or an epoch in s, ms, us or ns. A date alone is the END of that day: what is said of a day is known when
 * the day is over, and not before. Rows ascend by time. Memory: cx->arena. */

#include "base/ctx.h"
#include "base/time.h"

enum { VALUE_CSV_ROWS_MAX = 1000000 };

typedef struct ValueCsv {
    Time *time;    /* (n) ascending, each once */
    double *value; /* (n) finite */
    size_t n;
} ValueCsv;

/* ERR_INVALID with "line 7" as the place; ERR_LIMIT past VALUE_CSV_ROWS_MAX rows. */
int value_csv_read(Ctx *cx, Str text, Str name, ValueCsv *out);
