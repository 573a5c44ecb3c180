/* api/mlflow/models.c - registered models and their versions. */

#include "api/mlflow/internal.h"

enum { MODELS_ABSENT = 100, MODELS_MOST = 1000, VERSIONS_ABSENT = 10000 };

static int put_model(MlflowIn *in, int r, const MlModel *m) {
    if (r)
        return r;
    json_key(in->w, S("registered_model"));
    out_model(in->w, m);
    return 0;
}

static int put_version(MlflowIn *in, int r, const MlVersion *v) {
    if (r)
        return r;
    json_key(in->w, S("model_version"));
    out_version(in->w, v);
    return 0;
}

static void put_versions(MlflowIn *in, const MlVersion *v, size_t n) {
    json_key(in->w, S("model_versions"));
    json_array(in->w);
    for (size_t i = 0; i < n; i++)
        out_version(in->w, &v[i]);
    json_array_end(in->w);
}

static int model_create(MlflowIn *in) {
    MlModel m;
    MlTag *tags;
    size_t n;
    Str name, words;
    int r = in_required(in, "name", &name);
    if (r == 0)
        r = in_str(in, "description", &words);
    if (r == 0)
        r = in_tags(in, "tags", &tags, &n);
    return put_model(in, r ? r : ml_model_create(in->r, in->cx, name, words, tags, n, &m), &m);
}

static int model_get(MlflowIn *in) {
    MlModel m;
    Str name;
    int r = in_required(in, "name", &name);
    return put_model(in, r ? r : ml_model(in->r, in->cx, name, &m), &m);
}

static int model_update(MlflowIn *in) {
    MlModel m;
    Str name, words;
    int r = in_required(in, "name", &name);
    if (r == 0)
        r = in_str(in, "description", &words);
    return put_model(in, r ? r : ml_model_describe(in->r, in->cx, name, words, &m), &m);
}

static int model_rename(MlflowIn *in) {
    MlModel m;
    Str name, to;
    int r = in_required(in, "name", &name);
    if (r == 0)
        r = in_required(in, "new_name", &to);
    return put_model(in, r ? r : ml_model_rename(in->r, in->cx, name, to, &m), &m);
}

static int model_delete(MlflowIn *in) {
    Str name;
    int r = in_required(in, "name", &name);
    return r ? r : ml_model_delete(in->r, in->cx, name);
}

static int model_search(MlflowIn *in) {
    MlSearch q;
    MlModel *v;
    size_t n;
    Str next;
    int r = in_search(in, MODELS_ABSENT, MODELS_MOST, &q);
    if (r == 0)
        r = ml_models(in->r, in->cx, &q, &v, &n, &next);
    if (r)
        return r;
    json_key(in->w, S("registered_models"));
    json_array(in->w);
    for (size_t i = 0; i < n; i++)
        out_model(in->w, &v[i]);
    json_array_end(in->w);
    out_next(in->w, next);
    return 0;
}

static int model_latest(MlflowIn *in) {
    MlModel m;
    Str name, *stages;
    MlStage stage;
    size_t n_stages, n = 0;
    bool wanted[ML_STAGE_ARCHIVED + 1] = { 0 };
    int r = in_required(in, "name", &name);
    if (r == 0)
        r = in_strs(in, "stages", &stages, &n_stages);
    for (size_t i = 0; r == 0 && i < n_stages; i++)
        if (ml_stage_parse(stages[i], &stage))
            wanted[stage] = true;
        else
            r = err_set_at(in->cx, ERR_INVALID, S("stages"),
                           "Invalid Model Version stage: " STR_FMT ". Value must be one of None, Staging, Production, "
                           "Archived.",
                           STR_ARG(str_first(stages[i], 40)));
    if (r == 0)
        r = ml_model(in->r, in->cx, name, &m);
    if (r)
        return r;
    for (size_t i = 0; i < m.n_latest; i++)
        if (n_stages == 0 || wanted[m.latest[i].stage])
            m.latest[n++] = m.latest[i];
    put_versions(in, m.latest, n);
    return 0;
}

