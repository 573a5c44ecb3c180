/* nn/patchtst_backward.c - slopes of the loss back through PatchTST, stage by stage from the head down. What travels between
 * stages is p->dz: the slope of a norm's output. A norm's own backward pass needs two sums over all tokens; they are taken
 * where dz is made, and each stage begins by turning dz into the slope before the norm. See patchtst_internal.h. */

#include "nn/patchtst_internal.h"

static float *grad_of(const PatchCall *c, const PatchScratch *s, size_t param) {
    return s->grad + c->m->params.v[param].from;
}

/* The slopes of a layer's weights and its bias, added to the worker's own. */
static void weights_back(const PatchCall *c, const PatchPanel *at, const Linear *l, const float *dy, const float *x,
                         size_t w, size_t b) {
    LinearGrad to = { .dw = grad_of(c, at->s, w), .db = grad_of(c, at->s, b), .turned = at->s->turned };
    linear_grad(c->k, l, at->cols, dy, x, c->p->ld, &to);
}

static void take_sums(const PatchCall *c, const PatchPanel *at, const PatchNorm *n, const float *u, const float *dz) {
    double *sums = n->sums + at->number * 2 * c->p->d;
    c->k->slope_moments(c->p->d, at->cols, u, dz, c->p->ld, n->mean, sums, sums + c->p->d);
}

/* Each series' row of slopes back into its panel. */
static void stage_unflatten(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    float *dz = patch_kept(p, p->dz, p->d, at);
    for (size_t i = 0; i < at->n; i++)
        for (size_t r = 0; r < p->d; r++)
            memcpy(dz + r * p->ld + i * p->tokens, p->dz_rows + ((at->first + i) * p->d + r) * p->tokens,
                   p->tokens * sizeof *dz);
    take_sums(c, at, &p->layer[layer].norm[1], patch_kept(p, p->layer[layer].u2, p->d, at), dz);
}

/* The sums of all panels: gamma's and beta's gradients, and the factors of the norm's backward pass,
 * du = scale (dz - mean dz - xhat mean(dz xhat)). */
static void norm_back_ready(const PatchCall *c, const PatchNorm *n) {
    PatchTst *p = c->p;
    float *gamma = param_grad(&c->m->params, n->gamma), *beta = param_grad(&c->m->params, n->beta);
    double count = (double)(p->n_series * p->tokens);
    for (size_t r = 0; r < p->d; r++) {
        double sum = 0, product = 0, one_over = (double)n->one_over[r], scale = (double)n->scale[r];
        for (size_t i = 0; i < p->n_panels; i++) {
            sum += n->sums[i * 2 * p->d + r];
            product += n->sums[i * 2 * p->d + p->d + r];
        }
        beta[r] = (float)sum;
        gamma[r] = (float)(product * one_over);
        n->back_scale[r] = (float)scale;
        n->back_shift[r] = (float)(scale * sum / count);
        n->back_slope[r] = (float)(scale * product * one_over * one_over / count);
    }
}

/* dz becomes the slope of u, before the norm. */
static void norm_back(const PatchCall *c, const PatchPanel *at, const PatchNorm *n, const float *u, float *dz) {
    c->k->norm_back(c->p->d, at->cols, u, dz, c->p->ld, n->mean, n->back_scale, n->back_shift, n->back_slope);
}

static void stage_feed_forward(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    PatchLayer *l = &p->layer[layer];
    PatchScratch *s = at->s;
    const float *u1 = patch_kept(p, l->u1, p->d, at);
    float *dz = patch_kept(p, p->dz, p->d, at), *hidden = patch_hidden(p, l, at), *g = s->wide2, *slope = s->wide3;
    Linear up = patch_linear(c, l->w1, l->b1, p->d_ff, p->d), down = patch_linear(c, l->w2, l->b2, p->d, p->d_ff);
    norm_back(c, at, &l->norm[1], patch_kept(p, l->u2, p->d, at), dz);
    NnDropout drop = patch_dropout(c, at, PATCH_FEED_FORWARD, layer);
    c->k->dropout(p->d, at->cols, dz, p->ld, NULL, &drop, s->y);

    patch_normed(c, at, &l->norm[0], u1, s->x);
    if (!l->hidden)
        linear_forward(c->k, &up, at->cols, s->x, p->ld, hidden);
    linear_back(c->k, &down, at->cols, s->y, p->ld, slope, false);
    drop = patch_dropout(c, at, PATCH_HIDDEN, layer);
    c->k->gelu_back(p->d_ff, at->cols, hidden, p->ld, &drop, g, slope);
    weights_back(c, at, &down, s->y, g, l->w2, l->b2);
    weights_back(c, at, &up, slope, s->x, l->w1, l->b1);
    linear_back(c->k, &up, at->cols, slope, p->ld, dz, true);
    take_sums(c, at, &l->norm[0], u1, dz);
}

