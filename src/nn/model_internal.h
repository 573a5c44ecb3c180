#pragma once

/* nn/model_internal.h - what a model adds to the frame in model.c.
 *
 * The frame gathers a batch into one panel, takes the window's level off, puts it back on the forecast and works out the
 * loss; a model only maps panels. Columns of panels are c * n + b: all windows of channel 0, then of channel 1, ..., so
 * that targets are the first targets * n columns and one channel's windows are neighbouring lanes. */

#include "nn/model.h"

typedef struct ModelOps {
    /* Adds tensors to m->params and m->buffers, which are sealed afterwards. */
    void (*layout)(Model *m);
    /* Draws the weights. Values are zero before. */
    void (*init)(Model *m);
    /* Takes what a batch of m->n needs from m->work. Called again whenever m->n or m->training grows. */
    void (*plan)(Model *m);
    /* m->x -> m->y; in training with dropout masks of `step`, and keeping what backward needs. */
    void (*forward)(Model *m, bool training, uint64_t step);
    /* m->dy -> all of m->params.grad. Follows a forward in training with the same step. */
    void (*backward)(Model *m, uint64_t step);
} ModelOps;

extern const ModelOps model_linear_ops, model_lstm_ops, model_patchtst_ops;

struct Model {
    const ModelOps *ops;
    ModelSettings s;
    const Nn *nn;
    Params params, buffers;
    Arena own;  /* lives as long as the model: what a model keeps for itself */
    void *self; /* a model's own struct, in `own` */

    Arena work;    /* everything below, and the model's own buffers */
    size_t n_room; /* windows that work is made for */
    bool room_training;
    size_t n;             /* windows of this batch */
    size_t ldx;           /* of x: columns channels * n */
    size_t ldy;           /* of y and dy: columns targets * n */
    float *x;             /* (lookback, channels * n) */
    float *y, *dy;        /* (horizon, targets * n); dy only in training */
    float *level, *scale; /* channels * n each: what the norm took off */
};

/* model_new without the weights: settings checked, tensors named, no memory taken for them. */
int model_lay_out(Ctx *cx, const ModelSettings *s, const Nn *nn, Model **out);

/* Uniform in -bound..bound, from a stream of the seed that `name` selects: adding a tensor changes no other's weights. */
void model_draw_uniform(Model *m, size_t param, double bound);

/* model_data.c: the windows into m->x, level taken off; the forecast m->y out, level put back; the loss of m->y, and its
 * slope into dy unless NULL. */
void batch_read(Model *m, const ModelBatch *batch);
void batch_write(const Model *m, float *out);
double batch_loss(const Model *m, const ModelBatch *batch, const Loss *loss, float *dy);
