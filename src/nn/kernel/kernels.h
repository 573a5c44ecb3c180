#pragma once

/* nn/kernel/kernels.h - the table of what is done to floats; one implementation an instruction set.
 *
 *     plain    loops as in a textbook, sums in double: what the others are tested against
 *     sse2     4 lanes; any x86-64, and other machines through the compiler's vector types
 *     avx2     8 lanes with FMA
 *     avx512   16 lanes
 *     avx512bf16  the same with matrix products in bfloat16, sums in floats; only by name
 *
 * The others are one source (kernel/kernels.c) compiled once for each; kernel/simd.h is all that differs. Another back
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

/* Which elements a layer drops: element (r, c) of the panel by a hash of key and first + r * row_step + c, so that the
 * backward pass draws the same mask again and no layout, batch order or number of threads changes it. */
typedef struct NnDropout {
    float keep; /* probability to stay; what stays is divided by it. 1: nothing is dropped */
    uint32_t key, first, row_step;
} NnDropout;

/* Softmax attention of one head over one window: `tokens` columns, `width` features. Scores are scale * the sum over
 * q[i], k[i] of the products k^T q: with n_scores > 1 those of earlier layers are added (residual attention; He et al. 2021).
 * All panels have the same ld. scratch: NN_ATTENTION_SCRATCH(tokens) floats. */
typedef struct NnAttention {
    size_t tokens, width, ld, n_scores;
    float scale;
    const float *const *q, *const *k;
    const float *v;
    float *o;       /* forward: out; backward: in */
    float *scratch; /* on a cache line */
} NnAttention;

typedef struct NnAttentionBack {
    NnAttention f;    /* as in the forward pass, o filled */
    const float *d_o; /* slope of o */
    /* (tokens, NN_ATTENTION_LD(tokens)): slope of the scores that later layers hand back. May be one place; in is NULL in
     * the last layer, out in the first. */
    const float *carry_in;
    float *carry_out;
    float *dq, *dk, *dv; /* of the newest q, k and of v */
} NnAttentionBack;

enum { NN_LANES_MAX = 16, NN_PEAK_CHAINS = 12 };
#define NN_ATTENTION_LD(tokens)      (((tokens) + NN_LANES_MAX - 1) / NN_LANES_MAX * NN_LANES_MAX)
#define NN_ATTENTION_SCRATCH(tokens) ((4 * NN_ATTENTION_LD(tokens) + 2) * NN_ATTENTION_LD(tokens))

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

    /* y = residual + what dropout leaves of x; residual NULL: 0. y may be x or residual. */
    void (*dropout)(size_t rows, size_t cols, const float *x, size_t ld, const float *residual, const NnDropout *d,
                    float *y);
    /* g = dropout(h * Phi(h)), Phi the normal distribution; absolute error 3e-7 */
    void (*gelu)(size_t rows, size_t cols, const float *h, size_t ld, const NnDropout *d, float *g);
    /* The same g again, and slope (of g) becomes that of h, in place */
    void (*gelu_back)(size_t rows, size_t cols, const float *h, size_t ld, const NnDropout *d, float *g, float *slope);

    /* y = x * scale[r] + shift[r]; y may be x */
    void (*scale_rows)(size_t rows, size_t cols, const float *x, size_t ld, const float *scale, const float *shift,
                       float *y);
    /* Sum of each row and the sum of squares around its own mean */
    void (*moments)(size_t rows, size_t cols, const float *x, size_t ld, double *sum, double *square);
    /* Sums of dz and of dz * (x - mean[r]) */
    void (*slope_moments)(size_t rows, size_t cols, const float *x, const float *dz, size_t ld, const float *mean,
                          double *sum, double *product);
    /* dz = a[r] * dz - b[r] - c[r] * (x - mean[r]), in place: a normalisation's backward pass */
    void (*norm_back)(size_t rows, size_t cols, const float *x, float *dz, size_t ld, const float *mean, const float *a,
                      const float *b, const float *c);

    /* LayerNorm over the features of each token; mean and one_over (1 / deviation) of each token are kept for the slopes.
     * dgamma and dbeta are added to; dx may be dy. */
    void (*layer_norm)(size_t rows, size_t cols, const float *x, size_t ld, const float *gamma, const float *beta,
                       float eps, float *mean, float *one_over, float *y);
    void (*layer_norm_back)(size_t rows, size_t cols, const float *x, const float *dy, size_t ld, const float *gamma,
                            const float *mean, const float *one_over, float *dgamma, float *dbeta, float *dx);
    /* Softmax over the features of each token; y may be x. Backward: the slope of y becomes that of x, in place */
    void (*softmax)(size_t rows, size_t cols, const float *x, size_t ld, float *y);
    void (*softmax_back)(size_t rows, size_t cols, const float *y, size_t ld, float *slope);

    void (*attention)(const NnAttention *a);
    void (*attention_back)(const NnAttentionBack *a);

    /* One LSTM step: gates (4 * hidden, cols; in, forget, cell, out) before their functions in, after them out; c and h
     * (hidden, cols) are set. c_before NULL: zero. */
    void (*lstm)(size_t hidden, size_t cols, float *gates, size_t ld, const float *c_before, float *c, float *h);
    /* gates after their functions become slopes before them; dc, the slope of c from the next step, that of c_before */
    void (*lstm_back)(size_t hidden, size_t cols, float *gates, size_t ld, const float *c_before, const float *c,
                      const float *dh, float *dc);

    /* y = f(x) over n floats: relative error of exp 2e-7 (it saturates at e^88.3 and e^-86.6), absolute error of the others
     * 3e-7. NaN stays NaN. */
    void (*exp)(size_t n, const float *x, float *y);
    void (*phi)(size_t n, const float *x, float *y);
    void (*tanh)(size_t n, const float *x, float *y);

    /* Adam's update of n parameters: see optim.c. */
    void (*adam)(size_t n, const float *grad, float *value, float *m, float *v, const NnAdam *c);

    /* n rounds of NN_PEAK_CHAINS independent multiply-adds in vectors: 2 * n * NN_PEAK_CHAINS * lanes operations, the most a
     * core can do. For benches, which tell shares of it. */
    double (*peak)(size_t n);
} NnKernels;

extern const NnKernels nn_kernels_plain, nn_kernels_sse2, nn_kernels_avx2, nn_kernels_avx512, nn_kernels_avx512bf16;

/* The widest that this processor and the system run with floats throughout. */
const NnKernels *nn_kernels_best(void);
/* By name; NULL when unknown, or when this machine cannot run them. */
const NnKernels *nn_kernels_by_name(const char *name);
/* i-th of those this machine runs with floats throughout, plain first; NULL past the end. */
const NnKernels *nn_kernels_at(size_t i);
