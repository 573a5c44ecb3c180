#pragma once

/* core/csv_columns.h - which column of a CSV file is what. Used by candle_csv.c alone. */

#include "base/csv.h"
#include "core/candle_csv.h"

typedef struct CsvLayout {
    bool has_header;
    int columns[CSV_COLUMNS]; /* from 0; -1 = none */
    size_t n_needed;          /* fields a row must have */
} CsvLayout;

/* Judges the first row of a file. 0, or ERR_INVALID with words (the names that were found, what is missing). */
int csv_layout_find(Ctx *cx, const Str options[CSV_COLUMNS], const CsvRow *first, CsvLayout *out);
