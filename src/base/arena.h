#pragma once

/* base/arena.h - memory that follows a request or a job.
 *
 * Allocate freely, free once. An all-zero Arena is valid, empty and unlimited. Chunks grow
 * geometrically, so that n small allocations cost O(log n) calls of malloc. Nothing in an arena
 * outlives it or crosses a thread; what must travel is copied.
 *
 * arena_alloc never returns NULL (the process aborts when memory is gone). Sizes that come from
 * outside use arena_try, which answers NULL past the arena's limit; the caller says ERR_LIMIT.
 * Threads: one arena, one thread. */

#include "base/defs.h"

typedef struct ArenaChunk ArenaChunk;

typedef struct Arena {
    size_t limit; /* bytes handed out at most by arena_try; 0 = no limit */
    size_t used;  /* bytes handed out since init or the last reset */
    /* private */
    ArenaChunk *chunk; /* newest chunk, allocations come from here */
    size_t at;         /* first free byte of chunk */
} Arena;

typedef struct ArenaMark {
    ArenaChunk *chunk;
    size_t at, used;
} ArenaMark;

void arena_init(Arena *a, size_t limit);
void arena_done(Arena *a);  /* frees everything; the arena may be used again */
void arena_reset(Arena *a); /* empties it, keeps the largest chunk for the next request */

/* Aligned to 16 bytes, not zeroed. */
void *arena_alloc(Arena *a, size_t size) NEVER_NULL;
/* The same, but NULL when `used` would pass `limit`. */
void *arena_try(Arena *a, size_t size);
void *arena_zalloc(Arena *a, size_t size) NEVER_NULL;
/* Grows an allocation; in place when it is the arena's last one. old may be NULL with old_size 0. */
void *arena_grow(Arena *a, void *old, size_t old_size, size_t size) NEVER_NULL;

/* Scratch: everything allocated after the mark is given back by the rewind. */
ArenaMark arena_mark(const Arena *a);
void arena_rewind(Arena *a, ArenaMark mark);

#define arena_new(a, T)      ((T *)arena_zalloc((a), sizeof(T)))
#define arena_new_n(a, T, n) ((T *)arena_zalloc((a), mem_mul((n), sizeof(T))))

#include "base/mem.h"
