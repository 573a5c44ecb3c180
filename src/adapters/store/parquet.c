/* adapters/store/parquet.c - see parquet.h: the rows' files; the rest is csv.c's. */

#include "adapters/store/parquet.h"

#include "adapters/store/csv_files.h"
#include "base/file.h"
#include "core/parquet.h"

/* The CSV store's own path says everything: venue/symbol/timeframe and what follows. It becomes partitions. */
static char *lake_path(Arena *a, const char *dir, const SeriesKey *key, const char *suffix) {
    char tf_text[TIMEFRAME_TEXT_MAX];
    Str tf = timeframe_text(key->timeframe, tf_text);
    Str rest = str_c(csv_series_path(a, "", key, suffix)), venue, symbol;
    rest = str_from(rest, 1); /* the slash behind no directory */
    str_next(&rest, '/', &venue);
    str_next(&rest, '/', &symbol);
    Str more = str_from(rest, tf.n);
    return str_cz(a, str_fmt(a, "%s/exchange=" STR_FMT "/symbol=" STR_FMT "/timeframe=" STR_FMT "/candles" STR_FMT, dir,
                             STR_ARG(venue), STR_ARG(symbol), STR_ARG(tf), STR_ARG(more)));
}

static int put_rows(Buf *out, const SeriesKey *key, const Candles *rows) {
    ParquetWriter *w = parquet_writer_new(key);
    int e = parquet_put(w, rows, 0, rows->n, out);
    if (e == 0)
        e = parquet_end(w, out);
    parquet_writer_free(w);
    return e;
}

static int read_at(void *arg, Ctx *cx, int64_t at, size_t n, char *out) {
    UNUSED(cx);
    memcpy(out, ((const Str *)arg)->p + at, n);
    return 0;
}

static int load_rows(Ctx *cx, const char *path, Candles *out) {
    CLEANUP(parquet_reader_freep) ParquetReader *r = NULL;
    Str file;
    if (!file_exists(path))
        return 0;
    int e = file_read(cx, path, CSV_FILE_MAX, &file);
    if (e)
        return e;
    e = parquet_open(cx, read_at, &file, (int64_t)file.n, &r);
    if (e == PARQUET_FOREIGN)
        return err_set(cx, ERR_CORRUPT, "%s was written by another program; move it elsewhere and import it", path);
    for (size_t g = 0; e == 0 && g < parquet_groups(r); g++)
        e = parquet_read(r, cx, g, out);
    if (e == 0 && !candles_sorted_unique(out))
        e = err_set(cx, ERR_CORRUPT, "its rows are out of order");
    return e ? err_prefix(cx, "%s", path) : 0;
}

const RowFiles parquet_row_files = {
    .store = "parquet", .suffix = ".parquet", .path = lake_path, .put = put_rows, .load = load_rows
};

char *store_parquet_path(Arena *a, const char *dir, const SeriesKey *key) {
    return lake_path(a, dir, key, ".parquet");
}

int store_parquet_open(Ctx *cx, const char *dir, CandleStore **out) {
    return store_files_open(cx, dir, &parquet_row_files, out);
}
