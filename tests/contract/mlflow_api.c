/* tests/contract/mlflow_api.c - MLflow's REST API by raw requests, as its client sends them (PRD-07): paths, members, codes of
 * errors, paging, filters, files. The client itself is driven by tests/peers. */

#include "adapters/object/dir.h"
#include "adapters/registry/sqlite.h"
#include "api/mlflow/mlflow.h"
#include "base/file.h"
#include "lib/test.h"

typedef struct Fixture {
    TestCtx t;
    const char *dir;
    IdsSeeded ids;
    ObjectStore *files;
    ModelRegistry *r;
    Str run, body; /* of the last answer */
    int status;
} Fixture;

static void begin(Fixture *f) {
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    f->dir = test_dir();
    ids_seeded_init(&f->ids, 1);
    CHECK_OK_PLAIN(&f->t.cx, object_dir_open(&f->t.cx, path_join(&f->t.arena, f->dir, "files"), &f->files));
    RegistrySqliteOptions o = { .files = f->files, .ids = &f->ids.ids };
    CHECK_OK_PLAIN(&f->t.cx, registry_sqlite_open(&f->t.cx, &o, &f->r));
}

static void end(Fixture *f) {
    model_registry_close(f->r);
    object_store_close(f->files);
    test_dir_done(f->dir);
    test_ctx_done(&f->t);
}

/* "POST /api/2.0/mlflow/runs/get?run_id=R": R becomes the run's id, in the body too. */
static void ask(Fixture *f, const char *method, const char *target, const char *body) {
    Str at = str_c(target), path, text = { 0 }, query = { 0 };
    Str *parts[] = { &query, &text };
    Str from[] = { { 0 }, str_c(body) };
    str_next(&at, '?', &path);
    from[0] = at;
    for (int i = 0; i < 2; i++) {
        Str rest = from[i], piece;
        while (str_next(&rest, '@', &piece))
            *parts[i] = str_fmt(&f->t.arena, STR_FMT STR_FMT STR_FMT, STR_ARG(*parts[i]), STR_ARG(piece),
                                STR_ARG(rest.p && rest.p > piece.p + piece.n ? f->run : (Str){ 0 }));
    }
    MlflowReply reply = { 0 };
    clock_manual_advance_ms(&f->t.clock, 10);
    err_clear(&f->t.cx);
    mlflow_answer(f->r, &f->t.cx, &(MlflowRequest){ str_c(method), path, query, text }, &reply);
    f->status = reply.status;
    f->body = reply.body;
}

static void begin_run(Fixture *f) {
    ask(f, "POST", "/api/2.0/mlflow/runs/create", "{\"experiment_id\":\"0\",\"start_time\":1700000000000}");
    ptrdiff_t at = str_find(f->body, S("\"run_id\":\""));
    assert_true(f->status == 200 && at > 0);
    f->run = str_n(f->body.p + at + 10, 32);
}

typedef struct Step {
    const char *name, *method, *target, *body;
    int status;
    const char *holds; /* part of the answer; NULL: any */
} Step;

static void run_steps(Fixture *f, const Step *steps, size_t n) {
    for (const Step *s = steps; s < steps + n; s++) {
        test_row_name = s->name;
        ask(f, s->method, s->target, s->body);
        if (f->status != s->status || (s->holds && str_find(f->body, str_c(s->holds)) < 0))
            FAIL("%s %s: %d " STR_FMT ", wanted %d and %s", s->method, s->target, f->status, STR_ARG(f->body),
                 s->status, s->holds ? s->holds : "anything");
    }
}

#define A "/api/2.0/mlflow/"
#define STEPS(f, ...)                                                                                                  \
    do {                                                                                                               \
        UNUSED(state_);                                                                                                \
        static const Step steps_[] = { __VA_ARGS__ };                                                                  \
        run_steps((f), steps_, ARRAY_LEN(steps_));                                                                     \
    } while (0)

