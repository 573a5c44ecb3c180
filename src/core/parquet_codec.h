#pragma once

/* core/parquet_codec.h - the encodings of our Parquet files, both ways, and what their writer and reader share.
 *
 * Encoders append to a Buf whose limit the caller chose large enough. Decoders read exactly n values from bytes that
 * may be anything, and answer false for what is not n values and nothing behind them. */

#include "base/buf.h"

enum { PARQUET_COLUMNS = 8, PARQUET_DOUBLES = 5 };

typedef enum ParquetType { PARQUET_INT32 = 1, PARQUET_INT64 = 2, PARQUET_DOUBLE = 5, PARQUET_BYTES = 6 } ParquetType;
typedef enum ParquetEncoding {
    PARQUET_PLAIN = 0,
    PARQUET_RLE = 3,
    PARQUET_DELTA = 5,
    PARQUET_SPLIT = 9
} ParquetEncoding;
enum { PARQUET_ZSTD = 6, PARQUET_REQUIRED = 0, PARQUET_OPTIONAL = 1 };

typedef struct ParquetColumn {
    const char *name;
    ParquetType type;
    ParquetEncoding encoding;
    bool optional;
} ParquetColumn;
extern const ParquetColumn PARQUET_SCHEMA[PARQUET_COLUMNS]; /* ts, five doubles, known_at, flags */

/* DELTA_BINARY_PACKED: blocks of 128 values in 4 miniblocks; a steady step costs nothing. */
void delta_encode(const int64_t *v, size_t n, Buf *out);
bool delta_decode(Str bytes, size_t n, int64_t *out);

/* BYTE_STREAM_SPLIT: the first bytes of all values, the second bytes, … */
void split_encode(const double *v, size_t n, uint8_t *out); /* 8 * n bytes */
void split_decode(const uint8_t *bytes, size_t n, double *out);

/* Definition levels of one bit, RLE runs behind their length: present[i] is 0 or 1. */
void levels_encode(const uint8_t *present, size_t n, Buf *out);
/* Takes the levels off the front of *bytes. *n_present counts the ones. */
bool levels_decode(Str *bytes, size_t n, uint8_t *present, size_t *n_present);

/* --- parquet_parts.c: what the writers of candles and of tables have in common --- */

/* The header of a data page of n rows, before its packed bytes; its size. */
size_t parquet_put_page_head(Buf *out, size_t n, ParquetEncoding encoding, size_t plain, Str packed);
void parquet_put_pair(Buf *footer, Str key, Str value);
/* Who wrote it and the order of the columns, into the footer; then the footer behind the pages. 0 or ERR_LIMIT. */
int parquet_put_tail(Buf *footer, int *last, size_t n_columns, Buf *out);
