/* services/serving/infer.c - plain tensors through a model, and what is loaded. See serving.h. */

#include "services/serving/internal.h"

#include <math.h>

/* --- one model by its ref --- */

static int ready(Serving *s, Ctx *cx, Str ref, Served **out) {
    ServableModel of;
    bool kept;
    if (!s->o.models)
        return err_set(cx, ERR_UNAVAILABLE, "no registry of models is here");
    int r = pool_resolve(s->pool, cx, ref, &of, &kept);
    return r ? r : pool_get(s->pool, cx, &of, out);
}

static void copy_info(Arena *a, const Served *m, ServedInfo *out) {
    ArtifactColumn *columns = arena_new_n(a, ArtifactColumn, m->card.shape.n_channels);
    served_info(m, out);
    Str *const texts[] = { &out->name, &out->version, &out->kind, &out->sha256, &out->features };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(a, *texts[i]);
    for (size_t c = 0; c < m->card.shape.n_channels; c++) {
        columns[c] = m->card.columns[c];
        columns[c].name = str_dup(a, columns[c].name);
    }
    out->columns = columns;
}

int serving_info(Serving *s, Ctx *cx, Str ref, ServedInfo *out) {
    Served *m = NULL;
    int r = ready(s, cx, ref, &m);
    if (r == 0)
        copy_info(cx->arena, m, out);
    served_drop(m);
    return r;
}

/* --- tensors --- */

static int scale(Ctx *cx, const Served *m, const InferAsk *ask, float *x) {
    const ForecastShape *s = &m->card.shape;
    size_t window = s->look_back * s->n_channels;
    for (size_t i = 0; i < ask->n * window; i++) {
        const ArtifactColumn *k = &m->card.columns[i % s->n_channels];
        x[i] = (float)((ask->x[i] - k->mean) / k->std);
        if (!isfinite(x[i]))
            return err_set_at(cx, ERR_INVALID, S("inputs"),
                              "window %zu, row %zu, column " STR_FMT ": %g is no number to forecast from", i / window,
                              i % window / s->n_channels, STR_ARG(k->name), ask->x[i]);
    }
    return 0;
}

static void unscale(Ctx *cx, const Served *m, const float *y, size_t n, size_t level, InferAnswer *out) {
    size_t targets = m->card.shape.n_targets, values = m->card.shape.horizon * targets;
    bool widths = level < ARTIFACT_LEVELS && m->card.half;
    out->value = arena_new_n(cx->arena, double, n *values);
    out->low = widths ? arena_new_n(cx->arena, double, n *values) : NULL;
    out->high = widths ? arena_new_n(cx->arena, double, n *values) : NULL;
    for (size_t i = 0; i < n * values; i++) {
        const ArtifactColumn *k = &m->card.columns[i % targets];
        out->value[i] = y[i] * k->std + k->mean;
        if (!widths)
            continue;
        double half = m->card.half[level * values + i % values] * k->std;
        out->low[i] = out->value[i] - half;
        out->high[i] = out->value[i] + half;
    }
}

/* More windows than one pass takes go in several, so that others get their turn in between. */
static int pass(Served *m, Ctx *cx, const float *x, size_t n, float *y) {
    const ForecastShape *s = &m->card.shape;
    size_t values = s->horizon * s->n_targets, window = s->look_back * s->n_channels;
    const float **at = arena_new_n(cx->arena, const float *, n);
    int r = 0;
    for (size_t i = 0; i < n; i++)
        at[i] = x + i * window;
    for (size_t from = 0; from < n && r == 0; from += m->batch_max) {
        WindowBatch b = { at + from, s->n_channels, MIN(n - from, m->batch_max) };
        r = served_predict(m, cx, &b, y + from * values);
    }
    return r;
}

int serving_infer(Serving *s, Ctx *cx, const InferAsk *ask, InferAnswer *out) {
    Served *m = NULL;
    size_t level = ARTIFACT_LEVELS;
    int r = ask->level > 0 ? artifact_level(cx, ask->level, &level) : 0;
    if (r == 0)
        r = ready(s, cx, ask->ref, &m);
    if (r)
        return r;
    const ForecastShape *shape = &m->card.shape;
    if (ask->window != shape->look_back * shape->n_channels) { /* deleted, and another of its name and version */
        served_drop(m);
        return err_set_at(cx, ERR_CONFLICT, S("model"), "model \"" STR_FMT "\" was replaced by another; ask again",
                          STR_ARG(ask->ref));
    }
    float *x = arena_new_n(cx->arena, float, mem_mul(ask->n, shape->look_back * shape->n_channels));
    float *y = arena_new_n(cx->arena, float, mem_mul(ask->n, shape->horizon * shape->n_targets));
    r = scale(cx, m, ask, x);
    if (r == 0)
        r = pass(m, cx, x, ask->n, y);
    if (r == 0) {
        copy_info(cx->arena, m, &out->model);
        unscale(cx, m, y, ask->n, level, out);
    }
    served_drop(m);
    return r;
}

/* --- what is loaded --- */

int serving_warm(Serving *s, Ctx *cx, Str ref) {
    Served *m = NULL;
    int r = ready(s, cx, ref, &m);
    served_drop(m);
    return r;
}

int serving_unload(Serving *s, Ctx *cx, Str name, Str version) {
    int r = ctx_check(cx);
    return r ? r : pool_unload(s->pool, name, version);
}

void serving_changed(Serving *s, Str name) {
    pool_forget(s->pool, name);
}

int serving_loaded(Serving *s, Ctx *cx, ServedRow **out, size_t *n) {
    Served **v;
    MonoNs now = clock_mono(cx->clock);
    Time wall = clock_wall(cx->clock);
    *n = pool_all(s->pool, cx->arena, &v);
    *out = arena_new_n(cx->arena, ServedRow, *n + 1);
    for (size_t i = 0; i < *n; i++) {
        ServedInfo info;
        copy_info(cx->arena, v[i], &info);
        (*out)[i] = (ServedRow){ .name = info.name,
                                 .version = info.version,
                                 .kind = info.kind,
                                 .sha256 = info.sha256,
                                 .bytes = v[i]->bytes,
                                 .n_forecasts = v[i]->n_forecasts,
                                 .n_passes = v[i]->n_passes,
                                 .n_holders = v[i]->refs - 2, /* the table's and ours */
                                 .load_ms = v[i]->load_ms,
                                 .loaded = v[i]->loaded,
                                 .used = time_add_ms(wall, -mono_ms_between((MonoNs){ v[i]->used_ns }, now)) };
        served_drop(v[i]);
    }
    return 0;
}

int serving_drift(Serving *s, Ctx *cx, DriftRow **out, size_t *n) {
    Served **v;
    size_t models = pool_all(s->pool, cx->arena, &v);
    *out = arena_new_n(cx->arena, DriftRow, models * TRACKS_MAX + 1);
    *n = 0;
    for (size_t i = 0; i < models; i++) {
        *n += served_drift(v[i], cx->arena, *out + *n, TRACKS_MAX);
        served_drop(v[i]);
    }
    return 0;
}
