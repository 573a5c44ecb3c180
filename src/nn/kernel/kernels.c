/* nn/kernel/kernels.c - the fast kernels of one instruction set; compiled once for each of them (meson.build). */

#include "nn/kernel/gemm.h"
#include "nn/kernel/maps.h"

const NnKernels SIMD_TABLE = {
    .name = SIMD_NAME,
    .lanes = LANES,
    .gemm = simd_gemm,
    .transpose = simd_transpose,
    .row_sums = simd_row_sums,
    .add = simd_add,
    .adam = simd_adam,
};