/* Slopes of queries, keys and values from that of attention's output, head by head; the scores' slope is carried to the
 * layer below. */
static void heads_back(const PatchCall *c, const PatchPanel *at, size_t layer, const float *d_o, float *dqkv) {
    PatchTst *p = c->p;
    const float *q[PATCHTST_LAYERS_MAX], *k[PATCHTST_LAYERS_MAX];
    size_t ldt = NN_ATTENTION_LD(p->tokens);
    for (size_t i = 0; i < at->n; i++)
        for (size_t h = 0; h < p->heads; h++) {
            size_t place = h * (p->d / p->heads) * p->ld + i * p->tokens;
            float *carry = p->carry ? p->carry + ((at->first + i) * p->heads + h) * p->tokens * ldt : NULL;
            NnAttentionBack b = { .f = patch_attention(c, at, layer, i, h, q, k),
                                  .d_o = d_o + place,
                                  .carry_in = layer + 1 < p->n_layers ? carry : NULL,
                                  .carry_out = layer > 0 ? carry : NULL,
                                  .dq = dqkv + place,
                                  .dk = dqkv + p->d * p->ld + place,
                                  .dv = dqkv + 2 * p->d * p->ld + place };
            c->k->attention_back(&b);
        }
}

static void patches_back(const PatchCall *c, const PatchPanel *at, float *dz) {
    PatchTst *p = c->p;
    PatchScratch *s = at->s;
    Linear embed = patch_linear(c, p->wp, p->bp, p->d, p->patch);
    NnDropout drop = patch_dropout(c, at, PATCH_EMBED, 0);
    if (drop.keep < 1)
        c->k->dropout(p->d, at->cols, dz, p->ld, NULL, &drop, dz);
    float *position = grad_of(c, s, p->wpos); /* gathered as (d, tokens) */
    for (size_t i = 0; i < at->n; i++)
        for (size_t r = 0; r < p->d; r++)
            c->k->add(p->tokens, dz + r * p->ld + i * p->tokens, position + r * p->tokens);
    patch_cut(c, at, s->wide);
    weights_back(c, at, &embed, dz, s->wide, p->wp, p->bp);
}

static void stage_attention(const PatchCall *c, const PatchPanel *at, size_t layer) {
    PatchTst *p = c->p;
    PatchLayer *l = &p->layer[layer];
    PatchScratch *s = at->s;
    float *dz = patch_kept(p, p->dz, p->d, at), *d_o = s->wide2, *dqkv = s->wide;
    Linear in = patch_linear(c, l->wqkv, l->bqkv, 3 * p->d, p->d), out = patch_linear(c, l->wo, l->bo, p->d, p->d);
    norm_back(c, at, &l->norm[0], patch_kept(p, l->u1, p->d, at), dz);
    NnDropout drop = patch_dropout(c, at, PATCH_ATTENTION, layer);
    c->k->dropout(p->d, at->cols, dz, p->ld, NULL, &drop, s->y);
    weights_back(c, at, &out, s->y, patch_kept(p, l->o, p->d, at), l->wo, l->bo);
    linear_back(c->k, &out, at->cols, s->y, p->ld, d_o, false);
    heads_back(c, at, layer, d_o, dqkv);
    const float *x = patch_input(c, at, layer);
    weights_back(c, at, &in, dqkv, x, l->wqkv, l->bqkv);
    linear_back(c->k, &in, at->cols, dqkv, p->ld, dz, true);
    if (layer == 0)
        patches_back(c, at, dz);
    else
        take_sums(c, at, &p->layer[layer - 1].norm[1], patch_kept(p, p->layer[layer - 1].u2, p->d, at), dz);
}

