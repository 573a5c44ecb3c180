/* nn/lstm.c - an LSTM over the window and one linear head on its last state, as torch.nn.LSTM and nn.Linear have it.
 *
 * All channels of a row go in together, windows lie in lanes. A shard takes its windows through all rows and layers alone:
 * forward, then backward in time with gradients of its own, which are added up at the end. A step's gates are
 * W_ih x_t + W_hh h_(t-1): two products whose weights stay in the cache over all steps. */

#include "nn/model_internal.h"
#include "nn/op.h"

#include <math.h>

enum { LSTM_LAYERS_MAX = 64 };

typedef struct LstmLayer {
    size_t w_ih, w_hh, b_ih, b_hh; /* in params */
    size_t in;                     /* rows of the input */
    float *bias;                   /* 4 hidden: both biases */
    float *gates, *c, *h;          /* kept for each step: (4 hidden | hidden | hidden, ld) */
    float *x; /* the input after dropout, for each step; NULL in the first layer and without dropout */
} LstmLayer;

typedef struct LstmScratch { /* of one shard, `ld` wide */
    float *dh, *dc;          /* (hidden, ld) */
    float *d_below;          /* for each step: slope of the layer's input */
    float *turned;
    float *grad; /* laid out as the parameters are */
} LstmScratch;

typedef struct Lstm {
    size_t hidden, n_layers, steps, head, head_bias;
    LstmLayer layer[LSTM_LAYERS_MAX];
    size_t ld;
    LstmScratch scratch[NN_SHARDS];
} Lstm;

typedef struct LstmCall {
    Model *m;
    Lstm *l;
    const NnKernels *k;
    uint64_t step;
    bool training;
} LstmCall;

static void lstm_layout(Model *m) {
    Lstm *l = m->self = arena_new(&m->own, Lstm);
    l->hidden = (size_t)m->s.hidden;
    l->n_layers = (size_t)m->s.layers;
    l->steps = (size_t)m->s.lookback;
    for (size_t i = 0; i < l->n_layers; i++) {
        LstmLayer *y = &l->layer[i];
        y->in = i == 0 ? (size_t)m->s.channels : l->hidden;
        const size_t ih[] = { 4 * l->hidden, y->in, 0 }, hh[] = { 4 * l->hidden, l->hidden, 0 },
                     b[] = { 4 * l->hidden, 0 };
        y->w_ih = param_add(&m->params, ih, "weight_ih_l%zu", i);
        y->w_hh = param_add(&m->params, hh, "weight_hh_l%zu", i);
        y->b_ih = param_add(&m->params, b, "bias_ih_l%zu", i);
        y->b_hh = param_add(&m->params, b, "bias_hh_l%zu", i);
    }
    size_t outputs = (size_t)m->s.horizon * (size_t)m->s.targets;
    const size_t head[] = { outputs, l->hidden, 0 }, bias[] = { outputs, 0 };
    l->head = param_add(&m->params, head, "head.weight");
    l->head_bias = param_add(&m->params, bias, "head.bias");
}

static void lstm_init(Model *m) {
    for (size_t i = 0; i < m->params.n_params; i++) /* torch: all by the size of the state */
        model_draw_uniform(m, i, 1 / sqrt((double)m->s.hidden));
}

static void lstm_plan(Model *m) {
    Lstm *l = m->self;
    bool training = m->room_training;
    l->ld = nn_whole(m->n); /* a step's products are too narrow to gain from nn_ld */
    size_t kept = training ? l->steps : 2, widest = MAX(l->hidden, (size_t)m->s.channels);
    for (size_t i = 0; i < l->n_layers; i++) {
        LstmLayer *y = &l->layer[i];
        y->bias = nn_floats(&m->work, 4 * l->hidden);
        y->gates = nn_floats(&m->work, kept * 4 * l->hidden * l->ld);
        y->c = nn_floats(&m->work, kept * l->hidden * l->ld);
        y->h = nn_floats(&m->work, kept * l->hidden * l->ld);
        y->x = training && i > 0 && m->s.dropout > 0 ? nn_floats(&m->work, kept * l->hidden * l->ld) : NULL;
    }
    float *dh = NULL, *dc = NULL, *d_below = NULL; /* shards have columns of their own in them */
    if (training) {
        dh = nn_floats(&m->work, l->hidden * l->ld);
        dc = nn_floats(&m->work, l->hidden * l->ld);
        d_below = nn_floats(&m->work, l->steps * l->hidden * l->ld);
    }
    for (int s = 0; s < NN_SHARDS; s++)
        l->scratch[s] = (LstmScratch){ .dh = dh,
                                       .dc = dc,
                                       .d_below = d_below,
                                       .turned = training ? nn_floats(&m->work, l->ld * nn_ld(widest)) : NULL,
                                       .grad = training ? nn_floats(&m->work, m->params.n) : NULL };
}

