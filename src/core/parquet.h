#pragma once

/* core/parquet.h - candles as Parquet: our own writer, and a reader for the files it writes.
 *
 * Columns: ts (TIMESTAMP millis UTC), open, high, low, close, volume (DOUBLE), known_at (TIMESTAMP millis UTC, null
 * where it is not known), flags (UINT_8, the bits of core/candle.h). Times and flags are DELTA_BINARY_PACKED, numbers
 * BYTE_STREAM_SPLIT (their like bytes side by side), pages zstd with a CRC; statistics with each column chunk, so that
 * readers skip row groups; the series and where it comes from in the key-value metadata. Every value comes back bit by
 * bit. pyarrow and DuckDB read it (docs/storage.md).
 * Files of others are an outcome (PARQUET_FOREIGN): DuckDB reads them, ports/sql_engine.h.
 *
 * Pure over bytes: the caller has the file. Memory: a writer or a reader holds one row group, about 12 MB, whatever the
 * size of the file. Threads: one writer or reader, one thread.
 * Source: github.com/apache/parquet-format, 2.10: parquet.thrift, Encodings.md. */

#include "base/buf.h"
#include "base/ctx.h"
#include "core/series.h"

enum {
    PARQUET_FOREIGN = 1,          /* Parquet, but not written here */
    PARQUET_GROUP_ROWS = 122880,  /* of a full row group: what DuckDB uses, so that its threads share the work */
    PARQUET_GROUPS_MAX = 1 << 16, /* eight thousand million candles */
};

/* --- writing --- */

typedef struct ParquetWriter ParquetWriter;

/* key: what the rows are of; an empty venue or symbol and no timeframe say that it is not known. */
ParquetWriter *parquet_writer_new(const SeriesKey *key);
void parquet_writer_free(ParquetWriter *w);
DEFINE_CLEANUP(ParquetWriter *, parquet_writer_free)

/* Appends the file's next bytes to out, which may be emptied between calls; nothing comes until a row group is full.
 * Rows in any order are taken; ours are ascending. 0 or ERR_LIMIT (out, or too many row groups). */
int parquet_put(ParquetWriter *w, const Candles *cs, size_t from, size_t n, Buf *out);
int parquet_end(ParquetWriter *w, Buf *out); /* the last rows and the footer */

/* --- reading --- */

/* Exactly n bytes from `at` on, or an ErrCode. */
typedef int ParquetReadAt(void *arg, Ctx *cx, int64_t at, size_t n, char *out);

typedef struct ParquetGroup {
    size_t n;         /* rows */
    Time first, last; /* least and greatest open time */
    int64_t at[8], size[8];
} ParquetGroup;

typedef struct ParquetReader ParquetReader;

/* Reads the footer. 0, PARQUET_FOREIGN, ERR_CORRUPT (not Parquet, damaged, cut short), or what read_at answers. */
int parquet_open(Ctx *cx, ParquetReadAt *read_at, void *arg, int64_t size, ParquetReader **out);
void parquet_reader_free(ParquetReader *r);
DEFINE_CLEANUP(ParquetReader *, parquet_reader_free)

const SeriesKey *parquet_key(const ParquetReader *r); /* what the writer was told */
int64_t parquet_rows(const ParquetReader *r);
size_t parquet_groups(const ParquetReader *r);
const ParquetGroup *parquet_group(const ParquetReader *r, size_t i);
/* Appends the rows of a group to a heap table, which grows. 0, ERR_CORRUPT with the column in the words. */
int parquet_read(ParquetReader *r, Ctx *cx, size_t group, Candles *out);
