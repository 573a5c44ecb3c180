#pragma once

/* api/mlflow/mlflow.h - a model registry as MLflow's REST API 2.0, for its own clients (PRD-07).
 *
 *     /api/2.0/mlflow/experiments/…  runs/…  metrics/…  artifacts/list  registered-models/…  model-versions/…
 *     /api/2.0/mlflow-artifacts/artifacts/PATH      files: PUT, GET, DELETE; without a path, a list
 * and the same below /ajax-api. Failures are MLflow's too: {"error_code", "message"}.
 *
 * These are paths of another's protocol, so no operations of ours: the gateway hands them over as they came
 * (GatewayDoor). Pure but for the registry; any thread. */

#include "api/op.h"
#include "ports/model_registry.h"

enum { MLFLOW_JSON_MAX = 1 << 20, MLFLOW_FILE_MAX = 64 << 20 }; /* bytes of a request */

#define MLFLOW_PREFIX      S("/api/2.0")
#define MLFLOW_AJAX_PREFIX S("/ajax-api/2.0")

typedef struct MlflowRequest {
    Str method, path, query; /* as they came */
    Str body;
} MlflowRequest;

typedef struct MlflowReply {
    int status;
    Str media, body; /* in cx->arena */
} MlflowReply;

/* Always answers; what fails is told in the answer. */
void mlflow_answer(ModelRegistry *r, Ctx *cx, const MlflowRequest *rq, MlflowReply *out);
/* The least role that may ask so. Searches are POSTs that change nothing. */
Role mlflow_needs(Str method, Str path);
