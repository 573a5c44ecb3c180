/* policy/memory_cache.c - see memory_cache.h.
 *
 * TinyLFU here is the W-TinyLFU of the paper in the sizes of Caffeine: a window of 1 % of the bytes, and a main part of
 * which 80 % is for entries that were asked for again (protected) and the rest for the others (probation). The LRU
 * policy uses the window's list for everything. */

#include "policy/memory_cache.h"

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "policy/cache_key.h"
#include "policy/sketch.h"

/* What malloc and the bucket cost an item, about. */
enum { ITEM_OVERHEAD = 40, TAG_OVERHEAD = 96 };
/* Buckets and sketch follow the bytes allowed: one entry in so many bytes is expected. */
enum { BYTES_AN_ENTRY = 512, BUCKETS_MIN = 64, BUCKETS_MAX = 1 << 20 };
enum { TOKEN_SLOTS = 1024, SWEEP_A_PUT = 2 };

/* --- values --- */

CacheBlob *cache_blob_new(size_t n) {
    assert(n < SIZE_MAX - sizeof(CacheBlob));
    CacheBlob *b = mem_alloc(sizeof *b + n);
    atomic_init(&b->refs, 1);
    b->flags = 0;
    b->n = n;
    return b;
}

CacheBlob *cache_blob_of(Str bytes) {
    CacheBlob *b = cache_blob_new(bytes.n);
    if (bytes.n)
        memcpy(b->bytes, bytes.p, bytes.n);
    return b;
}