/* A shard's windows: whole vectors, so that no lane idles. */
static NnRange shard_windows(const Model *m, int shard) {
    NnRange r = nn_part((m->n + 15) / 16, shard);
    return (NnRange){ MIN(r.from * 16, m->n), MIN(r.to * 16, m->n) };
}

/* Where step t's panel lies: all steps are kept in training, else the last two in turn. */
static size_t kept_at(const Model *m, size_t t) {
    return m->room_training ? t : t % 2;
}

static Linear lstm_linear(const LstmCall *c, size_t w, size_t in) {
    return (Linear){ 4 * c->l->hidden, in, param_value(&c->m->params, w), NULL };
}

static NnDropout lstm_dropout(const LstmCall *c, size_t layer, size_t t, size_t from) {
    const Model *m = c->m;
    uint64_t key = (m->s.seed * 0x9E3779B97F4A7C15u + c->step) ^ layer << 56;
    key = (key ^ key >> 31) * 0xBF58476D1CE4E5B9u;
    return (NnDropout){ .keep = c->training ? (float)(1 - m->s.dropout) : 1,
                        .key = (uint32_t)(key >> 32),
                        .first = (uint32_t)(t * c->l->hidden * m->n + from),
                        .row_step = (uint32_t)m->n };
}

/* The input of a layer at step t for windows from `from` on, and its row length. */
static const float *lstm_input(const LstmCall *c, size_t layer, size_t t, size_t from, size_t *ld) {
    const Model *m = c->m;
    const Lstm *l = c->l;
    *ld = layer == 0 ? m->n : l->ld;
    if (layer == 0)
        return m->x + t * m->ldx + from;
    const float *below = c->training && l->layer[layer].x ? l->layer[layer].x : l->layer[layer - 1].h;
    return below + kept_at(m, t) * l->hidden * l->ld + from;
}

static void forward_step(const LstmCall *c, size_t layer, size_t t, NnRange r) {
    Lstm *l = c->l;
    LstmLayer *y = &l->layer[layer];
    size_t now = kept_at(c->m, t), before = kept_at(c->m, t - 1), cols = r.to - r.from, state = l->hidden * l->ld, ldx;
    float *gates = y->gates + now * 4 * state + r.from;
    if (c->training && y->x) {
        NnDropout drop = lstm_dropout(c, layer, t, r.from);
        c->k->dropout(l->hidden, cols, l->layer[layer - 1].h + now * state + r.from, l->ld, NULL, &drop,
                      y->x + now * state + r.from);
    }
    const float *x = lstm_input(c, layer, t, r.from, &ldx);
    Linear ih = lstm_linear(c, y->w_ih, y->in), hh = lstm_linear(c, y->w_hh, l->hidden);
    c->k->gemm(&(Gemm){ .m = ih.out,
                        .n = cols,
                        .k = ih.in,
                        .a = ih.w,
                        .a_row = ih.in,
                        .a_col = 1,
                        .b = x,
                        .ldb = ldx,
                        .c = gates,
                        .ldc = l->ld,
                        .bias = y->bias });
    if (t > 0)
        c->k->gemm(&(Gemm){ .m = hh.out,
                            .n = cols,
                            .k = hh.in,
                            .a = hh.w,
                            .a_row = hh.in,
                            .a_col = 1,
                            .b = y->h + before * state + r.from,
                            .ldb = l->ld,
                            .c = gates,
                            .ldc = l->ld,
                            .add = true });
    c->k->lstm(l->hidden, cols, gates, l->ld, t > 0 ? y->c + before * state + r.from : NULL,
               y->c + now * state + r.from, y->h + now * state + r.from);
}

/* Rows of the head belong to (horizon, target), target fastest; a row of m->y holds its targets' windows one behind the
 * other. */
