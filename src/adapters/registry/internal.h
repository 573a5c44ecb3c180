#pragma once

/* adapters/registry/internal.h - shared by the files of this folder only.
 *
 * Every op is a DbWork with its arguments in a struct; `do_…` in sqlite.c, experiments.c, models.c are the ops. */

#include "adapters/registry/sqlite.h"
#include "adapters/registry/tables.h"
#include "base/vec.h"

typedef struct Registry {
    ModelRegistry registry; /* first */
    DbOwner owner;
    ObjectStore *files;
    Ids *ids;
} Registry;

static inline DbOwner *owner_of(ModelRegistry *r) {
    return &((Registry *)r)->owner;
}

static inline Str text_at(Ctx *cx, sqlite3_stmt *st, int column) {
    return str_dup(cx->arena, db_text(st, column));
}

/* One row's first column; 1 it was there, 0 not. */
int one_i64(Db *db, Ctx *cx, sqlite3_stmt *st, int64_t *out);
int last_id(Db *db, Ctx *cx, int64_t *out);
int changed_rows(Db *db, Ctx *cx, int64_t *out);

/* An experiment, a run, … with its number in the tables. `whole`: with tags, metrics, versions. ERR_NOT_FOUND. */
int experiment_read(Db *db, Ctx *cx, Str id, Str name, int64_t *nr, MlExperiment *out);
int run_read(Db *db, Ctx *cx, Str id, int64_t *nr, MlRun *out);
int run_active(Db *db, Ctx *cx, Str id, int64_t *nr, MlRun *out); /* ERR_INVALID when it is deleted */
int model_read(Db *db, Ctx *cx, Str name, int64_t *nr, MlModel *out);
int version_read(Db *db, Ctx *cx, Str name, Str version, int64_t *nr, int64_t *model, MlVersion *out);
/* The columns of tables.h from a row, and what lies in other tables. */
void experiment_row(Ctx *cx, sqlite3_stmt *st, int64_t *nr, MlExperiment *out);
int run_row(Db *db, Ctx *cx, sqlite3_stmt *st, int64_t *nr, MlRun *out);
void model_row(Ctx *cx, sqlite3_stmt *st, int64_t *nr, MlModel *out);
int version_row(Db *db, Ctx *cx, sqlite3_stmt *st, int64_t *nr, int64_t *model, MlVersion *out);
int experiment_fill(Db *db, Ctx *cx, int64_t nr, MlExperiment *out);
int run_fill(Db *db, Ctx *cx, int64_t nr, MlRun *out);
int model_fill(Db *db, Ctx *cx, int64_t nr, MlModel *out);
int version_fill(Db *db, Ctx *cx, int64_t nr, int64_t model, MlVersion *out);
int tags_read(Db *db, Ctx *cx, MlOwnerKind kind, int64_t nr, MlTag **out, size_t *n);
int tags_write(Db *db, Ctx *cx, MlOwnerKind kind, int64_t nr, const MlTag *v, size_t n);

/* The ops, by file. */
int do_experiment_create(ModelRegistry *r, Ctx *cx, Str name, Str location, const MlTag *tags, size_t n, Str *id);
int do_experiment(ModelRegistry *r, Ctx *cx, Str id, Str name, MlExperiment *out);
int do_experiment_rename(ModelRegistry *r, Ctx *cx, Str id, Str name);
int do_experiment_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life);
int do_run_create(ModelRegistry *r, Ctx *cx, const MlRunNew *q, MlRun *out);
int do_run(ModelRegistry *r, Ctx *cx, Str id, MlRun *out);
int do_run_update(ModelRegistry *r, Ctx *cx, Str id, const MlRunUpdate *q, MlRun *out);
int do_run_life(ModelRegistry *r, Ctx *cx, Str id, MlLife life);
int do_log(ModelRegistry *r, Ctx *cx, Str run, const MlLog *q);
int do_history(ModelRegistry *r, Ctx *cx, Str run, Str key, size_t limit, Str token, MlMetric **out, size_t *n,
               Str *next);
int do_tag_set(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key, Str value);
int do_tag_drop(ModelRegistry *r, Ctx *cx, const MlOwner *of, Str key);
int do_model_create(ModelRegistry *r, Ctx *cx, Str name, Str description, const MlTag *tags, size_t n, MlModel *out);
int do_model(ModelRegistry *r, Ctx *cx, Str name, MlModel *out);
int do_model_rename(ModelRegistry *r, Ctx *cx, Str name, Str to, MlModel *out);
int do_model_describe(ModelRegistry *r, Ctx *cx, Str name, Str description, MlModel *out);
int do_model_delete(ModelRegistry *r, Ctx *cx, Str name);
int do_alias_set(ModelRegistry *r, Ctx *cx, Str name, Str alias, Str version);
int do_alias_drop(ModelRegistry *r, Ctx *cx, Str name, Str alias);
int do_version_create(ModelRegistry *r, Ctx *cx, const MlVersionNew *q, MlVersion *out);
int do_version(ModelRegistry *r, Ctx *cx, Str name, Str version, MlVersion *out);
int do_version_describe(ModelRegistry *r, Ctx *cx, Str name, Str version, Str description, MlVersion *out);
int do_version_delete(ModelRegistry *r, Ctx *cx, Str name, Str version);
int do_version_stage(ModelRegistry *r, Ctx *cx, Str name, Str version, MlStage stage, bool archive, MlVersion *out);
int do_experiments(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlExperiment **out, size_t *n, Str *next);
int do_runs(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlRun **out, size_t *n, Str *next);
int do_models(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlModel **out, size_t *n, Str *next);
int do_versions(ModelRegistry *r, Ctx *cx, const MlSearch *q, MlVersion **out, size_t *n, Str *next);
int do_file_put(ModelRegistry *r, Ctx *cx, Str path, Str bytes);
int do_file_get(ModelRegistry *r, Ctx *cx, Str path, int64_t at, size_t n, char *out, size_t *got);
int do_file_size(ModelRegistry *r, Ctx *cx, Str path, int64_t *out);
int do_file_list(ModelRegistry *r, Ctx *cx, Str path, MlFile **out, size_t *n);
int do_file_remove(ModelRegistry *r, Ctx *cx, Str path);
int files_remove_below(Registry *s, Ctx *cx, Str path, int64_t *n); /* the file and what lies in it as a folder */
int do_gc(ModelRegistry *r, Ctx *cx, Time before, MlGc *out);
