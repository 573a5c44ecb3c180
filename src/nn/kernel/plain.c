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

static uint32_t hash(uint32_t x) {
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    return x ^ x >> 16;
}

/* 0, or what the element is multiplied with. */
static float stays(const NnDropout *d, size_t r, size_t c) {
    if (d->keep >= 1)
        return 1;
    uint32_t counter = d->first + (uint32_t)r * d->row_step + (uint32_t)c;
    return hash(counter ^ d->key) < (uint32_t)((double)d->keep * 4294967295.0) ? 1 / d->keep : 0;
}

static void plain_dropout(size_t rows, size_t cols, const float *x, size_t ld, const float *residual,
                          const NnDropout *d, float *y) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            y[r * ld + c] = x[r * ld + c] * stays(d, r, c) + (residual ? residual[r * ld + c] : 0);
}

static double phi(double x) {
    return erfc(-x / sqrt(2)) / 2;
}

static void plain_gelu(size_t rows, size_t cols, const float *h, size_t ld, const NnDropout *d, float *g) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            double x = h[r * ld + c];
            g[r * ld + c] = (float)(x * phi(x) * stays(d, r, c));
        }
}

static void plain_gelu_back(size_t rows, size_t cols, const float *h, size_t ld, const NnDropout *d, float *g,
                            float *slope) {
    plain_gelu(rows, cols, h, ld, d, g);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            double x = h[r * ld + c], density = exp(-x * x / 2) / sqrt(2 * M_PI);
            slope[r * ld + c] = (float)(slope[r * ld + c] * stays(d, r, c) * (phi(x) + x * density));
        }
}

static void plain_scale_rows(size_t rows, size_t cols, const float *x, size_t ld, const float *scale,
                             const float *shift, float *y) {
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            y[r * ld + c] = x[r * ld + c] * scale[r] + shift[r];
}

static void plain_moments(size_t rows, size_t cols, const float *x, size_t ld, double *sum, double *square) {
    for (size_t r = 0; r < rows; r++) {
        sum[r] = square[r] = 0;
        for (size_t c = 0; c < cols; c++)
            sum[r] += x[r * ld + c];
        for (size_t c = 0; c < cols; c++)
            square[r] += pow(x[r * ld + c] - sum[r] / (double)cols, 2);
    }
}

static void plain_slope_moments(size_t rows, size_t cols, const float *x, const float *dz, size_t ld, const float *mean,
                                double *sum, double *product) {
    for (size_t r = 0; r < rows; r++) {
        sum[r] = product[r] = 0;
        for (size_t c = 0; c < cols; c++) {
            sum[r] += dz[r * ld + c];
            product[r] += (double)dz[r * ld + c] * (x[r * ld + c] - mean[r]);
        }
    }
}

static void plain_norm_back(size_t rows, size_t cols, const float *x, float *dz, size_t ld, const float *mean,
                            const float *a, const float *b, const float *c) {
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < cols; t++)
            dz[r * ld + t] = a[r] * dz[r * ld + t] - b[r] - c[r] * (x[r * ld + t] - mean[r]);
}

static void plain_layer_norm(size_t rows, size_t cols, const float *x, size_t ld, const float *gamma, const float *beta,
                             float eps, float *mean, float *one_over, float *y) {
    for (size_t t = 0; t < cols; t++) {
        double m = 0, square = 0;
        for (size_t r = 0; r < rows; r++)
            m += x[r * ld + t] / (double)rows;
        for (size_t r = 0; r < rows; r++)
            square += pow(x[r * ld + t] - m, 2) / (double)rows;
        mean[t] = (float)m;
        one_over[t] = (float)(1 / sqrt(square + (double)eps));
        for (size_t r = 0; r < rows; r++)
            y[r * ld + t] = (x[r * ld + t] - mean[t]) * one_over[t] * gamma[r] + beta[r];
    }
}

static void plain_layer_norm_back(size_t rows, size_t cols, const float *x, const float *dy, size_t ld,
                                  const float *gamma, const float *mean, const float *one_over, float *dgamma,
                                  float *dbeta, float *dx) {
    for (size_t t = 0; t < cols; t++) {
        double sum = 0, product = 0;
        for (size_t r = 0; r < rows; r++) {
            double d = dy[r * ld + t], xhat = (x[r * ld + t] - mean[t]) * one_over[t];
            dgamma[r] += (float)(d * xhat);
            dbeta[r] += (float)d;
            sum += d * gamma[r] / (double)rows;
            product += d * gamma[r] * xhat / (double)rows;
        }
        for (size_t r = 0; r < rows; r++) {
            double xhat = (x[r * ld + t] - mean[t]) * one_over[t];
            dx[r * ld + t] = (float)((dy[r * ld + t] * gamma[r] - sum - xhat * product) * one_over[t]);
        }
    }
}

