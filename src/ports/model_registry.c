/* ports/model_registry.c - the checking wrapper around every model registry, and the words of its enums. */

#include "ports/model_registry.h"

#include <float.h>
#include <math.h>

/* --- words --- */

static const char *const stages[] = { "None", "Staging", "Production", "Archived" };
static const char *const statuses[] = { "", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED" };
static const char *const readies[] = { "READY", "PENDING_REGISTRATION", "FAILED_REGISTRATION" };

const char *ml_stage_name(MlStage s) {
    return stages[s];
}

bool ml_stage_parse(Str s, MlStage *out) {
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        if (str_eq_nocase(s, str_c(stages[i]))) {
            *out = (MlStage)i;
            return true;
        }
    return false;
}

const char *ml_status_name(MlStatus s) {
    return statuses[s];
}

bool ml_status_parse(Str s, MlStatus *out) {
    for (size_t i = 1; i < ARRAY_LEN(statuses); i++)
        if (str_eq(s, str_c(statuses[i]))) {
            *out = (MlStatus)i;
            return true;
        }
    return false;
}

const char *ml_ready_name(MlReady s) {
    return readies[s];
}

const char *ml_life_name(MlLife s) {
    return s == ML_DELETED ? "deleted" : "active";
}

Str ml_tag(const MlTag *v, size_t n, Str key) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].key, key))
            return v[i].value;
    return (Str){ 0 };
}

bool ml_metric(const MlRun *run, Str key, double *out) {
    for (size_t i = 0; i < run->n_metrics; i++)
        if (str_eq(run->metrics[i].key, key)) {
            *out = run->metrics[i].value;
            return !isnan(*out);
        }
    return false;
}

/* --- checks --- */

static int check_length(Ctx *cx, const char *what, Str s, size_t most) {
    if (s.n == 0)
        return err_set_at(
            cx, ERR_INVALID, str_c(what),
            "Missing value for required parameter '%s'. See the API docs for more information about request "
            "parameters.",
            what);
    if (s.n > most)
        return err_set_at(cx, ERR_INVALID, str_c(what), "'%s' has %zu bytes, at most %zu may be", what, s.n, most);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return err_set_at(cx, ERR_INVALID, str_c(what), "'%s' has a control character", what);
    return 0;
}

/* Keys are also paths of files in MLflow's oldest store: normalised, of few characters. */
static int check_key(Ctx *cx, const char *what, Str key) {
    int r = check_length(cx, what, key, ML_NAME_MAX);
    if (r)
        return r;
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    (unsigned char)c >= 0x80 || memchr("/_-. :", c, 6);
        if (!word)
            return err_set_at(cx, ERR_INVALID, str_c(what),
                              "Invalid value \"" STR_FMT "\" for parameter '%s' supplied: names may only contain "
                              "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colons (:) and "
                              "slashes (/)",
                              STR_ARG(str_first(key, 80)), what);
    }
    return ml_path_ok(key) ? 0
                           : err_set_at(cx, ERR_INVALID, str_c(what),
                                        "Invalid value \"" STR_FMT "\" for parameter '%s' supplied: names must be "
                                        "normalised paths",
                                        STR_ARG(str_first(key, 80)), what);
}

static int check_text(Ctx *cx, const char *what, Str s, size_t most) {
    return s.n <= most
               ? 0
               : err_set_at(cx, ERR_INVALID, str_c(what), "'%s' has %zu bytes, at most %zu may be", what, s.n, most);
}

static int check_tags(Ctx *cx, const MlTag *v, size_t n) {
    int r = n <= ML_BATCH_TAGS ? 0 : err_set(cx, ERR_INVALID, "%zu tags at once, at most %d", n, ML_BATCH_TAGS);
    for (size_t i = 0; i < n && r == 0; i++)
        if ((r = check_key(cx, "key", v[i].key)) == 0)
            r = check_text(cx, "value", v[i].value, ML_TAG_MAX);
    return r;
}

static int check_model_name(Ctx *cx, Str name) {
    int r = check_length(cx, "name", name, ML_NAME_MAX);
    if (r == 0 && (str_find_char(name, '/') >= 0 || str_find_char(name, ':') >= 0))
        r = err_set_at(cx, ERR_INVALID, S("name"),
                       "Invalid name \"" STR_FMT "\": the name of a registered model has no '/' and no ':'",
                       STR_ARG(str_first(name, 80)));
    return r;
}

