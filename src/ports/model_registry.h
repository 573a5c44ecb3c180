#pragma once

/* ports/model_registry.h - experiments and their runs, registered models and their versions, and the files of both.
 *
 * The words, ids, limits and the language of filters are MLflow's, so that a real MLflow server can stand behind the
 * port and its client in front of it.
 *
 * Adapters:  adapters/registry/sqlite (control rows in SQLite, files in an ObjectStore); an MLflow server.
 * Used by:   services/models; api/mlflow, which gives the port away as MLflow's REST API.
 * Memory:    results go to cx->arena; an adapter keeps no pointer of the caller's.
 * Threads:   any.
 * Durable:   a change is synced before the call returns; one that failed left nothing, or (ml_log of many) a prefix.
 * Failures:  ERR_NOT_FOUND no such experiment, run, model …; ERR_CONFLICT there is one of that name; ERR_INVALID a value,
 *            or what is deleted is to be changed; ERR_CORRUPT a file whose bytes are not those that were put.
 * Contract:  tests/contract/model_registry.h runs against every adapter. */

#include "base/ctx.h"
#include "base/sha256.h"
#include "ports/snapshot.h"

typedef struct ModelRegistry ModelRegistry;

enum {
    ML_NAME_MAX = 250,       /* keys of metrics, parameters, tags; names of models and aliases */
    ML_EXPERIMENT_MAX = 500, /* bytes of an experiment's name */
    ML_PARAM_MAX = 6000,     /* bytes of a parameter's value */
    ML_TAG_MAX = 8000,       /* bytes of a tag's value */
    ML_TEXT_MAX = 100000,    /* bytes of a description */
    ML_BATCH_METRICS = 1000, /* of one ml_log */
    ML_BATCH_PARAMS = 100,   /* … */
    ML_BATCH_TAGS = 100,     /* … */
    ML_BATCH_MAX = 1000,     /* … in all */
    ML_PAGE_MAX = 50000,     /* rows of one answer */
    ML_PATH_MAX = 500,       /* bytes of a file's path */
    ML_FILE_MAX = 1 << 30,   /* bytes of a file */
    ML_LISTENERS_MAX = 8,
};

typedef struct MlTag { /* also a parameter */
    Str key, value;
} MlTag;

typedef struct MlMetric {
    Str key;
    double value; /* may be NaN; infinities are kept as ±DBL_MAX, as MLflow's stores do */
    Time at;
    int64_t step;
} MlMetric;

typedef enum MlLife { ML_ACTIVE, ML_DELETED } MlLife;
typedef enum MlView { ML_VIEW_ACTIVE, ML_VIEW_DELETED, ML_VIEW_ALL } MlView;
typedef enum MlStatus { ML_RUNNING = 1, ML_SCHEDULED, ML_FINISHED, ML_FAILED, ML_KILLED } MlStatus;
typedef enum MlStage { ML_STAGE_NONE, ML_STAGE_STAGING, ML_STAGE_PRODUCTION, ML_STAGE_ARCHIVED } MlStage;
typedef enum MlReady { ML_READY, ML_PENDING, ML_REGISTRATION_FAILED } MlReady;

typedef struct MlExperiment {
    Str id, name, artifact_location;
    MlLife life;
    Time created, updated;
    MlTag *tags;
    size_t n_tags;
} MlExperiment;

typedef struct MlRun {
    Str id, experiment, name, user, artifact_uri;
    MlStatus status;
    MlLife life;
    Time started, ended; /* ended ms 0 = not yet */
    MlMetric *metrics;   /* the newest value of each key (highest step, then time, then value), by key */
    MlTag *params, *tags;
    size_t n_metrics, n_params, n_tags;
} MlRun;

typedef struct MlAlias {
    Str alias, version;
} MlAlias;

typedef struct MlVersion {
    Str name, version; /* "1", "2", …: one more than ever before under the name, never used again */
    MlStage stage;
    MlReady ready;
    Time created, updated;
    Str source, run_id, run_link, description, user;
    Str *aliases;
    MlTag *tags;
    size_t n_aliases, n_tags;
} MlVersion;

typedef struct MlModel {
    Str name, description;
    Time created, updated;
    MlVersion *latest; /* the newest READY version of each stage that has one */
    MlAlias *aliases;
    MlTag *tags;
    size_t n_latest, n_aliases, n_tags;
} MlModel;

typedef struct MlFile {
    Str path; /* from the root asked for */
    bool is_dir;
    int64_t size; /* of a folder 0 */
} MlFile;