static void plain_softmax(size_t rows, size_t cols, const float *x, size_t ld, float *y) {
    for (size_t t = 0; t < cols; t++) {
        double most = -INFINITY, sum = 0;
        for (size_t r = 0; r < rows; r++)
            most = fmax(most, (double)x[r * ld + t]);
        for (size_t r = 0; r < rows; r++)
            sum += exp(x[r * ld + t] - most);
        for (size_t r = 0; r < rows; r++)
            y[r * ld + t] = (float)(exp(x[r * ld + t] - most) / sum);
    }
}

static void plain_softmax_back(size_t rows, size_t cols, const float *y, size_t ld, float *slope) {
    for (size_t t = 0; t < cols; t++) {
        double mean = 0;
        for (size_t r = 0; r < rows; r++)
            mean += (double)y[r * ld + t] * slope[r * ld + t];
        for (size_t r = 0; r < rows; r++)
            slope[r * ld + t] = (float)(y[r * ld + t] * (slope[r * ld + t] - mean));
    }
}

/* Weight of key j for query t into p[j * ld + t]. */
static void plain_weights(const NnAttention *a, float *p, size_t ld) {
    for (size_t t = 0; t < a->tokens; t++) {
        double most = -INFINITY, sum = 0;
        for (size_t j = 0; j < a->tokens; j++) {
            double s = 0;
            for (size_t m = 0; m < a->n_scores; m++)
                for (size_t d = 0; d < a->width; d++)
                    s += (double)a->q[m][d * a->ld + t] * a->k[m][d * a->ld + j];
            p[j * ld + t] = (float)s;
            most = fmax(most, (double)p[j * ld + t]);
        }
        for (size_t j = 0; j < a->tokens; j++)
            sum += exp((p[j * ld + t] - most) * a->scale);
        for (size_t j = 0; j < a->tokens; j++)
            p[j * ld + t] = (float)(exp((p[j * ld + t] - most) * a->scale) / sum);
    }
}

static void plain_attention(const NnAttention *a) {
    size_t ld = NN_ATTENTION_LD(a->tokens);
    float *p = a->scratch;
    plain_weights(a, p, ld);
    for (size_t d = 0; d < a->width; d++)
        for (size_t t = 0; t < a->tokens; t++) {
            double sum = 0;
            for (size_t j = 0; j < a->tokens; j++)
                sum += (double)a->v[d * a->ld + j] * p[j * ld + t];
            a->o[d * a->ld + t] = (float)sum;
        }
}

/* Slopes of the scores into ds, from those of the weights. */
static void plain_score_slopes(const NnAttentionBack *b, const float *p, float *ds, size_t ld) {
    const NnAttention *a = &b->f;
    for (size_t t = 0; t < a->tokens; t++) {
        double mean = 0;
        for (size_t j = 0; j < a->tokens; j++) {
            double slope = 0;
            for (size_t d = 0; d < a->width; d++)
                slope += (double)a->v[d * a->ld + j] * b->d_o[d * a->ld + t];
            ds[j * ld + t] = (float)slope;
            mean += slope * p[j * ld + t];
        }
        for (size_t j = 0; j < a->tokens; j++) {
            ds[j * ld + t] = (float)(p[j * ld + t] * (ds[j * ld + t] - mean));
            if (b->carry_in)
                ds[j * ld + t] += b->carry_in[j * ld + t];
            if (b->carry_out)
                b->carry_out[j * ld + t] = ds[j * ld + t];
        }
    }
}

