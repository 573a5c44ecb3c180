/* api/mlflow/out.c - MLflow's records as its JSON: times in ms, versions as strings, what is empty left out. */

#include "api/mlflow/internal.h"

#include <math.h>

static void put_tags(JsonWriter *w, const char *name, const MlTag *v, size_t n) {
    if (n == 0)
        return;
    json_key(w, str_c(name));
    json_array(w);
    for (size_t i = 0; i < n; i++) {
        json_object(w);
        json_put_str(w, "key", v[i].key);
        json_put_str(w, "value", v[i].value);
        json_object_end(w);
    }
    json_array_end(w);
}

static void put_text(JsonWriter *w, const char *name, Str v) {
    if (v.n == 0)
        return;
    json_key(w, str_c(name));
    json_str(w, v);
}

void out_next(JsonWriter *w, Str next) {
    put_text(w, "next_page_token", next);
}

void out_experiment(JsonWriter *w, const MlExperiment *e) {
    json_object(w);
    json_put_str(w, "experiment_id", e->id);
    json_put_str(w, "name", e->name);
    json_put_str(w, "artifact_location", e->artifact_location);
    json_put_str(w, "lifecycle_stage", str_c(ml_life_name(e->life)));
    json_put_i64(w, "creation_time", e->created.ms);
    json_put_i64(w, "last_update_time", e->updated.ms);
    put_tags(w, "tags", e->tags, e->n_tags);
    json_object_end(w);
}

void out_run_info(JsonWriter *w, const MlRun *run) {
    json_object(w);
    json_put_str(w, "run_id", run->id);
    json_put_str(w, "run_uuid", run->id);
    json_put_str(w, "run_name", run->name);
    json_put_str(w, "experiment_id", run->experiment);
    json_put_str(w, "user_id", run->user);
    json_put_str(w, "status", str_c(ml_status_name(run->status)));
    json_put_i64(w, "start_time", run->started.ms);
    if (run->ended.ms)
        json_put_i64(w, "end_time", run->ended.ms);
    json_put_str(w, "artifact_uri", run->artifact_uri);
    json_put_str(w, "lifecycle_stage", str_c(ml_life_name(run->life)));
    json_object_end(w);
}

void out_metric(JsonWriter *w, const MlMetric *m) {
    json_object(w);
    json_put_str(w, "key", m->key);
    if (isnan(m->value))
        json_put_str(w, "value", S("NaN"));
    else
        json_put_f64(w, "value", m->value);
    json_put_i64(w, "timestamp", m->at.ms);
    json_put_i64(w, "step", m->step);
    json_object_end(w);
}

void out_run(JsonWriter *w, const MlRun *run) {
    json_object(w);
    json_key(w, S("info"));
    out_run_info(w, run);
    json_key(w, S("data"));
    json_object(w);
    if (run->n_metrics) {
        json_key(w, S("metrics"));
        json_array(w);
        for (size_t i = 0; i < run->n_metrics; i++)
            out_metric(w, &run->metrics[i]);
        json_array_end(w);
    }
    put_tags(w, "params", run->params, run->n_params);
    put_tags(w, "tags", run->tags, run->n_tags);
    json_object_end(w);
    json_key(w, S("inputs"));
    json_object(w);
    json_object_end(w);
    json_object_end(w);
}

void out_version(JsonWriter *w, const MlVersion *v) {
    json_object(w);
    json_put_str(w, "name", v->name);
    json_put_str(w, "version", v->version);
    json_put_i64(w, "creation_timestamp", v->created.ms);
    json_put_i64(w, "last_updated_timestamp", v->updated.ms);
    put_text(w, "user_id", v->user);
    json_put_str(w, "current_stage", str_c(ml_stage_name(v->stage)));
    json_put_str(w, "description", v->description);
    json_put_str(w, "source", v->source);
    json_put_str(w, "run_id", v->run_id);
    json_put_str(w, "status", str_c(ml_ready_name(v->ready)));
    put_text(w, "run_link", v->run_link);
    put_tags(w, "tags", v->tags, v->n_tags);
    if (v->n_aliases) {
        json_key(w, S("aliases"));
        json_array(w);
        for (size_t i = 0; i < v->n_aliases; i++)
            json_str(w, v->aliases[i]);
        json_array_end(w);
    }
    json_object_end(w);
}

void out_model(JsonWriter *w, const MlModel *m) {
    json_object(w);
    json_put_str(w, "name", m->name);
    json_put_i64(w, "creation_timestamp", m->created.ms);
    json_put_i64(w, "last_updated_timestamp", m->updated.ms);
    put_text(w, "description", m->description);
    if (m->n_latest) {
        json_key(w, S("latest_versions"));
        json_array(w);
        for (size_t i = 0; i < m->n_latest; i++)
            out_version(w, &m->latest[i]);
        json_array_end(w);
    }
    put_tags(w, "tags", m->tags, m->n_tags);
    if (m->n_aliases) {
        json_key(w, S("aliases"));
        json_array(w);
        for (size_t i = 0; i < m->n_aliases; i++) {
            json_object(w);
            json_put_str(w, "alias", m->aliases[i].alias);
            json_put_str(w, "version", m->aliases[i].version);
            json_object_end(w);
        }
        json_array_end(w);
    }
    json_object_end(w);
}