static void forward_head(const LstmCall *c, NnRange r) {
    Lstm *l = c->l;
    Model *m = c->m;
    size_t targets = (size_t)m->s.targets;
    const float *h = l->layer[l->n_layers - 1].h + kept_at(m, l->steps - 1) * l->hidden * l->ld + r.from;
    for (size_t row = 0; row < (size_t)m->s.horizon; row++)
        c->k->gemm(&(Gemm){ .m = targets,
                            .n = r.to - r.from,
                            .k = l->hidden,
                            .a = param_value(&m->params, l->head) + row * targets * l->hidden,
                            .a_row = l->hidden,
                            .a_col = 1,
                            .b = h,
                            .ldb = l->ld,
                            .c = m->y + row * m->ldy + r.from,
                            .ldc = m->n,
                            .bias = param_value(&m->params, l->head_bias) + row * targets });
}

static void forward_shard(void *arg, int shard) {
    const LstmCall *c = arg;
    NnRange r = shard_windows(c->m, shard);
    if (r.from == r.to)
        return;
    for (size_t t = 0; t < c->l->steps; t++)
        for (size_t i = 0; i < c->l->n_layers; i++)
            forward_step(c, i, t, r);
    forward_head(c, r);
}

static void lstm_forward(Model *m, bool training, uint64_t step) {
    Lstm *l = m->self;
    LstmCall c = { .m = m, .l = l, .k = m->nn->k, .step = step, .training = training };
    for (size_t i = 0; i < l->n_layers; i++) {
        const float *ih = param_value(&m->params, l->layer[i].b_ih), *hh = param_value(&m->params, l->layer[i].b_hh);
        for (size_t r = 0; r < 4 * l->hidden; r++)
            l->layer[i].bias[r] = ih[r] + hh[r];
    }
    nn_shards(m->nn, forward_shard, &c);
}

static float *lstm_grad(const LstmCall *c, const LstmScratch *s, size_t param) {
    return s->grad + c->m->params.v[param].from;
}

/* Slope of the last state from that of the forecast, and the head's gradients. */
static void head_back(const LstmCall *c, LstmScratch *s, NnRange r) {
    Lstm *l = c->l;
    Model *m = c->m;
    size_t targets = (size_t)m->s.targets, cols = r.to - r.from, ldt = nn_ld(l->hidden);
    const float *h = l->layer[l->n_layers - 1].h + (l->steps - 1) * l->hidden * l->ld + r.from;
    c->k->transpose(l->hidden, cols, h, l->ld, s->turned, ldt);
    for (size_t row = 0; row < (size_t)m->s.horizon; row++) {
        const float *dy = m->dy + row * m->ldy + r.from;
        size_t from = row * targets;
        c->k->gemm(&(Gemm){ .m = targets,
                            .n = l->hidden,
                            .k = cols,
                            .a = dy,
                            .a_row = m->n,
                            .a_col = 1,
                            .b = s->turned,
                            .ldb = ldt,
                            .c = lstm_grad(c, s, l->head) + from * l->hidden,
                            .ldc = l->hidden });
        memset(lstm_grad(c, s, l->head_bias) + from, 0, targets * sizeof(float));
        c->k->row_sums(targets, cols, dy, m->n, lstm_grad(c, s, l->head_bias) + from);
        c->k->gemm(&(Gemm){ .m = l->hidden,
                            .n = cols,
                            .k = targets,
                            .a = param_value(&m->params, l->head) + from * l->hidden,
                            .a_row = 1,
                            .a_col = l->hidden,
                            .b = dy,
                            .ldb = m->n,
                            .c = s->dh + r.from,
                            .ldc = l->ld,
                            .add = row > 0 });
    }
}

