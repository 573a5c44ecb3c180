#pragma once

/* adapters/cache/memory.h - a cache in this process: policy/memory_cache in shards, each under its own lock.
 *
 * A key's shard is by its hash, so readers of different keys seldom meet; what concerns a tag or a pattern asks all.
 * An entry over an eighth of a shard is refused. Time is the caller's clock (cx->clock). */

#include "ports/cache.h"

enum { CACHE_SHARDS = 4 };

Cache *cache_memory_new(size_t max_bytes, CachePolicy policy, uint64_t seed);
