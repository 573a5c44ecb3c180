#pragma once

/* nn/kernel/elementwise.h - dropout, GELU and its slope, rows scaled and shifted, functions over arrays. */

#include "nn/kernel/vmath.h"

/* Walks a panel a vector at a time: r, c, `left` lanes (all but at a row's end), `at` the element's place. */
#define EACH_VECTOR(rows, cols, ld)                                                                                    \
    for (size_t r = 0; r < (rows); r++)                                                                                \
        for (size_t c = 0, at = r * (ld), left; c < (cols) && (left = MIN((size_t)LANES, (cols)-c), 1);                \
             c += LANES, at += LANES)

static void simd_dropout(size_t rows, size_t cols, const float *x, size_t ld, const float *residual, const NnDropout *d,
                         float *y) {
    EACH_VECTOR(rows, cols, ld) {
        VF v = vf_dropout(vf_load_n(x + at, left), d, r, c);
        vf_store_n(y + at, residual ? v + vf_load_n(residual + at, left) : v, left);
    }
}

static void simd_gelu(size_t rows, size_t cols, const float *h, size_t ld, const NnDropout *d, float *g) {
    EACH_VECTOR(rows, cols, ld) {
        VF x = vf_load_n(h + at, left), bell;
        vf_store_n(g + at, vf_dropout(x * vf_phi(x, &bell), d, r, c), left);
    }
}

static void simd_gelu_back(size_t rows, size_t cols, const float *h, size_t ld, const NnDropout *d, float *g,
                           float *slope) {
    EACH_VECTOR(rows, cols, ld) {
        VF x = vf_load_n(h + at, left), bell, phi = vf_phi(x, &bell);
        VF stays = vf_dropout(vf_all(1), d, r, c);
        vf_store_n(g + at, x * phi * stays, left);
        vf_store_n(slope + at, vf_load_n(slope + at, left) * stays * (phi + x * bell * .398942280f), left);
    }
}

static void simd_scale_rows(size_t rows, size_t cols, const float *x, size_t ld, const float *scale, const float *shift,
                            float *y) {
    EACH_VECTOR(rows, cols, ld) {
        vf_store_n(y + at, vf_load_n(x + at, left) * scale[r] + shift[r], left);
    }
}

#define SIMD_FUNCTION(name, expression)                                                                                \
    static void simd_##name(size_t n, const float *in, float *out) {                                                   \
        EACH_VECTOR(1, n, 0) {                                                                                         \
            VF x = vf_load_n(in + at, left);                                                                           \
            vf_store_n(out + at, expression, left);                                                                    \
        }                                                                                                              \
    }
SIMD_FUNCTION(exp, vf_exp(x))
SIMD_FUNCTION(phi, vf_phi(x, &(VF){ 0 }))
SIMD_FUNCTION(tanh, vf_tanh(x))
#undef SIMD_FUNCTION