static int check_version(Ctx *cx, Str version) {
    int64_t v;
    return str_to_i64(version, &v) && v > 0 && version.p[0] != '+' && version.p[0] != '0'
               ? 0
               : err_set_at(cx, ERR_INVALID, S("version"), "Invalid version \"" STR_FMT "\": a whole number from 1 on",
                            STR_ARG(str_first(version, 40)));
}

static int check_alias(Ctx *cx, Str alias) {
    int64_t v;
    int r = check_length(cx, "alias", alias, ML_NAME_MAX);
    for (size_t i = 0; i < alias.n && r == 0; i++) {
        char c = alias.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            r = err_set_at(cx, ERR_INVALID, S("alias"), "Invalid alias name: letters, digits, '_' and '-' only");
    }
    if (r == 0 && str_eq_nocase(alias, S("latest")))
        r = err_set_at(cx, ERR_INVALID, S("alias"), "'latest' alias name (case insensitive) is reserved.");
    if (r == 0 && (alias.p[0] == 'v' || alias.p[0] == 'V') && str_to_i64(str_from(alias, 1), &v))
        r = err_set_at(cx, ERR_INVALID, S("alias"), "Version alias name 'v%lld' is reserved.", (long long)v);
    return r;
}

static int check_search(Ctx *cx, const MlSearch *q, size_t most) {
    return q->limit >= 1 && q->limit <= most
               ? 0
               : err_set_at(cx, ERR_INVALID, S("max_results"),
                            "Invalid value %zu for parameter 'max_results' supplied: it must be from 1 to %zu",
                            q->limit, most);
}

static int check_file(Ctx *cx, Str path) {
    return ml_path_ok(path)
               ? 0
               : err_set_at(cx, ERR_INVALID, S("path"), "Invalid path: \"" STR_FMT "\"", STR_ARG(str_first(path, 80)));
}

static int check_batch(Ctx *cx, const MlLog *q) {
    int r = 0;
    if (q->n_metrics > ML_BATCH_METRICS || q->n_params > ML_BATCH_PARAMS || q->n_tags > ML_BATCH_TAGS ||
        q->n_metrics + q->n_params + q->n_tags > ML_BATCH_MAX)
        return err_set(cx, ERR_INVALID,
                       "A batch has at most %d metrics, %d params and %d tags, and %d in all; this one has %zu, %zu "
                       "and %zu",
                       ML_BATCH_METRICS, ML_BATCH_PARAMS, ML_BATCH_TAGS, ML_BATCH_MAX, q->n_metrics, q->n_params,
                       q->n_tags);
    for (size_t i = 0; i < q->n_metrics && r == 0; i++)
        r = check_key(cx, "key", q->metrics[i].key);
    for (size_t i = 0; i < q->n_params && r == 0; i++)
        if ((r = check_key(cx, "key", q->params[i].key)) == 0)
            r = check_text(cx, "value", q->params[i].value, ML_PARAM_MAX);
    return r ? r : check_tags(cx, q->tags, q->n_tags);
}

/* --- listeners --- */

void ml_listen(ModelRegistry *r, MlListener *fn, void *arg) {
    assert(r->n_listeners < ML_LISTENERS_MAX);
    r->listeners[r->n_listeners].fn = fn;
    r->listeners[r->n_listeners++].arg = arg;
}

void ml_tell(ModelRegistry *r, Ctx *cx, const MlChange *change) {
    for (size_t i = 0; i < r->n_listeners; i++)
        r->listeners[i].fn(r->listeners[i].arg, cx, change);
}

/* Passes e on, and tells of the change if there was one. */
static int told(ModelRegistry *r, Ctx *cx, int e, MlChange change) {
    if (e == 0)
        ml_tell(r, cx, &change);
    return e;
}

static int enter(ModelRegistry *r, Ctx *cx, const char *point) {
    assert(r && r->ops && cx && cx->arena);
    int e = ctx_check(cx);
    return e ? e : r->fault ? r->fault(r->fault_arg, cx, point) : 0;
}

/* --- experiments and runs --- */

