#pragma once

/* bench/duck.h - DuckDB as a rival, bound at run time: appends and ordered range reads of candles by data chunks,
 * which is its fastest way in and out. Its C API is declared here by hand, so that nothing is needed to build. */

#include "core/candle.h"

typedef struct Duck Duck;

/* NULL, with the reason in *why, when the library is not there. */
Duck *duck_open(const char *library, const char *path, const char **why);
Duck *duck_close(Duck *d);
bool duck_append(Duck *d, int series, const Candles *rows); /* one transaction */
/* Rows of the series from `from` on, at most limit, ascending; appended to *out, which has room. */
bool duck_read(Duck *d, int series, Time from, size_t limit, Candles *out);
