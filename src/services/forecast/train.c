/* services/forecast/train.c - one call from a table to a judged, sealed model; see forecast.h. */

#include "services/forecast/forecast.h"

#include "services/forecast/internal.h"

#include <math.h>
#include <stdlib.h>

/* --- the data --- */

static int choose_columns(TrainJob *j, Ctx *cx) {
    int r = table_choose(cx, j->q->table, j->q->columns, &j->table);
    if (r || j->q->target.n == 0)
        return r;
    ptrdiff_t at = table_column(&j->table, j->q->target);
    if (at < 0)
        return err_set_at(cx, ERR_INVALID, S("target"), "no column \"" STR_FMT "\" among those chosen",
                          STR_ARG(j->q->target));
    table_to_front(&j->table, (size_t)at);
    return 0;
}

int job_table(TrainJob *j, Ctx *cx) {
    const TrainRequest *q = j->q;
    j->preset = preset_find(q->preset.n ? q->preset : S("price"));
    if (!j->preset)
        return err_set_at(cx, ERR_INVALID, S("preset"), "no preset \"" STR_FMT "\": etth, ettm, weather or price",
                          STR_ARG(q->preset));
    int r = choose_columns(j, cx);
    if (r)
        return r;
    j->shape = (ForecastShape){ .look_back = q->look_back ? q->look_back : j->preset->look_back,
                                .horizon = q->horizon,
                                .n_channels = j->table.n_columns,
                                .n_targets = q->target.n ? 1 : j->table.n_columns,
                                .season = q->season ? q->season : j->preset->season };
    return 0;
}

int job_data(TrainJob *j, Ctx *cx, const ForecastSplit *split) {
    const TrainRequest *q = j->q;
    ForecastDataOptions o = { .look_back = j->shape.look_back, .horizon = q->horizon, .n_targets = j->shape.n_targets };
    int r = 0;
    if (split)
        o.split = *split;
    else
        r = split_parse(cx, q->split.n ? q->split : str_c(j->preset->split), j->table.n_rows, &o.split);
    return r ? r : data_new(cx, &j->table, &o, &j->data);
}

/* --- the models --- */

static void override(const TrainRequest *q, TrainSettings *s) {
    s->epochs = q->epochs ? q->epochs : s->epochs;
    s->batch = q->batch ? q->batch : s->batch;
    s->patience = q->patience >= 0 ? (size_t)q->patience : s->patience;
    s->schedule.rate = q->rate > 0 ? q->rate : s->schedule.rate;
    s->max_minutes = q->max_minutes;
    s->memory_max = q->memory_max;
}

static int unknown_model(Ctx *cx, Str name, const ForecasterOptions *o) {
    Buf b;
    buf_init(&b, 512);
    for (size_t i = 0; forecaster_at(i); i++)
        buf_printf(&b, "%s%s", i ? ", " : "", forecaster_at(i)->name);
    for (const ForecasterKind *const *k = o->extra; k && *k; k++)
        buf_printf(&b, ", %s", (*k)->name);
    int r = err_set_at(cx, ERR_INVALID, S("model"), "no model \"" STR_FMT "\"; there are " STR_FMT, STR_ARG(name),
                       STR_ARG(buf_str(&b)));
    buf_done(&b);
    return r;
}

static int fit_member(TrainJob *j, Ctx *cx, Str name) {
    const ForecasterKind *kind = forecaster_find(name, &j->options);
    ModelKind network;
    if (!kind)
        return unknown_model(cx, name, &j->options);
    if (j->n_members == ARTIFACT_MEMBERS)
        return err_set_at(cx, ERR_INVALID, S("model"), "an ensemble has at most %d members", ARTIFACT_MEMBERS);
    if (forecaster_is_learned(kind, &network)) {
        preset_train(j->preset, network, &j->shape, j->q->seed, &j->train);
        override(j->q, &j->train);
    }
    Forecaster **f = &j->members[j->n_members];
    int r = forecaster_new(cx, kind, &j->shape, &j->options, f);
    if (r)
        return r;
    j->n_members++;
    return forecaster_fit(*f, cx, &j->data);
}

int job_fit(TrainJob *j, Ctx *cx, TrainReport *report) {
    Str names = j->q->model, name;
    bool several = str_find_char(names, '+') >= 0;
    int r = several && j->q->resume.n ? err_set_at(cx, ERR_INVALID, S("checkpoint"),
                                                   "an ensemble is not resumed: train its members one by one")
                                      : 0;
    if (several && r == 0)
        r = fit_member(j, cx, S("naive"));
    while (r == 0 && str_next(&names, '+', &name))
        if (!several || !str_eq(name, S("naive")))
            r = fit_member(j, cx, str_trim(name));
    if (r)
        return r;
    if (!several) {
        j->whole = j->members[0];
        j->weights[0] = 1;
        return 0;
    }
    r = ensemble_weigh(cx, j->members, j->n_members, &j->data, j->weights, report->member_errors);
    return r ? r : ensemble_new(cx, j->members, j->weights, j->n_members, &j->whole);
}

/* --- measuring --- */