TEST(experiments_are_made_found_renamed_deleted_and_restored) {
    Fixture f;
    begin(&f);
    /* clang-format off */
    STEPS(&f,
        { "the default", "GET", A "experiments/get?experiment_id=0", "", 200, "\"name\":\"Default\"" },
        { "by name: none", "GET", A "experiments/get-by-name?experiment_name=ett", "", 404, "\"error_code\":\"RESOURCE_DOES_NOT_EXIST\"" },
        { "create", "POST", A "experiments/create", "{\"name\":\"ett\",\"tags\":[{\"key\":\"a\",\"value\":\"b\"}]}", 200, "{\"experiment_id\":\"1\"}" },
        { "twice", "POST", A "experiments/create", "{\"name\":\"ett\"}", 400, "\"error_code\":\"RESOURCE_ALREADY_EXISTS\"" },
        { "no name", "POST", A "experiments/create", "{\"name\":\"\"}", 400, "Missing value for required parameter 'name'" },
        { "by name", "GET", A "experiments/get-by-name?experiment_name=ett", "", 200, "\"artifact_location\":\"mlflow-artifacts:/1\",\"lifecycle_stage\":\"active\"" },
        { "tag", "POST", A "experiments/set-experiment-tag", "{\"experiment_id\":\"1\",\"key\":\"k\",\"value\":\"v\"}", 200, "{}" },
        { "rename", "POST", A "experiments/update", "{\"experiment_id\":\"1\",\"new_name\":\"etth\"}", 200, "{}" },
        { "search", "POST", A "experiments/search", "{\"max_results\":10,\"filter\":\"name LIKE 'et%' and tags.k = 'v'\"}", 200, "\"name\":\"etth\"" },
        { "delete", "POST", A "experiments/delete", "{\"experiment_id\":\"1\"}", 200, "{}" },
        { "deleted ones by name", "GET", A "experiments/get-by-name?experiment_name=etth", "", 200, "\"lifecycle_stage\":\"deleted\"" },
        { "deleted ones in a search", "POST", A "experiments/search", "{\"view_type\":\"DELETED_ONLY\"}", 200, "\"etth\"" },
        { "not among the active", "POST", A "experiments/search", "{\"max_results\":5}", 200, "{\"experiments\":[{\"experiment_id\":\"0\"" },
        { "restore", "POST", A "experiments/restore", "{\"experiment_id\":1}", 200, "{}" },
        { "an odd id", "GET", A "experiments/get?experiment_id=x", "", 404, "RESOURCE_DOES_NOT_EXIST" });
    /* clang-format on */
    end(&f);
}

TEST(a_run_goes_its_usual_way) {
    Fixture f;
    begin(&f);
    begin_run(&f);
    /* clang-format off */
    STEPS(&f,
        { "batch", "POST", A "runs/log-batch", "{\"run_id\":\"@\",\"metrics\":[{\"key\":\"rmse\",\"value\":0.5,\"timestamp\":1700000000001,\"step\":1},{\"key\":\"rmse\",\"value\":\"0.25\",\"timestamp\":\"1700000000002\",\"step\":\"2\"}],\"params\":[{\"key\":\"lr\",\"value\":\"0.1\"}],\"tags\":[{\"key\":\"who\",\"value\":\"me\"}]}", 200, "{}" },
        { "metric", "POST", A "runs/log-metric", "{\"run_uuid\":\"@\",\"key\":\"odd\",\"value\":\"NaN\",\"timestamp\":1,\"step\":0}", 200, "{}" },
        { "infinite", "POST", A "runs/log-metric", "{\"run_id\":\"@\",\"key\":\"inf\",\"value\":\"Infinity\",\"timestamp\":1}", 200, "{}" },
        { "no number", "POST", A "runs/log-metric", "{\"run_id\":\"@\",\"key\":\"x\",\"value\":\"many\"}", 400, "INVALID_PARAMETER_VALUE" },
        { "parameter", "POST", A "runs/log-parameter", "{\"run_id\":\"@\",\"key\":\"lr\",\"value\":\"0.1\"}", 200, "{}" },
        { "another value", "POST", A "runs/log-parameter", "{\"run_id\":\"@\",\"key\":\"lr\",\"value\":\"0.2\"}", 400, "Changing param values is not allowed" },
        { "tag", "POST", A "runs/set-tag", "{\"run_id\":\"@\",\"key\":\"mlflow.note.content\",\"value\":\"said\"}", 200, "{}" },
        { "drop a tag", "POST", A "runs/delete-tag", "{\"run_id\":\"@\",\"key\":\"who\"}", 200, "{}" },
        { "drop it again", "POST", A "runs/delete-tag", "{\"run_id\":\"@\",\"key\":\"who\"}", 404, "RESOURCE_DOES_NOT_EXIST" },
        { "model", "POST", A "runs/log-model", "{\"run_id\":\"@\",\"model_json\":\"{\\\"flavors\\\":{}}\"}", 200, "{}" },
        { "end", "POST", A "runs/update", "{\"run_id\":\"@\",\"status\":\"FINISHED\",\"end_time\":1700000009000,\"run_name\":\"first\"}", 200, "\"status\":\"FINISHED\"" },
        { "odd status", "POST", A "runs/update", "{\"run_id\":\"@\",\"status\":\"DONE\"}", 400, "INVALID_PARAMETER_VALUE" },
        { "newest metric", "GET", A "runs/get?run_id=@", "", 200, "{\"key\":\"rmse\",\"value\":0.25,\"timestamp\":1700000000002,\"step\":2}" },
        { "NaN", "GET", A "runs/get?run_id=@", "", 200, "\"value\":\"NaN\"" },
        { "infinity is the largest number", "GET", A "runs/get?run_id=@", "", 200, "1.7976931348623157e+308" },
        { "model tag", "GET", A "runs/get?run_id=@", "", 200, "\"value\":\"[{\\\"flavors\\\":{}}]\"" },
        { "history", "GET", A "metrics/get-history?run_id=@&metric_key=rmse&max_results=1", "", 200, "\"next_page_token\":\"" },
        { "filter", "POST", A "runs/search", "{\"experiment_ids\":[\"0\"],\"filter\":\"metrics.rmse < 1 and params.lr = '0.1' and tags.`mlflow.note.content` ILIKE '%SAID%'\",\"order_by\":[\"metrics.rmse DESC\"],\"max_results\":5}", 200, "\"run_name\":\"first\"" },
        { "filter that finds none", "POST", A "runs/search", "{\"experiment_ids\":[\"0\"],\"filter\":\"metrics.rmse > 1\"}", 200, "{\"runs\":[]}" },
        { "bad filter", "POST", A "runs/search", "{\"experiment_ids\":[\"0\"],\"filter\":\"metrics.rmse ! 1\"}", 400, "INVALID_PARAMETER_VALUE" },
        { "too many", "POST", A "runs/search", "{\"experiment_ids\":[\"0\"],\"max_results\":50001}", 400, "max_results" },
        { "delete", "POST", A "runs/delete", "{\"run_id\":\"@\"}", 200, "{}" },
        { "deleted takes nothing", "POST", A "runs/log-parameter", "{\"run_id\":\"@\",\"key\":\"b\",\"value\":\"1\"}", 400, "must be in the 'active' state" },
        { "restore", "POST", A "runs/restore", "{\"run_id\":\"@\"}", 200, "{}" },
        { "unknown", "GET", A "runs/get?run_id=0123456789abcdef0123456789abcdef", "", 404, "RESOURCE_DOES_NOT_EXIST" });
    /* clang-format on */
    end(&f);
}