static void plain_attention_back(const NnAttentionBack *b) {
    const NnAttention *a = &b->f;
    size_t ld = NN_ATTENTION_LD(a->tokens);
    float *p = a->scratch, *ds = p + ld * ld;
    plain_weights(a, p, ld);
    plain_score_slopes(b, p, ds, ld);
    for (size_t d = 0; d < a->width; d++)
        for (size_t i = 0; i < a->tokens; i++) {
            double dq = 0, dk = 0, dv = 0;
            for (size_t j = 0; j < a->tokens; j++) {
                dq += (double)a->k[a->n_scores - 1][d * a->ld + j] * ds[j * ld + i];
                dk += (double)a->q[a->n_scores - 1][d * a->ld + j] * ds[i * ld + j];
                dv += (double)b->d_o[d * a->ld + j] * p[i * ld + j];
            }
            b->dq[d * a->ld + i] = (float)(dq * a->scale);
            b->dk[d * a->ld + i] = (float)(dk * a->scale);
            b->dv[d * a->ld + i] = (float)dv;
        }
}

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

static void plain_lstm(size_t hidden, size_t cols, float *gates, size_t ld, const float *c_before, float *c, float *h) {
    for (size_t r = 0; r < hidden; r++)
        for (size_t t = 0; t < cols; t++) {
            size_t at = r * ld + t;
            float *in = gates + at, *forget = in + hidden * ld, *cell = forget + hidden * ld, *out = cell + hidden * ld;
            *in = (float)logistic(*in);
            *forget = (float)logistic(*forget);
            *cell = tanhf(*cell);
            *out = (float)logistic(*out);
            c[at] = *in * *cell + (c_before ? *forget * c_before[at] : 0);
            h[at] = *out * tanhf(c[at]);
        }
}

static void plain_lstm_back(size_t hidden, size_t cols, float *gates, size_t ld, const float *c_before, const float *c,
                            const float *dh, float *dc) {
    for (size_t r = 0; r < hidden; r++)
        for (size_t t = 0; t < cols; t++) {
            size_t at = r * ld + t;
            float *in = gates + at, *forget = in + hidden * ld, *cell = forget + hidden * ld, *out = cell + hidden * ld;
            double bent = tanh(c[at]), i = *in, f = *forget, g = *cell, o = *out;
            double state = dc[at] + dh[at] * o * (1 - bent * bent);
            *in = (float)(state * g * i * (1 - i));
            *forget = (float)(state * (c_before ? c_before[at] : 0) * f * (1 - f));
            *cell = (float)(state * i * (1 - g * g));
            *out = (float)(dh[at] * bent * o * (1 - o));
            dc[at] = (float)(state * f);
        }
}

static void plain_exp(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] = expf(x[i]);
}

static void plain_phi(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] = (float)phi(x[i]);
}

static void plain_tanh(size_t n, const float *x, float *y) {
    for (size_t i = 0; i < n; i++)
        y[i] = tanhf(x[i]);
}

static void plain_adam(size_t n, const float *grad, float *value, float *m, float *v, const NnAdam *c) {
    for (size_t i = 0; i < n; i++) {
        m[i] = c->beta1 * m[i] + (1 - c->beta1) * grad[i];
        v[i] = c->beta2 * v[i] + (1 - c->beta2) * grad[i] * grad[i];
        value[i] = c->keep * value[i] - c->rate * m[i] / (sqrtf(v[i]) * c->scale2 + c->eps);
    }
}

static double plain_peak(size_t n) {
    double v[NN_PEAK_CHAINS] = { 0 };
    for (size_t k = 0; k < n; k++)
        for (int i = 0; i < NN_PEAK_CHAINS; i++)
            v[i] = v[i] * .999 + 1e-3;
    return v[0];
}

const NnKernels nn_kernels_plain = {
    .name = "plain",
    .lanes = 1,
    .gemm = plain_gemm,
    .transpose = plain_transpose,
    .row_sums = plain_row_sums,
    .add = plain_add,
    .dropout = plain_dropout,
    .layer_norm = plain_layer_norm,
    .layer_norm_back = plain_layer_norm_back,
    .softmax = plain_softmax,
    .softmax_back = plain_softmax_back,
    .gelu = plain_gelu,
    .gelu_back = plain_gelu_back,
    .scale_rows = plain_scale_rows,
    .moments = plain_moments,
    .slope_moments = plain_slope_moments,
    .norm_back = plain_norm_back,
    .attention = plain_attention,
    .attention_back = plain_attention_back,
    .lstm = plain_lstm,
    .lstm_back = plain_lstm_back,
    .exp = plain_exp,
    .phi = plain_phi,
    .tanh = plain_tanh,
    .adam = plain_adam,
    .peak = plain_peak,
};
