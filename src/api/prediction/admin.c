/* api/prediction/admin.c - the admin router of the prediction service (PRD-04): is it well, what it does, its background
 * tasks, and what it keeps in memory let go. Trainings are the tasks; their own router (training.c) starts and ends them. */

#include "api/prediction/internal.h"

static PredictionRole *role_of(void *role) {
    return role;
}

/* --- is it well --- */

static int run_health(void *role, Ctx *cx, const void *in, void *out_) {
    PredictionHealth *out = out_;
    PredictionRole *p = role_of(role);
    Job *jobs;
    size_t n;
    UNUSED(in);
    int r = p->registry_answers ? p->registry_answers(p->arg, cx) : 0;
    *out = (PredictionHealth){ .status = S("healthy"), .registry = r == 0, .trainings = p->trainings != NULL };
    if (r == 0 && p->trainings) {
        r = jobs_list(p->trainings, cx, &jobs, &n);
        out->trainings = r == 0;
    }
    if (r) { /* forecasts of what is ready go on */
        out->status = S("degraded");
        out->problem = str_dup(cx->arena, str_c(cx->err.text));
        err_clear(cx);
    }
    return 0;
}

/* --- what it does --- */

static void count_training(PredictionStats *out, const TrainingRow *t) {
    out->trainings++;
    out->waiting += str_eq(t->state, S("queued"));
    out->running += str_eq(t->state, S("running"));
    out->succeeded += str_eq(t->state, S("succeeded"));
    out->failed += str_eq(t->state, S("failed"));
    out->cancelled += str_eq(t->state, S("cancelled"));
}

static int run_stats(void *role, Ctx *cx, const void *in, void *out_) {
    PredictionStats *out = out_;
    TrainingList tasks = { 0 };
    ServedRow *rows;
    DriftRow *drift;
    size_t n, n_drift;
    int r = serving_loaded(role_of(role)->serving, cx, &rows, &n);
    if (r == 0)
        r = serving_drift(role_of(role)->serving, cx, &drift, &n_drift);
    if (r == 0 && role_of(role)->trainings)
        r = training_api_list(role, cx, in, &tasks);
    if (r)
        return r;
    out->models = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        out->bytes += (int64_t)rows[i].bytes;
        out->forecasts += rows[i].n_forecasts;
        out->passes += rows[i].n_passes;
    }
    out->series = (int64_t)n_drift;
    for (size_t i = 0; i < n_drift; i++)
        out->drifted += drift[i].inputs || drift[i].errors;
    for (size_t i = 0; i < tasks.trainings.n; i++)
        count_training(out, &((const TrainingRow *)tasks.trainings.v)[i]);
    return 0;
}

/* --- what it keeps --- */

/* Requests that use a model end with it; the next one loads it again and asks the registry anew. */
static int run_clear(void *role, Ctx *cx, const void *in, void *out_) {
    PredictionCleared *out = out_;
    PredictionRole *p = role_of(role);
    ServedRow *rows;
    size_t n;
    UNUSED(in);
    int r = serving_loaded(p->serving, cx, &rows, &n);
    for (size_t i = 0; i < n && r == 0; i++) {
        if (serving_unload(p->serving, cx, rows[i].name, rows[i].version) != 0)
            continue; /* gone meanwhile */
        out->unloaded++;
        out->freed_bytes += (int64_t)rows[i].bytes;
    }
    serving_changed(p->serving, S(""));
    out->success = r == 0;
    if (!p->trainings)
        return r;
    return job_store_record(jobs_store(p->trainings), cx,
                            &(AuditRow){ .action = S("prediction.cache.clear"), .rows = out->unloaded }, r);
}

/* --- shapes --- */

/* clang-format off */
static const char *const statuses[] = { "healthy", "degraded", NULL };
static const Field health_f[] = {
    FIELD(PredictionHealth, status, .choices = statuses, .doc = "degraded: something is missing; forecasts of loaded models go on."),
    FIELD(PredictionHealth, registry, .doc = "The registry of models answers."),
    FIELD(PredictionHealth, trainings, .doc = "Models can be taught here."),
    FIELD(PredictionHealth, problem, .flags = F_OMIT_EMPTY, .doc = "What is missing."),
};
SHAPE(prediction_health_shape, PredictionHealth, health_f, .doc = "Is the prediction service well.");
static const Field stats_f[] = {
    FIELD(PredictionStats, models, .doc = "Models that are loaded."),
    FIELD(PredictionStats, bytes, .doc = "Their memory."),
    FIELD(PredictionStats, forecasts, .doc = "Windows they have forecast since they were loaded."),
    FIELD(PredictionStats, passes, .doc = "Passes that took; several windows share one."),
    FIELD(PredictionStats, series, .doc = "Series that are followed."),
    FIELD(PredictionStats, drifted, .doc = "Those that are no longer what their model was taught with."),
    FIELD(PredictionStats, trainings, .doc = "Background tasks there are."),
    FIELD(PredictionStats, waiting, .doc = "Of them those that wait,"),
    FIELD(PredictionStats, running, .doc = "run,"),
    FIELD(PredictionStats, succeeded, .doc = "ended well,"),
    FIELD(PredictionStats, failed, .doc = "failed,"),
    FIELD(PredictionStats, cancelled, .doc = "or were cancelled."),
};
SHAPE(prediction_stats_shape, PredictionStats, stats_f, .doc = "What the prediction service does.");
static const Field cleared_f[] = {
    FIELD(PredictionCleared, success, .doc = "Always true."),
    FIELD(PredictionCleared, unloaded, .doc = "Models that were let go."),
    FIELD(PredictionCleared, freed_bytes, .doc = "Their memory."),
};
SHAPE(prediction_cleared_shape, PredictionCleared, cleared_f, .doc = "What was let go.");

/* --- the table --- */

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Forecasts, administration"

const Op op_prediction_health = {
    .name = "prediction.admin.health", .method = "GET", .path = "/api/v1/prediction/admin/health", .aliases = PATHS("/prediction/admin/health"),
    .summary = "Is the prediction service well", .tag = TAG, .out = &prediction_health_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = run_health };

const Op op_prediction_stats = {
    .name = "prediction.admin.stats", .method = "GET", .path = "/api/v1/prediction/admin/stats", .aliases = PATHS("/prediction/admin/stats"),
    .summary = "Models in memory, forecasts made, trainings by state", .tag = TAG, .out = &prediction_stats_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = run_stats };

const Op op_prediction_tasks = {
    .name = "prediction.admin.tasks", .method = "GET", .path = "/api/v1/prediction/admin/tasks", .aliases = PATHS("/prediction/admin/tasks"),
    .summary = "Background tasks of the prediction service", .tag = TAG, .out = &training_list_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = training_api_list };

const Op op_prediction_clear = {
    .name = "prediction.admin.cache.clear", .method = "POST", .path = "/api/v1/prediction/admin/cache/clear", .aliases = PATHS("/prediction/admin/cache/clear"),
    .summary = "Let every loaded model go, and what the registry said of it", .tag = TAG, .out = &prediction_cleared_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = run_clear };
/* clang-format on */
