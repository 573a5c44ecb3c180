#pragma once

/* core/ticker_table.h - what ticker_tag knows; private to it and its test. */

#include "base/str.h"

typedef struct TickerRow {
    const char *ticker;
    bool safe; /* in capitals it is the ticker, whatever stands around it */
} TickerRow;

typedef struct TickerName {
    const char *words; /* folded, one blank between them */
    const char *ticker;
    bool sure; /* false: also a word of the language */
} TickerName;

extern const TickerRow ticker_rows[]; /* by ticker */
extern const size_t n_ticker_rows;
extern const TickerName ticker_names[]; /* by their words, one after the other */
extern const size_t n_ticker_names;
