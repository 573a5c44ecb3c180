#pragma once

/* nn/op.h - a linear layer on panels: y = W x + b, and its three slopes. W is (out, in), as on disk. An embedding: rows of a
 * table by number. Pure. */

#include "nn/nn.h"

typedef struct Linear {
    size_t out, in;
    const float *w, *b; /* b: out, or NULL */
} Linear;

/* y (out, cols) = W x + b */
static inline void linear_forward(const NnKernels *k, const Linear *l, size_t cols, const float *x, size_t ld,
                                  float *y) {
    k->gemm(&(Gemm){ .m = l->out,
                     .n = cols,
                     .k = l->in,
                     .a = l->w,
                     .a_row = l->in,
                     .a_col = 1,
                     .b = x,
                     .ldb = ld,
                     .c = y,
                     .ldc = ld,
                     .bias = l->b });
}

/* dx (in, cols) = W^T dy, or += */
static inline void linear_back(const NnKernels *k, const Linear *l, size_t cols, const float *dy, size_t ld, float *dx,
                               bool add) {
    k->gemm(&(Gemm){ .m = l->in,
                     .n = cols,
                     .k = l->out,
                     .a = l->w,
                     .a_row = 1,
                     .a_col = l->in,
                     .b = dy,
                     .ldb = ld,
                     .c = dx,
                     .ldc = ld,
                     .add = add });
}

/* One side of the product dy x^T has to be turned so that its features lie in lanes; the narrower one is. A layer that
 * narrows gathers its slope transposed, (in, out). */
static inline bool linear_grad_transposed(const Linear *l) {
    return l->in > l->out;
}
static inline size_t linear_grad_room(const Linear *l, size_t cols) {
    return cols * nn_ld(MIN(l->in, l->out));
}

/* Where a layer's gradients are gathered. */
typedef struct LinearGrad {
    float *dw, *db; /* db: NULL where the layer has no b */
    float *turned;  /* scratch of linear_grad_room floats */
} LinearGrad;

/* dw += dy x^T, transposed where linear_grad_transposed says so; db += sums of dy */
static inline void linear_grad(const NnKernels *k, const Linear *l, size_t cols, const float *dy, const float *x,
                               size_t ld, const LinearGrad *to) {
    size_t ldt = nn_ld(MIN(l->in, l->out));
    bool other = linear_grad_transposed(l);
    k->transpose(other ? l->out : l->in, cols, other ? dy : x, ld, to->turned, ldt);
    k->gemm(&(Gemm){ .m = other ? l->in : l->out,
                     .n = other ? l->out : l->in,
                     .k = cols,
                     .a = other ? x : dy,
                     .a_row = ld,
                     .a_col = 1,
                     .b = to->turned,
                     .ldb = ldt,
                     .c = to->dw,
                     .ldc = other ? l->out : l->in,
                     .add = true });
    if (to->db)
        k->row_sums(l->out, cols, dy, ld, to->db);
}

/* Column t of y (width, cols) is row ids[t] of the table (n, width). Every id is below n. */
static inline void embed_forward(size_t width, size_t cols, const float *table, const uint32_t *ids, float *y,
                                 size_t ld) {
    for (size_t t = 0; t < cols; t++)
        for (size_t r = 0; r < width; r++)
            y[r * ld + t] = table[ids[t] * width + r];
}
/* dtable += the slopes of the rows that were taken */
static inline void embed_back(size_t width, size_t cols, const float *dy, size_t ld, const uint32_t *ids,
                              float *dtable) {
    for (size_t t = 0; t < cols; t++)
        for (size_t r = 0; r < width; r++)
            dtable[ids[t] * width + r] += dy[r * ld + t];
}