CacheBlob *cache_blob_ref(CacheBlob *b) {
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

CacheBlob *cache_blob_unref(CacheBlob *b) {
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        mem_free(b);
    return NULL;
}

/* --- items --- */

typedef enum Segment { WINDOW, PROBATION, PROTECTED, SEGMENTS } Segment;

typedef struct Item Item;

typedef struct Tag {
    ListNode items; /* of TagLinks */
    size_t name_n;
    char name[];
} Tag;

typedef struct TagLink {
    ListNode node;
    Item *item;
    Tag *tag;
} TagLink;

struct Item {
    Item *next; /* in the bucket */
    uint64_t hash;
    ListNode used; /* in the segment's list: most recent first */
    CacheBlob *value;
    int64_t put_ns, fresh_ns, dead_ns;
    Time from, to;
    size_t cost;
    Segment segment;
    uint32_t key_n, n_tags;
    TagLink tags[]; /* and then the key */
};

struct MemoryCache {
    MemoryCacheOptions o;
    size_t n_buckets;
    Item **buckets;
    size_t hand; /* bucket that is swept next */
    ListNode lists[SEGMENTS];
    size_t in[SEGMENTS]; /* bytes */
    size_t window_max, protected_max;
    Map tags;
    Sketch sketch;
    /* Invalidations: their count, the count when everything was one, and by hash of key or tag the last. */
    uint64_t seq, all_at, at[TOKEN_SLOTS];
    MemoryCacheStats stats;
};

static char *item_key_at(Item *it) {
    return (char *)(void *)&it->tags[it->n_tags];
}

static Str item_key(Item *it) {
    return (Str){ item_key_at(it), it->key_n };
}

MemoryCache *memory_cache_new(const MemoryCacheOptions *o) {
    MemoryCache *c = mem_new(MemoryCache);
    c->o = *o;
    c->n_buckets = BUCKETS_MIN;
    while (c->n_buckets < BUCKETS_MAX && c->n_buckets * BYTES_AN_ENTRY < o->max_bytes)
        c->n_buckets *= 2;
    c->buckets = mem_new_n(Item *, c->n_buckets);
    for (int s = 0; s < SEGMENTS; s++)
        list_init(&c->lists[s]);
    map_init(&c->tags, o->seed);
    c->stats.max_bytes = o->max_bytes;
    c->stats.bytes = sizeof *c + c->n_buckets * sizeof *c->buckets;
    if (o->policy == CACHE_TINYLFU) {
        sketch_init(&c->sketch, c->n_buckets);
        c->stats.bytes += c->n_buckets * sizeof *c->sketch.words;
        c->window_max = o->max_bytes / 100;
        c->protected_max = (o->max_bytes - c->window_max) / 10 * 8;
    }
    return c;
}

MemoryCache *memory_cache_free(MemoryCache *c) {
    if (!c)
        return NULL;
    memory_cache_clear(c);
    map_done(&c->tags);
    sketch_done(&c->sketch);
    mem_free(c->buckets);
    return mem_free(c);
}

static Item **bucket_of(const MemoryCache *c, uint64_t hash) {
    return &c->buckets[hash & (c->n_buckets - 1)];
}

static Item *item_find(const MemoryCache *c, Str key, uint64_t hash) {
    for (Item *it = *bucket_of(c, hash); it; it = it->next)
        if (it->hash == hash && str_eq(item_key(it), key))
            return it;
    return NULL;
}

static void place(MemoryCache *c, Item *it, Segment s) {
    it->segment = s;
    list_push_front(&c->lists[s], &it->used);
    c->in[s] += it->cost;
}

static void unplace(MemoryCache *c, Item *it) {
    list_remove(&it->used);
    c->in[it->segment] -= it->cost;
}

static void move(MemoryCache *c, Item *it, Segment s) {
    unplace(c, it);
    place(c, it, s);
}

static Item *last_used(const MemoryCache *c, Segment s) {
    return list_empty(&c->lists[s]) ? NULL : LIST_ENTRY(c->lists[s].prev, Item, used);
}

/* --- tags --- */

static Str tag_name(const Tag *t) {
    return (Str){ t->name, t->name_n };
}

static size_t tag_cost(size_t name_n) {
    return sizeof(Tag) + name_n + TAG_OVERHEAD;
}

static void tags_link(MemoryCache *c, Item *it, const Str *names) {
    for (uint32_t i = 0; i < it->n_tags; i++) {
        Tag *t = map_get(&c->tags, names[i]);
        if (!t) {
            t = mem_alloc(sizeof *t + names[i].n);
            *t = (Tag){ .name_n = names[i].n };
            list_init(&t->items);
            if (names[i].n)
                memcpy(t->name, names[i].p, names[i].n);
            map_put(&c->tags, tag_name(t), t);
            c->stats.bytes += tag_cost(t->name_n);
        }
        it->tags[i] = (TagLink){ .item = it, .tag = t };
        list_push_back(&t->items, &it->tags[i].node);
    }
}

static void tags_unlink(MemoryCache *c, Item *it) {
    for (uint32_t i = 0; i < it->n_tags; i++) {
        Tag *t = it->tags[i].tag;
        list_remove(&it->tags[i].node);
        if (!list_empty(&t->items))
            continue;
        c->stats.bytes -= tag_cost(t->name_n);
        map_del(&c->tags, tag_name(t));
        mem_free(t);
    }
}

/* Takes the item out of everything and gives it back to the heap. */
static void item_remove(MemoryCache *c, Item *it) {
    for (Item **at = bucket_of(c, it->hash);; at = &(*at)->next)
        if (*at == it) {
            *at = it->next;
            break;
        }
    unplace(c, it);
    tags_unlink(c, it);
    c->stats.bytes -= it->cost;
    c->stats.entries--;
    cache_blob_unref(it->value);
    mem_free(it);
}

/* --- who is given up --- */

static void evict(MemoryCache *c, Item *it) {
    c->stats.evicted++;
    item_remove(c, it);
}

/* One entry goes. The window's oldest, if the window is to shrink, has to be wanted more than the main part's oldest. */
static void evict_one(MemoryCache *c, size_t coming) {
    Item *candidate = last_used(c, WINDOW), *victim = last_used(c, PROBATION);
    if (!victim)
        victim = last_used(c, PROTECTED);
    bool window_shrinks = candidate && c->in[WINDOW] + coming > c->window_max;
    if (!victim) {
        evict(c, candidate);
    } else if (!window_shrinks) {
        evict(c, victim);
    } else if (sketch_estimate(&c->sketch, candidate->hash) > sketch_estimate(&c->sketch, victim->hash)) {
        evict(c, victim);
        move(c, candidate, PROBATION);
    } else {
        evict(c, candidate);
    }
}

static void make_room(MemoryCache *c, size_t bytes) {
    while (c->stats.entries && c->stats.bytes + bytes > c->o.max_bytes)
        evict_one(c, bytes);
}

/* The window keeps to its size while the main part has room. */
static void settle(MemoryCache *c) {
    if (c->o.policy == CACHE_LRU)
        return;
    for (Item *it; c->in[WINDOW] > c->window_max && (it = last_used(c, WINDOW));)
        if (&it->used == c->lists[WINDOW].next)
            break; /* the newest stays, however large */
        else
            move(c, it, PROBATION);
}

static void touch(MemoryCache *c, Item *it) {
    move(c, it, it->segment == PROBATION ? PROTECTED : it->segment);
    for (Item *last; c->in[PROTECTED] > c->protected_max && (last = last_used(c, PROTECTED)) != it;)
        move(c, last, PROBATION);
}

/* --- invalidation's memory --- */

CacheToken memory_cache_token(const MemoryCache *c) {
    return (CacheToken){ c->seq };
}

static uint64_t *token_slot(MemoryCache *c, uint64_t hash) {
    return &c->at[hash % TOKEN_SLOTS];
}

static bool invalidated_since(MemoryCache *c, const CacheEntry *e, uint64_t key_hash, CacheToken t) {
    if (c->all_at > t.at || *token_slot(c, key_hash) > t.at)
        return true;
    for (size_t i = 0; i < e->n_tags; i++)
        if (*token_slot(c, hash64_str(e->tags[i], c->o.seed)) > t.at)
            return true;
    return false;
}

/* --- put and get --- */

static int64_t add_ms(int64_t ns, int64_t ms) {
    int64_t out;
    if (__builtin_mul_overflow(ms, NS_PER_MS, &out) || __builtin_add_overflow(ns, out, &out))
        return INT64_MAX;
    return out;
}

static Item *item_make(const CacheEntry *e, CacheBlob *value, uint64_t hash, size_t cost, MonoNs now) {
    Item *it = mem_alloc(sizeof *it + e->n_tags * sizeof(TagLink) + e->key.n);
    bool whole = e->from.ms == 0 && e->to.ms == 0;
    *it = (Item){ .hash = hash,
                  .value = cache_blob_ref(value),
                  .put_ns = now.ns,
                  .fresh_ns = add_ms(now.ns, e->ttl_ms),
                  .from = whole ? TIME_MIN : e->from,
                  .to = whole ? TIME_MAX : e->to,
                  .cost = cost,
                  .key_n = (uint32_t)e->key.n,
                  .n_tags = (uint32_t)e->n_tags };
    it->dead_ns = add_ms(it->fresh_ns, e->stale_ms);
    memcpy(item_key_at(it), e->key.p, e->key.n);
    return it;
}

/* The entry's tags without those that stand there before. */
static size_t distinct(const CacheEntry *e, Str *out) {
    size_t n = 0;
    for (size_t i = 0; i < e->n_tags; i++) {
        size_t j = 0;
        while (j < n && !str_eq(out[j], e->tags[i]))
            j++;
        if (j == n)
            out[n++] = e->tags[i];
    }
    return n;
}

int memory_cache_put(MemoryCache *c, const CacheEntry *entry, CacheBlob *value, const CacheToken *token, MonoNs now) {
    assert(entry->key.n >= 1 && entry->key.n <= CACHE_KEY_MAX && entry->n_tags <= CACHE_TAGS_MAX);
    assert(entry->ttl_ms >= 0 && entry->stale_ms >= 0);
    Str names[CACHE_TAGS_MAX];
    CacheEntry own = *entry, *e = &own;
    own.tags = names;
    own.n_tags = distinct(entry, names);
    uint64_t hash = hash64_str(e->key, c->o.seed);
    Item *before = item_find(c, e->key, hash);
    Segment s = before ? before->segment : WINDOW;
    size_t cost = sizeof(Item) + e->n_tags * sizeof(TagLink) + e->key.n + ITEM_OVERHEAD + sizeof *value + value->n;
    size_t tags = 0; /* what they cost if they are new: room is made for that */
    for (size_t i = 0; i < e->n_tags; i++)
        tags += tag_cost(e->tags[i].n);
    if (cost + tags > c->o.max_bytes / 8 || (token && invalidated_since(c, e, hash, *token))) {
        c->stats.refused++;
        if (before && !token) /* the newer value did not fit: the older one is not it */
            item_remove(c, before);
        return CACHE_REFUSED;
    }
    if (before)
        item_remove(c, before);
    memory_cache_sweep(c, SWEEP_A_PUT, now);
    if (c->o.policy == CACHE_TINYLFU)
        sketch_add(&c->sketch, hash, c->stats.entries);
    make_room(c, cost + tags);
    Item *it = item_make(e, value, hash, cost, now);
    it->next = *bucket_of(c, hash);
    *bucket_of(c, hash) = it;
    place(c, it, s);
    tags_link(c, it, e->tags);
    c->stats.bytes += cost;
    c->stats.entries++;
    c->stats.puts++;
    settle(c);
    return 0;
}

CacheFound memory_cache_get(MemoryCache *c, Str key, MonoNs now, CacheHit *out) {
    uint64_t hash = hash64_str(key, c->o.seed);
    Item *it = item_find(c, key, hash);
    if (it && now.ns >= it->dead_ns) {
        c->stats.expired++;
        item_remove(c, it);
        it = NULL;
    }
    if (!it) {
        c->stats.misses++;
        return CACHE_MISS;
    }
    if (c->o.policy == CACHE_TINYLFU) /* a miss is counted by the put that follows */
        sketch_add(&c->sketch, hash, c->stats.entries);
    touch(c, it);
    bool fresh = now.ns < it->fresh_ns;
    if (fresh)
        c->stats.hits++;
    else
        c->stats.stale_hits++;
    *out = (CacheHit){ .value = cache_blob_ref(it->value),
                       .age_ms = MAX(0, now.ns - it->put_ns) / NS_PER_MS,
                       .left_ms = (it->fresh_ns - now.ns) / NS_PER_MS };
    return fresh ? CACHE_FRESH : CACHE_STALE;
}

bool memory_cache_has(const MemoryCache *c, Str key, MonoNs now) {
    const Item *it = item_find(c, key, hash64_str(key, c->o.seed));
    return it && now.ns < it->fresh_ns;
}

/* --- invalidation --- */

size_t memory_cache_drop(MemoryCache *c, Str key) {
    uint64_t hash = hash64_str(key, c->o.seed);
    *token_slot(c, hash) = ++c->seq;
    Item *it = item_find(c, key, hash);
    if (!it)
        return 0;
    c->stats.dropped++;
    item_remove(c, it);
    return 1;
}

size_t memory_cache_drop_range(MemoryCache *c, Str tag, Time from, Time to) {
    *token_slot(c, hash64_str(tag, c->o.seed)) = ++c->seq;
    Tag *t = map_get(&c->tags, tag);
    size_t n = 0;
    /* The tag goes with its last item, so what comes next is known before the item is removed. */
    for (ListNode *node = t ? t->items.next : NULL; node && node != &t->items;) {
        Item *it = LIST_ENTRY(node, TagLink, node)->item;
        ListNode *next = node->next;
        bool last = next == &t->items, only = last && t->items.next == node;
        if (time_before(it->from, to) && time_before(from, it->to)) {
            item_remove(c, it);
            n++;
            if (only)
                break;
        }
        node = next;
    }
    c->stats.dropped += n;
    return n;
}

size_t memory_cache_drop_tag(MemoryCache *c, Str tag) {
    return memory_cache_drop_range(c, tag, TIME_MIN, TIME_MAX);
}

static size_t drop_where(MemoryCache *c, const Str *pattern) {
    c->all_at = ++c->seq;
    size_t n = 0;
    for (size_t b = 0; b < c->n_buckets; b++)
        for (Item *it = c->buckets[b], *next; it; it = next) {
            next = it->next;
            if (pattern && !cache_key_match(*pattern, item_key(it)))
                continue;
            item_remove(c, it);
            n++;
        }
    c->stats.dropped += n;
    return n;
}

size_t memory_cache_drop_pattern(MemoryCache *c, Str pattern) {
    return drop_where(c, &pattern);
}

size_t memory_cache_clear(MemoryCache *c) {
    return drop_where(c, NULL);
}

size_t memory_cache_sweep(MemoryCache *c, size_t most, MonoNs now) {
    size_t n = 0;
    for (size_t looked = 0; looked < most && looked < c->n_buckets; looked++) {
        for (Item *it = c->buckets[c->hand], *next; it; it = next) {
            next = it->next;
            if (now.ns < it->dead_ns)
                continue;
            item_remove(c, it);
            n++;
        }
        c->hand = (c->hand + 1) & (c->n_buckets - 1);
    }
    c->stats.expired += n;
    return n;
}

/* --- to be looked at --- */

void memory_cache_stats(const MemoryCache *c, MemoryCacheStats *out) {
    *out = c->stats;
}

size_t memory_cache_order(const MemoryCache *c, Str *out, size_t most) {
    size_t n = 0;
    for (const ListNode *node = c->lists[WINDOW].prev; node != &c->lists[WINDOW]; node = node->prev, n++)
        if (n < most)
            out[n] = item_key(LIST_ENTRY(node, Item, used));
    return n;
}
