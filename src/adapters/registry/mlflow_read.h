#pragma once

/* adapters/registry/mlflow_read.h - what an MLflow server answers, read. Pure; all of it comes from outside.
 *
 * Numbers come as numbers or strings, NaN and infinities as strings; unknown fields are passed over. Every function:
 * 0 or ERR_COLLECTION with words. */

#include "base/json.h"
#include "ports/model_registry.h"

/* Where a server's own locations are told as ours: empty, nothing is. */
typedef struct MlflowRoots {
    Str from; /* "s3://bucket/prefix" */
} MlflowRoots;

/* The object below `name` ("run"), or, with an empty name, the whole answer. */
int mlflow_read_id(Ctx *cx, Str body, const char *name, Str *out); /* a string at the top */
int mlflow_read_experiment(Ctx *cx, Str body, const MlflowRoots *roots, MlExperiment *out);
int mlflow_read_experiments(Ctx *cx, Str body, const MlflowRoots *roots, MlExperiment **out, size_t *n, Str *next);
int mlflow_read_run(Ctx *cx, Str body, const MlflowRoots *roots, MlRun *out);
int mlflow_read_runs(Ctx *cx, Str body, const MlflowRoots *roots, MlRun **out, size_t *n, Str *next);
int mlflow_read_history(Ctx *cx, Str body, MlMetric **out, size_t *n, Str *next);
int mlflow_read_model(Ctx *cx, Str body, const MlflowRoots *roots, MlModel *out);
int mlflow_read_models(Ctx *cx, Str body, const MlflowRoots *roots, MlModel **out, size_t *n, Str *next);
int mlflow_read_version(Ctx *cx, Str body, const MlflowRoots *roots, MlVersion *out);
int mlflow_read_versions(Ctx *cx, Str body, const MlflowRoots *roots, MlVersion **out, size_t *n, Str *next);
int mlflow_read_files(Ctx *cx, Str body, MlFile **out, size_t *n); /* by name */
/* {"error_code":…,"message":…}: the ErrCode it means; empty words where it is no such body. */
int mlflow_read_error(Arena *a, Str body, int status, Str *code, Str *message);
