#pragma once

/* base/vec.h - a typed growing array: VEC(Row) rows = { 0 };
 *
 * Heap memory, owned by whoever owns the struct. n is the count, v the items. For arrays that live
 * in an arena use vec_push_in, which never frees. Bounded by the caller, who knows the limit. */

#include "base/arena.h"

#define VEC(T)                                                                                                         \
    struct {                                                                                                           \
        T *v;                                                                                                          \
        size_t n, cap;                                                                                                 \
    }

#define vec_push(vec, item)                                                                                            \
    do {                                                                                                               \
        if ((vec)->n == (vec)->cap) {                                                                                  \
            (vec)->cap = (vec)->cap ? (vec)->cap * 2 : 8;                                                              \
            (vec)->v = mem_realloc((vec)->v, mem_mul((vec)->cap, sizeof *(vec)->v));                                   \
        }                                                                                                              \
        (vec)->v[(vec)->n++] = (item);                                                                                 \
    } while (0)

#define vec_push_in(arena, vec, item)                                                                                  \
    do {                                                                                                               \
        if ((vec)->n == (vec)->cap) {                                                                                  \
            size_t had_ = (vec)->cap * sizeof *(vec)->v;                                                               \
            (vec)->cap = (vec)->cap ? (vec)->cap * 2 : 8;                                                              \
            (vec)->v = arena_grow((arena), (vec)->v, had_, mem_mul((vec)->cap, sizeof *(vec)->v));                     \
        }                                                                                                              \
        (vec)->v[(vec)->n++] = (item);                                                                                 \
    } while (0)

#define vec_done(vec)                                                                                                  \
    do {                                                                                                               \
        (vec)->v = mem_free((vec)->v);                                                                                 \
        (vec)->n = (vec)->cap = 0;                                                                                     \
    } while (0)

#define VEC_FOR(it, vec) for (__typeof__((vec)->v) it = (vec)->v; it < (vec)->v + (vec)->n; it++)