TEST(models_versions_aliases_and_stages) {
    Fixture f;
    begin(&f);
    begin_run(&f);
    /* clang-format off */
    STEPS(&f,
        { "create", "POST", A "registered-models/create", "{\"name\":\"m\",\"description\":\"d\"}", 200, "\"registered_model\":{\"name\":\"m\"" },
        { "twice", "POST", A "registered-models/create", "{\"name\":\"m\"}", 400, "RESOURCE_ALREADY_EXISTS" },
        { "version", "POST", A "model-versions/create", "{\"name\":\"m\",\"source\":\"runs:/@/model\",\"run_id\":\"@\",\"tags\":[{\"key\":\"t\",\"value\":\"u\"}]}", 200, "\"version\":\"1\"" },
        { "of no model", "POST", A "model-versions/create", "{\"name\":\"x\",\"source\":\"runs:/@/model\"}", 404, "RESOURCE_DOES_NOT_EXIST" },
        { "no source", "POST", A "model-versions/create", "{\"name\":\"m\"}", 400, "'source'" },
        { "second", "POST", A "model-versions/create", "{\"name\":\"m\",\"source\":\"mlflow-artifacts:/0/x\"}", 200, "\"status\":\"READY\"" },
        { "uri", "GET", A "model-versions/get-download-uri?name=m&version=1", "", 200, "/artifacts/model\"}" },
        { "stage", "POST", A "model-versions/transition-stage", "{\"name\":\"m\",\"version\":\"1\",\"stage\":\"production\",\"archive_existing_versions\":false}", 200, "\"current_stage\":\"Production\"" },
        { "odd stage", "POST", A "model-versions/transition-stage", "{\"name\":\"m\",\"version\":\"1\",\"stage\":\"Live\"}", 400, "Invalid Model Version stage" },
        { "archive", "POST", A "model-versions/transition-stage", "{\"name\":\"m\",\"version\":2,\"stage\":\"Production\",\"archive_existing_versions\":true}", 200, "\"version\":\"2\"" },
        { "archived", "GET", A "model-versions/get?name=m&version=1", "", 200, "\"current_stage\":\"Archived\"" },
        { "latest", "POST", A "registered-models/get-latest-versions", "{\"name\":\"m\",\"stages\":[\"Production\"]}", 200, "{\"model_versions\":[{\"name\":\"m\",\"version\":\"2\"" },
        { "alias", "POST", A "registered-models/alias", "{\"name\":\"m\",\"alias\":\"champion\",\"version\":\"1\"}", 200, "{}" },
        { "reserved alias", "POST", A "registered-models/alias", "{\"name\":\"m\",\"alias\":\"v1\",\"version\":\"1\"}", 400, "reserved" },
        { "by alias", "GET", A "registered-models/alias?name=m&alias=champion", "", 200, "\"aliases\":[\"champion\"]" },
        { "in the model", "GET", A "registered-models/get?name=m", "", 200, "\"aliases\":[{\"alias\":\"champion\",\"version\":\"1\"}]" },
        { "no alias", "DELETE", A "registered-models/alias", "{\"name\":\"m\",\"alias\":\"champion\"}", 200, "{}" },
        { "gone", "GET", A "registered-models/alias?name=m&alias=champion", "", 400, "not found" },
        { "version tag", "POST", A "model-versions/set-tag", "{\"name\":\"m\",\"version\":\"1\",\"key\":\"k\",\"value\":\"v\"}", 200, "{}" },
        { "version words", "PATCH", A "model-versions/update", "{\"name\":\"m\",\"version\":\"1\",\"description\":\"good\"}", 200, "\"description\":\"good\"" },
        { "search by run", "GET", A "model-versions/search?filter=run_id%3D%27@%27", "", 200, "\"key\":\"k\"" },
        { "search by name", "GET", A "model-versions/search?filter=name%3D%27m%27&order_by=version_number%20ASC&max_results=1", "", 200, "\"next_page_token\":\"" },
        { "models", "GET", A "registered-models/search?filter=name+ILIKE+%27M%25%27&max_results=1000", "", 200, "\"latest_versions\":[" },
        { "no prompts", "GET", A "registered-models/search?filter=tag.%60mlflow.prompt.is_prompt%60+%21%3D+%27true%27", "", 200, "\"name\":\"m\"" },
        { "prompts", "GET", A "registered-models/search?filter=tag.%60mlflow.prompt.is_prompt%60+%3D+%27true%27", "", 200, "{\"registered_models\":[]}" },
        { "too many models", "GET", A "registered-models/search?max_results=1001", "", 400, "max_results" },
        { "rename", "POST", A "registered-models/rename", "{\"name\":\"m\",\"new_name\":\"n\"}", 200, "\"name\":\"n\"" },
        { "old name", "GET", A "registered-models/get?name=m", "", 404, "RESOURCE_DOES_NOT_EXIST" },
        { "update", "PATCH", A "registered-models/update", "{\"name\":\"n\",\"description\":\"new\"}", 200, "\"description\":\"new\"" },
        { "model tag", "POST", A "registered-models/set-tag", "{\"name\":\"n\",\"key\":\"k\",\"value\":\"v\"}", 200, "{}" },
        { "no model tag", "DELETE", A "registered-models/delete-tag", "{\"name\":\"n\",\"key\":\"k\"}", 200, "{}" },
        { "delete version", "DELETE", A "model-versions/delete", "{\"name\":\"n\",\"version\":\"2\"}", 200, "{}" },
        { "no version", "GET", A "model-versions/get?name=n&version=2", "", 404, "RESOURCE_DOES_NOT_EXIST" },
        { "delete", "DELETE", A "registered-models/delete", "{\"name\":\"n\"}", 200, "{}" },
        { "the UI's paths", "GET", "/ajax-api/2.0/mlflow/registered-models/search", "", 200, "{\"registered_models\":[]}" });
    /* clang-format on */
    end(&f);
}

