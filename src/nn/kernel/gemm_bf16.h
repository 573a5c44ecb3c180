#pragma once

/* nn/kernel/gemm_bf16.h - the matrix product with operands rounded to bfloat16 and sums in floats: twice the work an
 * instruction, three significant digits an operand.
 *
 * The instruction multiplies pairs: acc[lane] += a[2i] b[2i][lane] + a[2i+1] b[2i+1][lane]. So both operands are packed by
 * pairs along the depth: A's rows as 32-bit pairs to broadcast, B's rows two by two with lanes interleaved. Small products
 * stay in floats. Only for who asks for these kernels by name: training that must equal PyTorch's floats does not. */

#include "nn/kernel/gemm.h"

#ifdef __AVX512BF16__

enum { BF16_ROWS = 384, BF16_LEAST = 16, PAIRS = DEPTH / 2 };

typedef uint32_t Pair; /* two bfloat16, the lower half first along the depth */

/* low's lanes in the lower halves, high's in the upper ones. */
INLINE VU bf16_pairs(VF low, VF high) {
    static const uint16_t order[32] = { 0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31 };
    __m512i both = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
    return (VU)_mm512_permutexvar_epi16(_mm512_loadu_si512(order), both);
}

/* B's strip: (pairs, VECTORS) vectors, zeros beyond its columns and below its last row. */
static void bf16_pack_b(const Gemm *g, Pair *out) {
    for (size_t p = 0; p < g->k; p += 2)
        for (size_t q = 0; q < VECTORS; q++, out += LANES) {
            size_t left = g->n > q * LANES ? MIN(g->n - q * LANES, (size_t)LANES) : 0;
            const float *b = g->b + p * g->ldb + (left ? q * LANES : 0);
            VU v = bf16_pairs(vf_load_n(b, left), p + 1 < g->k ? vf_load_n(b + g->ldb, left) : (VF){ 0 });
            memcpy(out, &v, sizeof v);
        }
}

/* A as (m, pairs) where its rows are contiguous, as (pairs, m) where its columns are; *row and *col say which. */
static void bf16_pack_a(const Gemm *g, Pair *out, size_t *row, size_t *col) {
    size_t pairs = (g->k + 1) / 2;
    if (g->a_col == 1) {
        *row = pairs, *col = 1;
        for (size_t i = 0; i < g->m; i++)
            for (size_t p = 0; p < pairs; p += LANES) {
                const float *a = g->a + i * g->a_row + 2 * p;
                size_t left = g->k - 2 * p, first = MIN(left, (size_t)LANES), second = MIN(left - first, (size_t)LANES);
                VF low = vf_load_n(a, first), high = vf_load_n(a + (second ? LANES : 0), second);
                __m512i v = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
                _mm512_mask_storeu_epi32(out + i * pairs + p, (__mmask16)((1u << MIN(pairs - p, (size_t)LANES)) - 1),
                                         v);
            }
        return;
    }
    *row = 1, *col = g->m;
    for (size_t p = 0; p < pairs; p++)
        for (size_t i = 0; i < g->m; i += LANES) {
            size_t left = MIN((size_t)LANES, g->m - i);
            const float *a = g->a + i + 2 * p * g->a_col;
            VU v = bf16_pairs(vf_load_n(a, left), 2 * p + 1 < g->k ? vf_load_n(a + g->a_col, left) : (VF){ 0 });
            _mm512_mask_storeu_epi32(out + p * g->m + i, (__mmask16)((1u << left) - 1), (__m512i)v);
        }
}

INLINE void bf16_tile(int rows, const Gemm *g, const Pair *a, size_t row, size_t col, const Pair *b, size_t i) {
    VF sum[ROWS][VECTORS];
    float *c = g->c + i * g->ldc;
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int q = 0; q < VECTORS; q++) sum[r][q] =
        vf_all(g->bias ? g->bias[i + (size_t)r] : 0);
    for (size_t p = 0; p < (g->k + 1) / 2; p++, b += VECTORS * LANES, a += col) {
        __m512bh x[VECTORS];
        UNROLL for (int q = 0; q < VECTORS; q++) x[q] = (__m512bh)_mm512_load_si512(b + q * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            __m512bh w = (__m512bh)_mm512_set1_epi32((int)a[(size_t)r * row]);
            UNROLL for (int q = 0; q < VECTORS; q++) sum[r][q] = (VF)_mm512_dpbf16_ps((__m512)sum[r][q], w, x[q]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++) UNROLL for (int q = 0; q < VECTORS; q++) {
        size_t left = g->n > (size_t)q * LANES ? MIN(g->n - (size_t)q * LANES, (size_t)LANES) : 0;
        float *at = c + (size_t)r * g->ldc + (left ? q * LANES : 0);
        vf_store_n(at, g->add ? vf_load_n(at, left) + sum[r][q] : sum[r][q], left);
    }
}

static void bf16_strip(const Gemm *g, const Pair *a, size_t row, size_t col, const Pair *b) {
    size_t i = 0;
    for (size_t most = rows_in_sixes(g->m); i < most; i += 6)
        bf16_tile(6, g, a + i * row, row, col, b, i);
    for (; i + 4 <= g->m; i += 4)
        bf16_tile(4, g, a + i * row, row, col, b, i);
    for (; i + 2 <= g->m; i += 2)
        bf16_tile(2, g, a + i * row, row, col, b, i);
    for (; i < g->m; i++)
        bf16_tile(1, g, a + i * row, row, col, b, i);
}

/* A block of rows and depth that fits the packed buffers. */
static void bf16_block(Gemm g) {
    Pair a[BF16_ROWS * PAIRS] __attribute__((aligned(64))), b[PAIRS * VECTORS * LANES] __attribute__((aligned(64)));
    size_t row, col, n = g.n;
    bf16_pack_a(&g, a, &row, &col);
    for (size_t j = 0; j < n; j += VECTORS * LANES) {
        g.n = MIN((size_t)(VECTORS * LANES), n - j);
        bf16_pack_b(&g, b);
        bf16_strip(&g, a, row, col, b);
        g.b += VECTORS * LANES;
        g.c += VECTORS * LANES;
    }
}

static void bf16_gemm(const Gemm *all) {
    if (all->m < BF16_LEAST || all->n < BF16_LEAST || all->k < BF16_LEAST || (all->a_col != 1 && all->a_row != 1)) {
        simd_gemm(all);
        return;
    }
    for (size_t i = 0; i < all->m; i += BF16_ROWS)
        for (size_t p = 0; p < all->k; p += DEPTH) {
            Gemm g = *all;
            g.m = MIN((size_t)BF16_ROWS, all->m - i);
            g.k = MIN((size_t)DEPTH, all->k - p);
            g.a += i * g.a_row + p * g.a_col;
            g.b += p * g.ldb;
            g.c += i * g.ldc;
            g.bias = p == 0 && g.bias ? g.bias + i : NULL;
            g.add = g.add || p > 0;
            bf16_block(g);
        }
}

#endif
