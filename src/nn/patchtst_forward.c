/* nn/patchtst_forward.c - a panel of series through PatchTST. See patchtst_internal.h. */

#include "nn/patchtst_internal.h"

#include <math.h>

static const double BATCH_NORM_EPS = 1e-5; /* torch's */

/* Two dropouts in a row follow attention's output in the official code: one with the product of what they keep. */
NnDropout patch_dropout(const PatchCall *c, const PatchPanel *at, PatchSite site, size_t layer) {
    double keep = c->training ? 1 - c->m->s.dropout : 1;
    uint64_t key = c->m->s.seed * 0x9E3779B97F4A7C15u + c->step;
    key = (key ^ key >> 31) * 0xBF58476D1CE4E5B9u + layer * PATCH_SITES + site;
    key = (key ^ key >> 27) * 0x94D049BB133111EBu;
    return (NnDropout){ .keep = (float)(site == PATCH_ATTENTION ? keep * keep : keep),
                        .key = (uint32_t)(key >> 32),
                        .first = (uint32_t)(at->first * c->p->tokens),
                        .row_step = (uint32_t)(c->p->n_series * c->p->tokens) };
}

void patch_normed(const PatchCall *c, const PatchPanel *at, const PatchNorm *n, const float *u, float *out) {
    c->k->scale_rows(c->p->d, at->cols, u, c->p->ld, n->scale, n->shift, out);
}

const float *patch_input(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    if (layer == 0)
        return patch_kept(p, p->u0, p->d, at);
    const PatchLayer *below = &p->layer[layer - 1];
    patch_normed(c, at, &below->norm[1], patch_kept(p, below->u2, p->d, at), at->s->x);
    return at->s->x;
}

void patch_cut(const PatchCall *c, const PatchPanel *at, float *out) {
    const PatchTst *p = c->p;
    for (size_t i = 0; i < at->n; i++) {
        const float *series = p->series + (at->first + i) * p->row;
        for (size_t r = 0; r < p->patch; r++)
            for (size_t t = 0; t < p->tokens; t++)
                out[r * p->ld + i * p->tokens + t] = series[t * p->stride + r];
    }
}

/* The panel's windows out of the batch's columns, the last value repeated, cut into patches, embedded, placed. */
static void stage_embed(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    Model *m = c->m;
    size_t lookback = (size_t)m->s.lookback;
    float *series = p->series + at->first * p->row, *u = patch_kept(p, p->u0, p->d, at);
    c->k->transpose(lookback, at->n, m->x + at->first, m->ldx, series, p->row);
    for (size_t i = 0; i < at->n; i++)
        for (size_t t = lookback; t < p->row; t++)
            series[i * p->row + t] = series[i * p->row + lookback - 1];
    patch_cut(c, at, at->s->wide);
    for (size_t i = 0; i < at->n; i++)
        for (size_t r = 0; r < p->d; r++)
            memcpy(u + r * p->ld + i * p->tokens, p->position + r * p->tokens, p->tokens * sizeof *u);
    c->k->gemm(&(Gemm){ .m = p->d,
                        .n = at->cols,
                        .k = p->patch,
                        .a = param_value(&m->params, p->wp),
                        .a_row = p->patch,
                        .a_col = 1,
                        .b = at->s->wide,
                        .ldb = p->ld,
                        .c = u,
                        .ldc = p->ld,
                        .bias = param_value(&m->params, p->bp),
                        .add = true });
    NnDropout drop = patch_dropout(c, at, PATCH_EMBED, layer);
    if (drop.keep < 1)
        c->k->dropout(p->d, at->cols, u, p->ld, NULL, &drop, u);
}

