/* api/models/handlers.c - records into calls of Models, and back. */

#include "api/models/handlers.h"

#include "base/base64.h"
#include "base/vec.h"
#include "services/models/registry.h"

enum { CARD_MAX = 4 << 20 };

static int no_model(Ctx *cx, Str model) {
    return err_set_at(cx, ERR_NOT_FOUND, S("model"), "there is no model " STR_FMT, STR_ARG(model));
}

/* "3", "latest", "Production" or "@champion" of a model. */
static int find(Models *m, Ctx *cx, Str model, Str version, ModelVersion *out) {
    bool alias = version.n && version.p[0] == '@';
    Str ref = str_fmt(cx->arena, alias ? STR_FMT STR_FMT : STR_FMT "/" STR_FMT, STR_ARG(model), STR_ARG(version));
    int r = models_resolve(m, cx, ref, out);
    return r == MODELS_NONE
               ? err_set_at(cx, ERR_NOT_FOUND, S("version"), "there is no version " STR_FMT " of model " STR_FMT,
                            STR_ARG(version), STR_ARG(model))
               : r;
}

static ModelFigures figures_of(const ArtifactFigures *f) {
    return (ModelFigures){ f->mse, f->mae, f->naive_mse, f->naive_mae, f->mse / f->naive_mse, f->dm, f->n_windows };
}

static ModelVersionRow row_of(const ModelVersion *v) {
    return (ModelVersionRow){ .model = v->v.name,
                              .version = v->v.version,
                              .stage = str_c(ml_stage_name(v->v.stage)),
                              .kind = v->kind,
                              .aliases = { v->v.aliases, v->v.n_aliases },
                              .beats_naive = v->beats_naive,
                              .forced = v->forced,
                              .validation = figures_of(&v->val),
                              .test = figures_of(&v->test),
                              .weights_sha256 = v->sha256,
                              .data_sha256 = v->data_sha256,
                              .parent = v->parent,
                              .run = v->v.run_id,
                              .description = v->v.description,
                              .created = v->v.created };
}

static List rows_of(Ctx *cx, const ModelVersion *v, size_t n) {
    ModelVersionRow *rows = arena_new_n(cx->arena, ModelVersionRow, n + 1);
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(&v[i]);
    return (List){ rows, n };
}

static ModelRow model_row(const MlModel *m) {
    ModelRow row = { .model = m->name, .description = m->description, .created = m->created, .updated = m->updated };
    int64_t newest = 0, number;
    for (size_t i = 0; i < m->n_aliases; i++)
        if (str_eq(m->aliases[i].alias, MODEL_CHAMPION))
            row.champion = m->aliases[i].version;
    for (size_t i = 0; i < m->n_latest; i++) {
        const MlVersion *v = &m->latest[i];
        if (v->stage == ML_STAGE_PRODUCTION)
            row.production = v->version;
        if (v->stage != ML_STAGE_ARCHIVED && str_to_i64(v->version, &number) && number > newest) {
            newest = number;
            row.latest = v->version;
        }
    }
    return row;
}

int models_api_list(void *role, Ctx *cx, const void *in_, void *out_) {
    const ModelsQuery *in = in_;
    ModelList *out = out_;
    MlModel *v;
    size_t n;
    Str next;
    MlSearch q = { .filter = in->filter, .limit = (size_t)in->limit };
    int r = ml_models(models_registry(role), cx, &q, &v, &n, &next);
    if (r)
        return r;
    ModelRow *rows = arena_new_n(cx->arena, ModelRow, n + 1);
    for (size_t i = 0; i < n; i++)
        rows[i] = model_row(&v[i]);
    *out = (ModelList){ (int64_t)n, { rows, n } };
    return 0;
}

int models_api_get(void *role, Ctx *cx, const void *in_, void *out_) {
    const RegisteredModelRef *in = in_;
    ModelDetail *out = out_;
    ModelVersion *v;
    MlModel m;
    size_t n;
    int r = ml_model(models_registry(role), cx, in->model, &m);
    if (r == 0)
        r = models_versions(role, cx, in->model, &v, &n);
    if (r)
        return r == MODELS_NONE || r == ERR_NOT_FOUND ? no_model(cx, in->model) : r;
    out->model = model_row(&m);
    out->versions = rows_of(cx, v, n);
    return 0;
}

static bool is_wanted(const List *wanted, Str version) {
    const Str *v = wanted->v;
    for (size_t i = 0; i < wanted->n; i++)
        if (str_eq(v[i], version))
            return true;
    return wanted->n == 0;
}

