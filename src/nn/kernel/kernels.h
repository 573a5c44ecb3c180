#pragma once

/* nn/kernel/kernels.h - the table of what is done to floats; one implementation an instruction set.
 *
 *     plain    loops as in a textbook, sums in double: what the others are tested against
 *     sse2     4 lanes; any x86-64, and other machines through the compiler's vector types
 *     avx2     8 lanes with FMA
 *     avx512   16 lanes
 *
 * The last three are one source (kernel/kernels.c) compiled three times; kernel/simd.h is all that differs. Another back
 * end (CUDA) fills the same table: every entry works on a whole panel, so a launch has work enough.
 *
 * x, y, ... are panels: `rows` features, `cols` tokens, `ld` floats from row to row. Entries read and write cols columns,
 * no more: what lies between cols and ld is never touched. Pure functions; any thread. */

#include "base/defs.h"

/* C (m x n) = A (m x k) B (k x n), or += with `add`. A's element (i, p) is a[i * a_row + p * a_col]: a transposed A costs
 * nothing. Rows of B and C are contiguous. bias, unless NULL: one value a row of C, added once. */
typedef struct Gemm {
    size_t m, n, k;
    const float *a;
    size_t a_row, a_col;
    const float *b;
    size_t ldb;
    float *c;
    size_t ldc;
    const float *bias;
    bool add;
} Gemm;

typedef struct NnAdam {
    float beta1, beta2, eps;
    float rate;   /* over the bias correction of the first moment */
    float scale2; /* 1 / sqrt of the bias correction of the second */
    float keep;   /* 1 - rate x weight decay */
} NnAdam;

typedef struct NnKernels {
    const char *name;
    int lanes;

    void (*gemm)(const Gemm *g);
    /* out (cols x rows) = the transpose of x (rows x cols) */
    void (*transpose)(size_t rows, size_t cols, const float *x, size_t ldx, float *out, size_t ldo);
    /* out[r] += the sum of row r */
    void (*row_sums)(size_t rows, size_t cols, const float *x, size_t ld, float *out);
    /* y += x over n floats */
    void (*add)(size_t n, const float *x, float *y);

    /* Adam's update of n parameters: see optim.c. */
    void (*adam)(size_t n, const float *grad, float *value, float *m, float *v, const NnAdam *c);
} NnKernels;

extern const NnKernels nn_kernels_plain, nn_kernels_sse2, nn_kernels_avx2, nn_kernels_avx512;

/* The widest that this processor and the system run. */
const NnKernels *nn_kernels_best(void);
/* By name; NULL when unknown, or when this machine cannot run them. */
const NnKernels *nn_kernels_by_name(const char *name);
/* i-th of those this machine runs, plain first; NULL past the end. */
const NnKernels *nn_kernels_at(size_t i);
