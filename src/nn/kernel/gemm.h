#pragma once

/* nn/kernel/gemm.h - matrix product: a tile of C in registers, columns in lanes, A broadcast.
 *
 * A tile is some rows by some vectors: with 32 registers 6 x 4 sums, 4 vectors of B and a broadcast; 8 rows where a strip is
 * narrower. Products deeper than DEPTH are cut, so that the strip of B a tile walks (DEPTH x 4 vectors) stays in the first
 * caches. Where enough rows use a strip, it is copied together once, unless B's rows are an odd number of cache lines
 * (nn_ld): others would fall on each other in the cache. */

#include "nn/kernel/kernels.h"
#include "nn/kernel/simd.h"

#if LANES == 16
enum { ROWS = 8, VECTORS = 4 }; /* most of each */
#else
enum { ROWS = 4, VECTORS = 3 };
#endif
enum { DEPTH = 256, PACK_ROWS = 24, LINE = 16 };

/* rows x vectors of C at c; the last vector has `tail` lanes. Every argument that shapes the code is a constant where it is
 * called. */
INLINE void gemm_tile(int rows, int vectors, const Gemm *g, float *c, const float *a, const float *bias, size_t tail) {
    VF sum[ROWS][VECTORS];
    UNROLL for (int i = 0; i < rows; i++) {
        VF first = vf_all(bias ? bias[i] : 0);
        UNROLL for (int q = 0; q < vectors; q++) {
            sum[i][q] = first;
            if (!g->add) /* comes from far away while the sums are taken */
                __builtin_prefetch(c + i * g->ldc + q * LANES, 1);
            else
                sum[i][q] += q == vectors - 1 ? vf_load_n(c + i * g->ldc + q * LANES, tail)
                                              : vf_load(c + i * g->ldc + q * LANES);
        }
    }
    const float *b = g->b;
    size_t a_row = g->a_row, a_col = g->a_col, ldb = g->ldb;
    UNROLL4 for (size_t p = 0; p < g->k; p++, b += ldb, a += a_col) {
        VF x[VECTORS];
        UNROLL for (int q = 0; q < vectors; q++) x[q] =
            q == vectors - 1 && tail < LANES ? vf_load_n(b + q * LANES, tail) : vf_load(b + q * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            VF w = vf_all(a[i * a_row]);
            UNROLL for (int q = 0; q < vectors; q++) sum[i][q] += w * x[q];
        }
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int q = 0; q < vectors; q++) {
        if (q == vectors - 1)
            vf_store_n(c + i * g->ldc + q * LANES, sum[i][q], tail);
        else
            vf_store(c + i * g->ldc + q * LANES, sum[i][q]);
    }
}

/* How many rows go in tiles of six: 4 + 4 are left at the end rather than 6 + 2. */
INLINE size_t rows_in_sixes(size_t m) {
    return (m % 6 == 2 && m >= 8 ? m - 8 : m) / 6 * 6;
}

/* All rows of a strip of `vectors` columns. */
INLINE void gemm_strip(int vectors, const Gemm *g, size_t tail) {
    size_t i = 0;
#define GEMM_ROWS(rows)                                                                                                \
    for (; i + (rows) <= g->m; i += (rows))                                                                            \
        gemm_tile(rows, vectors, g, g->c + i * g->ldc, g->a + i * g->a_row, g->bias ? g->bias + i : NULL, tail);
#if LANES == 16
    if (vectors < VECTORS) {
        GEMM_ROWS(8)
    } else {
        for (size_t most = rows_in_sixes(g->m); i < most; i += 6)
            gemm_tile(6, vectors, g, g->c + i * g->ldc, g->a + i * g->a_row, g->bias ? g->bias + i : NULL, tail);
    }
#endif
    GEMM_ROWS(4)
    GEMM_ROWS(2)
    GEMM_ROWS(1)
#undef GEMM_ROWS
}

/* One strip of columns at full height, at most DEPTH deep. Whole vectors have code of their own, without masks. */
static void gemm_columns(const Gemm *g) {
    size_t vectors = (g->n + LANES - 1) / LANES, tail = g->n - (vectors - 1) * LANES;
    if (g->n == VECTORS * LANES)
        gemm_strip(VECTORS, g, LANES);
#if LANES == 16
    else if (vectors == 4)
        gemm_strip(4, g, tail);
#endif
    else if (vectors == 3 && tail == LANES)
        gemm_strip(3, g, LANES);
    else if (vectors == 3)
        gemm_strip(3, g, tail);
    else if (vectors == 2)
        gemm_strip(2, g, tail);
    else
        gemm_strip(1, g, tail);
}

/* Rows of B that a strip uses, one behind the other, the last vector filled with zeros. */
static void gemm_pack(const Gemm *g, float *out) {
    for (size_t p = 0; p < g->k; p++)
        for (size_t q = 0; q < VECTORS; q++) {
            size_t left = g->n > q * LANES ? MIN(g->n - q * LANES, (size_t)LANES) : 0;
            vf_store(out + (p * VECTORS + q) * LANES, vf_load_n(g->b + p * g->ldb + (left ? q * LANES : 0), left));
        }
}

static void simd_gemm(const Gemm *all) {
    float strip[DEPTH * VECTORS * LANES] __attribute__((aligned(64)));
    const size_t width = VECTORS * LANES;
    bool pack = all->m >= PACK_ROWS && all->n > width && all->ldb % (2 * LINE) != LINE;
    for (size_t j = 0; j < all->n; j += width)
        for (size_t p = 0; p < all->k || p == 0; p += DEPTH) {
            Gemm g = *all;
            g.n = MIN(width, all->n - j);
            g.k = MIN((size_t)DEPTH, all->k - p);
            g.a += p * g.a_col;
            g.b += p * g.ldb + j;
            g.c += j;
            if (p > 0) {
                g.bias = NULL;
                g.add = true;
            }
            if (pack) {
                gemm_pack(&g, strip);
                g.b = strip;
                g.ldb = width;
            }
            gemm_columns(&g);
        }
}
