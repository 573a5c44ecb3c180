/* services/models/registry.c - see registry.h: versions found, compared and promoted. */

#include "services/models/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

Models *models_new(const ModelsOptions *o) {
    Models *m = mem_new(Models);
    m->o = *o;
    m->o.cache_max = o->cache_max ? o->cache_max : (size_t)1 << 30;
    m->o.weights_max = o->weights_max ? o->weights_max : ARTIFACT_MAX;
    pthread_mutex_init(&m->cache_lock, NULL);
    return m;
}

Models *models_free(Models *m) {
    if (m) {
        pthread_mutex_destroy(&m->cache_lock);
        mem_free(m);
    }
    return NULL;
}

ModelRegistry *models_registry(Models *m) {
    return m->o.registry;
}

/* ERR_NOT_FOUND of the port is an outcome here. */
static int outcome(Ctx *cx, int r) {
    if (r != ERR_NOT_FOUND)
        return r;
    err_clear(cx);
    return MODELS_NONE;
}

static double metric_or_nan(const MlRun *run, const char *part, const char *name) {
    char key[64];
    double v;
    int n = snprintf(key, sizeof key, "%s_%s", part, name);
    return ml_metric(run, str_n(key, (size_t)n), &v) ? v : NAN;
}

void models_figures(const MlRun *run, const char *part, ArtifactFigures *out) {
    double n = metric_or_nan(run, part, "windows");
    *out = (ArtifactFigures){ .mse = metric_or_nan(run, part, "mse"),
                              .mae = metric_or_nan(run, part, "mae"),
                              .naive_mse = metric_or_nan(run, part, "naive_mse"),
                              .naive_mae = metric_or_nan(run, part, "naive_mae"),
                              .dm = metric_or_nan(run, part, "diebold_mariano"),
                              .n_windows = n >= 0 && n < 1e15 ? (int64_t)n : 0 };
}

int models_take(Models *m, Ctx *cx, const MlVersion *v, ModelVersion *out) {
    MlRun run = { 0 };
    int r = v->run_id.n ? ml_run(m->o.registry, cx, v->run_id, &run) : 0;
    if (r == ERR_NOT_FOUND) { /* cleared away: the version stands without its figures */
        err_clear(cx);
        run = (MlRun){ 0 };
    } else if (r) {
        return r;
    }
    Str beats = ml_tag(v->tags, v->n_tags, MODEL_TAG_BEATS);
    *out = (ModelVersion){ .v = *v,
                           .sha256 = ml_tag(v->tags, v->n_tags, MODEL_TAG_SHA256),
                           .kind = ml_tag(v->tags, v->n_tags, MODEL_TAG_KIND),
                           .forced = str_eq(ml_tag(v->tags, v->n_tags, MODEL_TAG_FORCED), S("true")),
                           .data_sha256 = ml_tag(v->tags, v->n_tags, MODEL_TAG_DATA),
                           .parent = ml_tag(v->tags, v->n_tags, MODEL_TAG_PARENT) };
    models_figures(&run, "val", &out->val);
    models_figures(&run, "test", &out->test);
    Artifact judged = { .val = out->val };
    out->beats_naive = beats.n ? str_eq(beats, S("true")) : artifact_beats_naive(&judged);
    return 0;
}

int models_path(Models *m, Ctx *cx, const MlVersion *v, Str rel, Str *out) {
    Str location;
    int r = ml_version_location(m->o.registry, cx, v, &location);
    return r ? r : ml_file_path(cx, location, rel, out);
}

int models_version(Models *m, Ctx *cx, Str name, Str version, ModelVersion *out) {
    MlVersion v;
    int r = ml_version(m->o.registry, cx, name, version, &v);
    return r ? outcome(cx, r) : models_take(m, cx, &v, out);
}

static int by_number(const void *a, const void *b) { /* newest first */
    int64_t x = 0, y = 0;
    str_to_i64(((const MlVersion *)a)->version, &x);
    str_to_i64(((const MlVersion *)b)->version, &y);
    return (x < y) - (x > y);
}

