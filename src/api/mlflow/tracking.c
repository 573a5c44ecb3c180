/* api/mlflow/tracking.c - experiments, runs, metrics, and the list of a run's files. */

#include "api/mlflow/internal.h"

#include "base/vec.h"

enum { RUNS_ABSENT = 1000, EXPERIMENTS_ABSENT = 1000, HISTORY_ABSENT = 25000 };

#define TAG_MODELS S("mlflow.log-model.history")

/* --- experiments --- */

static int experiment_create(MlflowIn *in) {
    Str name, location, id;
    MlTag *tags;
    size_t n;
    int r = in_required(in, "name", &name);
    if (r == 0)
        r = in_str(in, "artifact_location", &location);
    if (r == 0)
        r = in_tags(in, "tags", &tags, &n);
    if (r == 0)
        r = ml_experiment_create(in->r, in->cx, name, location, tags, n, &id);
    if (r == 0)
        json_put_str(in->w, "experiment_id", id);
    return r;
}

static int put_experiment(MlflowIn *in, int r, const MlExperiment *e) {
    if (r)
        return r;
    json_key(in->w, S("experiment"));
    out_experiment(in->w, e);
    return 0;
}

static int experiment_get(MlflowIn *in) {
    MlExperiment e;
    Str id;
    int r = in_required(in, "experiment_id", &id);
    return put_experiment(in, r ? r : ml_experiment(in->r, in->cx, id, &e), &e);
}

static int experiment_by_name(MlflowIn *in) {
    MlExperiment e;
    Str name;
    int r = in_required(in, "experiment_name", &name);
    return put_experiment(in, r ? r : ml_experiment_named(in->r, in->cx, name, &e), &e);
}

static int experiment_search(MlflowIn *in) {
    MlExperiment *v;
    MlSearch q;
    size_t n;
    Str next;
    int r = in_search(in, EXPERIMENTS_ABSENT, ML_PAGE_MAX, &q);
    if (r == 0)
        r = in_view(in, "view_type", &q.view);
    if (r == 0)
        r = ml_experiments(in->r, in->cx, &q, &v, &n, &next);
    if (r)
        return r;
    json_key(in->w, S("experiments"));
    json_array(in->w);
    for (size_t i = 0; i < n; i++)
        out_experiment(in->w, &v[i]);
    json_array_end(in->w);
    out_next(in->w, next);
    return 0;
}

static int experiment_life(MlflowIn *in, MlLife life) {
    Str id;
    int r = in_required(in, "experiment_id", &id);
    return r ? r : ml_experiment_life(in->r, in->cx, id, life);
}

static int experiment_delete(MlflowIn *in) {
    return experiment_life(in, ML_DELETED);
}

static int experiment_restore(MlflowIn *in) {
    return experiment_life(in, ML_ACTIVE);
}

static int experiment_update(MlflowIn *in) {
    Str id, name;
    int r = in_required(in, "experiment_id", &id);
    if (r == 0)
        r = in_str(in, "new_name", &name);
    return r || name.n == 0 ? r : ml_experiment_rename(in->r, in->cx, id, name);
}

static int set_tag(MlflowIn *in, MlOwner of) {
    Str key, value;
    int r = in_required(in, "key", &key);
    if (r == 0)
        r = in_str(in, "value", &value);
    return r ? r : ml_tag_set(in->r, in->cx, &of, key, value);
}

static int drop_tag(MlflowIn *in, MlOwner of) {
    Str key;
    int r = in_required(in, "key", &key);
    return r ? r : ml_tag_drop(in->r, in->cx, &of, key);
}

static int experiment_tag(MlflowIn *in) {
    MlOwner of = { .kind = ML_OF_EXPERIMENT };
    int r = in_required(in, "experiment_id", &of.id);
    return r ? r : set_tag(in, of);
}

static int experiment_untag(MlflowIn *in) {
    MlOwner of = { .kind = ML_OF_EXPERIMENT };
    int r = in_required(in, "experiment_id", &of.id);
    return r ? r : drop_tag(in, of);
}

/* --- runs --- */

static int put_run(MlflowIn *in, int r, const MlRun *run) {
    if (r)
        return r;
    json_key(in->w, S("run"));
    out_run(in->w, run);
    return 0;
}

static int run_create(MlflowIn *in) {
    MlRunNew q = { 0 };
    MlTag *tags;
    MlRun run;
    int r = in_str(in, "experiment_id", &q.experiment);
    if (r == 0)
        r = in_str(in, "run_name", &q.name);
    if (r == 0)
        r = in_str(in, "user_id", &q.user);
    if (r == 0)
        r = in_i64(in, "start_time", 0, &q.started.ms);
    if (r == 0)
        r = in_tags(in, "tags", &tags, &q.n_tags);
    if (r)
        return r;
    q.tags = tags;
    if (q.experiment.n == 0)
        q.experiment = S("0");
    return put_run(in, ml_run_create(in->r, in->cx, &q, &run), &run);
}