int ml_experiment_create(ModelRegistry *r, Ctx *cx, Str name, Str location, const MlTag *tags, size_t n, Str *id) {
    int e = enter(r, cx, "experiment_create");
    if (e == 0)
        e = check_length(cx, "name", name, ML_EXPERIMENT_MAX);
    if (e == 0)
        e = check_tags(cx, tags, n);
    return e ? e : r->ops->experiment_create(r, cx, name, location, tags, n, id);
}

int ml_experiment(ModelRegistry *r, Ctx *cx, Str id, MlExperiment *out) {
    int e = enter(r, cx, "experiment");
    if (e == 0)
        e = check_length(cx, "experiment_id", id, ML_NAME_MAX);
    return e ? e : r->ops->experiment(r, cx, id, (Str){ 0 }, out);
}

int ml_experiment_named(ModelRegistry *r, Ctx *cx, Str name, MlExperiment *out) {
    int e = enter(r, cx, "experiment");
    if (e == 0)
        e = check_length(cx, "experiment_name", name, ML_EXPERIMENT_MAX);
    return e ? e : r->ops->experiment(r, cx, (Str){ 0 }, name, out);
}

int ml_experiments(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlExperiment **out, size_t *n, Str *next) {
    int e = enter(r, cx, "experiments");
    if (e == 0)
        e = check_search(cx, q, ML_PAGE_MAX);
    return e ? e : r->ops->experiments(r, cx, q, out, n, next);
}

int ml_experiment_rename(ModelRegistry *r, Ctx *cx, Str id, Str name) {
    int e = enter(r, cx, "experiment_rename");
    if (e == 0)
        e = check_length(cx, "new_name", name, ML_EXPERIMENT_MAX);
    return e ? e : r->ops->experiment_rename(r, cx, id, name);
}

int ml_experiment_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life) {
    int e = enter(r, cx, "experiment_life");
    return e ? e : r->ops->experiment_life(r, cx, id, life);
}

int ml_run_create(ModelRegistry *r, Ctx *cx, const MlRunNew *q, MlRun *out) {
    int e = enter(r, cx, "run_create");
    if (e == 0)
        e = check_length(cx, "experiment_id", q->experiment, ML_NAME_MAX);
    if (e == 0)
        e = check_text(cx, "run_name", q->name, ML_NAME_MAX);
    if (e == 0)
        e = check_tags(cx, q->tags, q->n_tags);
    return e ? e : r->ops->run_create(r, cx, q, out);
}

int ml_run(ModelRegistry *r, Ctx *cx, Str id, MlRun *out) {
    int e = enter(r, cx, "run");
    if (e == 0)
        e = check_length(cx, "run_id", id, ML_NAME_MAX);
    return e ? e : r->ops->run(r, cx, id, out);
}

int ml_runs(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlRun **out, size_t *n, Str *next) {
    int e = enter(r, cx, "runs");
    if (e == 0)
        e = check_search(cx, q, ML_PAGE_MAX);
    return e ? e : r->ops->runs(r, cx, q, out, n, next);
}

int ml_run_update(ModelRegistry *r, Ctx *cx, Str id, const MlRunUpdate *q, MlRun *out) {
    int e = enter(r, cx, "run_update");
    if (e == 0)
        e = check_text(cx, "run_name", q->name, ML_NAME_MAX);
    return e ? e : r->ops->run_update(r, cx, id, q, out);
}

int ml_run_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life) {
    int e = enter(r, cx, "run_life");
    return e ? e : r->ops->run_life(r, cx, id, life);
}

int ml_log(ModelRegistry *r, Ctx *cx, Str run, const MlLog *q) {
    MlLog copy = *q;
    int e = enter(r, cx, "log");
    if (e == 0)
        e = check_length(cx, "run_id", run, ML_NAME_MAX);
    if (e == 0)
        e = check_batch(cx, q);
    if (e)
        return e;
    MlMetric *metrics = arena_new_n(cx->arena, MlMetric, q->n_metrics + 1);
    for (size_t i = 0; i < q->n_metrics; i++) {
        metrics[i] = q->metrics[i];
        if (isinf(metrics[i].value))
            metrics[i].value = metrics[i].value > 0 ? DBL_MAX : -DBL_MAX;
    }
    copy.metrics = metrics;
    return r->ops->log(r, cx, run, &copy);
}

