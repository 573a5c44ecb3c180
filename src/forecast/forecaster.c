/* forecast/forecaster.c - the checks around every model, and the three that need no fit.
 *
 * Naive, seasonal naive and drift as in Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.,
 * 2021), section 5.2. */

#include "forecast/forecaster.h"

#include "forecast/classical_internal.h"

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

static const ForecasterOps naive_ops = { .name = "naive",
                                         .words = "the last value, repeated",
                                         .predict = predict_naive };
static const ForecasterOps seasonal_ops = { .name = "seasonal_naive",
                                            .words = "the last season, repeated",
                                            .predict = predict_seasonal };
static const ForecasterOps drift_ops = { .name = "drift",
                                         .words = "the line through the first and last value of the look-back",
                                         .predict = predict_drift };

/* --- the table --- */

static const ForecasterKind *const kinds[] = {
    &(const ForecasterKind){ sizeof(Forecaster), 1, &naive_ops },
    &(const ForecasterKind){ sizeof(Forecaster), 1, &seasonal_ops },
    &(const ForecasterKind){ sizeof(Forecaster), 2, &drift_ops },
    &theta_kind,
    &ets_kind,
};

const ForecasterKind *forecaster_at(size_t i) {
    return i < ARRAY_LEN(kinds) ? kinds[i] : NULL;
}

const ForecasterKind *forecaster_find(Str name) {
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(name, str_c(kinds[i]->ops->name)))
            return kinds[i];
    return NULL;
}

/* --- the checks --- */

int forecaster_new(Ctx *cx, const ForecasterKind *kind, const ForecastShape *shape, Forecaster **out) {
    assert(shape->look_back > 0 && shape->horizon > 0 && shape->n_targets > 0 && shape->n_targets <= shape->n_channels);
    size_t need = MAX(kind->look_back_min, shape->season);
    if (shape->look_back < need)
        return err_set_at(cx, ERR_INVALID, S("look_back"), "%s needs a look-back of %zu rows at least, not %zu",
                          kind->ops->name, need, shape->look_back);
    Forecaster *f = arena_zalloc(cx->arena, kind->size);
    f->ops = kind->ops;
    f->shape = *shape;
    f->shape.season = MAX(1, shape->season);
    *out = f;
    return 0;
}

Forecaster *forecaster_free(Forecaster *f) {
    if (f && f->ops->free)
        f->ops->free(f);
    return NULL;
}

int forecaster_fit(Forecaster *f, Ctx *cx, const ForecastData *d) {
    assert(d->n_channels == f->shape.n_channels && d->n_targets == f->shape.n_targets);
    assert(d->look_back == f->shape.look_back && d->horizon == f->shape.horizon);
    return f->ops->fit ? f->ops->fit(f, cx, d) : 0;
}

int forecaster_predict(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    const ForecastShape *s = &f->shape;
    int r = ctx_check(cx);
    if (r == 0)
        r = f->ops->predict(f, cx, b, out);
    for (size_t i = 0; r == 0 && i < b->n * s->n_targets * s->horizon; i++)
        if (!isfinite(out[i]))
            return err_set(cx, ERR_INTERNAL, "%s forecast no number for window %zu, step %zu, channel %zu",
                           f->ops->name, i / s->n_targets / s->horizon, i / s->n_targets % s->horizon + 1,
                           i % s->n_targets);
    return r;
}