int models_versions(Models *m, Ctx *cx, Str name, ModelVersion **out, size_t *n) {
    MlModel model;
    MlVersion *v;
    int r = ml_model(m->o.registry, cx, name, &model);
    if (r == 0)
        r = ml_versions_of(m->o.registry, cx, name, &v, n);
    if (r)
        return outcome(cx, r);
    if (*n)
        qsort(v, *n, sizeof *v, by_number);
    *out = arena_new_n(cx->arena, ModelVersion, *n + 1);
    for (size_t i = 0; i < *n && r == 0; i++)
        r = models_take(m, cx, &v[i], &(*out)[i]);
    return r;
}

/* --- finding one --- */

static const MlVersion *newest_in(const MlModel *model, MlStage stage) {
    for (size_t i = 0; i < model->n_latest; i++)
        if (model->latest[i].stage == stage)
            return &model->latest[i];
    return NULL;
}

static Str alias_version(const MlModel *model, Str alias) {
    for (size_t i = 0; i < model->n_aliases; i++)
        if (str_eq(model->aliases[i].alias, alias))
            return model->aliases[i].version;
    return (Str){ 0 };
}

static int promoted(Models *m, Ctx *cx, const MlModel *model, ModelVersion *out) {
    Str champion = alias_version(model, MODEL_CHAMPION);
    const MlVersion *v = newest_in(model, ML_STAGE_PRODUCTION);
    if (champion.n)
        return models_version(m, cx, model->name, champion, out);
    return v ? models_take(m, cx, v, out) : MODELS_NONE;
}

static int newest(Models *m, Ctx *cx, const MlModel *model, ModelVersion *out) {
    MlVersion *v;
    size_t n, best = 0;
    int r = ml_versions_of(m->o.registry, cx, model->name, &v, &n);
    if (r)
        return outcome(cx, r);
    for (size_t i = 1; i < n; i++)
        if (by_number(&v[i], &v[best]) < 0)
            best = i;
    return n ? models_take(m, cx, &v[best], out) : MODELS_NONE;
}

int models_resolve(Models *m, Ctx *cx, Str ref, ModelVersion *out) {
    MlModel model;
    MlStage stage;
    int64_t number;
    if (str_starts(ref, S("models:/")))
        ref = str_from(ref, 8);
    ptrdiff_t slash = str_find_char(ref, '/'), at = str_find_char(ref, '@');
    Str name = str_first(ref, slash >= 0 ? (size_t)slash : at >= 0 ? (size_t)at : ref.n);
    Str rest = str_from(ref, name.n + 1);
    if (name.n < ref.n && rest.n == 0)
        return err_set_at(cx, ERR_INVALID, S("model"), "\"" STR_FMT "\": NAME, NAME/VERSION, NAME/STAGE or NAME@ALIAS",
                          STR_ARG(ref));
    int r = ml_model(m->o.registry, cx, name, &model);
    if (r)
        return outcome(cx, r);
    if (rest.n == 0)
        return promoted(m, cx, &model, out);
    if (slash < 0) {
        Str version = alias_version(&model, rest);
        return version.n ? models_version(m, cx, name, version, out) : MODELS_NONE;
    }
    if (str_eq_nocase(rest, S("latest")))
        return newest(m, cx, &model, out);
    if (ml_stage_parse(rest, &stage)) {
        const MlVersion *v = newest_in(&model, stage);
        return v ? models_take(m, cx, v, out) : MODELS_NONE;
    }
    if (str_to_i64(rest, &number))
        return models_version(m, cx, name, rest, out);
    return err_set_at(cx, ERR_INVALID, S("model"),
                      "\"" STR_FMT "\" is no version and no stage; an alias is written "
                      "NAME@ALIAS",
                      STR_ARG(rest));
}

/* --- the best one --- */