/* One page of a search. filter and order_by are MLflow's text (ports/registry_filter.h); empty: all, in the default order:
 * runs by start, newest first; experiments and versions by last change, newest first; models by name. */
typedef struct MlSearch {
    const Str *experiments; /* of runs: required */
    size_t n_experiments;
    Str filter;
    const Str *order_by;
    size_t n_order_by;
    MlView view;    /* of experiments and runs */
    size_t limit;   /* 1 .. ML_PAGE_MAX */
    Str page_token; /* empty: from the beginning; else `next` of the page before, of the same search */
} MlSearch;

typedef struct MlRunNew {
    Str experiment, name, user; /* name empty: one is made up */
    Time started;               /* ms 0: now */
    const MlTag *tags;
    size_t n_tags;
} MlRunNew;

typedef struct MlRunUpdate { /* zero or empty: as it is */
    MlStatus status;
    Time ended;
    Str name;
} MlRunUpdate;

/* What one run has to say, of one moment: all of it or none. Parameters are written once: the same value again is fine,
 * another one ERR_INVALID. */
typedef struct MlLog {
    const MlMetric *metrics;
    const MlTag *params, *tags;
    size_t n_metrics, n_params, n_tags;
} MlLog;

typedef struct MlVersionNew {
    Str name, source, run_id, run_link, description, user;
    const MlTag *tags;
    size_t n_tags;
} MlVersionNew;

/* Who a tag belongs to. */
typedef enum MlOwnerKind { ML_OF_EXPERIMENT, ML_OF_RUN, ML_OF_MODEL, ML_OF_VERSION } MlOwnerKind;
typedef struct MlOwner {
    MlOwnerKind kind;
    Str id; /* of an experiment or a run; a model's name */
    Str version;
} MlOwner;

typedef struct MlGc { /* what ml_gc took away for good */
    int64_t runs, experiments, files;
} MlGc;

typedef struct ModelRegistryOps {
    const char *name;
    /* All required unless said otherwise. */
    int (*experiment_create)(ModelRegistry *r, Ctx *cx, Str name, Str location, const MlTag *tags, size_t n, Str *id);
    int (*experiment)(ModelRegistry *r, Ctx *cx, Str id, Str name,
                      MlExperiment *out); /* by the one that is not empty */
    int (*experiments)(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlExperiment **out, size_t *n, Str *next);
    int (*experiment_rename)(ModelRegistry *r, Ctx *cx, Str id, Str name);
    int (*experiment_life)(ModelRegistry *r, Ctx *cx, Str id, MlLife life); /* with its runs */

    int (*run_create)(ModelRegistry *r, Ctx *cx, const MlRunNew *q, MlRun *out);
    int (*run)(ModelRegistry *r, Ctx *cx, Str id, MlRun *out);
    int (*runs)(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlRun **out, size_t *n, Str *next);
    int (*run_update)(ModelRegistry *r, Ctx *cx, Str id, const MlRunUpdate *q, MlRun *out);
    int (*run_life)(ModelRegistry *r, Ctx *cx, Str id, MlLife life);
    int (*log)(ModelRegistry *r, Ctx *cx, Str run, const MlLog *q);
    /* Every value of one metric, in the order logged. */
    int (*history)(ModelRegistry *r, Ctx *cx, Str run, Str key, size_t limit, Str token, MlMetric **out, size_t *n,
                   Str *next);

    int (*tag_set)(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key, Str value);
    int (*tag_drop)(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key); /* ERR_NOT_FOUND of runs alone */

    int (*model_create)(ModelRegistry *r, Ctx *cx, Str name, Str description, const MlTag *tags, size_t n,
                        MlModel *out);
    int (*model)(ModelRegistry *r, Ctx *cx, Str name, MlModel *out);
    int (*models)(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlModel **out, size_t *n, Str *next);
    int (*model_rename)(ModelRegistry *r, Ctx *cx, Str name, Str to, MlModel *out);
    int (*model_describe)(ModelRegistry *r, Ctx *cx, Str name, Str description, MlModel *out);
    int (*model_delete)(ModelRegistry *r, Ctx *cx, Str name); /* with its versions and aliases; not their files */
    int (*alias_set)(ModelRegistry *r, Ctx *cx, Str name, Str alias, Str version);
    int (*alias_drop)(ModelRegistry *r, Ctx *cx, Str name, Str alias); /* fine when it is not there */

    int (*version_create)(ModelRegistry *r, Ctx *cx, const MlVersionNew *q, MlVersion *out);
    int (*version)(ModelRegistry *r, Ctx *cx, Str name, Str version, MlVersion *out);
    int (*versions)(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlVersion **out, size_t *n, Str *next);
    int (*version_describe)(ModelRegistry *r, Ctx *cx, Str name, Str version, Str description, MlVersion *out);
    int (*version_delete)(ModelRegistry *r, Ctx *cx, Str name, Str version);
    /* archive: what stood there before becomes Archived, in the same moment. */
    int (*version_stage)(ModelRegistry *r, Ctx *cx, Str name, Str version, MlStage stage, bool archive, MlVersion *out);

    /* Files. path is from the root of all files: "1/<run>/artifacts/model/weights"; ml_file_path makes it of a run's
     * artifact_uri. Put replaces; what failed left what was there. Get gives at most n bytes from `at` on: less only at
     * the end. List: what lies directly in a folder, by name; a folder that is not there is empty. Remove: a file, or
     * all below a folder. */
    int (*file_put)(ModelRegistry *r, Ctx *cx, Str path, Str bytes);
    int (*file_get)(ModelRegistry *r, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got);
    int (*file_size)(ModelRegistry *r, Ctx *cx, Str path, int64_t *out);
    int (*file_list)(ModelRegistry *r, Ctx *cx, Str path, MlFile **out, size_t *n);
    int (*file_remove)(ModelRegistry *r, Ctx *cx, Str path);

    /* Optional. Takes away for good what was deleted before `before`: runs with their files, experiments that are empty. */
    int (*gc)(ModelRegistry *r, Ctx *cx, Time before, MlGc *out);
    /* Optional. The rows as at one moment (files are the object store's). */
    int (*snapshot)(ModelRegistry *r, Ctx *cx, SnapshotPiece *piece, void *arg);
    void (*close)(ModelRegistry *r);
} ModelRegistryOps;

