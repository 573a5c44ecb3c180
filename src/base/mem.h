#pragma once

/* base/mem.h - heap memory for things with an identity of their own.
 *
 * Running out of memory aborts: no caller checks for NULL. Sizes that come from outside are bounded
 * by the caller (Buf, Arena) before they get here. Everything computed for one request lives in an
 * arena instead (base/arena.h). */

#include "base/defs.h"

void *mem_alloc(size_t size) NEVER_NULL;            /* not zeroed; size 0 gives a unique pointer */
void *mem_zalloc(size_t size) NEVER_NULL;           /* zeroed */
void *mem_realloc(void *p, size_t size) NEVER_NULL; /* p may be NULL */
void *mem_free(void *p);                            /* NULL is fine; returns NULL: p = mem_free(p) */

/* Gives what was freed back to the system, as far as the C library can: after work that took much memory for a moment. */
void mem_trim(void);
/* At most so many pools of free memory among the threads, instead of eight for each core: each keeps what its threads gave
 * back. Before the first thread. */
void mem_pools(int n);

/* n * size, or abort: a product that overflows is a bug of the caller. */
size_t mem_mul(size_t n, size_t size);

#define mem_new(T)      ((T *)mem_zalloc(sizeof(T)))
#define mem_new_n(T, n) ((T *)mem_zalloc(mem_mul((n), sizeof(T))))

static inline void mem_freep(void *p) { /* CLEANUP(mem_freep) char *line = ...; */
    void **slot = p;
    *slot = mem_free(*slot);
}