int models_best(Models *m, Ctx *cx, Str name, const ModelBest *q, ModelVersion *out) {
    Str metric = q->metric.n ? q->metric : S("val_mse");
    ModelVersion *v;
    double best = NAN;
    size_t n;
    int r = models_versions(m, cx, name, &v, &n);
    for (size_t i = 0; i < n && r == 0; i++) { /* the newest comes first: of equals it stays */
        MlRun run;
        double value = NAN;
        if ((v[i].v.stage == ML_STAGE_ARCHIVED && !q->archived) || v[i].v.run_id.n == 0)
            continue;
        r = ml_run(m->o.registry, cx, v[i].v.run_id, &run);
        if (r == ERR_NOT_FOUND) {
            err_clear(cx);
            r = 0;
            continue;
        }
        if (r || run.life == ML_DELETED || !ml_metric(&run, metric, &value))
            continue;
        if (isnan(best) || (q->larger ? value > best : value < best)) {
            best = value;
            *out = v[i];
        }
    }
    return r ? r : isnan(best) ? MODELS_NONE : 0;
}

/* --- promoting --- */

static int refuse_naive(Ctx *cx, const ModelVersion *v) {
    return err_set(cx, ERR_CONFLICT,
                   STR_FMT
                   "/" STR_FMT " is not promoted: on validation it is not clearly better than repeating the last "
                   "value (mse %.4g to %.4g, Diebold-Mariano %.2f, 1.64 wanted); force it to promote it all the "
                   "same",
                   STR_ARG(v->v.name), STR_ARG(v->v.version), v->val.mse, v->val.naive_mse, v->val.dm);
}

/* The alias first: it is what a plain name means. When the stage cannot be set it goes back to where it was. */
static int to_production(Models *m, Ctx *cx, const ModelVersion *v, const ModelPromote *q, MlVersion *out) {
    ModelRegistry *r = m->o.registry;
    MlModel model;
    int e = ml_model(r, cx, v->v.name, &model);
    if (e)
        return e;
    Str before = alias_version(&model, MODEL_CHAMPION);
    e = ml_alias_set(r, cx, v->v.name, MODEL_CHAMPION, v->v.version);
    if (e)
        return e;
    e = ml_version_stage(r, cx, v->v.name, v->v.version, ML_STAGE_PRODUCTION, !q->keep, out);
    if (e) {
        Ctx undo = *cx;
        undo.deadline = (MonoNs){ 0 };
        undo.cancel = NULL;
        if (before.n)
            ml_alias_set(r, &undo, v->v.name, MODEL_CHAMPION, before);
        else
            ml_alias_drop(r, &undo, v->v.name, MODEL_CHAMPION);
    }
    return e;
}

static int is_champion(const ModelVersion *v) {
    for (size_t i = 0; i < v->v.n_aliases; i++)
        if (str_eq(v->v.aliases[i], MODEL_CHAMPION))
            return true;
    return false;
}

int models_promote(Models *m, Ctx *cx, const ModelVersion *v, const ModelPromote *q, ModelVersion *out) {
    MlStage stage = q->stage == ML_STAGE_NONE ? ML_STAGE_PRODUCTION : q->stage;
    MlOwner of = { ML_OF_VERSION, v->v.name, v->v.version };
    ModelWeights weights;
    MlVersion now;
    int r = 0;
    if (stage == ML_STAGE_PRODUCTION) {
        if (!v->beats_naive && !q->forced)
            return refuse_naive(cx, v);
        if (v->sha256.n)
            r = models_load(m, cx, v, &weights);
        if (r == 0 && !v->beats_naive)
            r = ml_tag_set(m->o.registry, cx, &of, MODEL_TAG_FORCED, S("true"));
        if (r == 0)
            r = to_production(m, cx, v, q, &now);
    } else {
        bool archive = stage == ML_STAGE_STAGING && !q->keep;
        r = ml_version_stage(m->o.registry, cx, v->v.name, v->v.version, stage, archive, &now);
        if (r == 0 && stage == ML_STAGE_ARCHIVED && is_champion(v)) /* a plain name must not mean what is put away */
            r = ml_alias_drop(m->o.registry, cx, v->v.name, MODEL_CHAMPION);
    }
    if (r == 0)
        r = ml_version(m->o.registry, cx, v->v.name, v->v.version, &now);
    return r ? r : models_take(m, cx, &now, out);
}
