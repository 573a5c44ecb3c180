/* services/forecast/predict.c - a trained model on rows: judged, or behind their end; see forecast.h. */

#include "services/forecast/forecast.h"

#include "forecast/track.h"
#include "services/forecast/internal.h"

#include <math.h>
#include <stdlib.h>

static int compare_ms(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t table_step_ms(Arena *scratch, const ForecastTable *t) {
    size_t n = t->n_rows ? t->n_rows - 1 : 0, best = 0, run = 0;
    int64_t step = MS_PER_DAY;
    ArenaMark mark = arena_mark(scratch);
    int64_t *v = arena_new_n(scratch, int64_t, n + 1);
    for (size_t i = 0; i < n; i++)
        v[i] = t->time_ms[i + 1] - t->time_ms[i];
    qsort(v, n, sizeof *v, compare_ms);
    for (size_t i = 0; i < n; i++) {
        run = i > 0 && v[i] == v[i - 1] ? run + 1 : 1;
        if (run > best)
            best = run, step = v[i];
    }
    arena_rewind(scratch, mark);
    return step;
}

static int columns_of_artifact(Ctx *cx, const Artifact *a, const ForecastTable *t, ForecastTable *out) {
    *out = (ForecastTable){ .n_rows = t->n_rows,
                            .n_columns = a->shape.n_channels,
                            .time_ms = t->time_ms,
                            .names = arena_new_n(cx->arena, Str, a->shape.n_channels),
                            .columns = arena_new_n(cx->arena, double *, a->shape.n_channels) };
    for (size_t c = 0; c < a->shape.n_channels; c++) {
        ptrdiff_t at = table_column(t, a->columns[c].name);
        if (at < 0)
            return err_set_at(cx, ERR_INVALID, S("columns"),
                              "the model needs a column \"" STR_FMT "\", the data have none",
                              STR_ARG(a->columns[c].name));
        out->names[c] = t->names[at];
        out->columns[c] = t->columns[at];
    }
    return 0;
}

int data_of_artifact(Ctx *cx, const Artifact *a, const ForecastTable *t, const ForecastSplit *split,
                     ForecastData *out) {
    ForecastTable chosen;
    double *mean = arena_new_n(cx->arena, double, a->shape.n_channels),
           *std = arena_new_n(cx->arena, double, a->shape.n_channels);
    int r = columns_of_artifact(cx, a, t, &chosen);
    for (size_t c = 0; c < a->shape.n_channels; c++) {
        mean[c] = a->columns[c].mean;
        std[c] = a->columns[c].std;
    }
    ForecastDataOptions o = { .look_back = a->shape.look_back,
                              .horizon = a->shape.horizon,
                              .n_targets = a->shape.n_targets,
                              .split = *split,
                              .mean = mean,
                              .std = std };
    return r ? r : data_new(cx, &chosen, &o, out);
}

/* --- judging --- */

static int judge(Ctx *cx, const Artifact *a, Forecaster *f, const ForecastData *d, bool drop_last,
                 EvaluateReport *out) {
    EvaluateOptions o = { .season = a->shape.season, .drop_last = drop_last };
    ErrorTable errors;
    int r = forecast_evaluate(cx, f, d, PART_VAL, &o, &out->val);
    if (r == 0)
        r = forecast_evaluate(cx, f, d, PART_TEST, &o, &out->test);
    if (r == 0)
        r = errors_measure(cx, f, d, &errors);
    return r ? r : intervals_evaluate(cx, f, d, &errors, NULL, &out->interval);
}

int forecast_judge(Ctx *cx, const Artifact *a, const EvaluateRequest *q, EvaluateReport *out) {
    ForecastSplit split;
    ForecastData d;
    Forecaster *f = NULL;
    Nn nn;
    int r = split_parse(cx, q->split.n ? q->split : a->split, q->table->n_rows, &split);
    if (r == 0)
        r = data_of_artifact(cx, a, q->table, &split, &d);
    if (r)
        return r;
    nn_init(&nn, NULL, MAX(1, q->threads));
    r = artifact_open(cx, a, &(ForecasterOptions){ .nn = &nn, .extra = q->extra }, &f);
    if (r == 0)
        r = judge(cx, a, f, &d, q->drop_last, out);
    forecaster_free(f);
    nn_done(&nn);
    return r;
}

/* --- forecasting --- */

/* The latest rows that intervals can follow (forecast/track.h), or the window alone where there are no more. */
static int scale_rows(Ctx *cx, const Artifact *a, const ForecastTable *t, TrackRows *out) {
    ForecastTable chosen;
    size_t channels = a->shape.n_channels, n = MIN(t->n_rows, tracker_rows(a)), from = t->n_rows - n;
    int r = columns_of_artifact(cx, a, t, &chosen);
    if (r)
        return r;
    if (n < a->shape.look_back)
        return err_set_at(cx, ERR_INVALID, S("rows"), "the model looks at %zu rows, the data have %zu",
                          a->shape.look_back, n);
    float *x = arena_new_n(cx->arena, float, mem_mul(n, channels));
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < n; i++)
            x[i * channels + c] = (float)((chosen.columns[c][from + i] - a->columns[c].mean) / a->columns[c].std);
    *out = (TrackRows){ x, t->time_ms + from, n };
    return 0;
}

