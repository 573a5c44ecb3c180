#pragma once

/* base/map.h - a hash map from Str or from uint64_t to a pointer.
 *
 * Open addressing with robin-hood probing and backward-shift deletion: no tombstones, short probes up to the
 * load of 7/8. One map has keys of one kind, fixed by its first put. Str keys are borrowed: their bytes must
 * live as long as the entry, most simply as a field of the value. Values are never NULL, so that NULL always
 * means "not there".
 *
 * Memory: owns its slots only. Threads: many readers or one writer. Bounds: the caller's. */

#include "base/str.h"

typedef struct MapSlot MapSlot;

typedef struct Map {
    size_t n;      /* entries */
    uint64_t seed; /* random where keys come from outside */
    /* private */
    MapSlot *slots;
    size_t cap; /* 0 or a power of two */
    uint8_t kind;
} Map;

void map_init(Map *m, uint64_t seed); /* an all-zero Map is a valid empty one with seed 0 */
void map_done(Map *m);
void map_clear(Map *m); /* keeps the memory */
void map_reserve(Map *m, size_t n);

void *map_get(const Map *m, Str key);        /* NULL if it is not there */
void *map_put(Map *m, Str key, void *value); /* the value replaced, or NULL; the key is replaced too */
void *map_del(Map *m, Str key);              /* the value removed, or NULL */
void *map_get_u64(const Map *m, uint64_t key);
void *map_put_u64(Map *m, uint64_t key, void *value);
void *map_del_u64(Map *m, uint64_t key);

typedef struct MapEntry {
    Str key;      /* of a Str map */
    uint64_t u64; /* of a uint64_t map */
    void *value;
} MapEntry;

/* Every entry once, in no order: for (size_t at = 0; map_next(&m, &at, &e);). No put or delete meanwhile. */
bool map_next(const Map *m, size_t *at, MapEntry *out);
