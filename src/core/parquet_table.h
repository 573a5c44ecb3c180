#pragma once

/* core/parquet_table.h - a table of named columns as a Parquet file: results of backtests, for notebooks and DuckDB.
 *
 * The columns lie in memory, the file comes in row groups of PARQUET_GROUP_ROWS. Numbers are BYTE_STREAM_SPLIT, integers and
 * times DELTA_BINARY_PACKED, texts PLAIN; pages zstd with a CRC, as those of candles (parquet.h). Every value comes back
 * bit by bit. Nothing here reads such files again: DuckDB and pyarrow do.
 * Pure. Threads: one call, one thread. */

#include "base/buf.h"

typedef enum TableType { TABLE_F64, TABLE_I64, TABLE_TIME, TABLE_TEXT } TableType;

typedef struct TableColumn {
    const char *name;
    TableType type;
    bool optional; /* nulls: NaN, TABLE_NULL, a text whose p is NULL */
    const void *v; /* double, int64_t, int64_t (ms since 1970, UTC) or Str, one a row */
} TableColumn;
#define TABLE_NULL INT64_MIN

typedef struct TableLabel { /* of the file's key-value metadata */
    Str key, value;
} TableLabel;

enum { TABLE_FILE_COLUMNS = 256 };

typedef struct ColumnTable {
    const TableColumn *columns;
    size_t n_columns, n_rows;
    const TableLabel *labels;
    size_t n_labels;
} ColumnTable;

/* Appends the whole file. 0 or ERR_LIMIT (out, or a row group of more than 256 MB). */
int parquet_table_write(const ColumnTable *t, Buf *out);
/* The same rows as CSV with a header: times in ISO-8601, nulls empty, lines as RFC 4180 ends them. 0 or ERR_LIMIT. */
int table_write_csv(const ColumnTable *t, Buf *out);
