#pragma once

/* adapters/registry/mlflow.h - the ModelRegistry on an MLflow server (2.8 or newer), over its REST API 2.0; ours speaks it
 * as well.
 *
 * Files of runs whose artifact_uri is "mlflow-artifacts:/…" go through the server, which passes them on to its store. A server
 * that tells clients to go to S3 themselves ("s3://BUCKET/PREFIX/…") needs that store here: with `files`, its locations are
 * told as "mlflow-artifacts:/…" by this adapter, and files go straight there.
 *
 * Calls that only read are repeated after a time-out and a broken answer; all of them after 429, 502, 503 and 504.
 * What differs from other registries: a version's number may come again after the newest was deleted; what another
 * client changes on the server is not told to listeners; there is no gc. A file is read whole by the server: get sends a
 * range, and takes the whole where it is not honoured.
 * Threads: any. Calls block. */

#include "ports/http_client.h"
#include "ports/model_registry.h"
#include "ports/object_store.h"

typedef struct RegistryMlflowOptions { /* copied, but for http, ids and files, which outlive the registry */
    HttpClient *http;
    bool own_http;      /* closed with the registry, also when opening fails */
    Ids *ids;           /* of the jitter */
    Str url;            /* "http://127.0.0.1:5000", with a path where the server is below one */
    Str user, password; /* Basic; or */
    Str token;          /* Bearer; all empty: nobody is asked */
    bool allow_private; /* the server may have a private address */
    ObjectStore *files; /* may be NULL */
    Str files_root;     /* what stands for its keys in the server's locations: "s3://BUCKET/PREFIX" */
    int64_t timeout_ms; /* of one exchange; 0: 30,000; a file's gets ten times that */
    int attempts;       /* 0: 4 */
    int64_t backoff_ms; /* 0: 200 */
} RegistryMlflowOptions;

/* Calls nobody. ERR_INVALID: an option. */
int registry_mlflow_open(Ctx *cx, const RegistryMlflowOptions *o, ModelRegistry **out);
