/* adapters/registry/mlflow_runs.c - experiments and runs of an MLflow server. */

#include "adapters/registry/mlflow_internal.h"

#include <math.h>

/* --- searches, whose form is the same for runs and experiments --- */

static const char *view_name(MlView v) {
    return v == ML_VIEW_DELETED ? "DELETED_ONLY" : v == ML_VIEW_ALL ? "ALL" : "ACTIVE_ONLY";
}

static void put_strings(JsonWriter *w, const char *name, const Str *v, size_t n) {
    if (n == 0)
        return;
    json_key(w, str_c(name));
    json_array(w);
    for (size_t i = 0; i < n; i++)
        json_str(w, v[i]);
    json_array_end(w);
}

static int search(Mlflow *m, Ctx *cx, const char *path, const char *view, const MlSearch *q, HttpResponse *r) {
    MlflowBody b;
    mlflow_body_begin(&b);
    put_strings(&b.w, "experiment_ids", q->experiments, q->n_experiments);
    put_strings(&b.w, "order_by", q->order_by, q->n_order_by);
    if (q->filter.n)
        json_put_str(&b.w, "filter", q->filter);
    if (q->page_token.n)
        json_put_str(&b.w, "page_token", q->page_token);
    json_key(&b.w, str_c(view));
    json_str(&b.w, str_c(view_name(q->view)));
    json_put_i64(&b.w, "max_results", (int64_t)q->limit);
    MlflowCall c = { .method = "POST", .path = path, .reads = true };
    int e = mlflow_body_end(&b, cx, &c.body);
    return e ? e : mlflow_call(m, cx, &c, r);
}

/* --- experiments --- */

int mlflow_experiment_create(ModelRegistry *reg, Ctx *cx, Str name, Str location, const MlTag *tags, size_t n,
                             Str *id) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "name", name);
    if (location.n)
        json_put_str(&b.w, "artifact_location", location);
    mlflow_put_tags(&b.w, "tags", tags, n);
    int e = mlflow_post((Mlflow *)reg, cx, "POST", "mlflow/experiments/create", &b, &r);
    return e ? e : mlflow_read_id(cx, r.body, "experiment_id", id);
}

int mlflow_experiment(ModelRegistry *reg, Ctx *cx, Str id, Str name, MlExperiment *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowQuery q = { 0 };
    HttpResponse r;
    mlflow_query_put(&q, id.n ? "experiment_id" : "experiment_name", id.n ? id : name);
    int e = mlflow_get(m, cx, id.n ? "mlflow/experiments/get" : "mlflow/experiments/get-by-name", &q, &r);
    return e ? e : mlflow_read_experiment(cx, r.body, &m->roots, out);
}

int mlflow_experiments(ModelRegistry *reg, Ctx *cx, const MlSearch *q, MlExperiment **out, size_t *n, Str *next) {
    Mlflow *m = (Mlflow *)reg;
    HttpResponse r;
    int e = search(m, cx, "mlflow/experiments/search", "view_type", q, &r);
    return e ? e : mlflow_read_experiments(cx, r.body, &m->roots, out, n, next);
}

int mlflow_experiment_rename(ModelRegistry *reg, Ctx *cx, Str id, Str name) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "experiment_id", id);
    json_put_str(&b.w, "new_name", name);
    return mlflow_post((Mlflow *)reg, cx, "POST", "mlflow/experiments/update", &b, &r);
}

int mlflow_experiment_life(ModelRegistry *reg, Ctx *cx, Str id, MlLife life) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "experiment_id", id);
    return mlflow_post((Mlflow *)reg, cx, "POST",
                       life == ML_DELETED ? "mlflow/experiments/delete" : "mlflow/experiments/restore", &b, &r);
}

/* --- runs --- */

int mlflow_run_create(ModelRegistry *reg, Ctx *cx, const MlRunNew *q, MlRun *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "experiment_id", q->experiment);
    json_put_i64(&b.w, "start_time", q->started.ms ? q->started.ms : clock_wall(cx->clock).ms);
    if (q->user.n)
        json_put_str(&b.w, "user_id", q->user);
    if (q->name.n)
        json_put_str(&b.w, "run_name", q->name);
    mlflow_put_tags(&b.w, "tags", q->tags, q->n_tags);
    int e = mlflow_post(m, cx, "POST", "mlflow/runs/create", &b, &r);
    return e ? e : mlflow_read_run(cx, r.body, &m->roots, out);
}

int mlflow_run(ModelRegistry *reg, Ctx *cx, Str id, MlRun *out) {
    Mlflow *m = (Mlflow *)reg;
    MlflowQuery q = { 0 };
    HttpResponse r;
    mlflow_query_put(&q, "run_id", id);
    int e = mlflow_get(m, cx, "mlflow/runs/get", &q, &r);
    return e ? e : mlflow_read_run(cx, r.body, &m->roots, out);
}

int mlflow_runs(ModelRegistry *reg, Ctx *cx, const MlSearch *q, MlRun **out, size_t *n, Str *next) {
    Mlflow *m = (Mlflow *)reg;
    HttpResponse r;
    int e = search(m, cx, "mlflow/runs/search", "run_view_type", q, &r);
    return e ? e : mlflow_read_runs(cx, r.body, &m->roots, out, n, next);
}

