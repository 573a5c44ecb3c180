/* The model registry contract on adapters/registry/mlflow (PRD-07): on the MLflow server that FINSIGHT_TEST_MLFLOW names
 * (tests/peers/mlflow_server runs a real one, tests/e2e/test_mlflow_adapter.py ours). FINSIGHT_TEST_MLFLOW_S3 has the words of
 * object_store_s3.c and the server's root: then files go straight to the bucket. */

#include "adapters/clock/system.h"
#include "adapters/http/curl.h"
#include "adapters/object/s3.h"
#include "adapters/registry/mlflow.h"
#include "contract/model_registry.h"

typedef struct World {
    Clock clock;
    Ids ids;
    HttpClient *http;
    ObjectStore *files;
    Str root;
    Arena arena;
} World;

static World w;
static char stamp[32]; /* the server outlives the suite */

static void open_files(TestCtx *t, Str words) {
    S3Options o = { .http = w.http, .ids = &w.ids, .allow_private = true };
    str_next(&words, ' ', &o.endpoint);
    str_next(&words, ' ', &o.bucket);
    str_next(&words, ' ', &o.access_key);
    str_next(&words, ' ', &o.secret_key);
    str_next(&words, ' ', &w.root);
    Str prefix = str_from(w.root, sizeof "s3://" - 1 + o.bucket.n + 1);
    o.prefix = prefix.n ? str_fmt(&w.arena, STR_FMT "/", STR_ARG(prefix)) : prefix;
    CHECK_OK_PLAIN(&t->cx, object_s3_open(&t->cx, &o, &w.files));
}

static ModelRegistry *open_mlflow(TestCtx *t, const char *dir) {
    const char *url = getenv("FINSIGHT_TEST_MLFLOW"), *s3 = getenv("FINSIGHT_TEST_MLFLOW_S3");
    ModelRegistry *r = NULL;
    UNUSED(dir);
    if (!w.http) {
        clock_system_init(&w.clock);
        ids_system_init(&w.ids);
        snprintf(stamp, sizeof stamp, "-%llx", (unsigned long long)ids_u64(&w.ids));
        CHECK_OK_PLAIN(&t->cx, http_curl_open(&t->cx, NULL, &w.http));
        if (s3)
            open_files(t, str_c(s3));
    }
    t->cx.clock = &w.clock;
    RegistryMlflowOptions o = { .http = w.http,
                                .ids = &w.ids,
                                .url = str_c(url),
                                .token = str_c(getenv("FINSIGHT_TEST_MLFLOW_TOKEN")),
                                .allow_private = true,
                                .files = w.files,
                                .files_root = w.root };
    CHECK_OK_PLAIN(&t->cx, registry_mlflow_open(&t->cx, &o, &r));
    return r;
}

static void close_mlflow(ModelRegistry *r) {
    model_registry_close(r);
}

/* The number of a version comes again on MLflow's own server after the newest was deleted: its stores count from what is
 * left. */
const ModelRegistryMaker model_registry_maker = {
    .name = "mlflow", .open = open_mlflow, .close = close_mlflow, .stamp = stamp, .persistent = true
};
