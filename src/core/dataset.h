#pragma once

/* core/dataset.h - candles of one series as a file: CSV, JSON, Parquet or InfluxDB line protocol, plain, gzip or zstd.
 *
 * What is written is read back with every value, flag and label: any format to any other and back (MDS-38). Two things
 * text cannot say: the sign of a zero, and, in line protocol, times outside of the years 1678 to 2261 (refused).
 *
 *     CSV      timestamp,open,high,low,close,volume,known_at,flags,series_key   a header and ISO-8601 times
 *     JSON     {"format":"finsight-candles","series":"binance:BTCUSDT:1h","candles":[{"timestamp":…},…]}, a row a line
 *     Parquet  core/parquet.h; its pages are zstd already, so it is never packed again
 *     influx   ohlcv,symbol=BTCUSDT,timeframe=1h,venue=binance open=…,known_at=…i,flags="…" <ns>
 * Readers take what others write as well: CSV as core/candle_csv.h finds it out, a JSON array of objects, lines with
 * other tags and fields. Labels that a file does not have come from the caller.
 *
 * Pure over bytes: a writer appends to a Buf, a reader asks for ranges. Memory is bounded (about 30 MB) whatever the
 * size of the file. Threads: one writer or reader, one thread. */

#include "base/zip.h"
#include "core/parquet.h"

typedef enum DatasetFormat { DATASET_CSV, DATASET_JSON, DATASET_PARQUET, DATASET_INFLUX } DatasetFormat;
typedef enum DatasetPack { DATASET_PLAIN, DATASET_GZIP, DATASET_ZSTD } DatasetPack;
enum { DATASET_FORMATS = 4, DATASET_PACKS = 3 };

typedef struct DatasetForm {
    DatasetFormat format;
    DatasetPack pack;
    int level; /* of the packing; 0 = the usual */
} DatasetForm;

const char *dataset_format_name(DatasetFormat f);        /* "csv", "json", "parquet", "influx" */
bool dataset_format_parse(Str text, DatasetFormat *out); /* also "lp", "line" */
const char *dataset_pack_name(DatasetPack p);            /* "none", "gzip", "zstd" */
bool dataset_pack_parse(Str text, DatasetPack *out);     /* also "gz", "zst" */
const char *dataset_content_type(DatasetFormat f);
/* ".csv.gz" and its like; in the arena. */
Str dataset_suffix(Arena *a, DatasetForm form);
/* The form that a name's end tells: "x.csv", "x.json.gz", "x.parquet", "x.lp.zst". */
bool dataset_form_of_name(Str name, DatasetForm *out);

/* --- writing --- */

typedef struct DatasetWriter DatasetWriter;
/* ERR_INVALID: Parquet is not packed again. */
int dataset_writer_new(Ctx *cx, DatasetForm form, const SeriesKey *key, DatasetWriter **out);
void dataset_writer_free(DatasetWriter *w);
DEFINE_CLEANUP(DatasetWriter *, dataset_writer_free)
/* Appends the next bytes of the file to out, which may be emptied between calls. ERR_LIMIT: out is full; ERR_INVALID: a
 * time that the format cannot say. */
int dataset_put(DatasetWriter *w, Ctx *cx, const Candles *cs, size_t from, size_t n, Buf *out);
int dataset_end(DatasetWriter *w, Ctx *cx, Buf *out);
int64_t dataset_rows(const DatasetWriter *w);
/* Bytes before packing; of Parquet: 57 a candle, what the columns take in memory. */
int64_t dataset_plain_bytes(const DatasetWriter *w);

/* --- reading --- */

enum { DATASET_ENDED = 1, DATASET_FOREIGN = 2 };

typedef struct DatasetSource {
    ParquetReadAt *read_at;
    void *arg;
    int64_t size;
} DatasetSource;

typedef struct DatasetReader DatasetReader;
/* given: labels that the caller knows; the file's own win where they are there. May be NULL. 0, DATASET_FOREIGN (a
 * Parquet file of others), ErrCode. */
int dataset_reader_new(Ctx *cx, DatasetForm form, const DatasetSource *source, const SeriesKey *given,
                       DatasetReader **out);
void dataset_reader_free(DatasetReader *r);
DEFINE_CLEANUP(DatasetReader *, dataset_reader_free)
/* The next rows, as they stand in the file, into a heap table whose rows they replace. 0 (at least one row),
 * DATASET_ENDED, ERR_INVALID (a row that is none, with its line or number), ERR_CORRUPT. */
int dataset_next(DatasetReader *r, Ctx *cx, Candles *out);
/* What is known of the series; whole after the first rows. */
const SeriesKey *dataset_key(const DatasetReader *r);
