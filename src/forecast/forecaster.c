/* forecast/forecaster.c - the checks around every model, and the three that need no fit.
 *
 * Naive, seasonal naive and drift as in Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.,
 * 2021), section 5.2. */

#include "forecast/forecaster.h"

#include "forecast/kinds_internal.h"

#include <math.h>

/* --- one series --- */

void naive_forecast(const double *x, size_t n, size_t h, double *out) {
    for (size_t i = 0; i < h; i++)
        out[i] = x[n - 1];
}

void seasonal_naive_forecast(const double *x, size_t n, size_t season, size_t h, double *out) {
    assert(season > 0 && n >= season);
    for (size_t i = 0; i < h; i++)
        out[i] = x[n - season + i % season];
}

/* The line through the first and the last value, continued. */
void drift_forecast(const double *x, size_t n, size_t h, double *out) {
    double slope = n > 1 ? (x[n - 1] - x[0]) / (double)(n - 1) : 0;
    for (size_t i = 0; i < h; i++)
        out[i] = x[n - 1] + slope * (double)(i + 1);
}

/* --- batches of them --- */

int classical_predict(const Forecaster *f, Ctx *cx, const WindowBatch *b, ClassicalFn *fn, float *out) {
    const ForecastShape *s = &f->shape;
    ArenaMark mark = arena_mark(cx->arena);
    double *x = arena_new_n(cx->arena, double, s->look_back);
    double *y = arena_new_n(cx->arena, double, s->horizon);
    int r = 0;
    for (size_t i = 0; i < b->n && r == 0; i++) {
        for (size_t c = 0; c < s->n_targets; c++) {
            ArenaMark one = arena_mark(cx->arena);
            for (size_t t = 0; t < s->look_back; t++)
                x[t] = b->x[i][t * b->stride + c];
            fn(f, cx->arena, c, x, y);
            arena_rewind(cx->arena, one);
            for (size_t t = 0; t < s->horizon; t++)
                out[(i * s->horizon + t) * s->n_targets + c] = (float)y[t];
        }
        r = ctx_check(cx);
    }
    arena_rewind(cx->arena, mark);
    return r;
}

static void one_naive(const Forecaster *f, Arena *scratch, size_t c, const double *x, double *out) {
    UNUSED(scratch);
    UNUSED(c);
    naive_forecast(x, f->shape.look_back, f->shape.horizon, out);
}
static int predict_naive(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    return classical_predict(f, cx, b, one_naive, out);
}

static void one_seasonal(const Forecaster *f, Arena *scratch, size_t c, const double *x, double *out) {
    UNUSED(scratch);
    UNUSED(c);
    seasonal_naive_forecast(x, f->shape.look_back, f->shape.season, f->shape.horizon, out);
}
static int predict_seasonal(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    return classical_predict(f, cx, b, one_seasonal, out);
}

static void one_drift(const Forecaster *f, Arena *scratch, size_t c, const double *x, double *out) {
    UNUSED(scratch);
    UNUSED(c);
    drift_forecast(x, f->shape.look_back, f->shape.horizon, out);
}
static int predict_drift(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    return classical_predict(f, cx, b, one_drift, out);
}

static const ForecasterOps naive_ops = { .predict = predict_naive };
static const ForecasterOps seasonal_ops = { .predict = predict_seasonal };
static const ForecasterOps drift_ops = { .predict = predict_drift };
/* clang-format off */
static const ForecasterKind naive_kind = { "naive", "the last value, repeated", sizeof(Forecaster), 1, &naive_ops, NULL };
static const ForecasterKind seasonal_kind = { "seasonal_naive", "the last season, repeated", sizeof(Forecaster), 1, &seasonal_ops, NULL };
static const ForecasterKind drift_kind = { "drift", "the line through the first and last value of the look-back", sizeof(Forecaster), 2, &drift_ops, NULL };
/* clang-format on */

/* --- the table --- */

static const ForecasterKind *const kinds[] = {
    &naive_kind,   &seasonal_kind, &drift_kind, &theta_kind,    &ets_kind,
    &dlinear_kind, &nlinear_kind,  &lstm_kind,  &patchtst_kind,
};

const ForecasterKind *forecaster_at(size_t i) {
    return i < ARRAY_LEN(kinds) ? kinds[i] : NULL;
}

const ForecasterKind *forecaster_find(Str name, const ForecasterOptions *o) {
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(name, str_c(kinds[i]->name)))
            return kinds[i];
    for (const ForecasterKind *const *k = o ? o->extra : NULL; k && *k; k++)
        if (str_eq(name, str_c((*k)->name)))
            return *k;
    return NULL;
}

/* --- the checks --- */

int forecaster_new(Ctx *cx, const ForecasterKind *kind, const ForecastShape *shape, const ForecasterOptions *o,
                   Forecaster **out) {
    assert(shape->look_back > 0 && shape->horizon > 0 && shape->n_targets > 0 && shape->n_targets <= shape->n_channels);
    size_t need = MAX(kind->look_back_min, shape->season);
    if (shape->look_back < need)
        return err_set_at(cx, ERR_INVALID, S("look_back"), "%s needs a look-back of %zu rows at least, not %zu",
                          kind->name, need, shape->look_back);
    Forecaster *f = arena_zalloc(cx->arena, kind->size);
    f->kind = kind;
    f->shape = *shape;
    f->shape.season = MAX(1, shape->season);
    int r = kind->init ? kind->init(f, cx, o) : 0;
    if (r == 0)
        *out = f;
    return r;
}

Forecaster *forecaster_free(Forecaster *f) {
    if (f && f->kind->ops->free)
        f->kind->ops->free(f);
    return NULL;
}

int forecaster_fit(Forecaster *f, Ctx *cx, const ForecastData *d) {
    assert(d->n_channels == f->shape.n_channels && d->n_targets == f->shape.n_targets);
    assert(d->look_back == f->shape.look_back && d->horizon == f->shape.horizon);
    return f->kind->ops->fit ? f->kind->ops->fit(f, cx, d) : 0;
}

int forecaster_predict(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    const ForecastShape *s = &f->shape;
    int r = ctx_check(cx);
    if (r == 0)
        r = f->kind->ops->predict(f, cx, b, out);
    for (size_t i = 0; r == 0 && i < b->n * s->n_targets * s->horizon; i++)
        if (!isfinite(out[i]))
            return err_set(cx, ERR_INTERNAL, "%s forecast no number for window %zu, step %zu, channel %zu",
                           f->kind->name, i / s->n_targets / s->horizon, i / s->n_targets % s->horizon + 1,
                           i % s->n_targets);
    return r;
}

void forecaster_rest(Forecaster *f) {
    if (f->kind->ops->rest)
        f->kind->ops->rest(f);
}

int forecaster_save(Forecaster *f, Ctx *cx, Buf *out) {
    return f->kind->ops->save ? f->kind->ops->save(f, cx, out) : 0;
}

int forecaster_load(Forecaster *f, Ctx *cx, Str bytes) {
    if (f->kind->ops->load)
        return f->kind->ops->load(f, cx, bytes);
    return bytes.n == 0
               ? 0
               : err_set(cx, ERR_CORRUPT, "%s learns nothing, yet there are %zu bytes of it", f->kind->name, bytes.n);
}
