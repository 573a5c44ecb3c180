#pragma once

/* api/prediction/prediction_api.h - the operations of the role prediction (PRD-01, PRD-02, PRD-04, PRD-20): forecasts, what
 * is loaded for them, the trainings that make models, and administration. */

#include "api/op.h"
#include "services/jobs/jobs.h"
#include "services/serving/serving.h"

/* --- the role --- */

typedef struct PredictionRole {
    Serving *serving;
    JobService *trainings; /* NULL: nothing is trained here */
    /* The last lines that a training wrote; empty: none yet. */
    int (*training_log)(void *arg, Ctx *cx, Str training, Str *out);
    int (*registry_answers)(void *arg, Ctx *cx);                    /* NULL: it is not asked */
    void (*predicted)(void *arg, Ctx *cx, const ServedForecast *p); /* NULL: nobody is told */
    void *arg;
} PredictionRole;

extern const OpTable prediction_api, training_api;
extern const Op op_predict_single, op_predict_horizon, op_predict_interval, op_predict_batch;
extern const Op op_serving_loaded, op_serving_warm, op_serving_unload, op_serving_drift;
extern const Op op_prediction_health, op_prediction_stats, op_prediction_tasks, op_prediction_clear;
extern const Op op_training_submit, op_training_list, op_training_get, op_training_cancel, op_training_log;

/* --- forecasts --- */

typedef struct PredictIn {
    Str exchange, symbol, timeframe, provider, model;
    double level;
    int64_t step;  /* of single */
    int64_t steps; /* of horizon and interval; 0 = all */
    bool strict;
    Candles candles;
} PredictIn;

typedef struct PredictBatchIn {
    List requests; /* PredictIn */
} PredictBatchIn;

typedef struct ForecastPoint {
    int64_t step; /* from 1 */
    Time time;
    Str target;
    double value, low, high, last;
} ForecastPoint;

typedef struct RungOut {
    Str rung, model, version, outcome;
} RungOut;

typedef struct PredictOut {
    Str exchange, symbol, timeframe, provider;
    Str model, version, kind, sha256, fallback;
    List ladder;  /* RungOut */
    List missing; /* Str */
    int64_t horizon;
    double level;
    Str interval;
    Time as_of;
    List forecasts; /* ForecastPoint */
    double val_vs_naive;
    bool beats_naive, simulated, cached, drifted;
    double sentiment_score; /* NaN: not asked or none */
    int64_t sentiment_articles;
    double took_ms;
} PredictOut;

typedef struct PredictItem {
    bool ok;
    Str error, message;
    List prediction; /* of one PredictOut; empty where it failed */
} PredictItem;

typedef struct PredictBatchOut {
    int64_t count, failed;
    List results; /* PredictItem, in the order of the requests */
} PredictBatchOut;

/* --- what is loaded --- */

typedef struct LoadedModel {
    Str name, version, kind, sha256;
    int64_t bytes, forecasts, passes, holders;
    double load_ms;
    Time loaded, used;
} LoadedModel;
typedef struct LoadedModels {
    int64_t count, bytes;
    List models; /* LoadedModel */
} LoadedModels;

typedef struct ModelRef {
    Str model;
} ModelRef;
typedef struct UnloadIn {
    Str model, version;
} UnloadIn;

typedef struct DriftOut {
    Str model, version, series;
    int64_t rows, errors;
    double psi;
    Str psi_column;
    double ks, ks_p;
    int64_t cuts;
    Time cut_at;
    bool inputs_drifted, errors_drifted;
} DriftOut;
typedef struct DriftList {
    int64_t count, drifted;
    List series; /* DriftOut */
} DriftList;

/* --- trainings --- */

enum { TRAINING_NAME_MAX = 64 };

typedef struct TrainingIn { /* also the parameters of a job of the kind "train" */
    Str name;               /* of the model it becomes a version of */
    Str exchange, symbol, timeframe, provider;
    Str model, preset, features, target;
    int64_t horizon, look_back, epochs, patience, seed, rows;
    double max_minutes;
    bool promote, force;
} TrainingIn;

typedef struct TrainingRef {
    Str training;
} TrainingRef;

typedef struct TrainingRow {
    Str training, model, state;
    double progress; /* 0 .. 1 */
    Time submitted, started, ended;
    Str message, error;
    RawJson settings;
} TrainingRow;

typedef struct TrainingList {
    int64_t count;
    List trainings; /* TrainingRow, newest first */
} TrainingList;

typedef struct TrainingLog {
    Str training;
    List lines; /* Str, oldest first */
} TrainingLog;

/* --- administration --- */

typedef struct PredictionHealth {
    Str status;
    bool registry, trainings;
    Str problem;
} PredictionHealth;

typedef struct PredictionStats {
    int64_t models, bytes, forecasts, passes, series, drifted;
    int64_t trainings, waiting, running, succeeded, failed, cancelled;
} PredictionStats;

typedef struct PredictionCleared {
    bool success;
    int64_t unloaded, freed_bytes;
} PredictionCleared;

extern const Shape prediction_health_shape, prediction_stats_shape, prediction_cleared_shape;
extern const Shape predict_in_shape, predict_batch_in_shape, predict_out_shape, predict_batch_out_shape;
extern const Shape loaded_models_shape, model_ref_shape, unload_in_shape, drift_list_shape;
extern const Shape training_in_shape, training_ref_shape, training_row_shape, training_list_shape, training_log_shape;
