/* api/models/ops.c - field tables and operations on registered models. */

#include "api/models/handlers.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Models"
#define BASE       "/api/v1/models"

static const char *const stage_choices[] = { "None", "Staging", "Production", "Archived", NULL };
static const char *const format_choices[] = { "json", "markdown", NULL };

/* clang-format off */
#define MODEL(T)   FIELD(T, model, .flags = F_REQUIRED, .max = 250, .doc = "The model's name.", .example = "btc-1h")
#define VERSION(T) FIELD(T, version, .flags = F_REQUIRED, .max = 260, .doc = "A number, a stage, latest, or @ and an alias.", .example = "3")

static const Field models_query_f[] = {
    FIELD(ModelsQuery, filter, .max = 4096, .doc = "In MLflow's language: name ILIKE '%btc%' and tags.team = 'quant'."),
    FIELD(ModelsQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "Models at most."),
};
SHAPE(models_query_shape, ModelsQuery, models_query_f, .doc = "Which models.");
static const Field model_row_f[] = {
    FIELD(ModelRow, model, .doc = "Its name."),
    FIELD(ModelRow, description, .flags = F_OMIT_EMPTY, .doc = "What people say of it."),
    FIELD(ModelRow, champion, .flags = F_NULLABLE, .doc = "The version that its plain name means: the promoted one."),
    FIELD(ModelRow, production, .flags = F_NULLABLE, .doc = "The newest version in Production."),
    FIELD(ModelRow, latest, .flags = F_NULLABLE, .doc = "The newest version that is not archived."),
    FIELD(ModelRow, created, .doc = "When it was registered."),
    FIELD(ModelRow, updated, .doc = "When it last changed."),
};
SHAPE(model_row_shape, ModelRow, model_row_f, .doc = "A registered model.");
static const Field model_list_f[] = {
    FIELD(ModelList, count, .doc = "Models listed."),
    FIELD(ModelList, models, .of = &model_row_shape, .doc = "By name."),
};
SHAPE(model_list_shape, ModelList, model_list_f, .doc = "Registered models.");
static const Field registered_model_ref_f[] = { MODEL(RegisteredModelRef) };
SHAPE(registered_model_ref_shape, RegisteredModelRef, registered_model_ref_f, .doc = "A model.");
static const Field model_figures_f[] = {
    FIELD(ModelFigures, mse, .flags = F_NULLABLE, .doc = "Mean squared error, standardised."),
    FIELD(ModelFigures, mae, .flags = F_NULLABLE, .doc = "Mean absolute error, standardised."),
    FIELD(ModelFigures, naive_mse, .flags = F_NULLABLE, .doc = "Of repeating the last value on the same windows."),
    FIELD(ModelFigures, naive_mae, .flags = F_NULLABLE, .doc = "Likewise."),
    FIELD(ModelFigures, vs_naive, .flags = F_NULLABLE, .doc = "mse / naive_mse: below 1 it is better than the last value."),
    FIELD(ModelFigures, diebold_mariano, .flags = F_NULLABLE, .doc = "Above 1.64 it is so by luck one time in twenty at most."),
    FIELD(ModelFigures, windows, .doc = "Windows judged."),
};
SHAPE(model_figures_shape, ModelFigures, model_figures_f, .doc = "What a model is worth on a part of its data, beside the last value.");
static const Field model_version_row_f[] = {
    FIELD(ModelVersionRow, model, .doc = "The model's name."),
    FIELD(ModelVersionRow, version, .doc = "Its number."),
    FIELD(ModelVersionRow, stage, .choices = stage_choices, .doc = "Where it stands."),
    FIELD(ModelVersionRow, kind, .flags = F_OMIT_EMPTY, .doc = "The forecaster: dlinear, patchtst, ensemble…"),
    FIELD(ModelVersionRow, aliases, .doc = "Its other names."),
    FIELD(ModelVersionRow, beats_naive, .doc = "It is clearly better than the last value on validation."),
    FIELD(ModelVersionRow, forced, .doc = "It was promoted although it is not."),
    FIELD(ModelVersionRow, validation, .of = &model_figures_shape, .doc = "On what it was stopped by."),
    FIELD(ModelVersionRow, test, .of = &model_figures_shape, .doc = "On what it never saw."),
    FIELD(ModelVersionRow, weights_sha256, .flags = F_OMIT_EMPTY, .doc = "Of its weights."),
    FIELD(ModelVersionRow, data_sha256, .flags = F_OMIT_EMPTY, .doc = "Of what it was trained on."),
    FIELD(ModelVersionRow, parent, .flags = F_OMIT_EMPTY, .doc = "The version it goes back to."),
    FIELD(ModelVersionRow, run, .flags = F_OMIT_EMPTY, .doc = "The run that made it, as MLflow knows it."),
    FIELD(ModelVersionRow, description, .flags = F_OMIT_EMPTY, .doc = "What people say of it."),
    FIELD(ModelVersionRow, created, .doc = "When it was registered."),
};
SHAPE(model_version_row_shape, ModelVersionRow, model_version_row_f, .doc = "A version of a model.");
static const Field model_detail_f[] = {
    FIELD(ModelDetail, model, .of = &model_row_shape, .doc = "The model."),
    FIELD(ModelDetail, versions, .of = &model_version_row_shape, .doc = "Newest first."),
};
SHAPE(model_detail_shape, ModelDetail, model_detail_f, .doc = "A model and its versions.");
static const Field model_version_ref_f[] = {
    MODEL(ModelVersionRef), VERSION(ModelVersionRef),
    FIELD(ModelVersionRef, force, .doc = "Of deleting: even the promoted one."),
};
SHAPE(model_version_ref_shape, ModelVersionRef, model_version_ref_f, .doc = "A version.");
static const Field model_card_query_f[] = {
    MODEL(ModelCardQuery), VERSION(ModelCardQuery),
    FIELD(ModelCardQuery, format, .def = "json", .choices = format_choices, .doc = "json or markdown."),
};
SHAPE(model_card_query_shape, ModelCardQuery, model_card_query_f, .doc = "Whose card.");
static const Field model_compare_query_f[] = {
    MODEL(ModelCompareQuery),
    FIELD(ModelCompareQuery, versions, .flags = F_QUERY | F_REPEAT, .max = 100, .doc = "Numbers of versions. Left out: all.", .example = "1,2"),
    FIELD(ModelCompareQuery, metric, .def = "val_mse", .max = 250, .doc = "The figure of their runs that says which is best."),
    FIELD(ModelCompareQuery, larger, .doc = "The larger is the better one."),
    FIELD(ModelCompareQuery, archived, .doc = "Archived versions may be the best, too."),
};
SHAPE(model_compare_query_shape, ModelCompareQuery, model_compare_query_f, .doc = "Which versions, and by what.");
static const Field model_comparison_f[] = {
    FIELD(ModelComparison, model, .doc = "The model's name."),
    FIELD(ModelComparison, metric, .doc = "What they are compared by."),
    FIELD(ModelComparison, best, .flags = F_NULLABLE, .doc = "The best of all its versions; of equals the newest; null where none has the figure."),
    FIELD(ModelComparison, versions, .of = &model_version_row_shape, .doc = "Newest first."),
};
SHAPE(model_comparison_shape, ModelComparison, model_comparison_f, .doc = "Versions side by side.");
static const Field model_stage_request_f[] = {
    MODEL(ModelStageRequest), VERSION(ModelStageRequest),
    FIELD(ModelStageRequest, stage, .def = "Production", .choices = stage_choices, .doc = "Where to."),
    FIELD(ModelStageRequest, force, .doc = "To Production even if it is not clearly better than the last value."),
    FIELD(ModelStageRequest, keep, .doc = "Leave the others in that stage; else they are archived."),
};
SHAPE(model_stage_request_shape, ModelStageRequest, model_stage_request_f, .doc = "A version's next stage.");
static const Field model_alias_request_f[] = {
    MODEL(ModelAliasRequest),
    FIELD(ModelAliasRequest, alias, .flags = F_REQUIRED, .max = 250, .doc = "Letters, digits, _ and -.", .example = "challenger"),
    FIELD(ModelAliasRequest, version, .max = 260, .doc = "What it means from now on. Left out: it goes."),
};
SHAPE(model_alias_request_shape, ModelAliasRequest, model_alias_request_f, .doc = "Another name of a version.");
static const Field model_register_request_f[] = {
    MODEL(ModelRegisterRequest),
    FIELD(ModelRegisterRequest, weights, .flags = F_REQUIRED, .max = MODELS_API_WEIGHTS / 3.0 * 4 + 4, .doc = "The file that `train` made, in base64."),
    FIELD(ModelRegisterRequest, experiment, .def = "finsight", .max = 500, .doc = "Where its run is filed."),
    FIELD(ModelRegisterRequest, parent, .max = 40, .doc = "The version it goes back to."),
    FIELD(ModelRegisterRequest, command, .max = 2000, .doc = "How it was made."),
    FIELD(ModelRegisterRequest, seconds, .has_min = true, .min = 0, .max = 1e9, .doc = "Training took; 0 = not known."),
    FIELD(ModelRegisterRequest, epochs, .has_min = true, .min = 0, .max = 1e9, .doc = "Of its training; 0 = not known."),
    FIELD(ModelRegisterRequest, promote, .doc = "To Production at once, if it is clearly better than the last value."),
    FIELD(ModelRegisterRequest, force, .doc = "To Production at once in any case."),
};
SHAPE(model_register_request_shape, ModelRegisterRequest, model_register_request_f, .doc = "A trained model.");
static const Field model_register_response_f[] = {
    FIELD(ModelRegisterResponse, version, .of = &model_version_row_shape, .doc = "What it became."),
    FIELD(ModelRegisterResponse, promoted, .doc = "It is in Production."),
    FIELD(ModelRegisterResponse, message, .doc = "For people."),
};
SHAPE(model_register_response_shape, ModelRegisterResponse, model_register_response_f, .doc = "A model that was registered.");
static const Field model_changed_f[] = {
    FIELD(ModelChanged, success, .doc = "It is done."),
    FIELD(ModelChanged, message, .doc = "For people."),
};
SHAPE(model_changed_shape, ModelChanged, model_changed_f, .doc = "A change that was made.");
static const Field models_clear_request_f[] = {
    FIELD(ModelsClearRequest, days, .def = "30", .has_min = true, .min = 0, .max = 36500, .doc = "What was deleted so long ago goes for good."),
};
SHAPE(models_clear_request_shape, ModelsClearRequest, models_clear_request_f, .doc = "How old.");
static const Field models_clear_response_f[] = {
    FIELD(ModelsClearResponse, runs, .doc = "Runs that are gone."),
    FIELD(ModelsClearResponse, experiments, .doc = "Experiments that are gone."),
    FIELD(ModelsClearResponse, files, .doc = "Files that are gone."),
};
SHAPE(models_clear_response_shape, ModelsClearResponse, models_clear_response_f, .doc = "What was cleared away.");

