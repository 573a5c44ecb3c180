/* nn/model.c - the frame around every model: settings, memory, the way of a batch. See model.h, model_internal.h. */

#include "nn/model_internal.h"

#include "base/hash.h"
#include "base/rng.h"

static const struct {
    const char *name;
    const ModelOps *ops;
} kinds[MODEL_KINDS] = {
    [MODEL_DLINEAR] = { "dlinear", &model_linear_ops },
    [MODEL_NLINEAR] = { "nlinear", &model_linear_ops },
    [MODEL_LSTM] = { "lstm", &model_lstm_ops },
    [MODEL_PATCHTST] = { "patchtst", &model_patchtst_ops },
};

const char *model_kind_name(ModelKind kind) {
    return (size_t)kind < MODEL_KINDS ? kinds[kind].name : NULL;
}

bool model_kind_from_name(Str name, ModelKind *out) {
    for (int i = 0; i < MODEL_KINDS; i++)
        if (str_eq(str_c(kinds[i].name), name)) {
            *out = (ModelKind)i;
            return true;
        }
    return false;
}

ModelSettings model_defaults(ModelKind kind, int lookback, int horizon, int channels) {
    static const ModelNorm norms[MODEL_KINDS] = {
        [MODEL_NLINEAR] = MODEL_NORM_LAST, [MODEL_PATCHTST] = MODEL_NORM_REVIN
    };
    return (ModelSettings){
        .kind = kind,
        .norm = norms[kind],
        .lookback = lookback,
        .horizon = horizon,
        .channels = channels,
        .targets = channels,
        .seed = 2021,
        .dropout = kind == MODEL_PATCHTST ? .3 : 0,
        .kernel = 25,
        .layers = kind == MODEL_LSTM ? 2 : 3,
        .hidden = 64,
        .d_model = 16,
        .heads = 4,
        .d_ff = 128,
        .patch = 16,
        .stride = 8,
        .pad_end = true,
        .bn_momentum = .1,
    };
}

typedef struct Bound {
    const char *name;
    int value, least, most;
} Bound;

static int check_bounds(Ctx *cx, const Bound *v, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (v[i].value < v[i].least || v[i].value > v[i].most)
            return err_set_at(cx, ERR_INVALID, str_c(v[i].name), "%s is %d: it must be %d to %d", v[i].name, v[i].value,
                              v[i].least, v[i].most);
    return 0;
}

static int check_patchtst(Ctx *cx, const ModelSettings *s) {
    const Bound bounds[] = {
        { "layers", s->layers, 1, 64 }, { "d_model", s->d_model, 1, 4096 },    { "heads", s->heads, 1, 256 },
        { "d_ff", s->d_ff, 1, 16384 },  { "patch", s->patch, 1, s->lookback }, { "stride", s->stride, 1, s->lookback },
    };
    int e = check_bounds(cx, bounds, ARRAY_LEN(bounds));
    if (e == 0 && s->d_model % s->heads != 0)
        e = err_set_at(cx, ERR_INVALID, S("heads"), "d_model %d does not divide into %d heads", s->d_model, s->heads);
    return e;
}

int model_check(Ctx *cx, const ModelSettings *s) {
    const Bound bounds[] = {
        { "kind", (int)s->kind, 0, MODEL_KINDS - 1 }, { "norm", (int)s->norm, 0, MODEL_NORMS - 1 },
        { "lookback", s->lookback, 1, 1 << 16 },      { "horizon", s->horizon, 1, 1 << 14 },
        { "channels", s->channels, 1, 1 << 14 },      { "targets", s->targets, 1, s->channels },
    };
    int e = check_bounds(cx, bounds, ARRAY_LEN(bounds));
    if (e != 0)
        return e;
    if (!(s->dropout >= 0 && s->dropout < 1))
        return err_set_at(cx, ERR_INVALID, S("dropout"), "dropout is %g: it must be at least 0 and below 1",
                          s->dropout);
    if (!(s->bn_momentum >= 0 && s->bn_momentum <= 1))
        return err_set_at(cx, ERR_INVALID, S("bn_momentum"), "bn_momentum is %g: it must be 0 to 1", s->bn_momentum);
    const Bound dlinear[] = { { "kernel", s->kernel, 1, 1 << 14 } };
    const Bound lstm[] = { { "layers", s->layers, 1, 64 }, { "hidden", s->hidden, 1, 4096 } };
    switch (s->kind) {
    case MODEL_DLINEAR:
        e = check_bounds(cx, dlinear, ARRAY_LEN(dlinear));
        if (e == 0 && s->kernel % 2 == 0)
            e = err_set_at(cx, ERR_INVALID, S("kernel"), "kernel is %d: a centred average has an odd width", s->kernel);
        return e;
    case MODEL_LSTM:
        return check_bounds(cx, lstm, ARRAY_LEN(lstm));
    case MODEL_PATCHTST:
        return check_patchtst(cx, s);
    default:
        return 0;
    }
}