NnAttention patch_attention(const PatchCall *c, const PatchPanel *at, size_t layer, size_t series, size_t head,
                            const float **q, const float **k) {
    PatchTst *p = c->p;
    size_t width = p->d / p->heads, place = head * width * p->ld + series * p->tokens;
    for (size_t i = 0; i <= layer; i++) {
        q[i] = patch_kept(p, p->layer[i].qkv, 3 * p->d, at) + place;
        k[i] = q[i] + p->d * p->ld;
    }
    return (NnAttention){ .tokens = p->tokens,
                          .width = width,
                          .ld = p->ld,
                          .n_scores = layer + 1,
                          .scale = (float)(1 / sqrt((double)width)),
                          .q = q,
                          .k = k,
                          .v = q[layer] + 2 * p->d * p->ld,
                          .o = patch_kept(p, p->layer[layer].o, p->d, at) + place,
                          .scratch = at->s->attention };
}

/* u1 = x + dropout(Wo attention(x) + bo) */
static void stage_attention(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    PatchLayer *l = &p->layer[layer];
    const float *x = patch_input(c, at, layer), *q[PATCHTST_LAYERS_MAX], *k[PATCHTST_LAYERS_MAX];
    float *qkv = patch_kept(p, l->qkv, 3 * p->d, at), *u = patch_kept(p, l->u1, p->d, at);
    Linear in = patch_linear(c, l->wqkv, l->bqkv, 3 * p->d, p->d), out = patch_linear(c, l->wo, l->bo, p->d, p->d);
    linear_forward(c->k, &in, at->cols, x, p->ld, qkv);
    for (size_t i = 0; i < at->n; i++)
        for (size_t h = 0; h < p->heads; h++) {
            NnAttention a = patch_attention(c, at, layer, i, h, q, k);
            c->k->attention(&a);
        }
    linear_forward(c->k, &out, at->cols, patch_kept(p, l->o, p->d, at), p->ld, at->s->y);
    NnDropout drop = patch_dropout(c, at, PATCH_ATTENTION, layer);
    c->k->dropout(p->d, at->cols, at->s->y, p->ld, x, &drop, u);
    if (c->training) {
        double *sums = l->norm[0].sums + at->number * 2 * p->d;
        c->k->moments(p->d, at->cols, u, p->ld, sums, sums + p->d);
    }
}

/* x = norm(u1); u2 = x + dropout(W2 dropout(gelu(W1 x + b1)) + b2) */
static void stage_feed_forward(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    PatchLayer *l = &p->layer[layer];
    PatchScratch *s = at->s;
    float *u = patch_kept(p, l->u2, p->d, at), *hidden = patch_hidden(p, l, at);
    Linear up = patch_linear(c, l->w1, l->b1, p->d_ff, p->d), down = patch_linear(c, l->w2, l->b2, p->d, p->d_ff);
    patch_normed(c, at, &l->norm[0], patch_kept(p, l->u1, p->d, at), s->x);
    linear_forward(c->k, &up, at->cols, s->x, p->ld, hidden);
    NnDropout drop = patch_dropout(c, at, PATCH_HIDDEN, layer);
    c->k->gelu(p->d_ff, at->cols, hidden, p->ld, &drop, s->wide);
    linear_forward(c->k, &down, at->cols, s->wide, p->ld, s->y);
    drop = patch_dropout(c, at, PATCH_FEED_FORWARD, layer);
    c->k->dropout(p->d, at->cols, s->y, p->ld, s->x, &drop, u);
    if (c->training) {
        double *sums = l->norm[1].sums + at->number * 2 * p->d;
        c->k->moments(p->d, at->cols, u, p->ld, sums, sums + p->d);
    }
}

/* The last norm, and each series' features behind each other: feature * tokens + token, as the head's weights count. */
static void stage_flatten(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    const float *z = patch_input(c, at, layer);
    for (size_t i = 0; i < at->n; i++)
        for (size_t r = 0; r < p->d; r++)
            memcpy(p->z + ((at->first + i) * p->d + r) * p->tokens, z + r * p->ld + i * p->tokens,
                   p->tokens * sizeof *z);
}