/* --- operations --- */

const Op op_models_list = {
    .name = "models.list", .method = "GET", .path = BASE, .aliases = PATHS("/models", "/models/list"),
    .summary = "Every registered model, and which version is promoted", .tag = TAG, .in = &models_query_shape, .out = &model_list_shape,
    .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = models_api_list };

const Op op_models_get = {
    .name = "models.get", .method = "GET", .path = BASE "/{model}", .aliases = PATHS("/models/{model}"),
    .summary = "One model with its versions", .tag = TAG, .in = &registered_model_ref_shape, .out = &model_detail_shape,
    .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = models_api_get };

const Op op_models_versions = {
    .name = "models.versions", .method = "GET", .path = BASE "/{model}/versions", .aliases = PATHS("/models/{model}/versions"),
    .summary = "The versions of a model, newest first", .tag = TAG, .in = &registered_model_ref_shape, .out = &model_comparison_shape,
    .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = models_api_versions };

const Op op_models_card = {
    .name = "models.card", .method = "GET", .path = BASE "/{model}/versions/{version}", .aliases = PATHS("/models/{model}/versions/{version}"),
    .summary = "A version's card: data, settings, figures beside the last value, hash, lineage", .tag = TAG,
    .in = &model_card_query_shape, .out = &raw_body_shape, .raw = "application/json, text/markdown",
    .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = models_api_card };

