#pragma once

/* adapters/store/csv_files.h - the texts of the CSV store's files: what csv.c writes and csv_load.c reads. */

#include "base/buf.h"
#include "ports/candle_store.h"

enum { CSV_FILE_MAX = 1 << 30 }; /* bytes of one file; a larger one is refused */

/* "<dir>/<venue>/<symbol>/<timeframe…><suffix>", the symbol escaped; in the arena. */
char *csv_series_path(Arena *a, const char *dir, const SeriesKey *key, const char *suffix);
char *csv_store_path(Arena *a, const char *dir, const char *name);

/* Each appends a whole file to *out, header included; ERR_LIMIT by the Buf. */
int csv_put_candles(Buf *out, const Candles *rows);
int csv_put_coverage(Buf *out, const Coverage *v, size_t n);
int csv_put_change(Buf *out, const SeriesChange *c); /* one line */
int csv_put_listings(Buf *out, const Listing *v, size_t n);
int csv_put_series(Buf *out, Arena *a, const SeriesInfo *v, size_t n);
extern const char CSV_CHANGES_HEADER[];

/* Fills an empty memory store from the files below dir. */
int csv_load(Ctx *cx, const char *dir, CandleStore *memory);