/* NOLINTNEXTLINE(readability-function-size): which values of whom, a page of them; no struct would say it better */
int ml_history(ModelRegistry *r, Ctx *cx, Str run, Str key, size_t limit, Str token, MlMetric **out, size_t *n,
               Str *next) {
    int e = enter(r, cx, "history");
    if (e == 0)
        e = check_length(cx, "metric_key", key, ML_NAME_MAX);
    if (e == 0)
        e = check_search(cx, &(MlSearch){ .limit = limit }, ML_PAGE_MAX);
    return e ? e : r->ops->history(r, cx, run, key, limit, token, out, n, next);
}

static int tagged(ModelRegistry *r, Ctx *cx, int e, const MlOwner *of) {
    if (of->kind == ML_OF_MODEL)
        return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_MODEL, .name = of->id });
    if (of->kind == ML_OF_VERSION)
        return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_VERSION, .name = of->id, .version = of->version });
    return e;
}

int ml_tag_set(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key, Str value) {
    int e = enter(r, cx, "tag_set");
    if (e == 0)
        e = check_tags(cx, &(MlTag){ key, value }, 1);
    return tagged(r, cx, e ? e : r->ops->tag_set(r, cx, of, key, value), of);
}

int ml_tag_drop(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key) {
    int e = enter(r, cx, "tag_drop");
    if (e == 0)
        e = check_length(cx, "key", key, ML_NAME_MAX);
    return tagged(r, cx, e ? e : r->ops->tag_drop(r, cx, of, key), of);
}

/* --- models --- */

int ml_model_create(ModelRegistry *r, Ctx *cx, Str name, Str description, const MlTag *tags, size_t n, MlModel *out) {
    int e = enter(r, cx, "model_create");
    if (e == 0)
        e = check_model_name(cx, name);
    if (e == 0)
        e = check_text(cx, "description", description, ML_TEXT_MAX);
    if (e == 0)
        e = check_tags(cx, tags, n);
    if (e == 0)
        e = r->ops->model_create(r, cx, name, description, tags, n, out);
    return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_MODEL, .name = name });
}

int ml_model(ModelRegistry *r, Ctx *cx, Str name, MlModel *out) {
    int e = enter(r, cx, "model");
    if (e == 0)
        e = check_model_name(cx, name);
    return e ? e : r->ops->model(r, cx, name, out);
}

int ml_models(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlModel **out, size_t *n, Str *next) {
    int e = enter(r, cx, "models");
    if (e == 0)
        e = check_search(cx, q, ML_PAGE_MAX);
    return e ? e : r->ops->models(r, cx, q, out, n, next);
}

int ml_model_rename(ModelRegistry *r, Ctx *cx, Str name, Str to, MlModel *out) {
    int e = enter(r, cx, "model_rename");
    if (e == 0)
        e = check_model_name(cx, to);
    if (e == 0)
        e = r->ops->model_rename(r, cx, name, to, out);
    if (e == 0) /* for who knew it by its old name, it is gone */
        ml_tell(r, cx, &(MlChange){ .kind = ML_DELETED_MODEL, .name = name });
    return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_MODEL, .name = to });
}

int ml_model_describe(ModelRegistry *r, Ctx *cx, Str name, Str description, MlModel *out) {
    int e = enter(r, cx, "model_describe");
    if (e == 0)
        e = check_text(cx, "description", description, ML_TEXT_MAX);
    if (e == 0)
        e = r->ops->model_describe(r, cx, name, description, out);
    return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_MODEL, .name = name });
}

int ml_model_delete(ModelRegistry *r, Ctx *cx, Str name) {
    int e = enter(r, cx, "model_delete");
    if (e == 0)
        e = check_model_name(cx, name);
    if (e == 0)
        e = r->ops->model_delete(r, cx, name);
    return told(r, cx, e, (MlChange){ .kind = ML_DELETED_MODEL, .name = name });
}

int ml_alias_set(ModelRegistry *r, Ctx *cx, Str name, Str alias, Str version) {
    int e = enter(r, cx, "alias_set");
    if (e == 0)
        e = check_model_name(cx, name);
    if (e == 0)
        e = check_alias(cx, alias);
    if (e == 0)
        e = check_version(cx, version);
    if (e == 0)
        e = r->ops->alias_set(r, cx, name, alias, version);
    return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_ALIAS, .name = name, .version = version, .alias = alias });
}

