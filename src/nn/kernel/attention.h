#pragma once

/* nn/kernel/attention.h - softmax attention of one head over one window, forward and backward.
 *
 * The matrix of weights is kept transposed, (key j, query t), queries in lanes: the softmax over keys runs down the rows,
 * lane by lane, without sums across lanes. It never leaves the first caches; the backward pass works it out again. Products
 * are gemm_columns and simd_gemm of gemm.h; only the scores, sums over several layers' products, have a loop of their own. */

#include "nn/kernel/gemm.h"
#include "nn/kernel/maps.h"
#include "nn/kernel/vmath.h"

enum { SCORE_VECTORS = 3 }; /* a tile's: a window's 42 tokens fit it */

/* Scores of keys j .. j + keys, queries t .. t + vectors * LANES (the last vector with `tail` lanes, zeros beyond). */
INLINE void score_tile(int keys, int vectors, const NnAttention *a, size_t j, size_t t, size_t tail, float *out,
                       size_t ldo) {
    VF sum[ROWS][SCORE_VECTORS] = { { { 0 } } };
    for (size_t m = 0; m < a->n_scores; m++) {
        const float *q = a->q[m] + t, *k = a->k[m] + j;
        for (size_t d = 0; d < a->width; d++, q += a->ld, k += a->ld) {
            VF x[SCORE_VECTORS];
            UNROLL for (int i = 0; i < vectors; i++) x[i] =
                i == vectors - 1 && tail < LANES ? vf_load_n(q + i * LANES, tail) : vf_load(q + i * LANES);
            UNROLL for (int r = 0; r < keys; r++) {
                VF w = vf_all(k[r]);
                UNROLL for (int i = 0; i < vectors; i++) sum[r][i] += w * x[i];
            }
        }
    }
    UNROLL for (int r = 0; r < keys; r++) UNROLL for (int i = 0; i < vectors; i++)
        vf_store(out + (j + (size_t)r) * ldo + t + i * LANES, sum[r][i]);
}

INLINE void score_strip(int vectors, const NnAttention *a, size_t t, size_t tail, float *out, size_t ldo) {
    size_t j = 0;
#define SCORE_ROWS(keys)                                                                                               \
    for (; j + (keys) <= a->tokens; j += (keys))                                                                       \
        score_tile(keys, vectors, a, j, t, tail, out, ldo);
    SCORE_ROWS(ROWS)
#if LANES == 16
    SCORE_ROWS(4)
#endif
    SCORE_ROWS(2)
    SCORE_ROWS(1)
#undef SCORE_ROWS
}

/* out (tokens, ldo), whole vectors, zero beyond the tokens. */
static void scores(const NnAttention *a, float *out, size_t ldo) {
    for (size_t t = 0; t < a->tokens; t += SCORE_VECTORS * LANES) {
        size_t left = a->tokens - t, vectors = MIN((left + LANES - 1) / LANES, (size_t)SCORE_VECTORS);
        size_t tail = MIN(left - (vectors - 1) * LANES, (size_t)LANES);
        if (vectors == 3 && tail == LANES)
            score_strip(3, a, t, LANES, out, ldo);
        else if (vectors == 3)
            score_strip(3, a, t, tail, out, ldo);
        else if (vectors == 2)
            score_strip(2, a, t, tail, out, ldo);
        else
            score_strip(1, a, t, tail, out, ldo);
    }
}

/* Scores in p become e^(scale (score - the query's largest)); one_over (ldp) gets 1 / their sum over keys. */
static void softmax_parts(const NnAttention *a, float *p, size_t ldp, float *one_over) {
    for (size_t t = 0; t < a->tokens; t += LANES) {
        VF most = vf_load(p + t), sum = { 0 };
        for (size_t j = 1; j < a->tokens; j++)
            most = vf_max(most, vf_load(p + j * ldp + t));
        VF shift = most * -a->scale;
        for (size_t j = 0; j < a->tokens; j++) {
            VF e = vf_exp(vf_load(p + j * ldp + t) * a->scale + shift);
            vf_store(p + j * ldp + t, e);
            sum += e;
        }
        vf_store(one_over + t, 1.f / sum);
    }
}

