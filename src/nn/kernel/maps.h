#pragma once

/* nn/kernel/maps.h - what goes over a panel once: transposes, sums over tokens, sums of arrays, Adam. */

#include "nn/kernel/kernels.h"
#include "nn/kernel/simd.h"

/* One square of LANES x LANES, of which n_rows x n_cols exist. */
INLINE void transpose_square(size_t n_rows, size_t n_cols, const float *x, size_t ldx, float *out, size_t ldo) {
    VF v[LANES];
    if (n_rows == LANES && n_cols == LANES) {
        UNROLL for (int i = 0; i < LANES; i++) v[i] = vf_load(x + i * ldx);
        vf_transpose(v);
        UNROLL for (int i = 0; i < LANES; i++) vf_store(out + i * ldo, v[i]);
        return;
    }
    for (size_t i = 0; i < LANES; i++)
        v[i] = i < n_rows ? vf_load_n(x + i * ldx, n_cols) : (VF){ 0 };
    vf_transpose(v);
    for (size_t i = 0; i < n_cols; i++)
        vf_store_n(out + i * ldo, v[i], n_rows);
}

static void simd_transpose(size_t rows, size_t cols, const float *x, size_t ldx, float *out, size_t ldo) {
    for (size_t j = 0; j < cols; j += LANES)
        for (size_t i = 0; i < rows; i += LANES)
            transpose_square(MIN((size_t)LANES, rows - i), MIN((size_t)LANES, cols - j), x + i * ldx + j, ldx,
                             out + j * ldo + i, ldo);
}

static void simd_row_sums(size_t rows, size_t cols, const float *x, size_t ld, float *out) {
    for (size_t r = 0; r < rows; r++) {
        VF sum = { 0 };
        size_t t = 0;
        for (; t + LANES <= cols; t += LANES)
            sum += vf_load(x + r * ld + t);
        if (t < cols)
            sum += vf_load_n(x + r * ld + t, cols - t);
        out[r] += vf_sum(sum);
    }
}

static void simd_add(size_t n, const float *x, float *y) {
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        vf_store(y + i, vf_load(y + i) + vf_load(x + i));
    for (; i < n; i++)
        y[i] += x[i];
}

static void simd_adam(size_t n, const float *grad, float *value, float *m, float *v, const NnAdam *c) {
    for (size_t i = 0; i < n; i += LANES) {
        size_t left = MIN((size_t)LANES, n - i);
        VF g = vf_load_n(grad + i, left), mean = vf_load_n(m + i, left), square = vf_load_n(v + i, left);
        mean = mean + (1 - c->beta1) * (g - mean);
        square = c->beta2 * square + (1 - c->beta2) * (g * g);
        VF step = c->rate * mean / (vf_sqrt(square) * c->scale2 + c->eps);
        vf_store_n(m + i, mean, left);
        vf_store_n(v + i, square, left);
        vf_store_n(value + i, c->keep * vf_load_n(value + i, left) - step, left);
    }
}

static double simd_peak(size_t n) {
    VF v[NN_PEAK_CHAINS], a = vf_all(.999f), b = vf_all(1e-3f);
    UNROLL for (int i = 0; i < NN_PEAK_CHAINS; i++) v[i] = vf_all((float)i);
    for (size_t k = 0; k < n; k++)
        UNROLL for (int i = 0; i < NN_PEAK_CHAINS; i++) v[i] = v[i] * a + b;
    UNROLL for (int i = 1; i < NN_PEAK_CHAINS; i++) v[0] += v[i];
    return (double)vf_sum(v[0]);
}
