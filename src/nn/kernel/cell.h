#pragma once

/* nn/kernel/cell.h - the element-wise part of an LSTM step; gates in torch's order: in, forget, cell, out. */

#include "nn/kernel/vmath.h"

static void simd_lstm(size_t hidden, size_t cols, float *gates, size_t ld, const float *c_before, float *c, float *h) {
    for (size_t r = 0; r < hidden; r++)
        for (size_t t = 0; t < cols; t += LANES) {
            size_t left = MIN((size_t)LANES, cols - t), at = r * ld + t, gate = hidden * ld;
            VF in = vf_logistic(vf_load_n(gates + at, left)), forget = vf_logistic(vf_load_n(gates + gate + at, left));
            VF cell = vf_tanh(vf_load_n(gates + 2 * gate + at, left));
            VF out = vf_logistic(vf_load_n(gates + 3 * gate + at, left));
            VF state = in * cell;
            if (c_before)
                state += forget * vf_load_n(c_before + at, left);
            vf_store_n(gates + at, in, left);
            vf_store_n(gates + gate + at, forget, left);
            vf_store_n(gates + 2 * gate + at, cell, left);
            vf_store_n(gates + 3 * gate + at, out, left);
            vf_store_n(c + at, state, left);
            vf_store_n(h + at, out * vf_tanh(state), left);
        }
}

static void simd_lstm_back(size_t hidden, size_t cols, float *gates, size_t ld, const float *c_before, const float *c,
                           const float *dh, float *dc) {
    for (size_t r = 0; r < hidden; r++)
        for (size_t t = 0; t < cols; t += LANES) {
            size_t left = MIN((size_t)LANES, cols - t), at = r * ld + t, gate = hidden * ld;
            VF in = vf_load_n(gates + at, left), forget = vf_load_n(gates + gate + at, left);
            VF cell = vf_load_n(gates + 2 * gate + at, left), out = vf_load_n(gates + 3 * gate + at, left);
            VF bent = vf_tanh(vf_load_n(c + at, left)), slope = vf_load_n(dh + at, left);
            VF state = vf_load_n(dc + at, left) + slope * out * (1.f - bent * bent);
            VF before = c_before ? vf_load_n(c_before + at, left) : (VF){ 0 };
            vf_store_n(gates + at, state * cell * in * (1.f - in), left);
            vf_store_n(gates + gate + at, state * before * forget * (1.f - forget), left);
            vf_store_n(gates + 2 * gate + at, state * in * (1.f - cell * cell), left);
            vf_store_n(gates + 3 * gate + at, slope * bent * out * (1.f - out), left);
            vf_store_n(dc + at, state * forget, left);
        }
}
