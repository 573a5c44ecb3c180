#pragma once

/* nn/patchtst_internal.h - PatchTST's parts, shared by its forward and backward files.
 *
 * The windows of all channels are so many series; each becomes `tokens` patches, and the patches of `per_panel` series
 * make a panel, small enough for the caches. A stage takes one panel through a part of a layer; only BatchNorm, which needs
 * the moments of all tokens, makes the panels wait for each other:
 *
 *     embed | attention, add, moments | norm, feed forward, add, moments | ... | norm, head
 *
 * What the backward pass needs of a panel is kept: the sums before each norm, queries, keys, values and attention's output,
 * and of wide models the hidden layer. The rest (weights of attention, dropout masks) it works out again. Forecasting has
 * the moments beforehand and takes a panel through all layers at once, in buffers of the shard's own. */

#include "nn/model_internal.h"
#include "nn/op.h"

enum {
    PATCHTST_LAYERS_MAX = 64,
    PATCHTST_KEEP_HIDDEN = 64 /* features from which on reading the hidden layer back costs less than its product */
};

typedef struct PatchNorm {
    size_t gamma, beta;                          /* in params */
    size_t mean_running, var_running;            /* in buffers */
    float *mean, *one_over, *scale, *shift;      /* d_model each; one_over the standard deviation */
    float *back_scale, *back_shift, *back_slope; /* of k->norm_back */
    double *sums;                                /* per panel: d_model sums, d_model squares or products */
} PatchNorm;

typedef struct PatchLayer {
    size_t wqkv, bqkv, wo, bo, w1, b1, w2, b2; /* in params; queries, keys and values lie one behind the other */
    PatchNorm norm[2];                         /* after attention, after the feed-forward part */
    float *qkv, *o, *u1, *u2;                  /* kept panels: u1, u2 before the norms */
    float *hidden;                             /* kept before GELU; NULL: worked out again */
} PatchLayer;

typedef struct PatchScratch {    /* of one shard */
    float *x, *y;                /* (d_model, ld) */
    float *wide, *wide2, *wide3; /* (d_ff or 3 d_model, ld) */
    float *turned;
    float *attention;
    float *grad; /* gradients of everything before the head, laid out as the parameters are */
} PatchScratch;

typedef struct PatchTst {
    size_t d, heads, d_ff, n_layers, patch, stride;
    size_t tokens, row;                   /* patches a series; floats of a series with its padding */
    size_t wpos, wp, bp, head, head_bias; /* in params */
    size_t n_body;                        /* floats of params before the head's */
    PatchLayer layer[PATCHTST_LAYERS_MAX];

    size_t n_series, per_panel, n_panels, ld; /* of the batch */
    float *series;                            /* (n_series, row) */
    float *position;                          /* (d, tokens): the position's weights, transposed */
    float *u0;                                /* kept panels: the embedding */
    float *dz, *carry;                        /* the slope on its way down; that of the scores, by series and head */
    float *z, *dz_rows;                       /* (n_series, d * tokens): the head's input and its slope */
    float *head_t, *forecast, *ones;          /* (d * tokens, horizon), (n_series, horizon), horizon */
    PatchScratch scratch[NN_SHARDS];
} PatchTst;

/* Where dropout happens. */
typedef enum PatchSite { PATCH_EMBED, PATCH_ATTENTION, PATCH_HIDDEN, PATCH_FEED_FORWARD, PATCH_SITES } PatchSite;

typedef struct PatchCall {
    Model *m;
    PatchTst *p;
    const NnKernels *k;
    uint64_t step;
    bool training;
} PatchCall;

/* One panel: which series, how many columns, and where its kept panels lie (the panel's number in training, else the
 * shard's). */
typedef struct PatchPanel {
    size_t number, slot;
    size_t first, n; /* series */
    size_t cols;
    PatchScratch *s;
} PatchPanel;

typedef void PatchStage(const PatchCall *c, const PatchPanel *at, size_t layer);

/* Runs a stage over all panels, each shard its own in order. */
void patch_each(const PatchCall *c, PatchStage *stage, size_t layer);

static inline float *patch_kept(const PatchTst *p, float *kept, size_t rows, const PatchPanel *at) {
    return kept + at->slot * rows * p->ld;
}
static inline Linear patch_linear(const PatchCall *c, size_t w, size_t b, size_t out, size_t in) {
    return (Linear){ out, in, param_value(&c->m->params, w), param_value(&c->m->params, b) };
}

NnDropout patch_dropout(const PatchCall *c, const PatchPanel *at, PatchSite site, size_t layer);
/* Where a panel's hidden layer is before GELU. */
static inline float *patch_hidden(const PatchTst *p, const PatchLayer *l, const PatchPanel *at) {
    return l->hidden ? patch_kept(p, l->hidden, p->d_ff, at) : at->s->wide;
}
/* The layer's input: the embedding, or the norm of what the layer below left, in s->x. */
const float *patch_input(const PatchCall *c, const PatchPanel *at, size_t layer);
/* x after the layer's first norm, in `out`. */
void patch_normed(const PatchCall *c, const PatchPanel *at, const PatchNorm *n, const float *u, float *out);
/* The patches of a panel's series: (patch, cols). */
void patch_cut(const PatchCall *c, const PatchPanel *at, float *out);
/* Attention of one head of one series, as the kernels take it; q and k need room for PATCHTST_LAYERS_MAX pointers. */
NnAttention patch_attention(const PatchCall *c, const PatchPanel *at, size_t layer, size_t series, size_t head,
                            const float **q, const float **k);

void patchtst_forward(Model *m, bool training, uint64_t step);
void patchtst_backward(Model *m, uint64_t step);