static int run_get(MlflowIn *in) {
    MlRun run;
    Str id;
    int r = in_run_id(in, &id);
    return put_run(in, r ? r : ml_run(in->r, in->cx, id, &run), &run);
}

static int run_update(MlflowIn *in) {
    MlRunUpdate q = { 0 };
    MlRun run;
    Str id, status;
    int r = in_run_id(in, &id);
    if (r == 0)
        r = in_str(in, "status", &status);
    if (r == 0 && status.n && !ml_status_parse(status, &q.status))
        r = err_set_at(in->cx, ERR_INVALID, S("status"),
                       "Invalid value \"" STR_FMT "\" for parameter 'status' supplied.",
                       STR_ARG(str_first(status, 40)));
    if (r == 0)
        r = in_i64(in, "end_time", 0, &q.ended.ms);
    if (r == 0)
        r = in_str(in, "run_name", &q.name);
    if (r == 0)
        r = ml_run_update(in->r, in->cx, id, &q, &run);
    if (r)
        return r;
    json_key(in->w, S("run_info"));
    out_run_info(in->w, &run);
    return 0;
}

static int run_search(MlflowIn *in) {
    MlSearch q;
    MlRun *v;
    size_t n;
    Str next, *experiments;
    int r = in_search(in, RUNS_ABSENT, ML_PAGE_MAX, &q);
    if (r == 0)
        r = in_view(in, "run_view_type", &q.view);
    if (r == 0)
        r = in_strs(in, "experiment_ids", &experiments, &q.n_experiments);
    if (r)
        return r;
    q.experiments = experiments;
    r = ml_runs(in->r, in->cx, &q, &v, &n, &next);
    if (r)
        return r;
    json_key(in->w, S("runs"));
    json_array(in->w);
    for (size_t i = 0; i < n; i++)
        out_run(in->w, &v[i]);
    json_array_end(in->w);
    out_next(in->w, next);
    return 0;
}

static int run_life(MlflowIn *in, MlLife life) {
    Str id;
    int r = in_run_id(in, &id);
    return r ? r : ml_run_life(in->r, in->cx, id, life);
}

static int run_delete(MlflowIn *in) {
    return run_life(in, ML_DELETED);
}

static int run_restore(MlflowIn *in) {
    return run_life(in, ML_ACTIVE);
}

static int run_tag(MlflowIn *in) {
    MlOwner of = { .kind = ML_OF_RUN };
    int r = in_run_id(in, &of.id);
    return r ? r : set_tag(in, of);
}

static int run_untag(MlflowIn *in) {
    MlOwner of = { .kind = ML_OF_RUN };
    int r = in_run_id(in, &of.id);
    return r ? r : drop_tag(in, of);
}

/* --- logging --- */

static int log_metric(MlflowIn *in) {
    MlMetric m = { 0 };
    Str run;
    int r = in_run_id(in, &run);
    if (r == 0)
        r = in_required(in, "key", &m.key);
    if (r == 0)
        r = in_f64(in, "value", &m.value);
    if (r == 0)
        r = in_i64(in, "timestamp", clock_wall(in->cx->clock).ms, &m.at.ms);
    if (r == 0)
        r = in_i64(in, "step", 0, &m.step);
    return r ? r : ml_log(in->r, in->cx, run, &(MlLog){ .metrics = &m, .n_metrics = 1 });
}

static int log_parameter(MlflowIn *in) {
    MlTag p = { 0 };
    Str run;
    int r = in_run_id(in, &run);
    if (r == 0)
        r = in_required(in, "key", &p.key);
    if (r == 0)
        r = in_str(in, "value", &p.value);
    return r ? r : ml_log(in->r, in->cx, run, &(MlLog){ .params = &p, .n_params = 1 });
}

static int log_batch(MlflowIn *in) {
    MlLog q = { 0 };
    MlMetric *metrics;
    MlTag *params, *tags;
    Str run;
    int r = in_run_id(in, &run);
    if (r == 0)
        r = in_metrics(in, "metrics", &metrics, &q.n_metrics);
    if (r == 0)
        r = in_tags(in, "params", &params, &q.n_params);
    if (r == 0)
        r = in_tags(in, "tags", &tags, &q.n_tags);
    if (r)
        return r;
    q.metrics = metrics;
    q.params = params;
    q.tags = tags;
    return ml_log(in->r, in->cx, run, &q);
}

