/* nn/patchtst.c - PatchTST (Nie et al. 2023): its tensors, initial weights and buffers. Post-norm, BatchNorm over features,
 * residual attention scores, GELU, a learned position, one linear head for all channels, as the official code has them; so
 * are the tensors' names, whose checkpoints load. */

#include "nn/patchtst_internal.h"

#include <math.h>

static void norm_layout(Model *m, PatchNorm *n, size_t layer, const char *name) {
    const size_t shape[] = { (size_t)m->s.d_model, 0 };
    static const char format[] = "model.backbone.encoder.layers.%zu.%s.1.%s";
    n->gamma = param_add(&m->params, shape, format, layer, name, "weight");
    n->beta = param_add(&m->params, shape, format, layer, name, "bias");
    n->mean_running = param_add(&m->buffers, shape, format, layer, name, "running_mean");
    n->var_running = param_add(&m->buffers, shape, format, layer, name, "running_var");
}

static void layer_layout(Model *m, PatchLayer *l, size_t i) {
    size_t d = (size_t)m->s.d_model, d_ff = (size_t)m->s.d_ff;
    const size_t square[] = { d, d, 0 }, vector[] = { d, 0 };
    const size_t up[] = { d_ff, d, 0 }, up_bias[] = { d_ff, 0 }, down[] = { d, d_ff, 0 };
    static const char format[] = "model.backbone.encoder.layers.%zu.%s";
    l->wqkv = param_add(&m->params, square, format, i, "self_attn.W_Q.weight");
    param_add(&m->params, square, format, i, "self_attn.W_K.weight");
    param_add(&m->params, square, format, i, "self_attn.W_V.weight");
    l->bqkv = param_add(&m->params, vector, format, i, "self_attn.W_Q.bias");
    param_add(&m->params, vector, format, i, "self_attn.W_K.bias");
    param_add(&m->params, vector, format, i, "self_attn.W_V.bias");
    l->wo = param_add(&m->params, square, format, i, "self_attn.to_out.0.weight");
    l->bo = param_add(&m->params, vector, format, i, "self_attn.to_out.0.bias");
    norm_layout(m, &l->norm[0], i, "norm_attn");
    l->w1 = param_add(&m->params, up, format, i, "ff.0.weight");
    l->b1 = param_add(&m->params, up_bias, format, i, "ff.0.bias");
    l->w2 = param_add(&m->params, down, format, i, "ff.3.weight");
    l->b2 = param_add(&m->params, vector, format, i, "ff.3.bias");
    norm_layout(m, &l->norm[1], i, "norm_ffn");
}

static void patchtst_layout(Model *m) {
    PatchTst *p = m->self = arena_new(&m->own, PatchTst);
    p->d = (size_t)m->s.d_model;
    p->heads = (size_t)m->s.heads;
    p->d_ff = (size_t)m->s.d_ff;
    p->n_layers = (size_t)m->s.layers;
    p->patch = (size_t)m->s.patch;
    p->stride = (size_t)m->s.stride;
    p->row = (size_t)m->s.lookback + (m->s.pad_end ? p->stride : 0);
    p->tokens = (p->row - p->patch) / p->stride + 1;
    const size_t position[] = { p->tokens, p->d, 0 }, embed[] = { p->d, p->patch, 0 }, vector[] = { p->d, 0 };
    const size_t head[] = { (size_t)m->s.horizon, p->d * p->tokens, 0 }, head_bias[] = { (size_t)m->s.horizon, 0 };
    p->wpos = param_add(&m->params, position, "model.backbone.W_pos");
    p->wp = param_add(&m->params, embed, "model.backbone.W_P.weight");
    p->bp = param_add(&m->params, vector, "model.backbone.W_P.bias");
    for (size_t i = 0; i < p->n_layers; i++)
        layer_layout(m, &p->layer[i], i);
    p->n_body = m->params.n;
    p->head = param_add(&m->params, head, "model.head.linear.weight");
    p->head_bias = param_add(&m->params, head_bias, "model.head.linear.bias");
}

static void fill(float *v, size_t n, float x) {
    for (size_t i = 0; i < n; i++)
        v[i] = x;
}

static void patchtst_init(Model *m) {
    PatchTst *p = m->self;
    double last = 0; /* a bias has the bound of the weight before it: 1 / sqrt(inputs), as torch's nn.Linear */
    for (size_t i = 0; i < m->params.n_params; i++) {
        const Param *v = &m->params.v[i];
        if (v->rank == 2)
            last = 1 / sqrt((double)v->shape[1]);
        model_draw_uniform(m, i, i == p->wpos ? .02 : last);
    }
    for (size_t i = 0; i < p->n_layers; i++)
        for (int j = 0; j < 2; j++) {
            const PatchNorm *n = &p->layer[i].norm[j];
            fill(param_value(&m->params, n->gamma), p->d, 1);
            fill(param_value(&m->params, n->beta), p->d, 0);
            fill(param_value(&m->buffers, n->mean_running), p->d, 0);
            fill(param_value(&m->buffers, n->var_running), p->d, 1);
        }
}

