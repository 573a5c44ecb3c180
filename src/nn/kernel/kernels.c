/* nn/kernel/kernels.c - the fast kernels of one instruction set; compiled once for each of them (meson.build). */

#include "nn/kernel/attention.h"
#include "nn/kernel/cell.h"
#include "nn/kernel/elementwise.h"
#include "nn/kernel/gemm.h"
#include "nn/kernel/maps.h"
#include "nn/kernel/norm.h"
#include "nn/kernel/tokenwise.h"

const NnKernels SIMD_TABLE = {
    .name = SIMD_NAME,
    .lanes = LANES,
    .gemm = simd_gemm,
    .transpose = simd_transpose,
    .row_sums = simd_row_sums,
    .add = simd_add,
    .dropout = simd_dropout,
    .gelu = simd_gelu,
    .gelu_back = simd_gelu_back,
    .scale_rows = simd_scale_rows,
    .moments = simd_moments,
    .slope_moments = simd_slope_moments,
    .norm_back = simd_norm_back,
    .layer_norm = simd_layer_norm,
    .layer_norm_back = simd_layer_norm_back,
    .softmax = simd_softmax,
    .softmax_back = simd_softmax_back,
    .attention = simd_attention,
    .attention_back = simd_attention_back,
    .lstm = simd_lstm,
    .lstm_back = simd_lstm_back,
    .exp = simd_exp,
    .phi = simd_phi,
    .tanh = simd_tanh,
    .adam = simd_adam,
};