static void head_back(const PatchCall *c) {
    PatchTst *p = c->p;
    Model *m = c->m;
    size_t horizon = (size_t)m->s.horizon, flat = p->d * p->tokens;
    float *bias = param_grad(&m->params, p->head_bias);
    memset(bias, 0, horizon * sizeof *bias);
    c->k->row_sums(horizon, p->n_series, m->dy, m->ldy, bias);
    nn_gemm(m->nn, &(Gemm){ .m = horizon,
                            .n = flat,
                            .k = p->n_series,
                            .a = m->dy,
                            .a_row = m->ldy,
                            .a_col = 1,
                            .b = p->z,
                            .ldb = flat,
                            .c = param_grad(&m->params, p->head),
                            .ldc = flat });
    nn_gemm(m->nn, &(Gemm){ .m = p->n_series,
                            .n = flat,
                            .k = horizon,
                            .a = m->dy,
                            .a_row = 1,
                            .a_col = m->ldy,
                            .b = param_value(&m->params, p->head),
                            .ldb = flat,
                            .c = p->dz_rows,
                            .ldc = flat });
}

static void clear_shard(void *arg, int shard) {
    const PatchCall *c = arg;
    memset(c->p->scratch[shard].grad, 0, c->p->n_body * sizeof(float));
}

static void hand_over(const PatchCall *c, size_t param, size_t rows, size_t cols, bool transposed) {
    const float *from = grad_of(c, &c->p->scratch[0], param);
    float *to = param_grad(&c->m->params, param);
    if (transposed)
        c->k->transpose(rows, cols, from, cols, to, rows);
    else
        memcpy(to, from, rows * cols * sizeof *to);
}

static void gather_gradients(const PatchCall *c) {
    PatchTst *p = c->p;
    float *grads[NN_SHARDS];
    for (int i = 0; i < NN_SHARDS; i++)
        grads[i] = p->scratch[i].grad;
    nn_sum_shards(c->m->nn, grads, p->n_body);
    hand_over(c, p->wpos, p->d, p->tokens, true);
    const Linear embed = { .out = p->d, .in = p->patch }, down = { .out = p->d, .in = p->d_ff };
    const Linear up = { .out = p->d_ff, .in = p->d };
#define HAND_OVER(w, l)                                                                                                \
    hand_over(c, (w), linear_grad_transposed(&(l)) ? (l).in : (l).out,                                                 \
              linear_grad_transposed(&(l)) ? (l).out : (l).in, linear_grad_transposed(&(l)))
    HAND_OVER(p->wp, embed);
    hand_over(c, p->bp, 1, p->d, false);
    for (size_t i = 0; i < p->n_layers; i++) {
        const PatchLayer *l = &p->layer[i];
        hand_over(c, l->wqkv, 3 * p->d, p->d, false);
        hand_over(c, l->bqkv, 1, 3 * p->d, false);
        hand_over(c, l->wo, p->d, p->d, false);
        hand_over(c, l->bo, 1, p->d, false);
        HAND_OVER(l->w1, up);
        hand_over(c, l->b1, 1, p->d_ff, false);
        HAND_OVER(l->w2, down);
        hand_over(c, l->b2, 1, p->d, false);
    }
#undef HAND_OVER
}

void patchtst_backward(Model *m, uint64_t step) {
    PatchTst *p = m->self;
    PatchCall c = { .m = m, .p = p, .k = m->nn->k, .step = step, .training = true };
    nn_shards(m->nn, clear_shard, &c);
    head_back(&c);
    patch_each(&c, stage_unflatten, p->n_layers - 1);
    for (size_t i = p->n_layers; i-- > 0;) {
        norm_back_ready(&c, &p->layer[i].norm[1]);
        patch_each(&c, stage_feed_forward, i);
        norm_back_ready(&c, &p->layer[i].norm[0]);
        patch_each(&c, stage_attention, i);
    }
    gather_gradients(&c);
}
