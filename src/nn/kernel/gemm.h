#pragma once

/* nn/kernel/gemm.h - matrix product: a tile of C in registers, columns in lanes, A broadcast.
 *
 * A tile is ROWS x VECTORS vectors: with 32 registers 8 x 3 sums, 3 vectors of B and a broadcast. Products deeper than
 * DEPTH are cut, so that the strip of B a tile walks (DEPTH x 3 vectors) stays in the first caches; the strip is copied
 * together once where enough rows use it, since rows of B that lie a power of two apart would fall on each other in the
 * cache. */

#include "nn/kernel/kernels.h"
#include "nn/kernel/simd.h"

#if LANES == 16
enum { ROWS = 8, VECTORS = 3 };
#else
enum { ROWS = 4, VECTORS = 3 };
#endif
enum { DEPTH = 256, PACK_ROWS = 24 };

/* rows x vectors of C at c; the last vector has `tail` lanes. Every argument that shapes the code is a constant where it is
 * called. */
INLINE void gemm_tile(int rows, int vectors, const Gemm *g, float *c, const float *a, const float *bias, size_t tail) {
    VF sum[ROWS][VECTORS];
    UNROLL for (int i = 0; i < rows; i++) {
        VF first = vf_all(bias ? bias[i] : 0);
        UNROLL for (int q = 0; q < vectors; q++) {
            sum[i][q] = first;
            if (g->add)
                sum[i][q] += q == vectors - 1 ? vf_load_n(c + i * g->ldc + q * LANES, tail)
                                              : vf_load(c + i * g->ldc + q * LANES);
        }
    }
    const float *b = g->b;
    size_t a_row = g->a_row, a_col = g->a_col, ldb = g->ldb;
    for (size_t p = 0; p < g->k; p++, b += ldb, a += a_col) {
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

/* All rows of a strip of `vectors` columns. */
INLINE void gemm_strip(int vectors, const Gemm *g, size_t tail) {
    size_t i = 0;
#define GEMM_ROWS(rows)                                                                                                \
    for (; i + (rows) <= g->m; i += (rows))                                                                            \
        gemm_tile(rows, vectors, g, g->c + i * g->ldc, g->a + i * g->a_row, g->bias ? g->bias + i : NULL, tail);
    GEMM_ROWS(ROWS)
#if LANES == 16
    GEMM_ROWS(4)
#endif
    GEMM_ROWS(2)
    GEMM_ROWS(1)
#undef GEMM_ROWS
}

/* One strip of columns at full height, at most DEPTH deep. Whole vectors have code of their own, without masks. */
static void gemm_columns(const Gemm *g) {
    size_t vectors = (g->n + LANES - 1) / LANES, tail = g->n - (vectors - 1) * LANES;
    if (g->n == VECTORS * LANES)
        gemm_strip(VECTORS, g, LANES);
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
    bool pack = all->m >= PACK_ROWS && all->n > width;
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
