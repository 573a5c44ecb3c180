/* nn/kernel/plain.c - the kernels as loops from a textbook, sums in double: what the fast ones are tested against. */

#include "nn/kernel/kernels.h"

#include <math.h>

static void plain_gemm(const Gemm *g) {
    for (size_t i = 0; i < g->m; i++)
        for (size_t j = 0; j < g->n; j++) {
            double sum = (g->add ? g->c[i * g->ldc + j] : 0) + (g->bias ? g->bias[i] : 0);
            for (size_t p = 0; p < g->k; p++)
                sum += (double)g->a[i * g->a_row + p * g->a_col] * g->b[p * g->ldb + j];
            g->c[i * g->ldc + j] = (float)sum;
        }
}

static void plain_transpose(size_t rows, size_t cols, const float *x, size_t ldx, float *out, size_t ldo) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            out[j * ldo + i] = x[i * ldx + j];
}

static void plain_row_sums(size_t rows, size_t cols, const float *x, size_t ld, float *out) {
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t t = 0; t < cols; t++)
            sum += x[r * ld + t];
        out[r] = (float)(out[r] + sum);
    }
}

static void plain_add(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void plain_adam(size_t n, const float *grad, float *value, float *m, float *v, const NnAdam *c) {
    for (size_t i = 0; i < n; i++) {
        m[i] = c->beta1 * m[i] + (1 - c->beta1) * grad[i];
        v[i] = c->beta2 * v[i] + (1 - c->beta2) * grad[i] * grad[i];
        value[i] = c->keep * value[i] - c->rate * m[i] / (sqrtf(v[i]) * c->scale2 + c->eps);
    }
}

const NnKernels nn_kernels_plain = {
    .name = "plain",
    .lanes = 1,
    .gemm = plain_gemm,
    .transpose = plain_transpose,
    .row_sums = plain_row_sums,
    .add = plain_add,
    .adam = plain_adam,
};
