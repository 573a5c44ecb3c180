#pragma once

/* golden/indicator_dump.h - compares ta/ with a dump of another program's indicators.
 *
 * Two forms, told apart by their member `functions` (TA-Lib's) or `indicators` (Backtrader's). Both name their
 * `dataset`, and may cut it by `first_rows`; null is "no value".
 *     functions[NAME]: inputs, params, begin, outputs; outputs[NAME][0] belongs to row begin.
 *     indicators[NAME_10_30]: lines of as many values as there are rows; the numbers in the name are the parameters.
 * Windows must agree within 1e-9 and recursive indicators within 1e-7 of the value (of the line's mean size, or 1,
 * where the value itself is smaller); every line of Backtrader's within 1e-9. */

#include <stdio.h>

#include "base/ctx.h"

typedef struct DumpReport {
    FILE *out;         /* where differences are printed */
    size_t rows_shown; /* of each line that differs; 0 = the standard of 5 */
    size_t n_passed, n_failed;
} DumpReport;

/* json: the dump. < 0, with words: not a dump, or its data set cannot be had. One whose values differ, or that names
 * what there is not, is counted as failed and told in the report. */
int dump_check(Ctx *cx, Str json, const char *data_dir, DumpReport *report);
