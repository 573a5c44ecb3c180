#pragma once

/* adapters/store/sqlite_cache.h - decoded blocks of hot windows, bounded in bytes.
 *
 * Keyed by (series, bucket, revision of the block): a block that was rewritten has another revision, so nothing
 * is ever invalidated and nothing stale is ever found. Entries are shared, counted and immutable.
 * Least recently used out first. Threads: any. */

#include "core/candle.h"

typedef struct BlockCache BlockCache;

typedef struct BlockId {
    int64_t series_id, bucket, revision;
} BlockId;

BlockCache *block_cache_new(size_t max_bytes);
BlockCache *block_cache_free(BlockCache *c);
int64_t block_cache_clear(BlockCache *c); /* what no reader holds; returns the bytes given back */

/* The rows, pinned until block_cache_unpin; NULL when they are not here. */
const Candles *block_cache_pin(BlockCache *c, BlockId id);
/* Takes over heap rows and pins them; gives back those already here when another thread was first. */
const Candles *block_cache_put(BlockCache *c, BlockId id, Candles *rows);
void block_cache_unpin(BlockCache *c, const Candles *rows);
