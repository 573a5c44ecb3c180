#pragma once

/* policy/memory_cache.h - bytes by key, in so many bytes of memory and no more.
 *
 * Two policies. CACHE_LRU gives up what was used longest ago, exactly in that order. CACHE_TINYLFU (the standard;
 * Einziger, Friedman, Manes: TinyLFU, 2017) keeps what is asked for often: new entries live in a small LRU window, and
 * one that leaves it enters the main part only if a sketch of recent frequencies says it is wanted more than what it
 * would push out. A scan of keys asked for once therefore pushes out nothing that is hot.
 *
 * Expiry: an entry is fresh for ttl_ms, then stale for stale_ms (served while somebody fetches it anew, or when nobody
 * can), then gone. Time is monotonic and passed in.
 *
 * Invalidation: by key, by tag (a surrogate key: "series:17"), by tag and range (only entries whose [from, to) meets it:
 * CAC-09), by glob pattern, or everything. A loader that read before an invalidation must not store after it: it takes
 * memory_cache_token before it reads, and a put with the token is refused if anything the entry depends on was
 * invalidated meanwhile (CAC-13).
 *
 * Values are CacheBlobs: immutable, counted; a hit is a reference, valid as long as its holder wants, also after
 * eviction and on another thread. Bytes held by readers only are not the cache's any more and not counted.
 *
 * Threads: one, or under the caller's lock (adapters/cache/memory has shards with locks); blobs are any thread's. */

#include "base/str.h"
#include "base/time.h"

#include <stdatomic.h>

/* --- values --- */

typedef struct CacheBlob {
    _Atomic uint32_t refs;
    uint32_t flags; /* the caller's: an encoding, a media type */
    size_t n;
    char bytes[];
} CacheBlob;

CacheBlob *cache_blob_new(size_t n); /* one reference, bytes to be filled before anyone else sees it */
CacheBlob *cache_blob_of(Str bytes); /* a copy */
CacheBlob *cache_blob_ref(CacheBlob *b);
CacheBlob *cache_blob_unref(CacheBlob *b); /* NULL is fine; returns NULL */
static inline Str cache_blob_str(const CacheBlob *b) {
    return (Str){ b->bytes, b->n };
}

/* --- the cache --- */

typedef enum CachePolicy { CACHE_TINYLFU, CACHE_LRU } CachePolicy;
enum { CACHE_KEY_MAX = 1024, CACHE_TAGS_MAX = 16 };

typedef struct MemoryCacheOptions {
    size_t max_bytes; /* keys, values and their book-keeping; never exceeded */
    CachePolicy policy;
    uint64_t seed; /* of the hash; not guessable where keys come from outside */
} MemoryCacheOptions;

typedef struct MemoryCache MemoryCache;
MemoryCache *memory_cache_new(const MemoryCacheOptions *o);
MemoryCache *memory_cache_free(MemoryCache *c);

typedef struct CacheEntry {
    Str key; /* 1 .. CACHE_KEY_MAX bytes */
    int64_t ttl_ms, stale_ms;
    const Str *tags; /* at most CACHE_TAGS_MAX */
    size_t n_tags;
    Time from, to; /* the range the value speaks of, [from, to); both ms 0 = all of time */
} CacheEntry;

typedef struct CacheToken {
    uint64_t at;
} CacheToken;
/* Now, in invalidations. Take it before reading what the value is made of. */
CacheToken memory_cache_token(const MemoryCache *c);

enum { CACHE_REFUSED = 1 }; /* not stored: larger than the cache allows, or invalidated since the token */
/* Takes a reference of its own. token NULL = the value depends on nothing that is invalidated. An entry over an eighth of
 * max_bytes is refused. A put that TinyLFU does not admit is still a success: it was the first to be given up. */
int memory_cache_put(MemoryCache *c, const CacheEntry *e, CacheBlob *value, const CacheToken *token, MonoNs now);

typedef enum CacheFound { CACHE_MISS, CACHE_FRESH, CACHE_STALE } CacheFound;
typedef struct CacheHit {
    CacheBlob *value; /* a reference for the caller */
    int64_t age_ms;   /* since the put */
    int64_t left_ms;  /* fresh for; <= 0 when stale */
} CacheHit;
CacheFound memory_cache_get(MemoryCache *c, Str key, MonoNs now, CacheHit *out);
bool memory_cache_has(const MemoryCache *c, Str key, MonoNs now); /* fresh; counts nothing, moves nothing */

/* Each returns how many entries went. */
size_t memory_cache_drop(MemoryCache *c, Str key);
size_t memory_cache_drop_tag(MemoryCache *c, Str tag);
size_t memory_cache_drop_range(MemoryCache *c, Str tag, Time from, Time to); /* [from, to) */
size_t memory_cache_drop_pattern(MemoryCache *c, Str pattern);               /* cache_key_match; walks all keys */
size_t memory_cache_clear(MemoryCache *c);
/* Frees up to `most` expired entries; puts do a little of it by themselves. */
size_t memory_cache_sweep(MemoryCache *c, size_t most, MonoNs now);

typedef struct MemoryCacheStats {
    size_t bytes, max_bytes, entries;
    uint64_t hits, stale_hits, misses, puts, evicted, expired, dropped, refused;
} MemoryCacheStats;
void memory_cache_stats(const MemoryCache *c, MemoryCacheStats *out);

/* For tests: keys in the order in which they would be given up (LRU only), into out; returns how many there are. */
size_t memory_cache_order(const MemoryCache *c, Str *out, size_t most);
