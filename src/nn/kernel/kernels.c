/* nn/kernel/kernels.c - the fast kernels of one instruction set; compiled once for each of them (meson.build). */

#include "nn/kernel/attention.h"
#include "nn/kernel/cell.h"
#include "nn/kernel/elementwise.h"
#include "nn/kernel/gemm.h"
#include "nn/kernel/gemm_bf16.h"
#include "nn/kernel/maps.h"
#include "nn/kernel/norm.h"
#include "nn/kernel/tokenwise.h"

#ifdef __AVX512BF16__
#define TABLE_NAME "avx512bf16"
#define TABLE      nn_kernels_avx512bf16
#define TABLE_GEMM bf16_gemm
#else
#define TABLE_NAME SIMD_NAME
#define TABLE      SIMD_TABLE
#define TABLE_GEMM simd_gemm
#endif

const NnKernels TABLE = {
    .name = TABLE_NAME,
    .lanes = LANES,
    .gemm = TABLE_GEMM,
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
    .peak = simd_peak,
};