/* What a model is, as JSON, joins the list in a tag of its run. */
static int log_model(MlflowIn *in) {
    Str run_id, json, old, all;
    JsonReader j;
    MlRun run;
    int r = in_run_id(in, &run_id);
    if (r == 0)
        r = in_required(in, "model_json", &json);
    if (r == 0)
        r = ml_run(in->r, in->cx, run_id, &run);
    if (r)
        return r;
    json_reader_init(&j, json, in->cx->arena, 64);
    if (json_peek(&j) != JSON_OBJECT || json_skip(&j) != 0 || json_finish(&j) != 0)
        return err_set_at(in->cx, ERR_INVALID, S("model_json"), "Malformed model info: it is no JSON object");
    old = str_trim(ml_tag(run.tags, run.n_tags, TAG_MODELS));
    all = old.n > 2 && old.p[old.n - 1] == ']'
              ? str_fmt(in->cx->arena, STR_FMT ", " STR_FMT "]", STR_ARG(str_first(old, old.n - 1)), STR_ARG(json))
              : str_fmt(in->cx->arena, "[" STR_FMT "]", STR_ARG(json));
    return ml_tag_set(in->r, in->cx, &(MlOwner){ .kind = ML_OF_RUN, .id = run_id }, TAG_MODELS, all);
}

static int metric_history(MlflowIn *in) {
    MlMetric *v;
    int64_t limit;
    size_t n;
    Str run, key, token, next;
    int r = in_run_id(in, &run);
    if (r == 0)
        r = in_required(in, "metric_key", &key);
    if (r == 0)
        r = in_str(in, "page_token", &token);
    if (r == 0)
        r = in_i64(in, "max_results", HISTORY_ABSENT, &limit);
    if (r == 0)
        r = ml_history(in->r, in->cx, run, key, limit < 0 ? 0 : (size_t)limit, token, &v, &n, &next);
    if (r)
        return r;
    json_key(in->w, S("metrics"));
    json_array(in->w);
    for (size_t i = 0; i < n; i++)
        out_metric(in->w, &v[i]);
    json_array_end(in->w);
    out_next(in->w, next);
    return 0;
}

/* --- files of a run: paths are told from the run's root --- */

static int artifacts_list(MlflowIn *in) {
    MlFile *v;
    MlRun run;
    size_t n;
    Str id, rel, path;
    int r = in_run_id(in, &id);
    if (r == 0)
        r = in_str(in, "path", &rel);
    if (r == 0)
        r = ml_run(in->r, in->cx, id, &run);
    if (r == 0)
        r = ml_file_path(in->cx, run.artifact_uri, rel, &path);
    if (r == 0)
        r = ml_file_list(in->r, in->cx, path, &v, &n);
    if (r)
        return r;
    json_put_str(in->w, "root_uri", run.artifact_uri);
    json_key(in->w, S("files"));
    json_array(in->w);
    for (size_t i = 0; i < n; i++) {
        Str from_root =
            rel.n ? str_fmt(in->cx->arena, STR_FMT "/" STR_FMT, STR_ARG(rel), STR_ARG(v[i].path)) : v[i].path;
        json_object(in->w);
        json_put_str(in->w, "path", from_root);
        json_put_bool(in->w, "is_dir", v[i].is_dir);
        if (!v[i].is_dir)
            json_put_i64(in->w, "file_size", v[i].size);
        json_object_end(in->w);
    }
    json_array_end(in->w);
    return 0;
}

const MlflowRoute mlflow_tracking_routes[] = { { "POST", "experiments/create", experiment_create },
                                               { "GET", "experiments/get", experiment_get },
                                               { "GET", "experiments/get-by-name", experiment_by_name },
                                               { "GET", "experiments/list", experiment_search },
                                               { "GET", "experiments/search", experiment_search },
                                               { "POST", "experiments/search", experiment_search },
                                               { "POST", "experiments/delete", experiment_delete },
                                               { "POST", "experiments/restore", experiment_restore },
                                               { "POST", "experiments/update", experiment_update },
                                               { "POST", "experiments/set-experiment-tag", experiment_tag },
                                               { "POST", "experiments/delete-experiment-tag", experiment_untag },
                                               { "POST", "runs/create", run_create },
                                               { "GET", "runs/get", run_get },
                                               { "POST", "runs/update", run_update },
                                               { "POST", "runs/search", run_search },
                                               { "POST", "runs/delete", run_delete },
                                               { "POST", "runs/restore", run_restore },
                                               { "POST", "runs/set-tag", run_tag },
                                               { "POST", "runs/delete-tag", run_untag },
                                               { "POST", "runs/log-metric", log_metric },
                                               { "POST", "runs/log-parameter", log_parameter },
                                               { "POST", "runs/log-batch", log_batch },
                                               { "POST", "runs/log-model", log_model },
                                               { "GET", "metrics/get-history", metric_history },
                                               { "GET", "artifacts/list", artifacts_list },
                                               { 0 } };
