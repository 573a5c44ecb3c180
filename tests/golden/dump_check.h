#pragma once

/* golden/dump_check.h - what both forms of a dump share. Private to golden/. */

#include "golden/columns.h"
#include "golden/dump_read.h"
#include "golden/indicator_dump.h"

typedef struct DumpLine {
    Str indicator, name;
    double tolerance; /* of a value, relative */
    double noise;     /* a difference as small as this is none */
} DumpLine;

/* What rounding leaves where two prices of this size are subtracted, some times over: an oscillator of prices at rest is
 * nothing else, and each program has its own. */
double dump_noise(const double *const *prices, size_t n_columns, size_t n);

/* Prints what differs; how many rows do. */
size_t dump_compare(DumpReport *rep, const DumpLine *l, const double *got, const double *want, size_t n);

/* An entry of Backtrader's form. 0: equal; 1: differs, and the report says where; < 0: words in cx. */
int dump_check_backtrader(Ctx *cx, DumpReport *rep, Str name, Str json, const Columns *c);
