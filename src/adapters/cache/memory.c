/* adapters/cache/memory.c - see memory.h. */

#include "adapters/cache/memory.h"

#include "base/hash.h"

#include <pthread.h>

typedef struct Shard {
    pthread_mutex_t lock;
    MemoryCache *cache;
} Shard;

typedef struct MemoryAdapter {
    Cache base; /* first */
    uint64_t seed;
    Shard shards[CACHE_SHARDS];
} MemoryAdapter;

static Shard *shard_lock(Cache *c, Str key) {
    MemoryAdapter *m = (MemoryAdapter *)c;
    Shard *s = &m->shards[hash64_str(key, ~m->seed) % CACHE_SHARDS];
    pthread_mutex_lock(&s->lock);
    return s;
}

static void shard_unlock(Shard *s) {
    pthread_mutex_unlock(&s->lock);
}

static int get(Cache *c, Ctx *cx, Str key, CacheFound *found, CacheHit *out) {
    MonoNs now = clock_mono(cx->clock);
    Shard *s = shard_lock(c, key);
    *found = memory_cache_get(s->cache, key, now, out);
    shard_unlock(s);
    return 0;
}

static int put(Cache *c, Ctx *cx, const CacheEntry *e, CacheBlob *value) {
    MonoNs now = clock_mono(cx->clock);
    Shard *s = shard_lock(c, e->key);
    int r = memory_cache_put(s->cache, e, value, NULL, now);
    shard_unlock(s);
    return r;
}

static int drop(Cache *c, Ctx *cx, Str key, size_t *n) {
    UNUSED(cx);
    Shard *s = shard_lock(c, key);
    *n = memory_cache_drop(s->cache, key);
    shard_unlock(s);
    return 0;
}

static int drop_range(Cache *c, Ctx *cx, Str tag, Time from, Time to, size_t *n) {
    UNUSED(cx);
    MemoryAdapter *m = (MemoryAdapter *)c;
    *n = 0;
    for (int i = 0; i < CACHE_SHARDS; i++) {
        pthread_mutex_lock(&m->shards[i].lock);
        *n += memory_cache_drop_range(m->shards[i].cache, tag, from, to);
        shard_unlock(&m->shards[i]);
    }
    return 0;
}

static int drop_pattern(Cache *c, Ctx *cx, Str pattern, size_t *n) {
    UNUSED(cx);
    MemoryAdapter *m = (MemoryAdapter *)c;
    *n = 0;
    for (int i = 0; i < CACHE_SHARDS; i++) {
        pthread_mutex_lock(&m->shards[i].lock);
        *n += memory_cache_drop_pattern(m->shards[i].cache, pattern);
        shard_unlock(&m->shards[i]);
    }
    return 0;
}

static void stats(Cache *c, CacheStats *out) {
    MemoryAdapter *m = (MemoryAdapter *)c;
    *out = (CacheStats){ 0 };
    for (int i = 0; i < CACHE_SHARDS; i++) {
        MemoryCacheStats st;
        pthread_mutex_lock(&m->shards[i].lock);
        memory_cache_stats(m->shards[i].cache, &st);
        shard_unlock(&m->shards[i]);
        out->entries += (int64_t)st.entries;
        out->bytes += (int64_t)st.bytes;
        out->max_bytes += (int64_t)st.max_bytes;
        out->hits += (int64_t)(st.hits + st.stale_hits);
        out->misses += (int64_t)st.misses;
        out->evicted += (int64_t)st.evicted;
        out->dropped += (int64_t)st.dropped;
    }
}

static void close_memory(Cache *c) {
    MemoryAdapter *m = (MemoryAdapter *)c;
    for (int i = 0; i < CACHE_SHARDS; i++) {
        memory_cache_free(m->shards[i].cache);
        pthread_mutex_destroy(&m->shards[i].lock);
    }
    mem_free(m);
}

static const CacheOps ops = { .name = "memory",
                              .get = get,
                              .put = put,
                              .drop = drop,
                              .drop_range = drop_range,
                              .drop_pattern = drop_pattern,
                              .stats = stats,
                              .close = close_memory };

Cache *cache_memory_new(size_t max_bytes, CachePolicy policy, uint64_t seed) {
    MemoryAdapter *m = mem_new(MemoryAdapter);
    m->base.ops = &ops;
    m->seed = seed;
    for (int i = 0; i < CACHE_SHARDS; i++) {
        MemoryCacheOptions o = { .max_bytes = max_bytes / CACHE_SHARDS, .policy = policy, .seed = seed };
        m->shards[i].cache = memory_cache_new(&o);
        pthread_mutex_init(&m->shards[i].lock, NULL);
    }
    return &m->base;
}