/* Series a panel: enough that few lanes are idle at its end, and that a narrow layer has work between two calls. */
static size_t choose_per_panel(const PatchTst *p) {
    size_t best = 1, most = MAX(384 / p->tokens, 1);
    double best_idle = 1;
    for (size_t n = 1; n <= most; n++) {
        size_t cols = n * p->tokens;
        size_t lanes = nn_whole(cols);
        double idle = (double)(lanes - cols) / (double)lanes;
        if (idle < best_idle - .02) {
            best = n;
            best_idle = idle;
        }
    }
    return best;
}

static void norm_plan(Model *m, PatchTst *p, PatchNorm *n, bool training) {
    float **v[] = { &n->mean, &n->one_over, &n->scale, &n->shift, &n->back_scale, &n->back_shift, &n->back_slope };
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        *v[i] = nn_floats(&m->work, p->d);
    n->sums = training ? (double *)(void *)nn_floats(&m->work, p->n_panels * p->d * 4) : NULL;
}

static void scratch_plan(Model *m, PatchTst *p, PatchScratch *s, bool training) {
    size_t wide = MAX(MAX(p->d_ff, 3 * p->d), p->patch);
    s->x = nn_floats(&m->work, p->d * p->ld);
    s->y = nn_floats(&m->work, p->d * p->ld);
    s->wide = nn_floats(&m->work, wide * p->ld);
    s->attention = nn_floats(&m->work, NN_ATTENTION_SCRATCH(p->tokens));
    if (!training)
        return;
    s->wide2 = nn_floats(&m->work, wide * p->ld);
    s->wide3 = nn_floats(&m->work, wide * p->ld);
    s->turned = nn_floats(&m->work, p->ld * nn_ld(MAX(p->d, p->patch)));
    s->grad = nn_floats(&m->work, p->n_body);
}

static void patchtst_plan(Model *m) {
    PatchTst *p = m->self;
    bool training = m->room_training;
    size_t horizon = (size_t)m->s.horizon, flat = p->d * p->tokens;
    p->n_series = (size_t)m->s.targets * m->n;
    p->per_panel = choose_per_panel(p);
    p->n_panels = (p->n_series + p->per_panel - 1) / p->per_panel;
    p->ld = nn_ld(p->per_panel * p->tokens);
    size_t slots = training ? MAX(p->n_panels, NN_SHARDS) : NN_SHARDS, kept = slots * p->d * p->ld;
    p->series = nn_floats(&m->work, p->n_series * p->row);
    p->position = nn_floats(&m->work, flat);
    p->u0 = nn_floats(&m->work, kept);
    for (size_t i = 0; i < p->n_layers; i++) {
        PatchLayer *l = &p->layer[i];
        l->qkv = nn_floats(&m->work, 3 * kept);
        l->o = nn_floats(&m->work, kept);
        l->u1 = nn_floats(&m->work, kept);
        l->u2 = nn_floats(&m->work, kept);
        l->hidden = training && p->d >= PATCHTST_KEEP_HIDDEN ? nn_floats(&m->work, slots * p->d_ff * p->ld) : NULL;
        norm_plan(m, p, &l->norm[0], training);
        norm_plan(m, p, &l->norm[1], training);
    }
    p->z = nn_floats(&m->work, p->n_series * flat);
    p->head_t = nn_floats(&m->work, flat * nn_ld(horizon));
    p->forecast = nn_floats(&m->work, p->n_series * nn_ld(horizon));
    p->ones = nn_floats(&m->work, horizon);
    fill(p->ones, horizon, 1);
    for (int i = 0; i < NN_SHARDS; i++)
        scratch_plan(m, p, &p->scratch[i], training);
    if (!training)
        return;
    p->dz = nn_floats(&m->work, kept);
    p->dz_rows = nn_floats(&m->work, p->n_series * flat);
    if (p->n_layers > 1)
        p->carry = nn_floats(&m->work, p->n_series * p->heads * p->tokens * NN_ATTENTION_LD(p->tokens));
}

typedef struct Each {
    const PatchCall *c;
    PatchStage *stage;
    size_t layer;
} Each;

static void each_shard(void *arg, int shard) {
    const Each *e = arg;
    PatchTst *p = e->c->p;
    NnRange r = nn_part(p->n_panels, shard);
    for (size_t i = r.from; i < r.to; i++) {
        size_t first = i * p->per_panel, n = MIN(p->per_panel, p->n_series - first);
        PatchPanel at = { .number = i,
                          .slot = e->c->training ? i : (size_t)shard,
                          .first = first,
                          .n = n,
                          .cols = n * p->tokens,
                          .s = &p->scratch[shard] };
        e->stage(e->c, &at, e->layer);
    }
}

void patch_each(const PatchCall *c, PatchStage *stage, size_t layer) {
    nn_shards(c->m->nn, each_shard, &(Each){ c, stage, layer });
}

const ModelOps model_patchtst_ops = { patchtst_layout, patchtst_init, patchtst_plan, patchtst_forward,
                                      patchtst_backward };