static int predict_batch(void *f, Ctx *cx, const WindowBatch *b, float *out) {
    return forecaster_predict(f, cx, b, out);
}

static void fill(Ctx *cx, const Artifact *a, const PredictRequest *q, const float *scaled, const float *half,
                 Prediction *p) {
    size_t targets = a->shape.n_targets, horizon = a->shape.horizon, values = horizon * targets;
    const ForecastTable *t = q->table;
    p->time_ms = arena_new_n(cx->arena, int64_t, horizon);
    p->value = arena_new_n(cx->arena, double, values);
    p->low = arena_new_n(cx->arena, double, values);
    p->high = arena_new_n(cx->arena, double, values);
    p->naive = arena_new_n(cx->arena, double, targets);
    for (size_t i = 0; i < values; i++) {
        const ArtifactColumn *c = &a->columns[i % targets];
        p->value[i] = scaled[i] * c->std + c->mean;
        p->low[i] = (scaled[i] - half[i]) * c->std + c->mean;
        p->high[i] = (scaled[i] + half[i]) * c->std + c->mean;
    }
    for (size_t c = 0; c < targets; c++)
        p->naive[c] = t->columns[table_column(t, a->columns[c].name)][t->n_rows - 1];
    for (size_t h = 0; h < horizon; h++)
        p->time_ms[h] = t->time_ms[t->n_rows - 1] + (int64_t)(h + 1) * a->step_ms;
}

/* Half the widths are those of split conformal until the tracker has better ones. */
static int forecast_tracked(Ctx *cx, const Artifact *a, const PredictRequest *q, size_t level, Forecaster *f,
                            Prediction *out) {
    size_t values = a->shape.horizon * a->shape.n_targets;
    float *scaled = arena_new_n(cx->arena, float, values), *half = arena_new_n(cx->arena, float, values);
    Tracker *t = NULL;
    TrackRows rows;
    for (size_t i = 0; i < values; i++)
        half[i] = a->half ? a->half[level * values + i] : NAN;
    int r = scale_rows(cx, a, q->table, &rows);
    if (r == 0)
        r = tracker_new(cx, a, artifact_levels[level], &t);
    if (r == 0)
        r = tracker_follow(t, cx, &rows, predict_batch, f, scaled, half);
    tracker_free(t);
    if (r < 0)
        return r;
    out->adaptive = r == 0;
    out->level = out->adaptive || a->half ? artifact_levels[level] : NAN;
    fill(cx, a, q, scaled, half, out);
    return 0;
}

int forecast_predict(Ctx *cx, const Artifact *a, const PredictRequest *q, Prediction *out) {
    Forecaster *f = NULL;
    size_t level = 0;
    Nn nn;
    int r = artifact_level(cx, q->level, &level);
    if (r)
        return r;
    nn_init(&nn, NULL, MAX(1, q->threads));
    r = artifact_open(cx, a, &(ForecasterOptions){ .nn = &nn, .extra = q->extra }, &f);
    if (r == 0)
        r = forecast_tracked(cx, a, q, level, f, out);
    forecaster_free(f);
    nn_done(&nn);
    return r;
}
