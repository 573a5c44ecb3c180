#pragma once

/* nn/kernel/norm.h - what normalisations need of each row of a panel. Sums leave as doubles: they are added up over many
 * panels. */

#include "nn/kernel/simd.h"

static void simd_moments(size_t rows, size_t cols, const float *x, size_t ld, double *sum, double *square) {
    size_t tail = cols % LANES, whole = cols - tail;
    for (size_t r = 0; r < rows; r++, x += ld) {
        VF s = tail ? vf_load_n(x + whole, tail) : (VF){ 0 }, q = { 0 };
        for (size_t c = 0; c < whole; c += LANES)
            s += vf_load(x + c);
        float total = vf_sum(s), mean = total / (float)cols;
        for (size_t c = 0; c < whole; c += LANES) {
            VF e = vf_load(x + c) - mean;
            q += e * e;
        }
        if (tail) {
            VF e = vf_first(vf_load_n(x + whole, tail) - mean, tail);
            q += e * e;
        }
        sum[r] = (double)total;
        /* what the mean's rounding added: n (mean - total / n)^2 is beyond a float's digits */
        square[r] = (double)vf_sum(q);
    }
}

static void simd_slope_moments(size_t rows, size_t cols, const float *x, const float *dz, size_t ld, const float *mean,
                               double *sum, double *product) {
    size_t tail = cols % LANES, whole = cols - tail;
    for (size_t r = 0; r < rows; r++, x += ld, dz += ld) {
        VF s = { 0 }, p = { 0 };
        for (size_t c = 0; c < whole; c += LANES) {
            VF d = vf_load(dz + c);
            s += d;
            p += d * (vf_load(x + c) - mean[r]);
        }
        if (tail) {
            VF d = vf_load_n(dz + whole, tail);
            s += d;
            p += d * (vf_load_n(x + whole, tail) - mean[r]);
        }
        sum[r] = (double)vf_sum(s);
        product[r] = (double)vf_sum(p);
    }
}

static void simd_norm_back(size_t rows, size_t cols, const float *x, float *dz, size_t ld, const float *mean,
                           const float *a, const float *b, const float *c) {
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < cols; t += LANES) {
            size_t left = MIN((size_t)LANES, cols - t), at = r * ld + t;
            VF e = vf_load_n(x + at, left) - mean[r];
            vf_store_n(dz + at, vf_load_n(dz + at, left) * a[r] - b[r] - e * c[r], left);
        }
}