#define F "/api/2.0/mlflow-artifacts/artifacts"

TEST(files_go_through_the_server) {
    Fixture f;
    begin(&f);
    begin_run(&f);
    /* clang-format off */
    STEPS(&f,
        { "put", "PUT", F "/0/r/artifacts/model/weights%20a", "bytes", 200, "{}" },
        { "get", "GET", F "/0/r/artifacts/model/weights%20a", "", 200, "bytes" },
        { "list: bare names", "GET", F "?path=0/r/artifacts/model", "", 200, "{\"files\":[{\"path\":\"weights a\",\"is_dir\":false,\"file_size\":5}]}" },
        { "list: folders", "GET", F "?path=0/r/artifacts", "", 200, "{\"path\":\"model\",\"is_dir\":true}" },
        { "none", "GET", F "/0/r/artifacts/none", "", 404, "RESOURCE_DOES_NOT_EXIST" },
        { "a way out", "GET", F "/0/%2e%2e/%2e%2e/etc/passwd", "", 400, "Invalid path" },
        { "twice encoded", "PUT", F "/0/%252e%252e/x", "x", 400, "Invalid path" },
        { "a way out of a list", "GET", F "?path=../..", "", 400, "Invalid path" },
        { "delete", "DELETE", F "/0/r/artifacts/model", "", 200, "{}" },
        { "gone", "GET", F "/0/r/artifacts/model/weights%20a", "", 404, NULL },
        { "parts", "POST", "/api/2.0/mlflow-artifacts/mpu/create/0/x", "{}", 501, "NOT_IMPLEMENTED" },
        { "a run's files, none yet", "GET", A "artifacts/list?run_id=@", "", 200, "\"files\":[]" });
    /* clang-format on */
    Str path = str_fmt(&f.t.arena, F "/0/" STR_FMT "/artifacts/model/card.json", STR_ARG(f.run));
    ask(&f, "PUT", str_cz(&f.t.arena, path), "{}");
    CHECK_EQ(f.status, 200);
    /* clang-format off */
    STEPS(&f,
        { "a run's files", "GET", A "artifacts/list?run_id=@", "", 200, "{\"path\":\"model\",\"is_dir\":true}" },
        { "from the run's root", "GET", A "artifacts/list?run_id=@&path=model", "", 200, "{\"path\":\"model/card.json\",\"is_dir\":false,\"file_size\":2}" });
    /* clang-format on */
    end(&f);
}