/* What changed, told after the change lasts, on the thread that made it, whoever made it through this ModelRegistry (REST,
 * CLI, a training). Changes that others make on a shared MLflow server are not told: who needs them asks now and then. */
typedef enum MlChangeKind {
    ML_CHANGED_MODEL,   /* created, renamed, described, tagged, deleted */
    ML_CHANGED_VERSION, /* created, described, tagged */
    ML_CHANGED_STAGE,   /* of a version; the archived ones are not told one by one */
    ML_CHANGED_ALIAS,   /* set (version says to what) or dropped (version empty) */
    ML_DELETED_VERSION,
    ML_DELETED_MODEL,
} MlChangeKind;

typedef struct MlChange { /* borrowed for the call */
    MlChangeKind kind;
    Str name, version, alias;
    MlStage stage;
} MlChange;

typedef void MlListener(void *arg, Ctx *cx, const MlChange *change); /* quick; must not change the registry */

/* Tests make calls fail: asked at the start of each with the name of its op. 0 = go on. */
typedef int ModelRegistryFault(void *arg, Ctx *cx, const char *point);

struct ModelRegistry { /* the first member of every adapter's own struct */
    const ModelRegistryOps *ops;
    struct {
        MlListener *fn;
        void *arg;
    } listeners[ML_LISTENERS_MAX];
    size_t n_listeners;
    ModelRegistryFault *fault;
    void *fault_arg;
};

/* Before the registry is shared among threads. */
void ml_listen(ModelRegistry *r, MlListener *fn, void *arg);
/* Gateways tell changes they learned of by other ways (an MLflow server that was asked again). */
void ml_tell(ModelRegistry *r, Ctx *cx, const MlChange *change);

/* Callers use these: they check names, limits, deadline and cancel on the way in, and tell the listeners. */
int ml_experiment_create(ModelRegistry *r, Ctx *cx, Str name, Str location, const MlTag *tags, size_t n, Str *id);
int ml_experiment(ModelRegistry *r, Ctx *cx, Str id, MlExperiment *out);
int ml_experiment_named(ModelRegistry *r, Ctx *cx, Str name, MlExperiment *out); /* deleted ones too */
int ml_experiments(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlExperiment **out, size_t *n, Str *next);
int ml_experiment_rename(ModelRegistry *r, Ctx *cx, Str id, Str name);
int ml_experiment_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life);
int ml_run_create(ModelRegistry *r, Ctx *cx, const MlRunNew *q, MlRun *out);
int ml_run(ModelRegistry *r, Ctx *cx, Str id, MlRun *out);
int ml_runs(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlRun **out, size_t *n, Str *next);
int ml_run_update(ModelRegistry *r, Ctx *cx, Str id, const MlRunUpdate *q, MlRun *out);
int ml_run_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life);
int ml_log(ModelRegistry *r, Ctx *cx, Str run, const MlLog *q);
int ml_history(ModelRegistry *r, Ctx *cx, Str run, Str key, size_t limit, Str token, MlMetric **out, size_t *n,
               Str *next);
