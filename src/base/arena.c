/* base/arena.c - see arena.h. Chunks form a stack; only the top one has free room. */

#include "base/arena.h"

#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST = 4096, ARENA_MAX_CHUNK = 4 << 20 };

struct ArenaChunk {
    ArenaChunk *below;
    size_t size; /* of data */
    _Alignas(ARENA_ALIGN) char data[];
};

void arena_init(Arena *a, size_t limit) {
    *a = (Arena){ .limit = limit };
}

void arena_done(Arena *a) {
    while (a->chunk) {
        ArenaChunk *below = a->chunk->below;
        mem_free(a->chunk);
        a->chunk = below;
    }
    *a = (Arena){ .limit = a->limit };
}

void arena_reset(Arena *a) {
    ArenaChunk *keep = NULL;
    while (a->chunk) {
        ArenaChunk *below = a->chunk->below;
        if (!keep || a->chunk->size > keep->size) {
            mem_free(keep);
            keep = a->chunk;
        } else {
            mem_free(a->chunk);
        }
        a->chunk = below;
    }
    if (keep)
        keep->below = NULL;
    *a = (Arena){ .limit = a->limit, .chunk = keep };
}

static void push_chunk(Arena *a, size_t need) {
    size_t size = a->chunk ? MIN(a->chunk->size * 2, (size_t)ARENA_MAX_CHUNK) : ARENA_FIRST;
    size = MAX(size, need);
    ArenaChunk *c = mem_alloc(sizeof *c + size);
    c->below = a->chunk;
    c->size = size;
    a->chunk = c;
    a->at = 0;
}

void *arena_alloc(Arena *a, size_t size) {
    size_t need = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    assert(need >= size);
    if (!a->chunk || a->chunk->size - a->at < need)
        push_chunk(a, need);
    void *p = a->chunk->data + a->at;
    a->at += need;
    a->used += need;
    return p;
}

void *arena_try(Arena *a, size_t size) {
    if (a->limit && (a->used >= a->limit || size > a->limit - a->used))
        return NULL;
    return arena_alloc(a, size);
}

void *arena_zalloc(Arena *a, size_t size) {
    return memset(arena_alloc(a, size), 0, size);
}

void *arena_grow(Arena *a, void *old, size_t old_size, size_t size) {
    assert(size >= old_size && (old || old_size == 0));
    size_t had = (old_size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    size_t need = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    bool last = old && a->chunk && a->at >= had && (char *)old == a->chunk->data + (a->at - had);
    if (last && a->chunk->size - a->at >= need - had) {
        a->at += need - had;
        a->used += need - had;
        return old;
    }
    void *p = arena_alloc(a, size);
    if (old_size)
        memcpy(p, old, old_size);
    return p;
}

ArenaMark arena_mark(const Arena *a) {
    return (ArenaMark){ a->chunk, a->at, a->used };
}

void arena_rewind(Arena *a, ArenaMark mark) {
    while (a->chunk != mark.chunk) {
        assert(a->chunk);
        ArenaChunk *below = a->chunk->below;
        mem_free(a->chunk);
        a->chunk = below;
    }
    a->at = mark.at;
    a->used = mark.used;
}
