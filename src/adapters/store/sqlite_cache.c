/* adapters/store/sqlite_cache.c - see sqlite_cache.h. */

#include "adapters/store/sqlite_cache.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"

#include <pthread.h>

typedef struct Entry {
    Candles rows; /* first: the pinned pointer leads back here */
    BlockId id;   /* the key's bytes */
    size_t bytes;
    int pins;
    ListNode lru; /* in no list while pinned */
} Entry;

struct BlockCache {
    pthread_mutex_t lock;
    Map entries;
    ListNode lru; /* oldest first */
    size_t bytes, max_bytes;
};

_Static_assert(sizeof(BlockId) == 24, "a key without padding");

static Str key_of(const BlockId *id) {
    return str_n((const char *)id, sizeof *id);
}

BlockCache *block_cache_new(size_t max_bytes) {
    BlockCache *c = mem_new(BlockCache);
    pthread_mutex_init(&c->lock, NULL);
    list_init(&c->lru);
    c->max_bytes = max_bytes;
    return c;
}

static void evict(BlockCache *c, Entry *e) {
    list_remove(&e->lru);
    map_del(&c->entries, key_of(&e->id));
    c->bytes -= e->bytes;
    candles_done_heap(&e->rows);
    mem_free(e);
}

BlockCache *block_cache_free(BlockCache *c) {
    if (!c)
        return NULL;
    while (!list_empty(&c->lru))
        evict(c, LIST_ENTRY(c->lru.next, Entry, lru));
    assert(c->entries.n == 0); /* an entry left is one that a reader still pins */
    map_done(&c->entries);
    pthread_mutex_destroy(&c->lock);
    return mem_free(c);
}

int64_t block_cache_clear(BlockCache *c) {
    pthread_mutex_lock(&c->lock);
    size_t had = c->bytes;
    while (!list_empty(&c->lru))
        evict(c, LIST_ENTRY(c->lru.next, Entry, lru));
    int64_t freed = (int64_t)(had - c->bytes);
    pthread_mutex_unlock(&c->lock);
    return freed;
}

static const Candles *pin(Entry *e) {
    e->pins++;
    list_remove(&e->lru);
    return &e->rows;
}

const Candles *block_cache_pin(BlockCache *c, BlockId id) {
    pthread_mutex_lock(&c->lock);
    Entry *e = map_get(&c->entries, key_of(&id));
    const Candles *rows = e ? pin(e) : NULL;
    pthread_mutex_unlock(&c->lock);
    return rows;
}

const Candles *block_cache_put(BlockCache *c, BlockId id, Candles *rows) {
    pthread_mutex_lock(&c->lock);
    Entry *e = map_get(&c->entries, key_of(&id));
    if (e) {
        candles_done_heap(rows);
    } else {
        e = mem_new(Entry);
        e->id = id;
        e->rows = *rows;
        e->bytes = sizeof *e + rows->cap * sizeof(Candle);
        map_put(&c->entries, key_of(&e->id), e);
        c->bytes += e->bytes;
        while (c->bytes > c->max_bytes && !list_empty(&c->lru))
            evict(c, LIST_ENTRY(c->lru.next, Entry, lru));
    }
    *rows = (Candles){ 0 };
    const Candles *pinned = pin(e);
    pthread_mutex_unlock(&c->lock);
    return pinned;
}

void block_cache_unpin(BlockCache *c, const Candles *rows) {
    Entry *e = CONTAINER_OF((Candles *)(uintptr_t)rows, Entry, rows);
    pthread_mutex_lock(&c->lock);
    if (--e->pins == 0) {
        list_push_back(&c->lru, &e->lru);
        if (c->bytes > c->max_bytes)
            evict(c, LIST_ENTRY(c->lru.next, Entry, lru));
    }
    pthread_mutex_unlock(&c->lock);
}
