#pragma once

/* adapters/registry/mlflow_internal.h - shared by the mlflow*.c files only. */

#include "adapters/registry/mlflow.h"
#include "adapters/registry/mlflow_read.h"

typedef struct Mlflow {
    ModelRegistry base;
    Arena arena; /* of the options' texts */
    RegistryMlflowOptions o;
    MlflowRoots roots;
    Str authorization; /* the whole value of the header; empty: none */
} Mlflow;

typedef struct MlflowCall {
    const char *method;
    const char *path; /* below /api/2.0/: "mlflow/runs/get", "mlflow-artifacts/artifacts" */
    Str file;         /* behind it, encoded here; empty: none */
    Str query;        /* encoded already */
    Str body, type;   /* type empty: JSON */
    bool reads;       /* may be repeated whatever happened */
    size_t answer_max;
    int64_t timeout_ms; /* 0: the registry's */
    Str range;          /* "bytes=0-9" */
} MlflowCall;

/* 0 with a 2xx answer; < 0 with words. */
int mlflow_call(Mlflow *m, Ctx *cx, const MlflowCall *c, HttpResponse *out);

/* A request's query or body, made piece by piece; text in the arena. */
typedef struct MlflowQuery {
    Buf b;
} MlflowQuery;
void mlflow_query_put(MlflowQuery *q, const char *name, Str value);
Str mlflow_query_end(MlflowQuery *q, Arena *a);
typedef struct MlflowBody {
    Buf b;
    JsonWriter w;
} MlflowBody;
void mlflow_body_begin(MlflowBody *b);
int mlflow_body_end(MlflowBody *b, Ctx *cx, Str *out); /* ERR_TOO_LARGE */
void mlflow_put_tags(JsonWriter *w, const char *name, const MlTag *tags, size_t n);

/* POST (or another method) of a body; and GET of a query. */
int mlflow_post(Mlflow *m, Ctx *cx, const char *method, const char *path, MlflowBody *b, HttpResponse *out);
int mlflow_get(Mlflow *m, Ctx *cx, const char *path, MlflowQuery *q, HttpResponse *out);

/* --- the operations, by file: mlflow_runs.c --- */
int mlflow_experiment_create(ModelRegistry *r, Ctx *cx, Str name, Str location, const MlTag *tags, size_t n, Str *id);
int mlflow_experiment(ModelRegistry *r, Ctx *cx, Str id, Str name, MlExperiment *out);
int mlflow_experiments(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlExperiment **out, size_t *n, Str *next);
int mlflow_experiment_rename(ModelRegistry *r, Ctx *cx, Str id, Str name);
int mlflow_experiment_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life);
int mlflow_run_create(ModelRegistry *r, Ctx *cx, const MlRunNew *q, MlRun *out);
int mlflow_run(ModelRegistry *r, Ctx *cx, Str id, MlRun *out);
int mlflow_runs(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlRun **out, size_t *n, Str *next);
int mlflow_run_update(ModelRegistry *r, Ctx *cx, Str id, const MlRunUpdate *q, MlRun *out);
int mlflow_run_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life);
int mlflow_log(ModelRegistry *r, Ctx *cx, Str run, const MlLog *q);
int mlflow_history(ModelRegistry *r, Ctx *cx, Str run, Str key, size_t limit, Str token, MlMetric **out, size_t *n,
                   Str *next);
int mlflow_tag_set(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key, Str value);
int mlflow_tag_drop(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key);
/* --- mlflow_models.c --- */
int mlflow_model_create(ModelRegistry *r, Ctx *cx, Str name, Str description, const MlTag *tags, size_t n,
                        MlModel *out);
int mlflow_model(ModelRegistry *r, Ctx *cx, Str name, MlModel *out);
int mlflow_models(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlModel **out, size_t *n, Str *next);
int mlflow_model_rename(ModelRegistry *r, Ctx *cx, Str name, Str to, MlModel *out);
int mlflow_model_describe(ModelRegistry *r, Ctx *cx, Str name, Str description, MlModel *out);
int mlflow_model_delete(ModelRegistry *r, Ctx *cx, Str name);
int mlflow_alias_set(ModelRegistry *r, Ctx *cx, Str name, Str alias, Str version);
int mlflow_alias_drop(ModelRegistry *r, Ctx *cx, Str name, Str alias);
int mlflow_version_create(ModelRegistry *r, Ctx *cx, const MlVersionNew *q, MlVersion *out);
int mlflow_version(ModelRegistry *r, Ctx *cx, Str name, Str version, MlVersion *out);
int mlflow_versions(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlVersion **out, size_t *n, Str *next);
int mlflow_version_describe(ModelRegistry *r, Ctx *cx, Str name, Str version, Str description, MlVersion *out);
int mlflow_version_delete(ModelRegistry *r, Ctx *cx, Str name, Str version);
int mlflow_version_stage(ModelRegistry *r, Ctx *cx, Str name, Str version, MlStage stage, bool archive, MlVersion *out);
/* --- mlflow_files.c --- */
int mlflow_file_put(ModelRegistry *r, Ctx *cx, Str path, Str bytes);
int mlflow_file_get(ModelRegistry *r, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got);
int mlflow_file_size(ModelRegistry *r, Ctx *cx, Str path, int64_t *out);
int mlflow_file_list(ModelRegistry *r, Ctx *cx, Str path, MlFile **out, size_t *n);
int mlflow_file_remove(ModelRegistry *r, Ctx *cx, Str path);