TEST(what_is_not_understood_is_told_in_mlflows_words) {
    Fixture f;
    begin(&f);
    /* clang-format off */
    STEPS(&f,
        { "unknown", "GET", A "nothing/here", "", 404, "\"error_code\":\"ENDPOINT_NOT_FOUND\"" },
        { "another method", "GET", A "runs/create", "", 404, "ENDPOINT_NOT_FOUND" },
        { "logged models", "POST", A "logged-models", "{}", 404, "ENDPOINT_NOT_FOUND" },
        { "there are none", "POST", A "logged-models/search", "{\"experiment_ids\":[\"0\"]}", 200, "{\"models\":[]}" },
        { "no JSON", "POST", A "runs/create", "{\"experiment_id\":", 400, "BAD_REQUEST" },
        { "a list", "POST", A "runs/create", "[]", 400, "BAD_REQUEST" },
        { "another kind", "POST", A "experiments/create", "{\"name\":{\"a\":1}}", 400, "Invalid value for parameter 'name'" },
        { "tags of another kind", "POST", A "experiments/create", "{\"name\":\"x\",\"tags\":{\"a\":\"b\"}}", 400, "INVALID_PARAMETER_VALUE" },
        { "unknown members", "POST", A "experiments/create", "{\"name\":\"y\",\"more\":[1,{\"a\":null}]}", 200, "experiment_id" },
        { "a null", "POST", A "experiments/create", "{\"name\":null}", 400, "Missing value" });
    /* clang-format on */
    end(&f);
}

TEST(who_may_ask_what) {
    static const struct {
        const char *name, *path;
        Role want;
    } rows[] = { { "GET", "/api/2.0/mlflow/runs/get", ROLE_READ },
                 { "POST", "/api/2.0/mlflow/runs/search", ROLE_READ },
                 { "POST", "/api/2.0/mlflow/runs/create", ROLE_WRITE },
                 { "DELETE", "/api/2.0/mlflow/registered-models/delete", ROLE_WRITE },
                 { "GET", "/api/2.0/mlflow-artifacts/artifacts/a", ROLE_READ },
                 { "PUT", "/api/2.0/mlflow-artifacts/artifacts/a/search", ROLE_WRITE },
                 { "POST", "/api/2.0/mlflow-artifacts/artifacts/search", ROLE_WRITE } };
    EACH_ROW (r, rows)
        CHECK_EQ(mlflow_needs(str_c(r->name), str_c(r->path)), r->want);
}

TESTS(T(experiments_are_made_found_renamed_deleted_and_restored), T(a_run_goes_its_usual_way),
      T(models_versions_aliases_and_stages), T(files_go_through_the_server),
      T(what_is_not_understood_is_told_in_mlflows_words), T(who_may_ask_what))
