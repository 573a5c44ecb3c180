#pragma once

/* nn/kernel/tokenwise.h - layers that look at one token's features: LayerNorm and softmax. Tokens lie in lanes, so sums over
 * features run down the rows and need no exchange between lanes. */

#include "nn/kernel/vmath.h"

static void simd_layer_norm(size_t rows, size_t cols, const float *x, size_t ld, const float *gamma, const float *beta,
                            float eps, float *mean, float *one_over, float *y) {
    for (size_t t = 0; t < cols; t += LANES) {
        size_t left = MIN((size_t)LANES, cols - t);
        VF sum = { 0 }, square = { 0 };
        for (size_t r = 0; r < rows; r++)
            sum += vf_load_n(x + r * ld + t, left);
        VF m = sum / (float)rows;
        for (size_t r = 0; r < rows; r++) {
            VF e = vf_load_n(x + r * ld + t, left) - m;
            square += e * e;
        }
        VF s = 1.f / vf_sqrt(square / (float)rows + eps);
        for (size_t r = 0; r < rows; r++)
            vf_store_n(y + r * ld + t, (vf_load_n(x + r * ld + t, left) - m) * s * gamma[r] + beta[r], left);
        vf_store_n(mean + t, m, left);
        vf_store_n(one_over + t, s, left);
    }
}

static void simd_layer_norm_back(size_t rows, size_t cols, const float *x, const float *dy, size_t ld,
                                 const float *gamma, const float *mean, const float *one_over, float *dgamma,
                                 float *dbeta, float *dx) {
    for (size_t t = 0; t < cols; t += LANES) {
        size_t left = MIN((size_t)LANES, cols - t);
        VF m = vf_load_n(mean + t, left), s = vf_load_n(one_over + t, left), sum = { 0 }, product = { 0 };
        for (size_t r = 0; r < rows; r++) {
            VF d = vf_load_n(dy + r * ld + t, left), xhat = (vf_load_n(x + r * ld + t, left) - m) * s;
            dgamma[r] += vf_sum(d * xhat);
            dbeta[r] += vf_sum(d);
            sum += d * gamma[r];
            product += d * gamma[r] * xhat;
        }
        sum = sum / (float)rows;
        product = product / (float)rows;
        for (size_t r = 0; r < rows; r++) {
            VF d = vf_load_n(dy + r * ld + t, left), xhat = (vf_load_n(x + r * ld + t, left) - m) * s;
            vf_store_n(dx + r * ld + t, (d * gamma[r] - sum - xhat * product) * s, left);
        }
    }
}

static void simd_softmax(size_t rows, size_t cols, const float *x, size_t ld, float *y) {
    for (size_t t = 0; t < cols; t += LANES) {
        size_t left = MIN((size_t)LANES, cols - t);
        VF most = vf_load_n(x + t, left), sum = { 0 };
        for (size_t r = 1; r < rows; r++)
            most = vf_max(most, vf_load_n(x + r * ld + t, left));
        for (size_t r = 0; r < rows; r++) {
            VF e = vf_exp(vf_load_n(x + r * ld + t, left) - most);
            sum += e;
            vf_store_n(y + r * ld + t, e, left);
        }
        VF w = 1.f / sum;
        for (size_t r = 0; r < rows; r++)
            vf_store_n(y + r * ld + t, vf_load_n(y + r * ld + t, left) * w, left);
    }
}

static void simd_softmax_back(size_t rows, size_t cols, const float *y, size_t ld, float *slope) {
    for (size_t t = 0; t < cols; t += LANES) {
        size_t left = MIN((size_t)LANES, cols - t);
        VF mean = { 0 };
        for (size_t r = 0; r < rows; r++)
            mean += vf_load_n(y + r * ld + t, left) * vf_load_n(slope + r * ld + t, left);
        for (size_t r = 0; r < rows; r++)
            vf_store_n(slope + r * ld + t,
                       vf_load_n(y + r * ld + t, left) * (vf_load_n(slope + r * ld + t, left) - mean), left);
    }
}
