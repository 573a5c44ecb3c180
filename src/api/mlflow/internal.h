#pragma once

/* api/mlflow/internal.h - shared by the files of this folder only. */

#include "api/mlflow/mlflow.h"

/* A question: the members of its JSON body, or its query. */
typedef struct MlflowIn {
    Ctx *cx;
    ModelRegistry *r;
    QueryPair *query; /* of GET; repeated names are lists */
    size_t n_query;
    QueryPair *members; /* of the body: name and raw JSON */
    size_t n_members;
    JsonWriter *w; /* the answer; a handler writes one object */
} MlflowIn;

int mlflow_in_read(MlflowIn *in, const MlflowRequest *rq);

/* Absent, null and "" are one. ERR_INVALID where it is of another kind. */
int in_str(MlflowIn *in, const char *name, Str *out);
int in_required(MlflowIn *in, const char *name, Str *out);
int in_run_id(MlflowIn *in, Str *out); /* run_id, or run_uuid */
int in_i64(MlflowIn *in, const char *name, int64_t absent, int64_t *out);
int in_bool(MlflowIn *in, const char *name, bool *out);
int in_f64(MlflowIn *in, const char *name, double *out); /* required; "NaN", "Infinity" too */
int in_strs(MlflowIn *in, const char *name, Str **out, size_t *n);
int in_tags(MlflowIn *in, const char *name, MlTag **out, size_t *n);
int in_metrics(MlflowIn *in, const char *name, MlMetric **out, size_t *n);
int in_view(MlflowIn *in, const char *name, MlView *out);
/* filter, order_by, max_results, page_token. */
int in_search(MlflowIn *in, size_t absent, size_t most, MlSearch *out);

void out_experiment(JsonWriter *w, const MlExperiment *e);
void out_run_info(JsonWriter *w, const MlRun *run);
void out_run(JsonWriter *w, const MlRun *run);
void out_metric(JsonWriter *w, const MlMetric *m);
void out_model(JsonWriter *w, const MlModel *m);
void out_version(JsonWriter *w, const MlVersion *v);
void out_next(JsonWriter *w, Str next); /* next_page_token, where there is one */

typedef int MlflowHandler(MlflowIn *in);
typedef struct MlflowRoute {
    const char *method, *path; /* behind "/mlflow/" */
    MlflowHandler *fn;
} MlflowRoute;

extern const MlflowRoute mlflow_tracking_routes[], mlflow_model_routes[]; /* method NULL at the end */

/* Files: the answer is not always JSON. rel: behind "/mlflow-artifacts/", still percent-encoded. 0 or ErrCode. */
int mlflow_files(ModelRegistry *r, Ctx *cx, const MlflowRequest *rq, Str rel, MlflowReply *out);
