/* base/mem.c - see mem.h. The only file that calls malloc. */

#include "base/mem.h"

#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>

static NORETURN void out_of_memory(size_t size) {
    fprintf(stderr, "finsight: out of memory (%zu bytes asked for)\n", size);
    abort();
}

void *mem_alloc(size_t size) {
    void *p = malloc(size ? size : 1);
    if (UNLIKELY(!p))
        out_of_memory(size);
    return p;
}

void *mem_zalloc(size_t size) {
    void *p = calloc(1, size ? size : 1);
    if (UNLIKELY(!p))
        out_of_memory(size);
    return p;
}

void *mem_realloc(void *p, size_t size) {
    void *q = realloc(p, size ? size : 1);
    if (UNLIKELY(!q))
        out_of_memory(size);
    return q;
}

void *mem_free(void *p) {
    free(p);
    return NULL;
}

size_t mem_mul(size_t n, size_t size) {
    size_t product;
    if (__builtin_mul_overflow(n, size, &product))
        out_of_memory(SIZE_MAX);
    return product;
}

void mem_pools(int n) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, n);
#else
    UNUSED(n);
#endif
}

void mem_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
