#pragma once

/* nn/model.h - forecasters behind one interface: settings in, parameters by name, forecast, loss and gradients, state.
 *
 * A model maps windows of the past, (batch, lookback, channels), to (batch, horizon, targets). Targets are the first
 * `targets` channels; DLINEAR, NLINEAR and PATCHTST look at each target's own past alone (channel independence), LSTM at
 * all channels. A window is a pointer into rows that lie one behind the other, so overlapping windows of one series
 * need no copies:
 *
 *     x[b] = series + start[b] * channels,  x_stride = channels
 *     y[b] = x[b] + lookback * channels,    y_stride = channels
 *
 *     ModelSettings s = model_defaults(MODEL_PATCHTST, 336, 96, 7);
 *     model_new(cx, &s, &nn, &m);
 *     double loss = model_backward(m, &batch, &mse, step);      gradients in model_params(m)->grad
 *     adam_step(&adam, &nn, model_params(m), rate);
 *     model_forward(m, &batch, forecast);
 *
 * Results do not depend on the number of threads: sums run over a fixed number of shards (nn/nn.h). They do depend on the
 * instruction set, in the last bits.
 *
 * Memory: a model owns parameters, and buffers that grow to the largest batch seen. Threads: one caller at a time; the
 * pool inside Nn may be shared by models that take turns. Sources: DLinear and NLinear, Zeng et al. 2023; PatchTST, Nie et
 * al. 2023; LSTM, Hochreiter and Schmidhuber 1997 with the gates of torch.nn.LSTM. */

#include "base/buf.h"
#include "base/ctx.h"
#include "nn/loss.h"
#include "nn/nn.h"
#include "nn/optim.h"
#include "nn/param.h"

typedef enum ModelKind { MODEL_DLINEAR, MODEL_NLINEAR, MODEL_LSTM, MODEL_PATCHTST, MODEL_KINDS } ModelKind;

/* What is taken off a window before the model sees it, and put back on its forecast. */
typedef enum ModelNorm {
    MODEL_NORM_NONE,
    MODEL_NORM_LAST,  /* the last value is subtracted (NLinear) */
    MODEL_NORM_REVIN, /* the window's mean, then its standard deviation (RevIN without affine, Kim et al. 2022) */
    MODEL_NORMS,
} ModelNorm;

typedef struct ModelSettings {
    ModelKind kind;
    ModelNorm norm;
    int lookback, horizon;    /* rows */
    int channels, targets;    /* columns of x, of y: targets <= channels */
    uint64_t seed;            /* of the initial weights and of dropout */
    double dropout;           /* lstm (between layers), patchtst: 0 <= p < 1 */
    int kernel;               /* dlinear: width of the moving average, odd */
    int layers;               /* lstm, patchtst */
    int hidden;               /* lstm */
    int d_model, heads, d_ff; /* patchtst */
    int patch, stride;        /* patchtst */
    bool pad_end;             /* patchtst: the last value is repeated `stride` times */
    double bn_momentum;       /* patchtst: weight of a batch in the running statistics */
} ModelSettings;

typedef struct Model Model;

typedef struct ModelBatch {
    size_t n;
    const float *const *x; /* n pointers to lookback rows */
    size_t x_stride;       /* floats from one row to the next */
    const float *const *y; /* n pointers to horizon rows; model_forward does not look at them */
    size_t y_stride;
} ModelBatch;

/* "dlinear", "nlinear", "lstm", "patchtst"; NULL past the end. */
const char *model_kind_name(ModelKind kind);
bool model_kind_from_name(Str name, ModelKind *out);

/* The papers' settings: targets = channels, PatchTST d 16, 4 heads, d_ff 128, 3 layers, dropout .3; LSTM 2 layers of 64. */
ModelSettings model_defaults(ModelKind kind, int lookback, int horizon, int channels);
/* 0, or ERR_INVALID with the field and the words. */
int model_check(Ctx *cx, const ModelSettings *s);

/* Weights are drawn from the seed. nn must outlive the model. ERR_INVALID; ERR_LIMIT past MODEL_PARAMS_MAX. */
enum { MODEL_PARAMS_MAX = 1 << 28 };
int model_new(Ctx *cx, const ModelSettings *s, const Nn *nn, Model **out);
Model *model_free(Model *m); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Model *, model_free)

const ModelSettings *model_settings(const Model *m);
/* Values and gradients by name and shape, all in one piece; what is trained. */
Params *model_params(Model *m);
/* What is kept but not trained: running statistics of BatchNorm. May be empty (n 0). */
Params *model_buffers(Model *m);
/* Bytes that the model needs beside its parameters for a batch of n, training or only forecasting. */
size_t model_work_bytes(const Model *m, size_t n, bool training);
/* Gives those back; the next call takes them anew. For models that mostly wait. */
void model_rest(Model *m);

/* out: (n, horizon, targets). Evaluation mode: no dropout, running statistics. */
void model_forward(Model *m, const ModelBatch *batch, float *out);
/* The loss of a forecast in evaluation mode, averaged over n x horizon x targets. */
double model_loss(Model *m, const ModelBatch *batch, const Loss *loss);
/* Training mode: the loss and all gradients (set, not added up). step numbers the batch; it selects the dropout masks, so
 * that a resumed run draws the same ones. */
double model_backward(Model *m, const ModelBatch *batch, const Loss *loss, uint64_t step);

/* The whole state as safetensors: settings as metadata, parameters, buffers and, unless NULL, the optimiser's moments. extra:
 * n_extra pairs of the caller's, kept as metadata (epoch, scaler...). 0 or ERR_LIMIT (out's limit). */
typedef struct ModelExtra {
    Str key, value;
} ModelExtra;
int model_save(Model *m, const Adam *adam, const ModelExtra *extra, size_t n_extra, Buf *out);
/* A model from such bytes, to the last bit. adam, unless NULL, is initialised and filled; bytes without moments are then
 * ERR_NOT_FOUND. Bytes that are not such a file, or do not fit their own settings: ERR_CORRUPT. */
int model_load(Ctx *cx, Str bytes, const Nn *nn, Model **out, Adam *adam);
/* Parameters and buffers into a model that exists; names and shapes must be the same. */
int model_load_into(Ctx *cx, Str bytes, Model *m, Adam *adam);
/* The caller's pair of a saved state; false when it is not there. value lies in cx->arena. */
bool model_extra(Ctx *cx, Str bytes, Str key, Str *value);