static int measure(TrainJob *j, Ctx *cx, TrainReport *out) {
    EvaluateOptions o = { .season = j->shape.season };
    ErrorTable errors;
    int r = forecast_evaluate(cx, j->whole, &j->data, PART_VAL, &o, &out->val);
    if (r == 0)
        r = forecast_evaluate(cx, j->whole, &j->data, PART_TEST, &o, &out->test);
    if (r == 0 && j->q->drop_last) {
        o.drop_last = true;
        o.batch = j->train.batch;
        r = forecast_evaluate(cx, j->whole, &j->data, PART_TEST, &o, &out->test_drop_last);
    }
    if (r == 0)
        r = errors_measure(cx, j->whole, &j->data, &errors);
    if (r == 0)
        r = intervals_evaluate(cx, j->whole, &j->data, &errors, NULL, &out->interval);
    if (r)
        return r;
    size_t values = j->shape.horizon * j->shape.n_targets;
    float *half = arena_new_n(cx->arena, float, ARTIFACT_LEVELS *values);
    for (size_t i = 0; i < ARTIFACT_LEVELS; i++)
        errors_half_widths(&errors, artifact_levels[i], half + i * values);
    out->artifact.half = half;
    return 0;
}

static ArtifactFigures figures(const ForecastScore *s) {
    return (ArtifactFigures){ s->model.mse, s->model.mae, s->naive.mse, s->naive.mae, s->dm, (int64_t)s->n_windows };
}

/* --- the artifact --- */

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The scale of a column, and how its training values lie: of a long part every k-th row says it well enough. */
static ArtifactColumn column_of(Ctx *cx, const ForecastData *d, size_t c) {
    enum { ROWS_MAX = 10000 };
    const ForecastRows *rows = &d->split.parts[PART_TRAIN];
    size_t step = (rows->to - rows->from) / ROWS_MAX + 1, n = 0;
    ArtifactColumn out = { .name = d->names[c], .mean = d->mean[c], .std = d->std[c] };
    ArenaMark mark = arena_mark(cx->arena);
    float *v = arena_new_n(cx->arena, float, ROWS_MAX + 1);
    for (size_t i = rows->from; i < rows->to; i += step)
        v[n++] = *data_at(d, c, i);
    qsort(v, n, sizeof *v, compare_floats);
    for (size_t k = 0; k < ARTIFACT_DECILES; k++)
        out.deciles[k] = v[n * (k + 1) / (ARTIFACT_DECILES + 1)];
    arena_rewind(cx->arena, mark);
    return out;
}

static int seal(TrainJob *j, Ctx *cx, Buf *out, TrainReport *report) {
    Artifact *a = &report->artifact;
    const TrainRequest *q = j->q;
    ArtifactColumn *columns = arena_new_n(cx->arena, ArtifactColumn, j->shape.n_channels);
    Sha256 hash;
    int r = 0;
    for (size_t c = 0; c < j->shape.n_channels; c++)
        columns[c] = column_of(cx, &j->data, c);
    a->model = str_find_char(q->model, '+') >= 0 ? S("ensemble") : q->model;
    a->preset = str_c(j->preset->name);
    a->split = q->split.n ? q->split : str_c(j->preset->split);
    a->shape = j->shape;
    a->seed = q->seed;
    a->step_ms = table_step_ms(cx->arena, &j->table);
    a->columns = columns;
    a->data = q->data;
    a->data_sha256 = q->data_sha256;
    a->features = q->features;
    a->known_to_ms = j->data.time_ms[j->data.split.parts[PART_VAL].to - 1];
    a->val = figures(&report->val);
    a->test = figures(&report->test);
    a->n_members = j->n_members;
    sha256_init(&hash);
    for (size_t m = 0; m < j->n_members && r == 0; m++) {
        Buf b;
        buf_init(&b, ARTIFACT_MAX);
        r = forecaster_save(j->members[m], cx, &b);
        a->members[m] = str_c(j->members[m]->kind->name);
        a->weights[m] = j->weights[m];
        a->bytes[m] = str_dup(cx->arena, buf_str(&b));
        sha256_put(&hash, a->bytes[m]);
        buf_done(&b);
    }
    sha256_end_hex(&hash, report->weights_sha256);
    return r ? r : artifact_write(a, cx, out);
}

static int run(TrainJob *j, Ctx *cx, Buf *out, TrainReport *report) {
    int r = job_table(j, cx);
    if (r == 0)
        r = job_data(j, cx, NULL);
    if (r == 0)
        r = job_fit(j, cx, report);
    if (r == 0)
        r = measure(j, cx, report);
    if (r == 0)
        r = seal(j, cx, out, report);
    for (size_t m = 0; r == 0 && m < j->n_members; m++)
        if (learned_result(j->members[m]))
            report->training = *learned_result(j->members[m]);
    return r;
}

void job_init(TrainJob *j, const TrainRequest *q) {
    *j = (TrainJob){ .q = q };
    nn_init(&j->nn, NULL, MAX(1, q->threads));
    j->options = (ForecasterOptions){
        .nn = &j->nn, .train = &j->train, .hooks = q->hooks, .seed = q->seed, .resume = q->resume, .extra = q->extra
    };
}

void job_forget(TrainJob *j) {
    for (size_t m = 0; m < j->n_members; m++)
        forecaster_free(j->members[m]);
    j->n_members = 0;
    j->whole = NULL;
}

void job_done(TrainJob *j) {
    job_forget(j);
    nn_done(&j->nn);
}

int forecast_train(Ctx *cx, const TrainRequest *q, Buf *out, TrainReport *report) {
    MonoNs begun = clock_mono(cx->clock);
    TrainJob j;
    *report = (TrainReport){ 0 };
    job_init(&j, q);
    report->isa = j.nn.k->name;
    int r = run(&j, cx, out, report);
    job_done(&j);
    report->seconds = (double)(clock_mono(cx->clock).ns - begun.ns) / (double)NS_PER_SECOND;
    return r;
}
