/* base/map.c - see map.h.
 *
 * Robin hood (Celis 1986): an entry far from its home slot takes the place of one nearer to its own, so that all
 * are about equally far. Then a search may stop at the first entry nearer home than the key would be, and a deletion
 * moves the following entries one back instead of leaving a tombstone. */

#include "base/map.h"

#include "base/hash.h"

enum { MAP_FIRST = 8, KIND_NONE = 0, KIND_STR, KIND_U64 };

struct MapSlot {
    uint64_t hash; /* 0 = free */
    union {
        Str str;
        uint64_t u64;
    } key;
    void *value;
};

void map_init(Map *m, uint64_t seed) {
    *m = (Map){ .seed = seed };
}

void map_done(Map *m) {
    mem_free(m->slots);
    *m = (Map){ .seed = m->seed };
}

void map_clear(Map *m) {
    if (m->slots)
        memset(m->slots, 0, m->cap * sizeof *m->slots);
    m->n = 0;
    m->kind = KIND_NONE;
}

static MapSlot slot_of_str(const Map *m, Str key) {
    uint64_t h = hash64_str(key, m->seed);
    return (MapSlot){ .hash = h ? h : 1, .key.str = key };
}

static MapSlot slot_of_u64(const Map *m, uint64_t key) {
    uint64_t h = hash64_u64(key, m->seed);
    return (MapSlot){ .hash = h ? h : 1, .key.u64 = key };
}

static bool same_key(const Map *m, const MapSlot *a, const MapSlot *b) {
    if (a->hash != b->hash)
        return false;
    return m->kind == KIND_U64 ? a->key.u64 == b->key.u64 : str_eq(a->key.str, b->key.str);
}

/* How far the entry in slot i is from home. */
static size_t distance(const Map *m, size_t i) {
    return (i - m->slots[i].hash) & (m->cap - 1);
}

static MapSlot *find(const Map *m, const MapSlot *want) {
    if (m->n == 0)
        return NULL;
    size_t mask = m->cap - 1, i = want->hash & mask;
    for (size_t d = 0; m->slots[i].hash && distance(m, i) >= d; d++, i = (i + 1) & mask)
        if (same_key(m, &m->slots[i], want))
            return &m->slots[i];
    return NULL;
}

/* Places a key that is not there; there is a free slot. */
static void insert(Map *m, MapSlot s) {
    size_t mask = m->cap - 1, i = s.hash & mask;
    for (size_t d = 0; m->slots[i].hash; d++, i = (i + 1) & mask) {
        size_t other = distance(m, i);
        if (other < d) {
            MapSlot displaced = m->slots[i];
            m->slots[i] = s;
            s = displaced;
            d = other;
        }
    }
    m->slots[i] = s;
    m->n++;
}

static void resize(Map *m, size_t cap) {
    MapSlot *old = m->slots;
    size_t old_cap = m->cap;
    m->slots = mem_new_n(MapSlot, cap);
    m->cap = cap;
    m->n = 0;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].hash)
            insert(m, old[i]);
    mem_free(old);
}

void map_reserve(Map *m, size_t n) {
    size_t cap = m->cap ? m->cap : MAP_FIRST;
    while (cap - cap / 8 < n)
        cap = mem_mul(cap, 2);
    if (cap > m->cap)
        resize(m, cap);
}

static void *put(Map *m, MapSlot s, void *value) {
    assert(value);
    MapSlot *found = find(m, &s);
    s.value = value;
    if (found) {
        void *before = found->value;
        *found = s;
        return before;
    }
    map_reserve(m, m->n + 1);
    insert(m, s);
    return NULL;
}

static void *del(Map *m, MapSlot s) {
    MapSlot *found = find(m, &s);
    if (!found)
        return NULL;
    void *value = found->value;
    size_t mask = m->cap - 1, hole = (size_t)(found - m->slots);
    for (size_t next = (hole + 1) & mask; m->slots[next].hash && distance(m, next) > 0; next = (next + 1) & mask) {
        m->slots[hole] = m->slots[next];
        hole = next;
    }
    m->slots[hole] = (MapSlot){ 0 };
    m->n--;
    return value;
}

static void *get(const Map *m, MapSlot s) {
    MapSlot *found = find(m, &s);
    return found ? found->value : NULL;
}

static void *put_kind(Map *m, uint8_t kind, MapSlot s, void *value) {
    assert(m->kind == KIND_NONE || m->kind == kind);
    m->kind = kind;
    return put(m, s, value);
}

void *map_get(const Map *m, Str key) {
    assert(m->kind != KIND_U64);
    return get(m, slot_of_str(m, key));
}

void *map_put(Map *m, Str key, void *value) {
    return put_kind(m, KIND_STR, slot_of_str(m, key), value);
}

void *map_del(Map *m, Str key) {
    assert(m->kind != KIND_U64);
    return del(m, slot_of_str(m, key));
}

void *map_get_u64(const Map *m, uint64_t key) {
    assert(m->kind != KIND_STR);
    return get(m, slot_of_u64(m, key));
}

void *map_put_u64(Map *m, uint64_t key, void *value) {
    return put_kind(m, KIND_U64, slot_of_u64(m, key), value);
}

void *map_del_u64(Map *m, uint64_t key) {
    assert(m->kind != KIND_STR);
    return del(m, slot_of_u64(m, key));
}

bool map_next(const Map *m, size_t *at, MapEntry *out) {
    for (; *at < m->cap; (*at)++) {
        const MapSlot *s = &m->slots[*at];
        if (!s->hash)
            continue;
        *out = (MapEntry){ .value = s->value };
        if (m->kind == KIND_U64)
            out->u64 = s->key.u64;
        else
            out->key = s->key.str;
        (*at)++;
        return true;
    }
    return false;
}