static int owner_of(MlflowIn *in, MlOwnerKind kind, MlOwner *of) {
    *of = (MlOwner){ .kind = kind };
    int r = in_required(in, "name", &of->id);
    return r || kind == ML_OF_MODEL ? r : in_required(in, "version", &of->version);
}

static int set_tag(MlflowIn *in, MlOwnerKind kind) {
    MlOwner of;
    Str key, value;
    int r = owner_of(in, kind, &of);
    if (r == 0)
        r = in_required(in, "key", &key);
    if (r == 0)
        r = in_str(in, "value", &value);
    return r ? r : ml_tag_set(in->r, in->cx, &of, key, value);
}

static int drop_tag(MlflowIn *in, MlOwnerKind kind) {
    MlOwner of;
    Str key;
    int r = owner_of(in, kind, &of);
    if (r == 0)
        r = in_required(in, "key", &key);
    return r ? r : ml_tag_drop(in->r, in->cx, &of, key);
}

static int model_tag(MlflowIn *in) {
    return set_tag(in, ML_OF_MODEL);
}

static int model_untag(MlflowIn *in) {
    return drop_tag(in, ML_OF_MODEL);
}

static int alias_ref(MlflowIn *in, Str *name, Str *alias) {
    int r = in_required(in, "name", name);
    return r ? r : in_required(in, "alias", alias);
}

static int alias_set(MlflowIn *in) {
    Str name, alias, version;
    int r = alias_ref(in, &name, &alias);
    if (r == 0)
        r = in_required(in, "version", &version);
    return r ? r : ml_alias_set(in->r, in->cx, name, alias, version);
}

static int alias_drop(MlflowIn *in) {
    Str name, alias;
    int r = alias_ref(in, &name, &alias);
    return r ? r : ml_alias_drop(in->r, in->cx, name, alias);
}

static int alias_get(MlflowIn *in) {
    MlVersion v;
    Str name, alias;
    int r = alias_ref(in, &name, &alias);
    if (r == 0)
        r = ml_alias(in->r, in->cx, name, alias, &v);
    if (r == ERR_NOT_FOUND && str_starts(str_c(in->cx->err.text), S("Registered model alias")))
        r = err_set(in->cx, ERR_INVALID, "Registered model alias " STR_FMT " not found.",
                    STR_ARG(alias)); /* as MLflow */
    return put_version(in, r, &v);
}

/* --- versions --- */

static int version_ref(MlflowIn *in, Str *name, Str *version) {
    int r = in_required(in, "name", name);
    return r ? r : in_required(in, "version", version);
}

static int version_create(MlflowIn *in) {
    MlVersionNew q = { 0 };
    MlVersion v;
    MlTag *tags;
    int r = in_required(in, "name", &q.name);
    if (r == 0)
        r = in_required(in, "source", &q.source);
    if (r == 0)
        r = in_str(in, "run_id", &q.run_id);
    if (r == 0)
        r = in_str(in, "run_link", &q.run_link);
    if (r == 0)
        r = in_str(in, "description", &q.description);
    if (r == 0)
        r = in_tags(in, "tags", &tags, &q.n_tags);
    if (r)
        return r;
    q.tags = tags;
    q.user = in->cx->principal.id;
    return put_version(in, ml_version_create(in->r, in->cx, &q, &v), &v);
}

static int version_get(MlflowIn *in) {
    MlVersion v;
    Str name, version;
    int r = version_ref(in, &name, &version);
    return put_version(in, r ? r : ml_version(in->r, in->cx, name, version, &v), &v);
}

static int version_update(MlflowIn *in) {
    MlVersion v;
    Str name, version, words;
    int r = version_ref(in, &name, &version);
    if (r == 0)
        r = in_str(in, "description", &words);
    return put_version(in, r ? r : ml_version_describe(in->r, in->cx, name, version, words, &v), &v);
}