/* One step back: s->dh holds the slope of h_t. What is left there is that of h_(t-1), from this layer alone. */
static void backward_step(const LstmCall *c, LstmScratch *s, size_t layer, size_t t, NnRange r) {
    Lstm *l = c->l;
    LstmLayer *y = &l->layer[layer];
    size_t state = l->hidden * l->ld, cols = r.to - r.from, ldx;
    float *gates = y->gates + t * 4 * state + r.from, *dh = s->dh + r.from, *below = s->d_below + t * state + r.from;
    Linear ih = lstm_linear(c, y->w_ih, y->in), hh = lstm_linear(c, y->w_hh, l->hidden);
    c->k->lstm_back(l->hidden, cols, gates, l->ld, t > 0 ? y->c + (t - 1) * state + r.from : NULL,
                    y->c + t * state + r.from, dh, s->dc + r.from);
    const float *x = lstm_input(c, layer, t, r.from, &ldx);
    size_t ldt = nn_ld(y->in);
    c->k->transpose(y->in, cols, x, ldx, s->turned, ldt);
    c->k->gemm(&(Gemm){ .m = ih.out,
                        .n = y->in,
                        .k = cols,
                        .a = gates,
                        .a_row = l->ld,
                        .a_col = 1,
                        .b = s->turned,
                        .ldb = ldt,
                        .c = lstm_grad(c, s, y->w_ih),
                        .ldc = y->in,
                        .add = true });
    c->k->row_sums(ih.out, cols, gates, l->ld, lstm_grad(c, s, y->b_ih));
    if (layer > 0)
        linear_back(c->k, &ih, cols, gates, l->ld, below, false);
    if (t == 0)
        return;
    ldt = nn_ld(l->hidden);
    c->k->transpose(l->hidden, cols, y->h + (t - 1) * state + r.from, l->ld, s->turned, ldt);
    c->k->gemm(&(Gemm){ .m = hh.out,
                        .n = l->hidden,
                        .k = cols,
                        .a = gates,
                        .a_row = l->ld,
                        .a_col = 1,
                        .b = s->turned,
                        .ldb = ldt,
                        .c = lstm_grad(c, s, y->w_hh),
                        .ldc = l->hidden,
                        .add = true });
    linear_back(c->k, &hh, cols, gates, l->ld, dh, false);
}

static void add_rows(const LstmCall *c, size_t cols, const float *x, float *y) {
    for (size_t i = 0; i < c->l->hidden; i++)
        c->k->add(cols, x + i * c->l->ld, y + i * c->l->ld);
}

static void clear_rows(const LstmCall *c, size_t cols, float *x) {
    for (size_t i = 0; i < c->l->hidden; i++)
        memset(x + i * c->l->ld, 0, cols * sizeof *x);
}

/* A layer takes the slopes of its outputs, at all steps, out of d_below, and leaves those of its inputs there. */
static void backward_layer(const LstmCall *c, LstmScratch *s, size_t layer, NnRange r) {
    Lstm *l = c->l;
    size_t state = l->hidden * l->ld, cols = r.to - r.from;
    bool top = layer == l->n_layers - 1;
    clear_rows(c, cols, s->dc + r.from);
    if (!top)
        clear_rows(c, cols, s->dh + r.from);
    for (size_t t = l->steps; t-- > 0;) {
        float *above = s->d_below + t * state + r.from;
        if (!top) {
            NnDropout drop = lstm_dropout(c, layer + 1, t, r.from);
            c->k->dropout(l->hidden, cols, above, l->ld, NULL, &drop, above);
            add_rows(c, cols, above, s->dh + r.from);
        }
        backward_step(c, s, layer, t, r);
    }
}

static void backward_shard(void *arg, int shard) {
    const LstmCall *c = arg;
    Lstm *l = c->l;
    LstmScratch *s = &l->scratch[shard];
    NnRange r = shard_windows(c->m, shard);
    memset(s->grad, 0, c->m->params.n * sizeof(float));
    if (r.from == r.to)
        return;
    head_back(c, s, r);
    for (size_t i = l->n_layers; i-- > 0;)
        backward_layer(c, s, i, r);
}

static void lstm_backward(Model *m, uint64_t step) {
    Lstm *l = m->self;
    LstmCall c = { .m = m, .l = l, .k = m->nn->k, .step = step, .training = true };
    nn_shards(m->nn, backward_shard, &c);
    float *grads[NN_SHARDS];
    for (int i = 0; i < NN_SHARDS; i++)
        grads[i] = l->scratch[i].grad;
    nn_sum_shards(m->nn, grads, m->params.n);
    memcpy(m->params.grad, grads[0], m->params.n * sizeof(float));
    for (size_t i = 0; i < l->n_layers; i++) /* the two biases are one sum */
        memcpy(param_grad(&m->params, l->layer[i].b_hh), param_grad(&m->params, l->layer[i].b_ih),
               4 * l->hidden * sizeof(float));
}

const ModelOps model_lstm_ops = { lstm_layout, lstm_init, lstm_plan, lstm_forward, lstm_backward };
