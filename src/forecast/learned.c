/* forecast/learned.c - see learned.h. */

#include "forecast/learned.h"

#include "forecast/kinds_internal.h"

typedef struct Learned {
    Forecaster f;
    const Nn *nn;
    const TrainSettings *train;
    const TrainHooks *hooks;
    Str resume;
    Model *model; /* owned */
    TrainResult *result;
} Learned;

static int init(Forecaster *f, Ctx *cx, const ForecasterOptions *o) {
    Learned *l = CONTAINER_OF(f, Learned, f);
    UNUSED(cx);
    assert(o && o->nn);
    l->nn = o->nn;
    l->train = o->train;
    l->hooks = o->hooks;
    l->resume = o->resume;
    return 0;
}

static int fit(Forecaster *f, Ctx *cx, const ForecastData *d) {
    Learned *l = CONTAINER_OF(f, Learned, f);
    Training *t = NULL;
    assert(l->train && str_eq(str_c(f->kind->name), str_c(model_kind_name(l->train->model.kind))));
    int r = training_new(cx, l->train, d, l->nn, &t);
    if (r == 0 && l->resume.n)
        r = training_resume(t, cx, l->resume);
    if (r == 0)
        r = training_run(t, cx, l->hooks);
    if (r == 0) {
        l->result = arena_new(cx->arena, TrainResult);
        training_end(t, cx, l->result);
        l->model = model_free(l->model);
        l->model = training_take(t);
    }
    training_free(t);
    return r;
}

static int predict(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    Learned *l = CONTAINER_OF(f, Learned, f);
    if (!l->model)
        return err_set(cx, ERR_CONFLICT, "%s was not trained", f->kind->name);
    model_forward(l->model, &(ModelBatch){ .n = b->n, .x = b->x, .x_stride = b->stride }, out);
    return 0;
}

static int save(Forecaster *f, Ctx *cx, Buf *out) {
    Learned *l = CONTAINER_OF(f, Learned, f);
    return l->model ? model_save(l->model, NULL, NULL, 0, out)
                    : err_set(cx, ERR_CONFLICT, "%s was not trained", f->kind->name);
}

static int load(Forecaster *f, Ctx *cx, Str bytes) {
    Learned *l = CONTAINER_OF(f, Learned, f);
    Model *m = NULL;
    int r = model_load(cx, bytes, l->nn, &m, NULL);
    if (r)
        return r;
    const ModelSettings *s = model_settings(m);
    if (!str_eq(str_c(model_kind_name(s->kind)), str_c(f->kind->name)) || (size_t)s->lookback != f->shape.look_back ||
        (size_t)s->horizon != f->shape.horizon || (size_t)s->channels != f->shape.n_channels ||
        (size_t)s->targets != f->shape.n_targets) {
        model_free(m);
        return err_set(cx, ERR_CORRUPT, "the weights are of another model than the file says");
    }
    model_free(l->model);
    l->model = m;
    return 0;
}

static void rest(Forecaster *f) {
    Learned *l = CONTAINER_OF(f, Learned, f);
    if (l->model)
        model_rest(l->model);
}

static void free_learned(Forecaster *f) {
    Learned *l = CONTAINER_OF(f, Learned, f);
    l->model = model_free(l->model);
}

static const ForecasterOps ops = {
    .fit = fit, .predict = predict, .save = save, .load = load, .rest = rest, .free = free_learned
};
/* clang-format off */
const ForecasterKind dlinear_kind = { "dlinear", "trend and rest, a linear layer each (Zeng et al. 2023)", sizeof(Learned), 2, &ops, init };
const ForecasterKind nlinear_kind = { "nlinear", "a linear layer on the window less its last value (Zeng et al. 2023)", sizeof(Learned), 2, &ops, init };
const ForecasterKind lstm_kind = { "lstm", "long short-term memory over all channels (Hochreiter and Schmidhuber 1997)", sizeof(Learned), 2, &ops, init };
const ForecasterKind patchtst_kind = { "patchtst", "a transformer over patches of each channel (Nie et al. 2023)", sizeof(Learned), 2, &ops, init };
/* clang-format on */

bool forecaster_is_learned(const ForecasterKind *kind, ModelKind *out) {
    return kind->ops == &ops && model_kind_from_name(str_c(kind->name), out);
}

const TrainResult *learned_result(const Forecaster *f) {
    return f->kind->ops == &ops ? ((const Learned *)f)->result : NULL;
}

Model *learned_model(Forecaster *f) {
    return f->kind->ops == &ops ? ((Learned *)f)->model : NULL;
}
