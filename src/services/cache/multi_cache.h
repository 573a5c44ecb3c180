#pragma once

/* services/cache/multi_cache.h - the documents' MultiLevelCache (CAC-01, CAC-02): memory of this process in front of a
 * cache shared with others.
 *
 * get asks the first level, then the second, and puts what it finds there into the first; put and drop go to both. An
 * answer lives in the second level as long as its kind says (policy/cache_key.h), and in the first at most l1_ms of it.
 *
 * The second level may fail: a call that fails is a miss, a breaker (policy: fast) keeps a dead server from costing every
 * request its time-out, and no error reaches the caller. A drop that could not be told is owed: until the second level has
 * taken it, nothing is read from or written to it, so that it cannot bring back what was dropped.
 *
 * Threads: any. Blocks for the second level: never from a loop. */

#include "base/log.h"
#include "base/metrics.h"
#include "policy/breaker.h"
#include "policy/cache_key.h"
#include "ports/cache.h"

typedef struct MultiCache MultiCache;

/* What the user of the cache knows of its values; each may be NULL. */
typedef struct MultiCacheValues {
    /* May this still be told? What may not counts as not found. */
    bool (*accept)(void *arg, Ctx *cx, const CacheBlob *value);
    /* Tags and range of a value that comes from the second level into the first; the key and lives are set. Without it
     * such an entry has no tags there, and goes with its key, a pattern or its time. Texts in cx->arena. */
    void (*describe)(void *arg, Ctx *cx, const CacheBlob *value, CacheEntry *e);
    void *arg;
} MultiCacheValues;

typedef struct MultiCacheOptions {
    Cache *l1; /* borrowed */
    Cache *l2; /* borrowed; NULL = there is none */
    CacheTtls ttls;
    MultiCacheValues values;
    int64_t stale_ms; /* kept beyond its life, for when nothing else can be had; 0 = not */
    Clock *clock;
    Logger *log;      /* NULL = silent */
    Metrics *metrics; /* NULL = none */
} MultiCacheOptions;

MultiCache *multi_cache_new(const MultiCacheOptions *o);
MultiCache *multi_cache_free(MultiCache *m);

typedef enum CacheLevel { CACHE_NOWHERE, CACHE_L1, CACHE_L2 } CacheLevel;

/* Where it was found; *out is then a reference with its age. What is stale counts only if the caller takes it. */
CacheLevel multi_cache_get(MultiCache *m, Ctx *cx, Str key, bool take_stale, CacheHit *out);
/* e's lives are set from kind and immutable. shared: the second level gets it, too. */
void multi_cache_put(MultiCache *m, Ctx *cx, CacheKind kind, bool immutable, bool shared, const CacheEntry *e,
                     CacheBlob *value);
/* Each gives how many entries of the first level went. */
size_t multi_cache_drop(MultiCache *m, Ctx *cx, Str key);
size_t multi_cache_drop_range(MultiCache *m, Ctx *cx, Str tag, Time from, Time to);
size_t multi_cache_drop_pattern(MultiCache *m, Ctx *cx, Str pattern); /* "*" is everything */
/* The first level alone: quick enough for a commit. */
size_t multi_cache_drop_range_l1(MultiCache *m, Ctx *cx, Str tag, Time from, Time to);
size_t multi_cache_drop_l1(MultiCache *m, Ctx *cx, Str key);

typedef struct MultiCacheStats {
    int64_t hits_l1, hits_l2, misses;
    int64_t l2_errors, l2_refused; /* calls that failed; that the breaker kept away */
    int64_t owed;                  /* drops the second level has not taken yet */
    CacheStats l1, l2;
    bool has_l2, l2_open; /* the breaker is open */
} MultiCacheStats;
void multi_cache_stats(MultiCache *m, MultiCacheStats *out);