static int compare(Models *m, Ctx *cx, const ModelCompareQuery *in, ModelComparison *out) {
    ModelVersion *v, best;
    size_t n, kept = 0;
    int r = models_versions(m, cx, in->model, &v, &n);
    if (r)
        return r == MODELS_NONE ? no_model(cx, in->model) : r;
    for (size_t i = 0; i < n; i++)
        if (is_wanted(&in->versions, v[i].v.version))
            v[kept++] = v[i];
    if (in->versions.n && kept < in->versions.n)
        return err_set_at(cx, ERR_NOT_FOUND, S("versions"), "%zu of these %zu versions of " STR_FMT " are not there",
                          in->versions.n - kept, in->versions.n, STR_ARG(in->model));
    ModelBest q = { .metric = in->metric, .larger = in->larger, .archived = in->archived };
    r = models_best(m, cx, in->model, &q, &best);
    if (r < 0)
        return r;
    *out = (ModelComparison){ in->model, in->metric, r == 0 ? best.v.version : (Str){ 0 }, rows_of(cx, v, kept) };
    return 0;
}

int models_api_compare(void *role, Ctx *cx, const void *in, void *out) {
    return compare(role, cx, in, out);
}

int models_api_versions(void *role, Ctx *cx, const void *in, void *out) {
    return compare(role, cx,
                   &(ModelCompareQuery){ .model = ((const RegisteredModelRef *)in)->model, .metric = S("val_mse") },
                   out);
}

int models_api_card(void *role, Ctx *cx, const void *in_, void *out_) {
    const ModelCardQuery *in = in_;
    RawBody *out = out_;
    ModelVersion v;
    JsonWriter w;
    Buf b;
    bool markdown = str_eq(in->format, S("markdown"));
    int r = find(role, cx, in->model, in->version, &v);
    if (r)
        return r;
    buf_init(&b, CARD_MAX);
    json_writer_init(&w, &b, true);
    r = markdown ? models_card_markdown(role, cx, &v, &b) : models_card_json(role, cx, &v, &w);
    if (r == 0 && !buf_ok(&b))
        r = err_set(cx, ERR_LIMIT, "the card is too long");
    if (r == 0)
        *out = (RawBody){ markdown ? S("text/markdown; charset=utf-8") : S("application/json"),
                          str_dup(cx->arena, buf_str(&b)) };
    buf_done(&b);
    return r;
}

/* --- changes --- */

int models_api_stage(void *role, Ctx *cx, const void *in_, void *out) {
    const ModelStageRequest *in = in_;
    ModelVersion v;
    MlVersion back;
    ModelPromote q = { .forced = in->force, .keep = in->keep };
    int r = find(role, cx, in->model, in->version, &v);
    if (r)
        return r;
    if (!ml_stage_parse(in->stage, &q.stage))
        return err_set_at(cx, ERR_INVALID, S("stage"), "a stage is None, Staging, Production or Archived");
    if (q.stage == ML_STAGE_NONE) {
        r = ml_version_stage(models_registry(role), cx, v.v.name, v.v.version, ML_STAGE_NONE, false, &back);
        if (r == 0)
            r = find(role, cx, in->model, back.version, &v);
    } else {
        r = models_promote(role, cx, &v, &q, &v);
    }
    if (r == 0)
        *(ModelVersionRow *)out = row_of(&v);
    return r;
}

static int changed(Ctx *cx, int r, void *out, Str message) {
    UNUSED(cx);
    if (r == 0)
        *(ModelChanged *)out = (ModelChanged){ true, message };
    return r;
}

int models_api_alias(void *role, Ctx *cx, const void *in_, void *out) {
    const ModelAliasRequest *in = in_;
    ModelVersion v;
    if (in->version.n == 0)
        return changed(cx, ml_alias_drop(models_registry(role), cx, in->model, in->alias), out,
                       str_fmt(cx->arena, STR_FMT " means nothing any more", STR_ARG(in->alias)));
    int r = find(role, cx, in->model, in->version, &v);
    if (r == 0)
        r = ml_alias_set(models_registry(role), cx, in->model, in->alias, v.v.version);
    return changed(cx, r, out,
                   r ? (Str){ 0 }
                     : str_fmt(cx->arena, STR_FMT "@" STR_FMT " is version " STR_FMT, STR_ARG(in->model),
                               STR_ARG(in->alias), STR_ARG(v.v.version)));
}