int ml_tag_set(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key, Str value);
int ml_tag_drop(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key);
int ml_model_create(ModelRegistry *r, Ctx *cx, Str name, Str description, const MlTag *tags, size_t n, MlModel *out);
int ml_model(ModelRegistry *r, Ctx *cx, Str name, MlModel *out);
int ml_models(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlModel **out, size_t *n, Str *next);
int ml_model_rename(ModelRegistry *r, Ctx *cx, Str name, Str to, MlModel *out);
int ml_model_describe(ModelRegistry *r, Ctx *cx, Str name, Str description, MlModel *out);
int ml_model_delete(ModelRegistry *r, Ctx *cx, Str name);
int ml_alias_set(ModelRegistry *r, Ctx *cx, Str name, Str alias, Str version);
int ml_alias_drop(ModelRegistry *r, Ctx *cx, Str name, Str alias);
int ml_alias(ModelRegistry *r, Ctx *cx, Str name, Str alias, MlVersion *out);
int ml_version_create(ModelRegistry *r, Ctx *cx, const MlVersionNew *q, MlVersion *out);
int ml_version(ModelRegistry *r, Ctx *cx, Str name, Str version, MlVersion *out);
int ml_versions(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlVersion **out, size_t *n, Str *next);
/* Every version of one model, the newest first; at most ML_PAGE_MAX. */
int ml_versions_of(ModelRegistry *r, Ctx *cx, Str name, MlVersion **out, size_t *n);
int ml_version_describe(ModelRegistry *r, Ctx *cx, Str name, Str version, Str description, MlVersion *out);
int ml_version_delete(ModelRegistry *r, Ctx *cx, Str name, Str version);
int ml_version_stage(ModelRegistry *r, Ctx *cx, Str name, Str version, MlStage stage, bool archive, MlVersion *out);
int ml_file_put(ModelRegistry *r, Ctx *cx, Str path, Str bytes);
int ml_file_get(ModelRegistry *r, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got);
int ml_file_get_all(ModelRegistry *r, Ctx *cx, Str path, size_t max, Str *out); /* ERR_TOO_LARGE past max */
int ml_file_size(ModelRegistry *r, Ctx *cx, Str path, int64_t *out);
int ml_file_list(ModelRegistry *r, Ctx *cx, Str path, MlFile **out, size_t *n);
int ml_file_remove(ModelRegistry *r, Ctx *cx, Str path);
int ml_gc(ModelRegistry *r, Ctx *cx, Time before, MlGc *out);                /* ERR_UNSUPPORTED without one */
int ml_snapshot(ModelRegistry *r, Ctx *cx, SnapshotPiece *piece, void *arg); /* ERR_UNSUPPORTED without one */
ModelRegistry *model_registry_close(ModelRegistry *r);                       /* NULL is fine; returns NULL */
DEFINE_CLEANUP(ModelRegistry *, model_registry_close)

/* --- words and small helps; pure --- */

const char *ml_stage_name(MlStage s);     /* "None", "Staging", "Production", "Archived" */
bool ml_stage_parse(Str s, MlStage *out); /* any case */
const char *ml_status_name(MlStatus s);   /* "RUNNING" … */
bool ml_status_parse(Str s, MlStatus *out);
const char *ml_ready_name(MlReady s);                   /* "READY" … */
const char *ml_life_name(MlLife s);                     /* "active", "deleted" */
Str ml_tag(const MlTag *v, size_t n, Str key);          /* its value, or empty */
bool ml_metric(const MlRun *run, Str key, double *out); /* false: there is none, or it is no number */
/* A path of files is not empty, relative, without ".", "..", empty segments, '\\', control characters, or a drive, however
 * often it was percent-encoded. */
bool ml_path_ok(Str path);
/* The path of `rel` (may be empty) below a location: "mlflow-artifacts:/1/<run>/artifacts" or
 * "mlflow-artifacts://host/1/…". ERR_INVALID: a location that lies elsewhere, or a path that cannot be. */
int ml_file_path(Ctx *cx, Str location, Str rel, Str *out);
/* Where a version's files lie: its source, or, where that is "runs:/RUN/rel" or "models:/NAME/VERSION", what it leads to. */
int ml_version_location(ModelRegistry *r, Ctx *cx, const MlVersion *v, Str *out);