int mlflow_run_update(ModelRegistry *reg, Ctx *cx, Str id, const MlRunUpdate *q, MlRun *out) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "run_id", id);
    if (q->status)
        json_put_str(&b.w, "status", str_c(ml_status_name(q->status)));
    if (q->ended.ms)
        json_put_i64(&b.w, "end_time", q->ended.ms);
    if (q->name.n)
        json_put_str(&b.w, "run_name", q->name);
    int e = mlflow_post((Mlflow *)reg, cx, "POST", "mlflow/runs/update", &b, &r);
    return e ? e : mlflow_run(reg, cx, id, out); /* the answer has its info alone */
}

int mlflow_run_life(ModelRegistry *reg, Ctx *cx, Str id, MlLife life) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "run_id", id);
    return mlflow_post((Mlflow *)reg, cx, "POST", life == ML_DELETED ? "mlflow/runs/delete" : "mlflow/runs/restore", &b,
                       &r);
}

static void put_metrics(JsonWriter *w, const MlMetric *v, size_t n) {
    if (n == 0)
        return;
    json_key(w, S("metrics"));
    json_array(w);
    for (size_t i = 0; i < n; i++) {
        json_object(w);
        json_put_str(w, "key", v[i].key);
        json_key(w, S("value"));
        if (isnan(v[i].value))
            json_str(w, S("NaN")); /* as protobuf's JSON has it */
        else
            json_f64(w, v[i].value);
        json_put_i64(w, "timestamp", v[i].at.ms);
        json_put_i64(w, "step", v[i].step);
        json_object_end(w);
    }
    json_array_end(w);
}

int mlflow_log(ModelRegistry *reg, Ctx *cx, Str run, const MlLog *q) {
    MlflowBody b;
    HttpResponse r;
    mlflow_body_begin(&b);
    json_put_str(&b.w, "run_id", run);
    put_metrics(&b.w, q->metrics, q->n_metrics);
    mlflow_put_tags(&b.w, "params", q->params, q->n_params);
    mlflow_put_tags(&b.w, "tags", q->tags, q->n_tags);
    return mlflow_post((Mlflow *)reg, cx, "POST", "mlflow/runs/log-batch", &b, &r);
}

/* A server that knows no pages of a history (MLflow's SQL store) gives all of it: the pages are made here, and their token
 * is "@" and how much was told. */
static int history_page(Ctx *cx, size_t limit, size_t told, MlMetric **v, size_t *n, Str *next) {
    if (told > *n)
        return err_set_at(cx, ERR_INVALID, S("page_token"), "a page token of another history");
    *v += told;
    *n -= told;
    if (*n > limit) {
        *n = limit;
        *next = str_fmt(cx->arena, "@%zu", told + limit);
    }
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the port's own list */
int mlflow_history(ModelRegistry *reg, Ctx *cx, Str run, Str key, size_t limit, Str token, MlMetric **out, size_t *n,
                   Str *next) {
    MlflowQuery q = { 0 };
    HttpResponse r;
    uint64_t told = 0;
    bool ours = token.n > 0 && token.p[0] == '@';
    if (ours && !str_to_u64(str_from(token, 1), &told))
        return err_set_at(cx, ERR_INVALID, S("page_token"), "a page token that nobody gave");
    mlflow_query_put(&q, "run_id", run);
    mlflow_query_put(&q, "metric_key", key);
    if (!ours)
        mlflow_query_put(&q, "max_results", str_fmt(cx->arena, "%zu", limit));
    if (token.n && !ours)
        mlflow_query_put(&q, "page_token", token);
    int e = mlflow_get((Mlflow *)reg, cx, "mlflow/metrics/get-history", &q, &r);
    if (e == 0)
        e = mlflow_read_history(cx, r.body, out, n, next);
    return e ? e : history_page(cx, limit, (size_t)told, out, n, next);
}

/* --- tags of everything --- */

typedef struct TagCalls {
    const char *id_name, *set, *drop, *drop_method;
} TagCalls;

static const TagCalls tag_calls[] = {
    [ML_OF_EXPERIMENT] = { "experiment_id", "mlflow/experiments/set-experiment-tag",
                           "mlflow/experiments/delete-experiment-tag", "POST" },
    [ML_OF_RUN] = { "run_id", "mlflow/runs/set-tag", "mlflow/runs/delete-tag", "POST" },
    [ML_OF_MODEL] = { "name", "mlflow/registered-models/set-tag", "mlflow/registered-models/delete-tag", "DELETE" },
    [ML_OF_VERSION] = { "name", "mlflow/model-versions/set-tag", "mlflow/model-versions/delete-tag", "DELETE" },
};

static void begin_tag(MlflowBody *b, const MlOwner *of, Str key) {
    mlflow_body_begin(b);
    json_key(&b->w, str_c(tag_calls[of->kind].id_name));
    json_str(&b->w, of->id);
    if (of->kind == ML_OF_VERSION)
        json_put_str(&b->w, "version", of->version);
    json_put_str(&b->w, "key", key);
}

int mlflow_tag_set(ModelRegistry *reg, Ctx *cx, const MlOwner *of, Str key, Str value) {
    MlflowBody b;
    HttpResponse r;
    begin_tag(&b, of, key);
    json_put_str(&b.w, "value", value);
    return mlflow_post((Mlflow *)reg, cx, "POST", tag_calls[of->kind].set, &b, &r);
}

int mlflow_tag_drop(ModelRegistry *reg, Ctx *cx, const MlOwner *of, Str key) {
    MlflowBody b;
    HttpResponse r;
    begin_tag(&b, of, key);
    return mlflow_post((Mlflow *)reg, cx, tag_calls[of->kind].drop_method, tag_calls[of->kind].drop, &b, &r);
}
