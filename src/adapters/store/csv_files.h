#pragma once

/* adapters/store/csv_files.h - the texts of the CSV store's files: what csv.c writes and csv_load.c reads. */

#include "base/buf.h"
#include "ports/candle_store.h"

enum { CSV_FILE_MAX = 1 << 30 }; /* bytes of one file; a larger one is refused */

/* "<dir>/<venue>/<symbol>/<timeframe…><suffix>", the symbol escaped; in the arena. */
char *csv_series_path(Arena *a, const char *dir, const SeriesKey *key, const char *suffix);
char *csv_store_path(Arena *a, const char *dir, const char *name);

/* How the rows of a series lie in a file: as CSV, or as Parquet (parquet.h). The store's other files are CSV always. */
typedef struct RowFiles {
    const char *store;  /* name of the adapter */
    const char *suffix; /* ".csv" */
    char *(*path)(Arena *a, const char *dir, const SeriesKey *key, const char *suffix);
    int (*put)(Buf *out, const SeriesKey *key, const Candles *rows); /* the whole file; ERR_LIMIT */
    /* A file that is not there has no rows. ERR_CORRUPT names the file and the place. */
    int (*load)(Ctx *cx, const char *path, Candles *out);
} RowFiles;
extern const RowFiles csv_row_files, parquet_row_files;

/* Opens a store of files in dir: csv.h and parquet.h. */
int store_files_open(Ctx *cx, const char *dir, const RowFiles *files, CandleStore **out);

/* Each appends a whole file to *out, header included; ERR_LIMIT by the Buf. */
int csv_put_candles(Buf *out, const Candles *rows);
int csv_put_coverage(Buf *out, const Coverage *v, size_t n);
int csv_put_change(Buf *out, const SeriesChange *c); /* one line */
int csv_put_listings(Buf *out, const Listing *v, size_t n);
int csv_put_series(Buf *out, Arena *a, const SeriesInfo *v, size_t n);
extern const char CSV_CHANGES_HEADER[];

/* Fills an empty memory store from the files below dir. */
int csv_load(Ctx *cx, const char *dir, const RowFiles *files, CandleStore *memory);