/* Moments of all tokens from those of the panels: squares around a panel's mean, moved to the common one. */
static void norm_gather(const PatchTst *p, const PatchNorm *n, size_t r, double *mean, double *var) {
    double count = (double)(p->n_series * p->tokens), sum = 0, square = 0;
    for (size_t i = 0; i < p->n_panels; i++)
        sum += n->sums[i * 2 * p->d + r];
    *mean = sum / count;
    for (size_t i = 0; i < p->n_panels; i++) {
        size_t series = MIN(p->per_panel, p->n_series - i * p->per_panel);
        double tokens = (double)(series * p->tokens), off = n->sums[i * 2 * p->d + r] / tokens - *mean;
        square += n->sums[i * 2 * p->d + p->d + r] + tokens * off * off;
    }
    *var = square / count;
}

/* Scale and shift of a norm: from this batch, which also moves the running moments, or from those. */
static void norm_ready(const PatchCall *c, PatchNorm *n) {
    PatchTst *p = c->p;
    Model *m = c->m;
    float *mean_running = param_value(&m->buffers, n->mean_running);
    float *var_running = param_value(&m->buffers, n->var_running);
    const float *gamma = param_value(&m->params, n->gamma), *beta = param_value(&m->params, n->beta);
    double count = (double)(p->n_series * p->tokens), momentum = m->s.bn_momentum;
    for (size_t r = 0; r < p->d; r++) {
        double mean = (double)mean_running[r], var = (double)var_running[r];
        if (c->training) {
            norm_gather(p, n, r, &mean, &var);
            double unbiased = count > 1 ? var * count / (count - 1) : var;
            mean_running[r] = (float)((1 - momentum) * (double)mean_running[r] + momentum * mean);
            var_running[r] = (float)((1 - momentum) * (double)var_running[r] + momentum * unbiased);
        }
        double one_over = 1 / sqrt(var + BATCH_NORM_EPS);
        n->mean[r] = (float)mean;
        n->one_over[r] = (float)one_over;
        n->scale[r] = (float)((double)gamma[r] * one_over);
        n->shift[r] = (float)((double)beta[r] - mean * (double)gamma[r] * one_over);
    }
}

/* Forecasting: nothing waits for other panels. */
static void stage_all(const PatchCall *c, const PatchPanel *at, size_t n_layers) {
    stage_embed(c, at, 0);
    for (size_t i = 0; i < n_layers; i++) {
        stage_attention(c, at, i);
        stage_feed_forward(c, at, i);
    }
    stage_flatten(c, at, n_layers);
}

static void head_forward(const PatchCall *c) {
    PatchTst *p = c->p;
    Model *m = c->m;
    size_t horizon = (size_t)m->s.horizon, flat = p->d * p->tokens, ldh = nn_ld(horizon);
    c->k->transpose(horizon, flat, param_value(&m->params, p->head), flat, p->head_t, ldh);
    nn_gemm(m->nn, &(Gemm){ .m = p->n_series,
                            .n = horizon,
                            .k = flat,
                            .a = p->z,
                            .a_row = flat,
                            .a_col = 1,
                            .b = p->head_t,
                            .ldb = ldh,
                            .c = p->forecast,
                            .ldc = ldh });
    c->k->transpose(p->n_series, horizon, p->forecast, ldh, m->y, m->ldy);
    c->k->scale_rows(horizon, p->n_series, m->y, m->ldy, p->ones, param_value(&m->params, p->head_bias), m->y);
}

void patchtst_forward(Model *m, bool training, uint64_t step) {
    PatchTst *p = m->self;
    PatchCall c = { .m = m, .p = p, .k = m->nn->k, .step = step, .training = training };
    c.k->transpose(p->tokens, p->d, param_value(&m->params, p->wpos), p->d, p->position, p->tokens);
    if (training)
        patch_each(&c, stage_embed, 0);
    for (size_t i = 0; i < p->n_layers; i++) {
        if (training)
            patch_each(&c, stage_attention, i);
        norm_ready(&c, &p->layer[i].norm[0]);
        if (training)
            patch_each(&c, stage_feed_forward, i);
        norm_ready(&c, &p->layer[i].norm[1]);
    }
    patch_each(&c, training ? stage_flatten : stage_all, p->n_layers);
    head_forward(&c);
}
