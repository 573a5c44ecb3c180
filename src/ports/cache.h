#pragma once

/* ports/cache.h - values by key for a while, in this process or shared with others.
 *
 * Adapters:  adapters/cache/{memory,redis}.  Used by: services/cache.
 * Values:    CacheBlobs (policy/memory_cache.h), counted references; entries are fresh for ttl_ms, then stale for
 *            stale_ms, then gone; both counted from the put.
 * Threads:   every call may come from any thread.
 * Nothing here is durable, and an entry may be gone at any time: no caller may depend on finding one.
 * Contract:  tests/contract/cache.c runs against every adapter.
 *
 * A shared cache answers ERR_UNAVAILABLE or ERR_TIMEOUT when it cannot be reached: services/cache turns that into a
 * slower answer. Callers use the cache_* wrappers: they check both sides. */

#include "base/ctx.h"
#include "policy/memory_cache.h"

typedef struct Cache Cache;

enum { CACHE_VALUE_MAX = 32 << 20 };

typedef struct CacheStats {
    int64_t entries, bytes, max_bytes; /* -1: the adapter cannot say */
    int64_t hits, misses;              /* of this process */
    int64_t errors;                    /* calls that failed */
    int64_t evicted, dropped;
    int64_t connections, reused; /* of a shared one: open now; calls that found one open */
} CacheStats;

typedef struct CacheOps {
    const char *name;
    /* *found is set; out only when it is not CACHE_MISS. */
    int (*get)(Cache *c, Ctx *cx, Str key, CacheFound *found, CacheHit *out);
    /* 0, CACHE_REFUSED (too large for it). Takes a reference of its own. */
    int (*put)(Cache *c, Ctx *cx, const CacheEntry *e, CacheBlob *value);
    /* Each sets *n to how many entries went. */
    int (*drop)(Cache *c, Ctx *cx, Str key, size_t *n);
    int (*drop_range)(Cache *c, Ctx *cx, Str tag, Time from, Time to, size_t *n);
    int (*drop_pattern)(Cache *c, Ctx *cx, Str pattern, size_t *n);
    void (*stats)(Cache *c, CacheStats *out);
    void (*close)(Cache *c);
} CacheOps;

/* Tests make calls fail: asked at the start of each ("get", "put", "drop"). 0 = go on. */
typedef int CacheFault(void *arg, Ctx *cx, const char *point);

struct Cache { /* the first member of every adapter's own struct */
    const CacheOps *ops;
    CacheFault *fault; /* NULL outside of tests */
    void *fault_arg;
};

void cache_set_fault(Cache *c, CacheFault *fn, void *arg);

/* 0 with *found, or ErrCode. A hit's value is a reference the caller gives back. */
int cache_get(Cache *c, Ctx *cx, Str key, CacheFound *found, CacheHit *out);
int cache_put(Cache *c, Ctx *cx, const CacheEntry *e, CacheBlob *value);
int cache_drop(Cache *c, Ctx *cx, Str key, size_t *n);
int cache_drop_tag(Cache *c, Ctx *cx, Str tag, size_t *n);
/* Entries with the tag whose range meets [from, to). */
int cache_drop_range(Cache *c, Ctx *cx, Str tag, Time from, Time to, size_t *n);
/* Glob over keys as cache_key_match reads it; "*" is all of this platform's. */
int cache_drop_pattern(Cache *c, Ctx *cx, Str pattern, size_t *n);
void cache_stats(Cache *c, CacheStats *out);
Cache *cache_close(Cache *c); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Cache *, cache_close)