static void simd_attention(const NnAttention *a) {
    size_t ld = NN_ATTENTION_LD(a->tokens);
    float *p = a->scratch, *one_over = p + 4 * ld * ld;
    scores(a, p, ld);
    softmax_parts(a, p, ld, one_over);
    simd_gemm(&(Gemm){ .m = a->width,
                       .n = a->tokens,
                       .k = a->tokens,
                       .a = a->v,
                       .a_row = a->ld,
                       .a_col = 1,
                       .b = p,
                       .ldb = ld,
                       .c = a->o,
                       .ldc = a->ld });
    for (size_t t = 0; t < a->tokens; t += LANES) {
        size_t left = MIN((size_t)LANES, a->tokens - t);
        VF w = vf_load(one_over + t);
        for (size_t d = 0; d < a->width; d++)
            vf_store_n(a->o + d * a->ld + t, vf_load_n(a->o + d * a->ld + t, left) * w, left);
    }
}

/* p: parts of the softmax in, weights out; ds: slopes of the weights in, of the scores out. The slope of a score is
 * weight * (slope of the weight - the query's mean of those), and what later layers carry back. */
static void softmax_back(const NnAttentionBack *b, float *p, float *ds, size_t ld, float *one_over) {
    const NnAttention *a = &b->f;
    const float *in = b->carry_in;
    float *out = b->carry_out, *mean = one_over + ld;
    for (size_t t = 0; t < a->tokens; t += LANES) {
        size_t left = MIN((size_t)LANES, a->tokens - t);
        VF sum = { 0 };
        for (size_t d = 0; d < a->width; d++)
            sum += vf_load_n(b->d_o + d * a->ld + t, left) * vf_load_n(a->o + d * a->ld + t, left);
        vf_store(mean + t, sum);
        vf_store(one_over + t, vf_first(vf_load(one_over + t), left));
    }
    for (size_t j = 0; j < a->tokens; j++) /* row by row: the carry comes from far away, and in order it comes faster */
        for (size_t t = 0; t < a->tokens; t += LANES) {
            size_t at = j * ld + t;
            VF weight = vf_load(p + at) * vf_load(one_over + t), s = weight * (vf_load(ds + at) - vf_load(mean + t));
            if (in)
                s += vf_load(in + at);
            if (out)
                vf_store(out + at, s);
            vf_store(p + at, weight);
            vf_store(ds + at, s);
        }
}

static void scale_panel(size_t rows, size_t cols, float *x, size_t ld, float by) {
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < cols; t += LANES) {
            size_t left = MIN((size_t)LANES, cols - t);
            vf_store_n(x + r * ld + t, vf_load_n(x + r * ld + t, left) * by, left);
        }
}

static void simd_attention_back(const NnAttentionBack *b) {
    const NnAttention *a = &b->f;
    size_t n = a->tokens, ld = NN_ATTENTION_LD(n);
    for (size_t i = 0; b->carry_in && i < n * ld; i += 16) /* used once the scores are there */
        __builtin_prefetch(b->carry_in + i);
    float *p = a->scratch, *ds = p + ld * ld, *pt = ds + ld * ld, *dst = pt + ld * ld, *one_over = dst + ld * ld;
    scores(a, p, ld);
    softmax_parts(a, p, ld, one_over);
    NnAttention slopes = *a; /* v^T d_o: the same product with other operands */
    slopes.n_scores = 1;
    slopes.q = &b->d_o;
    slopes.k = &a->v;
    scores(&slopes, ds, ld);
    softmax_back(b, p, ds, ld, one_over);
    simd_transpose(n, n, p, ld, pt, ld);
    simd_transpose(n, n, ds, ld, dst, ld);
    Gemm g = { .m = a->width, .n = n, .k = n, .a_row = a->ld, .a_col = 1, .ldb = ld, .ldc = a->ld };
    g.a = b->d_o, g.b = pt, g.c = b->dv;
    simd_gemm(&g);
    g.a = a->k[a->n_scores - 1], g.b = ds, g.c = b->dq;
    simd_gemm(&g);
    g.a = a->q[a->n_scores - 1], g.b = dst, g.c = b->dk;
    simd_gemm(&g);
    scale_panel(a->width, n, b->dq, a->ld, a->scale);
    scale_panel(a->width, n, b->dk, a->ld, a->scale);
}
