/* adapters/registry/sqlite.c - see sqlite.h: opening, closing, and the table of ops. */

#include "adapters/registry/internal.h"

#include "ports/registry_filter.h"

#include <sqlite3.h>

static Str text_value(sqlite3_value *v) {
    const char *p = sqlite3_value_blob(v);
    return str_n(p, p ? (size_t)sqlite3_value_bytes(v) : 0);
}

/* ml_like(pattern, text, any case): SQLite's own LIKE folds letters always. */
static void sql_like(sqlite3_context *call, int n, sqlite3_value **v) {
    UNUSED(n);
    sqlite3_result_int(call, filter_like(text_value(v[0]), text_value(v[1]), sqlite3_value_int(v[2]) != 0));
}

static int on_opened(void *arg, Db *db, Ctx *cx) {
    UNUSED(arg);
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function(db->handle, "ml_like", 3, flags, NULL, sql_like, NULL, NULL) != SQLITE_OK)
        return db_fail(db, cx, "add a function");
    return 0;
}

static int do_snapshot(ModelRegistry *r, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return db_owner_snapshot(owner_of(r), cx, piece, arg);
}

static void do_close(ModelRegistry *r) {
    db_owner_close(owner_of(r));
    mem_free(r);
}

static const ModelRegistryOps ops = { .name = "sqlite",
                                      .experiment_create = do_experiment_create,
                                      .experiment = do_experiment,
                                      .experiments = do_experiments,
                                      .experiment_rename = do_experiment_rename,
                                      .experiment_life = do_experiment_life,
                                      .run_create = do_run_create,
                                      .run = do_run,
                                      .runs = do_runs,
                                      .run_update = do_run_update,
                                      .run_life = do_run_life,
                                      .log = do_log,
                                      .history = do_history,
                                      .tag_set = do_tag_set,
                                      .tag_drop = do_tag_drop,
                                      .model_create = do_model_create,
                                      .model = do_model,
                                      .models = do_models,
                                      .model_rename = do_model_rename,
                                      .model_describe = do_model_describe,
                                      .model_delete = do_model_delete,
                                      .alias_set = do_alias_set,
                                      .alias_drop = do_alias_drop,
                                      .version_create = do_version_create,
                                      .version = do_version,
                                      .versions = do_versions,
                                      .version_describe = do_version_describe,
                                      .version_delete = do_version_delete,
                                      .version_stage = do_version_stage,
                                      .file_put = do_file_put,
                                      .file_get = do_file_get,
                                      .file_size = do_file_size,
                                      .file_list = do_file_list,
                                      .file_remove = do_file_remove,
                                      .gc = do_gc,
                                      .snapshot = do_snapshot,
                                      .close = do_close };

int registry_sqlite_open(Ctx *cx, const RegistrySqliteOptions *o, ModelRegistry **out) {
    assert(o->ids);
    Registry *s = mem_new(Registry);
    *s = (Registry){ .registry = { .ops = &ops }, .files = o->files, .ids = o->ids };
    DbOwnerOptions owner = { .path = o->path,
                             .vfs = o->vfs,
                             .table = registry_sql,
                             .schema = &registry_schema,
                             .lazy = o->lazy,
                             .opened = on_opened };
    int r = db_owner_open(&s->owner, cx, &owner);
    if (r != 0) {
        mem_free(s);
        return r;
    }
    *out = &s->registry;
    return 0;
}