const Op op_models_compare = {
    .name = "models.compare", .method = "GET", .path = BASE "/{model}/compare", .aliases = PATHS("/models/{model}/compare"),
    .summary = "Versions side by side, and the best of them", .tag = TAG,
    .doc = "The best one is the best of all versions by one figure of their runs: of equals the newest; versions without the figure and, unless asked "
           "for, archived ones do not take part.",
    .in = &model_compare_query_shape, .out = &model_comparison_shape, .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true,
    .run = models_api_compare };

const Op op_models_stage = {
    .name = "models.stage", .method = "POST", .path = BASE "/{model}/stage", .aliases = PATHS("/models/{model}/stage", "/models/{model}/promote"),
    .summary = "Move a version to a stage: promote it, archive it", .tag = TAG,
    .doc = "Production also gives it the alias champion, which is what the plain name means. The weights are checked by their hash first. A version "
           "that is not clearly better than repeating the last value on validation is refused with 409 unless forced.",
    .in = &model_stage_request_shape, .out = &model_version_row_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 60000, .max_body = 8192,
    .run = models_api_stage };

const Op op_models_alias = {
    .name = "models.alias", .method = "POST", .path = BASE "/{model}/alias", .aliases = PATHS("/models/{model}/alias"),
    .summary = "Give a version another name, or take the name away", .tag = TAG, .in = &model_alias_request_shape, .out = &model_changed_shape,
    .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 10000, .max_body = 8192, .idempotent = true, .run = models_api_alias };