int models_api_register(void *role, Ctx *cx, const void *in_, void *out_) {
    const ModelRegisterRequest *in = in_;
    ModelRegisterResponse *out = out_;
    ModelVersion v;
    Str weights;
    if (!base64_read(cx->arena, in->weights, &weights))
        return err_set_at(cx, ERR_INVALID, S("weights"), "weights is not base64");
    ModelRegister q = { .name = in->model,
                        .weights = weights,
                        .experiment = in->experiment,
                        .parent = in->parent,
                        .command = in->command,
                        .seconds = in->seconds,
                        .epochs = (size_t)in->epochs };
    int r = models_register(role, cx, &q, &v);
    if (r)
        return r;
    bool promote = in->force || (in->promote && v.beats_naive);
    if (promote)
        r = models_promote(role, cx, &v, &(ModelPromote){ .forced = in->force }, &v);
    if (r)
        return r;
    const char *more = promote && v.forced ? ", promoted by force although it is not clearly better than the last value"
                       : promote           ? ", promoted"
                       : in->promote
                           ? "; not promoted: on validation it is not clearly better than repeating the last value"
                           : "";
    *out = (ModelRegisterResponse){ row_of(&v), promote,
                                    str_fmt(cx->arena, STR_FMT " version " STR_FMT "%s", STR_ARG(v.v.name),
                                            STR_ARG(v.v.version), more) };
    return 0;
}

int models_api_weights(void *role, Ctx *cx, const void *in_, void *out) {
    const ModelVersionRef *in = in_;
    ModelVersion v;
    ModelWeights w;
    int r = find(role, cx, in->model, in->version, &v);
    if (r == 0)
        r = models_load(role, cx, &v, &w);
    if (r == 0)
        *(RawBody *)out = (RawBody){ S("application/octet-stream"), w.bytes };
    return r;
}

/* The runs go with their versions; the versions first, so that a run is never gone under one. */
static int delete_runs(Models *m, Ctx *cx, const ModelVersion *v, size_t n) {
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        r = v[i].v.run_id.n && v[i].sha256.n ? ml_run_life(models_registry(m), cx, v[i].v.run_id, ML_DELETED) : 0;
        if (r == ERR_NOT_FOUND) {
            err_clear(cx);
            r = 0;
        }
    }
    return r;
}

int models_api_delete(void *role, Ctx *cx, const void *in_, void *out) {
    const RegisteredModelRef *in = in_;
    ModelVersion *v;
    size_t n;
    int r = models_versions(role, cx, in->model, &v, &n);
    if (r == MODELS_NONE)
        return no_model(cx, in->model);
    if (r == 0)
        r = ml_model_delete(models_registry(role), cx, in->model);
    if (r == 0)
        r = delete_runs(role, cx, v, n);
    return changed(cx, r, out,
                   str_fmt(cx->arena, STR_FMT " is deleted, %zu versions with it", STR_ARG(in->model), r ? 0 : n));
}

int models_api_version_delete(void *role, Ctx *cx, const void *in_, void *out) {
    const ModelVersionRef *in = in_;
    ModelVersion v;
    bool champion = false;
    int r = find(role, cx, in->model, in->version, &v);
    if (r)
        return r;
    for (size_t i = 0; i < v.v.n_aliases; i++)
        champion |= str_eq(v.v.aliases[i], MODEL_CHAMPION);
    if ((champion || v.v.stage == ML_STAGE_PRODUCTION) && !in->force)
        return err_set(cx, ERR_CONFLICT,
                       STR_FMT "/" STR_FMT " is the promoted one: promote another first, or force its deletion",
                       STR_ARG(v.v.name), STR_ARG(v.v.version));
    r = ml_version_delete(models_registry(role), cx, v.v.name, v.v.version);
    if (r == 0)
        r = delete_runs(role, cx, &v, 1);
    return changed(cx, r, out,
                   str_fmt(cx->arena, STR_FMT "/" STR_FMT " is deleted", STR_ARG(v.v.name), STR_ARG(v.v.version)));
}

int models_api_clear(void *role, Ctx *cx, const void *in_, void *out) {
    const ModelsClearRequest *in = in_;
    MlGc gc;
    Time before = time_ms(clock_wall(cx->clock).ms - in->days * MS_PER_DAY);
    int r = ml_gc(models_registry(role), cx, before, &gc);
    if (r == 0)
        *(ModelsClearResponse *)out = (ModelsClearResponse){ gc.runs, gc.experiments, gc.files };
    return r;
}
