/* adapters/registry/mlflow_models.c - registered models and their versions on an MLflow server. */

#include "adapters/registry/mlflow_internal.h"

enum { MODELS_PAGE = 1000, VERSIONS_PAGE = 10000 }; /* what servers give at most */

static int page(Mlflow *m, Ctx *cx, const char *path, size_t most, const MlSearch *s, HttpResponse *r) {
    MlflowQuery q = { 0 };
    mlflow_query_put(&q, "max_results", str_fmt(cx->arena, "%zu", MIN(s->limit, most)));
    if (s->filter.n)
        mlflow_query_put(&q, "filter", s->filter);
    for (size_t i = 0; i < s->n_order_by; i++)
        mlflow_query_put(&q, "order_by", s->order_by[i]);
    if (s->page_token.n)
        mlflow_query_put(&q, "page_token", s->page_token);
    return mlflow_get(m, cx, path, &q, r);
}

/* --- models --- */

int mlflow_model_create(ModelRegistry *reg, Ctx *cx, Str name, Str description, const MlTag *tags, size_t n,
                        MlModel *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    if (description.n)
        json_put_str(&b.w, "description", description);
    mlflow_put_tags(&b.w, "tags", tags, n);
    int e = mlflow_post(m, cx, "POST", "mlflow/registered-models/create", &b, &r);
    return e ? e : mlflow_read_model(cx, r.body, &m->roots, out);
}

int mlflow_model(ModelRegistry *reg, Ctx *cx, Str name, MlModel *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowQuery q = { 0 };
    HttpResponse r;
    mlflow_query_put(&q, "name", name);
    int e = mlflow_get(m, cx, "mlflow/registered-models/get", &q, &r);
    return e ? e : mlflow_read_model(cx, r.body, &m->roots, out);
}

int mlflow_models(ModelRegistry *reg, Ctx *cx, const MlSearch *q, MlModel **out, size_t *n, Str *next) {
    Mlflow *m = (Mlflow *)reg;
    HttpResponse r;
    int e = page(m, cx, "mlflow/registered-models/search", MODELS_PAGE, q, &r);
    return e ? e : mlflow_read_models(cx, r.body, &m->roots, out, n, next);
}

int mlflow_model_rename(ModelRegistry *reg, Ctx *cx, Str name, Str to, MlModel *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    json_put_str(&b.w, "new_name", to);
    int e = mlflow_post(m, cx, "POST", "mlflow/registered-models/rename", &b, &r);
    return e ? e : mlflow_read_model(cx, r.body, &m->roots, out);
}

int mlflow_model_describe(ModelRegistry *reg, Ctx *cx, Str name, Str description, MlModel *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    json_put_str(&b.w, "description", description);
    int e = mlflow_post(m, cx, "PATCH", "mlflow/registered-models/update", &b, &r);
    return e ? e : mlflow_read_model(cx, r.body, &m->roots, out);
}

int mlflow_model_delete(ModelRegistry *reg, Ctx *cx, Str name) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    return mlflow_post((Mlflow *)reg, cx, "DELETE", "mlflow/registered-models/delete", &b, &r);
}

int mlflow_alias_set(ModelRegistry *reg, Ctx *cx, Str name, Str alias, Str version) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    json_put_str(&b.w, "alias", alias);
    json_put_str(&b.w, "version", version);
    return mlflow_post((Mlflow *)reg, cx, "POST", "mlflow/registered-models/alias", &b, &r);
}

int mlflow_alias_drop(ModelRegistry *reg, Ctx *cx, Str name, Str alias) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    json_put_str(&b.w, "alias", alias);
    return mlflow_post((Mlflow *)reg, cx, "DELETE", "mlflow/registered-models/alias", &b, &r);
}

/* --- versions --- */

int mlflow_version_create(ModelRegistry *reg, Ctx *cx, const MlVersionNew *q, MlVersion *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowBody b;
    HttpResponse r;
    Str source = q->source;
    if (m->roots.from.n && str_starts(source, S("mlflow-artifacts:/"))) /* the server knows it by its own name */
        source = str_fmt(cx->arena, STR_FMT STR_FMT, STR_ARG(m->roots.from), STR_ARG(str_from(source, 17)));
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", q->name);
    json_put_str(&b.w, "source", source);
    if (q->run_id.n)
        json_put_str(&b.w, "run_id", q->run_id);
    if (q->run_link.n)
        json_put_str(&b.w, "run_link", q->run_link);
    if (q->description.n)
        json_put_str(&b.w, "description", q->description);
    mlflow_put_tags(&b.w, "tags", q->tags, q->n_tags);
    int e = mlflow_post(m, cx, "POST", "mlflow/model-versions/create", &b, &r);
    return e ? e : mlflow_read_version(cx, r.body, &m->roots, out);
}

int mlflow_version(ModelRegistry *reg, Ctx *cx, Str name, Str version, MlVersion *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowQuery q = { 0 };
    HttpResponse r;
    mlflow_query_put(&q, "name", name);
    mlflow_query_put(&q, "version", version);
    int e = mlflow_get(m, cx, "mlflow/model-versions/get", &q, &r);
    return e ? e : mlflow_read_version(cx, r.body, &m->roots, out);
}

int mlflow_versions(ModelRegistry *reg, Ctx *cx, const MlSearch *q, MlVersion **out, size_t *n, Str *next) {
    Mlflow *m = (Mlflow *)reg;
    HttpResponse r;
    int e = page(m, cx, "mlflow/model-versions/search", VERSIONS_PAGE, q, &r);
    return e ? e : mlflow_read_versions(cx, r.body, &m->roots, out, n, next);
}

int mlflow_version_describe(ModelRegistry *reg, Ctx *cx, Str name, Str version, Str description, MlVersion *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    json_put_str(&b.w, "version", version);
    json_put_str(&b.w, "description", description);
    int e = mlflow_post(m, cx, "PATCH", "mlflow/model-versions/update", &b, &r);
    return e ? e : mlflow_read_version(cx, r.body, &m->roots, out);
}

int mlflow_version_delete(ModelRegistry *reg, Ctx *cx, Str name, Str version) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    json_put_str(&b.w, "version", version);
    return mlflow_post((Mlflow *)reg, cx, "DELETE", "mlflow/model-versions/delete", &b, &r);
}

int mlflow_version_stage(ModelRegistry *reg, Ctx *cx, Str name, Str version, MlStage stage, bool archive,
                         MlVersion *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowBody b;
    HttpResponse r;
    if (archive && stage != ML_STAGE_STAGING && stage != ML_STAGE_PRODUCTION) /* MLflow calls it an internal error */
        return err_set_at(cx, ERR_INVALID, S("stage"), "what is in stage %s is not archived for another version",
                          ml_stage_name(stage));
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    json_put_str(&b.w, "version", version);
    json_put_str(&b.w, "stage", str_c(ml_stage_name(stage)));
    json_put_bool(&b.w, "archive_existing_versions", archive);
    int e = mlflow_post(m, cx, "POST", "mlflow/model-versions/transition-stage", &b, &r);
    return e ? e : mlflow_read_version(cx, r.body, &m->roots, out);
}