const Op op_models_register = {
    .name = "models.register", .method = "POST", .path = BASE "/{model}/versions",
    .summary = "Register a trained model as a new version", .tag = TAG,
    .doc = "Whole or not at all: its run with settings and figures, its weights and card, and the version.",
    .in = &model_register_request_shape, .out = &model_register_response_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 120000,
    .max_body = 66u << 20, .prose = true, .run = models_api_register };

const Op op_models_weights = {
    .name = "models.weights", .method = "GET", .path = BASE "/{model}/versions/{version}/weights",
    .summary = "A version's weights, checked by their hash", .tag = TAG, .in = &model_version_ref_shape, .out = &raw_body_shape,
    .raw = "application/octet-stream", .role = ROLE_READ, .lane = LANE_IO, .deadline_ms = 60000, .idempotent = true, .run = models_api_weights };

const Op op_models_delete = {
    .name = "models.delete", .method = "DELETE", .path = BASE "/{model}", .aliases = PATHS("/models/{model}"),
    .summary = "Delete a model with its versions", .tag = TAG, .doc = "Its runs are deleted too, and stay to be restored until they are cleared away.",
    .in = &registered_model_ref_shape, .out = &model_changed_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 60000, .run = models_api_delete };

const Op op_models_version_delete = {
    .name = "models.version.delete", .method = "DELETE", .path = BASE "/{model}/versions/{version}", .aliases = PATHS("/models/{model}/versions/{version}"),
    .summary = "Delete a version", .tag = TAG, .doc = "The promoted one only with force. Its run stays to be restored until it is cleared away.",
    .in = &model_version_ref_shape, .out = &model_changed_shape, .role = ROLE_WRITE, .lane = LANE_IO, .deadline_ms = 60000, .run = models_api_version_delete };

const Op op_models_clear = {
    .name = "models.clear", .method = "POST", .path = BASE "/clear",
    .summary = "Clear away what was deleted: runs, experiments and their files", .tag = TAG, .in = &models_clear_request_shape, .out = &models_clear_response_shape,
    .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 600000, .max_body = 4096, .run = models_api_clear };
/* clang-format on */

static const Op *const ops[] = { &op_models_list,    &op_models_get,    &op_models_versions,       &op_models_card,
                                 &op_models_compare, &op_models_stage,  &op_models_alias,          &op_models_register,
                                 &op_models_weights, &op_models_delete, &op_models_version_delete, &op_models_clear };
const OpTable models_api = { "models", ops, ARRAY_LEN(ops) };
