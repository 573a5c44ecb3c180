/* What a hostile MLflow server may answer the adapter: any bytes are refused with words, or give rows that have their ids. */

#include "adapters/registry/mlflow_read.h"
#include "base/utf8.h"

#include "fuzz.h"

static void all(Ctx *cx, Str body) {
    MlflowRoots roots = { S("s3://bucket/runs") };
    Str next, code, message;
    size_t n;
    MlExperiment *experiments, experiment;
    MlRun *runs, run;
    MlModel *models, model;
    MlVersion *versions, version;
    MlMetric *metrics;
    MlFile *files;
    if (mlflow_read_experiments(cx, body, &roots, &experiments, &n, &next) == 0)
        for (size_t i = 0; i < n; i++)
            MUST(experiments[i].id.n);
    if (mlflow_read_runs(cx, body, &roots, &runs, &n, &next) == 0)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 1; k < runs[i].n_metrics; k++)
                MUST(str_cmp(runs[i].metrics[k - 1].key, runs[i].metrics[k].key) <= 0);
    if (mlflow_read_models(cx, body, &roots, &models, &n, &next) == 0)
        for (size_t i = 0; i < n; i++)
            MUST(models[i].name.n);
    if (mlflow_read_versions(cx, body, &roots, &versions, &n, &next) == 0)
        for (size_t i = 0; i < n; i++)
            MUST(versions[i].version.n && versions[i].stage <= ML_STAGE_ARCHIVED);
    if (mlflow_read_files(cx, body, &files, &n) == 0)
        for (size_t i = 0; i < n; i++)
            MUST(files[i].path.n && files[i].size >= 0);
    MUST(mlflow_read_experiment(cx, body, &roots, &experiment) != 0 || experiment.id.n);
    MUST(mlflow_read_run(cx, body, &roots, &run) != 0 || run.id.n);
    MUST(mlflow_read_model(cx, body, &roots, &model) != 0 || model.name.n);
    MUST(mlflow_read_version(cx, body, &roots, &version) != 0 || version.version.n);
    mlflow_read_history(cx, body, &metrics, &n, &next);
    MUST(mlflow_read_id(cx, body, "experiment_id", &next) != 0 || next.n);
    MUST(mlflow_read_error(cx->arena, body, 400, &code, &message) < 0);
    MUST(utf8_valid(message) && message.n <= 300);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = { .limit = 64 << 20 };
    ClockManual clock;
    Ctx cx;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    if (size < 1 << 20)
        all(&cx, str_n((const char *)data, size));
    arena_done(&arena);
    return 0;
}