int model_lay_out(Ctx *cx, const ModelSettings *s, const Nn *nn, Model **out) {
    int e = model_check(cx, s);
    if (e != 0)
        return e;
    CLEANUP(model_freep) Model *m = mem_new(Model);
    m->ops = kinds[s->kind].ops;
    m->s = *s;
    m->nn = nn;
    m->ops->layout(m);
    if (m->params.n > MODEL_PARAMS_MAX)
        return err_set(cx, ERR_LIMIT, "%s: %zu weights are more than %d", kinds[s->kind].name, m->params.n,
                       MODEL_PARAMS_MAX);
    *out = TAKE(m);
    return 0;
}

int model_new(Ctx *cx, const ModelSettings *s, const Nn *nn, Model **out) {
    Model *m = NULL;
    int e = model_lay_out(cx, s, nn, &m);
    if (e != 0)
        return e;
    params_seal(&m->params);
    params_seal(&m->buffers);
    m->ops->init(m);
    *out = m;
    return 0;
}

Model *model_free(Model *m) {
    if (!m)
        return NULL;
    params_done(&m->params);
    params_done(&m->buffers);
    arena_done(&m->own);
    arena_done(&m->work);
    return mem_free(m);
}

const ModelSettings *model_settings(const Model *m) {
    return &m->s;
}

Params *model_params(Model *m) {
    return &m->params;
}

Params *model_buffers(Model *m) {
    return &m->buffers;
}

void model_draw_uniform(Model *m, size_t param, double bound) {
    const Param *p = &m->params.v[param];
    Rng rng;
    rng_seed(&rng, m->s.seed * 0x9E3779B97F4A7C15u + crc32c(0, p->name, strlen(p->name))); /* stable between versions */
    float *v = param_value(&m->params, param);
    for (size_t i = 0; i < p->n; i++)
        v[i] = (float)((2 * rng_f64(&rng) - 1) * bound);
}

/* Buffers for a batch of n. The arena is emptied and filled again only when the batch is of another size than before. */
static void make_room(Model *m, size_t n, bool training) {
    m->n = n;
    m->ldx = nn_ld((size_t)m->s.channels * n);
    m->ldy = nn_ld((size_t)m->s.targets * n);
    if (n == m->n_room && training <= m->room_training)
        return;
    arena_reset(&m->work);
    m->n_room = n;
    m->room_training = training;
    m->x = nn_floats(&m->work, (size_t)m->s.lookback * m->ldx);
    m->y = nn_floats(&m->work, (size_t)m->s.horizon * m->ldy);
    m->dy = training ? nn_floats(&m->work, (size_t)m->s.horizon * m->ldy) : NULL;
    m->level = nn_floats(&m->work, m->ldx);
    m->scale = nn_floats(&m->work, m->ldx);
    m->ops->plan(m);
}

size_t model_work_bytes(const Model *m, size_t n, bool training) {
    Model probe = *m; /* the same plan, in an arena of its own */
    probe.work = (Arena){ 0 };
    probe.n_room = 0;
    probe.room_training = false;
    make_room(&probe, n, training);
    size_t bytes = probe.work.used + (training ? m->params.n * sizeof(float) : 0);
    arena_done(&probe.work);
    return bytes;
}

void model_rest(Model *m) {
    arena_done(&m->work);
    m->n_room = 0;
    m->room_training = false;
}

double model_loss(Model *m, const ModelBatch *batch, const Loss *loss) {
    make_room(m, batch->n, m->room_training && batch->n == m->n_room);
    batch_read(m, batch);
    m->ops->forward(m, false, 0);
    return batch_loss(m, batch, loss, NULL);
}

void model_forward(Model *m, const ModelBatch *batch, float *out) {
    make_room(m, batch->n, m->room_training && batch->n == m->n_room);
    batch_read(m, batch);
    m->ops->forward(m, false, 0);
    batch_write(m, out);
}

double model_backward(Model *m, const ModelBatch *batch, const Loss *loss, uint64_t step) {
    params_need_grad(&m->params);
    make_room(m, batch->n, true);
    batch_read(m, batch);
    m->ops->forward(m, true, step);
    double value = batch_loss(m, batch, loss, m->dy);
    m->ops->backward(m, step);
    return value;
}