int ml_alias_drop(ModelRegistry *r, Ctx *cx, Str name, Str alias) {
    int e = enter(r, cx, "alias_drop");
    if (e == 0)
        e = check_model_name(cx, name);
    if (e == 0)
        e = check_alias(cx, alias);
    if (e == 0)
        e = r->ops->alias_drop(r, cx, name, alias);
    return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_ALIAS, .name = name, .alias = alias });
}

int ml_alias(ModelRegistry *r, Ctx *cx, Str name, Str alias, MlVersion *out) {
    MlModel m;
    int e = check_length(cx, "alias", alias, ML_NAME_MAX);
    if (e == 0)
        e = ml_model(r, cx, name, &m);
    if (e)
        return e;
    for (size_t i = 0; i < m.n_aliases; i++)
        if (str_eq(m.aliases[i].alias, alias))
            return ml_version(r, cx, name, m.aliases[i].version, out);
    return err_set(cx, ERR_NOT_FOUND, "Registered model alias " STR_FMT " not found.", STR_ARG(alias));
}

/* --- versions --- */

int ml_version_create(ModelRegistry *r, Ctx *cx, const MlVersionNew *q, MlVersion *out) {
    int e = enter(r, cx, "version_create");
    if (e == 0)
        e = check_model_name(cx, q->name);
    if (e == 0)
        e = check_length(cx, "source", q->source, 2 * ML_PATH_MAX);
    if (e == 0)
        e = check_text(cx, "description", q->description, ML_TEXT_MAX);
    if (e == 0)
        e = check_text(cx, "run_link", q->run_link, ML_PATH_MAX);
    if (e == 0)
        e = check_tags(cx, q->tags, q->n_tags);
    if (e == 0)
        e = r->ops->version_create(r, cx, q, out);
    if (e == 0)
        ml_tell(r, cx, &(MlChange){ .kind = ML_CHANGED_VERSION, .name = out->name, .version = out->version });
    return e;
}

int ml_version(ModelRegistry *r, Ctx *cx, Str name, Str version, MlVersion *out) {
    int e = enter(r, cx, "version");
    if (e == 0)
        e = check_model_name(cx, name);
    if (e == 0)
        e = check_version(cx, version);
    return e ? e : r->ops->version(r, cx, name, version, out);
}

int ml_versions(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlVersion **out, size_t *n, Str *next) {
    int e = enter(r, cx, "versions");
    if (e == 0)
        e = check_search(cx, q, ML_PAGE_MAX);
    return e ? e : r->ops->versions(r, cx, q, out, n, next);
}

int ml_versions_of(ModelRegistry *r, Ctx *cx, Str name, MlVersion **out, size_t *n) {
    Str next, order[] = { S("version_number DESC") };
    int e = check_model_name(cx, name);
    char quote = str_find_char(name, '\'') < 0 ? '\'' : '"';
    if (e == 0 && str_find_char(name, quote) >= 0)
        e = err_set_at(cx, ERR_INVALID, S("name"), "a model's name has no quotes of both kinds");
    MlSearch q = { .filter = str_fmt(cx->arena, "name=%c" STR_FMT "%c", quote, STR_ARG(name), quote),
                   .order_by = order,
                   .n_order_by = 1,
                   .limit = ML_PAGE_MAX };
    return e ? e : ml_versions(r, cx, &q, out, n, &next);
}

int ml_version_describe(ModelRegistry *r, Ctx *cx, Str name, Str version, Str description, MlVersion *out) {
    int e = enter(r, cx, "version_describe");
    if (e == 0)
        e = check_version(cx, version);
    if (e == 0)
        e = check_text(cx, "description", description, ML_TEXT_MAX);
    if (e == 0)
        e = r->ops->version_describe(r, cx, name, version, description, out);
    return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_VERSION, .name = name, .version = version });
}

int ml_version_delete(ModelRegistry *r, Ctx *cx, Str name, Str version) {
    int e = enter(r, cx, "version_delete");
    if (e == 0)
        e = check_version(cx, version);
    if (e == 0)
        e = r->ops->version_delete(r, cx, name, version);
    return told(r, cx, e, (MlChange){ .kind = ML_DELETED_VERSION, .name = name, .version = version });
}

