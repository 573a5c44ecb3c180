#pragma once

/* adapters/store/block.h - about 1,440 candles in one compressed, self-checking blob.
 *
 * Lossless for every double, bit for bit: -0, subnormals, NaN payloads. The same rows always give the same
 * bytes. Nothing in a blob is trusted: a decode of hostile bytes ends in ERR_CORRUPT, within bounds.
 *
 * Version 1, little-endian:
 *     u8 version, u8 0, u16 n, u32 crc32c of all other bytes, i64 first open time, then these columns:
 *     time    varint unit, varint least step; planes of (step / unit - least)           n - 1 values
 *     price   u8 kind, u8 decimals, varint unit, i64 first open; planes of
 *                 open  - previous close        (the first: 0)
 *                 close - open
 *                 high  - max(open, close)
 *                 min(open, close) - low                                                n values each
 *     volume  u8 kind, u8 decimals, varint unit; planes of the value                    n values
 *     known   u8 mode (KNOWN_*), i64 first; planes of differences                       n - 1 values
 *     flags   planes                                                                    n values
 * A price or volume is an integer: see block_scale.h. Planes: see block_planes.h. Integers wrap at 64 bits,
 * so every bit pattern has its residual.
 *
 * Threads: one codec, one thread. */

#include "base/buf.h"
#include "core/candle.h"

enum {
    BLOCK_ROWS = 1440,      /* of a full block on the grid: one day of minutes */
    BLOCK_ROWS_MAX = 16384, /* off-grid series may put more rows into the span of a block */
    BLOCK_VERSION = 1,
};

typedef struct BlockCodec BlockCodec;

BlockCodec *block_codec_new(void);
BlockCodec *block_codec_free(BlockCodec *z); /* NULL is fine; returns NULL */

/* Appends the blob of rows [from, from + n) to *out; 1 <= n <= BLOCK_ROWS_MAX. 0, or ERR_LIMIT by *out. */
int block_encode(BlockCodec *z, const Candles *rows, size_t from, size_t n, Buf *out);
/* Number of rows the blob claims: 0 when it is too short or of another version. */
size_t block_rows(Str blob);
/* Appends the rows to *out, which must have room for block_rows(blob). 0, ERR_CORRUPT (sum or content),
 * ERR_VERSION (a newer format). *out->n changes only on 0. */
int block_decode(BlockCodec *z, Str blob, Candles *out);
