/* adapters/sqlite/schema.c - see schema.h. */

#include "adapters/sqlite/schema.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

int schema_version(Db *db, Ctx *cx, const Schema *schema, int *out) {
    int64_t tables, id, version;
    int r = db_pragma_i64(db, cx, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r == 0)
        r = db_pragma_i64(db, cx, "PRAGMA application_id", &id);
    if (r)
        return r;
    *out = 0;
    if (tables == 0)
        return 0;
    if (id != schema->application_id)
        return err_set(cx, ERR_CORRUPT, "%s is a database of another program: name another data directory", db->path);
    r = db_pragma_i64(db, cx, "SELECT value FROM meta WHERE name='schema_version'", &version);
    if (r == 0 && (version < 1 || version > INT16_MAX))
        r = err_set(cx, ERR_CORRUPT, "%s: schema version %lld makes no sense", db->path, (long long)version);
    if (r == 0)
        *out = (int)version;
    return r;
}

static int refuse_newer(Db *db, Ctx *cx, const Schema *schema, int version) {
    return err_set(cx, ERR_VERSION,
                   "%s was written by a newer FinSight (schema %d, this program knows %d): use that program, or take "
                   "the file down with its `migrate` first",
                   db->path, version, schema->newest);
}

/* Foot by foot: the statements of one step and its number, or nothing. */
static int take_step(Db *db, Ctx *cx, const Schema *schema, int from, int to) {
    const SchemaStep *step = &schema->steps[MAX(from, to) - 1];
    const char *sql = to > from ? step->up : step->down;
    assert(sql);
    char version[160];
    snprintf(version, sizeof version,
             "PRAGMA application_id=%d; INSERT OR REPLACE INTO meta(name, value) VALUES('schema_version', %d)",
             schema->application_id, to);
    int r = db_run(db, cx, SQL_BEGIN_WRITE, "");
    if (r == 0)
        r = db_exec(db, cx, sql);
    if (r == 0)
        r = db_exec(db, cx, version);
    if (r == 0)
        r = db_run(db, cx, SQL_COMMIT, "");
    if (r) {
        Err kept = cx->err;
        db_run(db, cx, SQL_ROLLBACK, "");
        cx->err = kept;
        err_prefix(cx, "schema %d to %d", from, to);
    }
    return r;
}

static int check_loss(Db *db, Ctx *cx, const Schema *schema, int from) {
    const SchemaStep *step = &schema->steps[from - 1];
    int64_t n = 0;
    int r = step->lost ? db_pragma_i64(db, cx, step->lost, &n) : 0;
    if (r == 0 && n > 0)
        r = err_set(cx, ERR_CONFLICT, "%s: schema %d cannot hold its %lld %s: remove them first", db->path, from - 1,
                    (long long)n, step->what);
    return r;
}

int schema_migrate(Db *db, Ctx *cx, const Schema *schema, int version) {
    assert(version >= 1 && version <= schema->newest);
    int at;
    int r = schema_version(db, cx, schema, &at);
    if (r == 0 && at > schema->newest)
        r = refuse_newer(db, cx, schema, at);
    while (r == 0 && at != version) {
        int next = at < version ? at + 1 : at - 1;
        if (next < at)
            r = check_loss(db, cx, schema, at);
        if (r == 0)
            r = take_step(db, cx, schema, at, next);
        at = next;
    }
    return r;
}

int schema_check(Db *db, Ctx *cx, const Schema *schema) {
    int version;
    int r = schema_version(db, cx, schema, &version);
    if (r)
        return r;
    if (version > schema->newest)
        return refuse_newer(db, cx, schema, version);
    if (version < schema->newest)
        return err_set(cx, ERR_VERSION,
                       "%s has schema %d and is opened read-only: open it for writing once, to migrate", db->path,
                       version);
    return 0;
}

int schema_prepare(Db *db, Ctx *cx, const Schema *schema, SchemaBackup *backup, void *arg) {
    int version;
    int r = schema_version(db, cx, schema, &version);
    if (r == 0 && version > schema->newest)
        r = refuse_newer(db, cx, schema, version);
    if (r == 0 && version > 0 && version < schema->newest)
        r = backup(arg, cx, version);
    return r ? r : schema_migrate(db, cx, schema, schema->newest);
}

int schema_backup(Db *db, Ctx *cx, int old_version) {
    const char *copy = str_cz(cx->arena, str_fmt(cx->arena, "%s.v%d", db->path, old_version));
    const char *part = str_cz(cx->arena, str_fmt(cx->arena, "%s.part", copy));
    if (file_exists(copy))
        return 0; /* of an earlier try: the file has not changed since, or the step would be done */
    int r = file_remove(cx, part);
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", part);
    if (r == 0)
        r = db_exec(db, cx, sql);
    sqlite3_free(sql);
    if (r)
        return err_prefix(cx, "copying %s before its migration", db->path);
    int fd = open(part, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0 || rename(part, copy) != 0)
        r = file_fail(cx, errno, "keep the copy", part);
    if (fd >= 0)
        close(fd);
    return r ? r : dir_sync(cx, path_dir(cx->arena, copy));
}