int ml_version_stage(ModelRegistry *r, Ctx *cx, Str name, Str version, MlStage stage, bool archive, MlVersion *out) {
    int e = enter(r, cx, "version_stage");
    if (e == 0)
        e = check_version(cx, version);
    if (e == 0)
        e = r->ops->version_stage(r, cx, name, version, stage, archive, out);
    return told(r, cx, e, (MlChange){ .kind = ML_CHANGED_STAGE, .name = name, .version = version, .stage = stage });
}

/* --- files --- */

int ml_file_put(ModelRegistry *r, Ctx *cx, Str path, Str bytes) {
    int e = enter(r, cx, "file_put");
    if (e == 0)
        e = check_file(cx, path);
    if (e == 0 && bytes.n > ML_FILE_MAX)
        e = err_set(cx, ERR_TOO_LARGE, "a file has at most %d bytes", ML_FILE_MAX);
    return e ? e : r->ops->file_put(r, cx, path, bytes);
}

int ml_file_get(ModelRegistry *r, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got) {
    assert(at >= 0);
    int e = enter(r, cx, "file_get");
    if (e == 0)
        e = check_file(cx, path);
    return e ? e : r->ops->file_get(r, cx, path, at, n, out, got);
}

int ml_file_get_all(ModelRegistry *r, Ctx *cx, Str path, size_t max, Str *out) {
    int64_t size;
    size_t got = 0, part;
    int e = ml_file_size(r, cx, path, &size);
    if (e == 0 && (uint64_t)size > max)
        e = err_set(cx, ERR_TOO_LARGE, STR_FMT " has %lld bytes, at most %zu are taken", STR_ARG(path), (long long)size,
                    max);
    char *p = e ? NULL : arena_try(cx->arena, (size_t)size + 1);
    if (e == 0 && !p)
        e = err_set(cx, ERR_LIMIT, STR_FMT " has %lld bytes: no memory for that", STR_ARG(path), (long long)size);
    while (e == 0 && got < (size_t)size) {
        e = ml_file_get(r, cx, path, (int64_t)got, (size_t)size - got, p + got, &part);
        if (e == 0 && part == 0)
            e = err_set(cx, ERR_CORRUPT, STR_FMT " ends after %zu of %lld bytes", STR_ARG(path), got, (long long)size);
        got += e ? 0 : part;
    }
    if (e == 0)
        *out = str_n(p, got);
    return e;
}

int ml_file_size(ModelRegistry *r, Ctx *cx, Str path, int64_t *out) {
    int e = enter(r, cx, "file_size");
    if (e == 0)
        e = check_file(cx, path);
    return e ? e : r->ops->file_size(r, cx, path, out);
}

int ml_file_list(ModelRegistry *r, Ctx *cx, Str path, MlFile **out, size_t *n) {
    int e = enter(r, cx, "file_list");
    if (e == 0 && path.n)
        e = check_file(cx, path);
    return e ? e : r->ops->file_list(r, cx, path, out, n);
}

int ml_file_remove(ModelRegistry *r, Ctx *cx, Str path) {
    int e = enter(r, cx, "file_remove");
    if (e == 0)
        e = check_file(cx, path);
    return e ? e : r->ops->file_remove(r, cx, path);
}

int ml_gc(ModelRegistry *r, Ctx *cx, Time before, MlGc *out) {
    int e = enter(r, cx, "gc");
    *out = (MlGc){ 0 };
    if (e == 0 && !r->ops->gc)
        e = err_set(cx, ERR_UNSUPPORTED, "%s does its own clearing", r->ops->name);
    return e ? e : r->ops->gc(r, cx, before, out);
}

int ml_snapshot(ModelRegistry *r, Ctx *cx, SnapshotPiece *piece, void *arg) {
    int e = enter(r, cx, "snapshot");
    if (e == 0 && !r->ops->snapshot)
        e = err_set(cx, ERR_UNSUPPORTED, "%s gives no snapshot of itself", r->ops->name);
    return e ? e : r->ops->snapshot(r, cx, piece, arg);
}

ModelRegistry *model_registry_close(ModelRegistry *r) {
    if (r)
        r->ops->close(r);
    return NULL;
}
