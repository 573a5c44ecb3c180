#pragma once

/* services/models/registry.h - trained forecasters as registered models: kept with their card, found, checked, promoted.
 *
 *     models_register    a run with its settings and figures, the weights and the card as its files, one version more
 *     models_resolve     "btc-1h", "btc-1h/3", "btc-1h@champion", "btc-1h/Production" -> the version
 *     models_load        its weights, refused where they are not those that were registered
 *     models_best        the best version by a metric
 *     models_promote     to Production and champion; not when repeating the last value is as good, unless forced
 *
 * Everything stands in the ModelRegistry as MLflow keeps it: figures are the run's metrics ("val_mse", "val_naive_mse",
 * "test_mse", "test_naive_mse", …), settings its parameters, the rest tags of the version (models_tags below); so all of
 * it works on an MLflow server too, and its client sees it.
 *
 * Threads: any. */

#include "forecast/artifact.h"
#include "ports/model_registry.h"
#include "ports/object_store.h"

typedef struct Models Models;

enum { MODELS_NONE = 1 }; /* > 0: nothing that fits */

#define MODEL_CHAMPION   S("champion")                /* the alias of what is promoted */
#define MODEL_TAG_SHA256 S("finsight.weights_sha256") /* of the file below */
#define MODEL_TAG_FILE   S("finsight.weights")        /* path of the weights below the version's source */
#define MODEL_TAG_KIND   S("finsight.model")          /* "dlinear", "ensemble" … */
#define MODEL_TAG_BEATS  S("finsight.beats_naive")    /* "true" or "false", on validation */
#define MODEL_TAG_FORCED S("finsight.forced")         /* "true": promoted although it does not */
#define MODEL_TAG_DATA   S("finsight.data_sha256")
#define MODEL_TAG_PARENT S("finsight.parent") /* lineage: the version it was trained on from; may be missing */

typedef struct ModelsOptions {
    ModelRegistry *registry; /* stays the caller's */
    ObjectStore *cache;      /* borrowed; weights by hash, so that the registry is asked once; NULL = none */
    size_t cache_max;        /* bytes there; what was put first goes first. 0 = 1 GiB */
    size_t weights_max;      /* bytes of a model's weights; 0 = ARTIFACT_MAX */
} ModelsOptions;

Models *models_new(const ModelsOptions *o);
Models *models_free(Models *m); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Models *, models_free)
ModelRegistry *models_registry(Models *m); /* for lists, searches, listeners (ml_listen) */

typedef struct ModelVersion {
    MlVersion v;
    Str sha256; /* of the weights; empty: not one of ours (a client of MLflow registered it) */
    Str kind;
    bool beats_naive, forced;
    ArtifactFigures val, test; /* of its run; NaN where it has none */
    Str data_sha256, parent;
} ModelVersion;

typedef struct ModelRegister {
    Str name;       /* [A-Za-z0-9._-], at most 128 bytes */
    Str weights;    /* what forecast_train wrote; its seal and card are checked before anything is kept */
    Str experiment; /* empty: "finsight" */
    Str parent;     /* version it goes back to; empty = none */
    Str command;    /* how it was trained; for the card; may be empty */
    double seconds; /* training took; 0 = not known */
    size_t epochs;
    const MlTag *tags; /* of the version, besides ours */
    size_t n_tags;
} ModelRegister;

/* One call, whole or not at all (PRD-06): when a step fails, the version, the files and the run of the steps before it are
 * taken back (a kill between leaves a run that is RUNNING and no version: ml_gc finds it). The version is in stage None. */
int models_register(Models *m, Ctx *cx, const ModelRegister *q, ModelVersion *out);

/* NAME: the champion, else the newest in Production, else MODELS_NONE. NAME/VERSION, NAME/STAGE (the newest there),
 * NAME/latest, NAME@ALIAS; "models:/" may stand before. 0, MODELS_NONE: no such model, version …, ErrCode. */
int models_resolve(Models *m, Ctx *cx, Str ref, ModelVersion *out);
int models_version(Models *m, Ctx *cx, Str name, Str version, ModelVersion *out); /* MODELS_NONE */
int models_versions(Models *m, Ctx *cx, Str name, ModelVersion **out, size_t *n); /* newest first; MODELS_NONE */

typedef struct ModelWeights {
    Str bytes; /* for artifact_read */
    bool warm; /* from the cache */
    double seconds;
} ModelWeights;

/* PRD-08, PRD-14. ERR_CORRUPT: the bytes are not those whose hash was registered, or no artifact; nothing of them is
 * given out, and a copy in the cache that went bad is dropped and fetched again. ERR_NOT_FOUND: the file is gone. */
int models_load(Models *m, Ctx *cx, const ModelVersion *v, ModelWeights *out);

typedef struct ModelBest {
    Str metric;    /* empty: "val_mse" */
    bool larger;   /* the larger is the better one */
    bool archived; /* look at archived versions too */
} ModelBest;

/* PRD-13. Versions without the metric, or where it is NaN, do not take part; of equals the newest wins; versions whose run
 * is deleted and, unless asked for, archived ones are left out. MODELS_NONE: none takes part. */
int models_best(Models *m, Ctx *cx, Str name, const ModelBest *q, ModelVersion *out);

typedef struct ModelPromote {
    MlStage stage; /* ML_STAGE_NONE: Production */
    bool forced;   /* even if it does not beat the last value; the version is marked */
    bool keep;     /* leave others in that stage; else they are archived */
} ModelPromote;

/* To a stage; Production also gets the alias "champion". The weights are loaded and checked first. ERR_CONFLICT: it does
 * not beat repeating the last value on validation (words give both errors and say how to force it). */
int models_promote(Models *m, Ctx *cx, const ModelVersion *v, const ModelPromote *q, ModelVersion *out);

/* The card: data, settings, figures beside those of the last value, hash, lineage. */
int models_card_json(Models *m, Ctx *cx, const ModelVersion *v, JsonWriter *w);
int models_card_markdown(Models *m, Ctx *cx, const ModelVersion *v, Buf *out);
