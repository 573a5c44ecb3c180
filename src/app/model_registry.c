/* app/model_registry.c - see model_registry.h. */

#include "app/model_registry.h"

#include "adapters/http/curl.h"
#include "adapters/registry/mlflow.h"
#include "adapters/registry/sqlite.h"
#include "app/objects.h"
#include "base/file.h"

static int open_builtin(Ctx *cx, const AppCfg *cfg, Ids *ids, ObjectStore **files, ModelRegistry **out) {
    bool kept = cfg->data_store != STORE_MEMORY;
    int r = app_objects_open(cx, cfg, ids, S("models"), path_join(cx->arena, cfg->data_dir, "models"), files);
    RegistrySqliteOptions o = { .path = kept ? path_join(cx->arena, cfg->data_dir, "models.db") : NULL,
                                .lazy = kept,
                                .files = *files,
                                .ids = ids };
    return r ? r : registry_sqlite_open(cx, &o, out);
}

static int open_mlflow(Ctx *cx, const AppCfg *cfg, Ids *ids, ObjectStore **files, ModelRegistry **out) {
    RegistryMlflowOptions o = { .ids = ids,
                                .url = cfg->mlflow_url,
                                .user = cfg->mlflow_user,
                                .password = cfg->mlflow_password,
                                .token = cfg->mlflow_token,
                                .allow_private = true, /* the administrator named it */
                                .files_root = cfg->mlflow_artifacts };
    int r = cfg->mlflow_artifacts.n ? app_bucket_open(cx, cfg, ids, cfg->mlflow_artifacts, files) : 0;
    if (r == 0)
        r = http_curl_open(cx, NULL, &o.http);
    o.own_http = true;
    o.files = *files;
    return r ? r : registry_mlflow_open(cx, &o, out);
}

int app_model_registry_open(Ctx *cx, const AppCfg *cfg, Ids *ids, ObjectStore **files, ModelRegistry **out) {
    *files = NULL;
    return cfg->models_registry == MODELS_MLFLOW ? open_mlflow(cx, cfg, ids, files, out)
                                                 : open_builtin(cx, cfg, ids, files, out);
}