static int version_delete(MlflowIn *in) {
    Str name, version;
    int r = version_ref(in, &name, &version);
    return r ? r : ml_version_delete(in->r, in->cx, name, version);
}

static int version_stage(MlflowIn *in) {
    MlStage stage = ML_STAGE_NONE;
    MlVersion v;
    Str name, version, text;
    bool archive;
    int r = version_ref(in, &name, &version);
    if (r == 0)
        r = in_required(in, "stage", &text);
    if (r == 0)
        r = in_bool(in, "archive_existing_versions", &archive);
    if (r == 0 && !ml_stage_parse(text, &stage))
        r = err_set_at(in->cx, ERR_INVALID, S("stage"),
                       "Invalid Model Version stage: " STR_FMT ". Value must be one of None, Staging, Production, "
                       "Archived.",
                       STR_ARG(str_first(text, 40)));
    return put_version(in, r ? r : ml_version_stage(in->r, in->cx, name, version, stage, archive, &v), &v);
}

static int version_search(MlflowIn *in) {
    MlSearch q;
    MlVersion *v;
    size_t n;
    Str next;
    int r = in_search(in, VERSIONS_ABSENT, (size_t)200000, &q);
    if (r == 0) {
        q.limit = MIN(q.limit, (size_t)ML_PAGE_MAX); /* what is left comes with the next page */
        r = ml_versions(in->r, in->cx, &q, &v, &n, &next);
    }
    if (r)
        return r;
    put_versions(in, v, n);
    out_next(in->w, next);
    return 0;
}

static int version_uri(MlflowIn *in) {
    MlVersion v;
    Str name, version, location;
    int r = version_ref(in, &name, &version);
    if (r == 0)
        r = ml_version(in->r, in->cx, name, version, &v);
    if (r == 0)
        r = ml_version_location(in->r, in->cx, &v, &location);
    if (r == 0)
        json_put_str(in->w, "artifact_uri", location);
    return r;
}

static int version_tag(MlflowIn *in) {
    return set_tag(in, ML_OF_VERSION);
}

static int version_untag(MlflowIn *in) {
    return drop_tag(in, ML_OF_VERSION);
}

/* Clients of MLflow 3 look here, too, for files of a run. Nothing is ever logged as a model of its own here: they get an
 * empty list. */
static int logged_search(MlflowIn *in) {
    json_key(in->w, S("models"));
    json_array(in->w);
    json_array_end(in->w);
    return 0;
}

const MlflowRoute mlflow_model_routes[] = { { "POST", "registered-models/create", model_create },
                                            { "GET", "registered-models/get", model_get },
                                            { "PATCH", "registered-models/update", model_update },
                                            { "POST", "registered-models/rename", model_rename },
                                            { "DELETE", "registered-models/delete", model_delete },
                                            { "GET", "registered-models/search", model_search },
                                            { "GET", "registered-models/list", model_search },
                                            { "POST", "registered-models/get-latest-versions", model_latest },
                                            { "GET", "registered-models/get-latest-versions", model_latest },
                                            { "POST", "registered-models/set-tag", model_tag },
                                            { "DELETE", "registered-models/delete-tag", model_untag },
                                            { "POST", "registered-models/alias", alias_set },
                                            { "DELETE", "registered-models/alias", alias_drop },
                                            { "GET", "registered-models/alias", alias_get },
                                            { "POST", "model-versions/create", version_create },
                                            { "GET", "model-versions/get", version_get },
                                            { "PATCH", "model-versions/update", version_update },
                                            { "DELETE", "model-versions/delete", version_delete },
                                            { "POST", "model-versions/transition-stage", version_stage },
                                            { "GET", "model-versions/search", version_search },
                                            { "GET", "model-versions/get-download-uri", version_uri },
                                            { "POST", "model-versions/set-tag", version_tag },
                                            { "DELETE", "model-versions/delete-tag", version_untag },
                                            { "POST", "logged-models/search", logged_search },
                                            { 0 } };
