#pragma once

/* api/models/models_api.h - the operations on registered models: the documents' model router (PRD-03). The role object is a
 * Models (services/models/registry.h). */

#include "api/op.h"

typedef struct ModelsQuery {
    Str filter;
    int64_t limit;
} ModelsQuery;

typedef struct ModelRow {
    Str model, description, champion, production, latest;
    Time created, updated;
} ModelRow;

typedef struct ModelList {
    int64_t count;
    List models; /* ModelRow */
} ModelList;

typedef struct RegisteredModelRef {
    Str model;
} RegisteredModelRef;

typedef struct ModelFigures { /* NaN = not known */
    double mse, mae, naive_mse, naive_mae, vs_naive, diebold_mariano;
    int64_t windows;
} ModelFigures;

typedef struct ModelVersionRow {
    Str model, version, stage, kind;
    List aliases; /* Str */
    bool beats_naive, forced;
    ModelFigures validation, test;
    Str weights_sha256, data_sha256, parent, run, description;
    Time created;
} ModelVersionRow;

typedef struct ModelDetail {
    ModelRow model;
    List versions; /* ModelVersionRow, newest first */
} ModelDetail;

typedef struct ModelVersionRef { /* version: a number, a stage, "latest", or "@alias" */
    Str model, version;
    bool force;
} ModelVersionRef;

typedef struct ModelCardQuery {
    Str model, version, format;
} ModelCardQuery;

typedef struct ModelCompareQuery {
    Str model;
    List versions; /* Str; empty = all */
    Str metric;
    bool larger, archived;
} ModelCompareQuery;

typedef struct ModelComparison {
    Str model, metric, best; /* best: a version; empty: none has the metric */
    List versions;           /* ModelVersionRow */
} ModelComparison;

typedef struct ModelStageRequest {
    Str model, version, stage;
    bool force, keep;
} ModelStageRequest;

typedef struct ModelAliasRequest {
    Str model, alias, version; /* version empty: the alias goes */
} ModelAliasRequest;

typedef struct ModelRegisterRequest {
    Str model, weights, experiment, parent, command; /* weights: base64 */
    double seconds;
    int64_t epochs;
    bool promote, force;
} ModelRegisterRequest;

typedef struct ModelRegisterResponse {
    ModelVersionRow version;
    bool promoted;
    Str message;
} ModelRegisterResponse;

typedef struct ModelChanged {
    bool success;
    Str message;
} ModelChanged;

typedef struct ModelsClearRequest {
    int64_t days;
} ModelsClearRequest;

typedef struct ModelsClearResponse {
    int64_t runs, experiments, files;
} ModelsClearResponse;

extern const Shape models_query_shape, model_row_shape, model_list_shape, registered_model_ref_shape,
    model_figures_shape, model_version_row_shape, model_detail_shape, model_version_ref_shape, model_card_query_shape,
    model_compare_query_shape, model_comparison_shape, model_stage_request_shape, model_alias_request_shape,
    model_register_request_shape, model_register_response_shape, model_changed_shape, models_clear_request_shape,
    models_clear_response_shape;

extern const OpTable models_api;
extern const Op op_models_list, op_models_get, op_models_versions, op_models_card, op_models_compare, op_models_stage,
    op_models_alias, op_models_register, op_models_weights, op_models_delete, op_models_version_delete, op_models_clear;

enum { MODELS_API_WEIGHTS = 48 << 20 }; /* bytes of a model that is sent */
