/* adapters/store/sqlite_schema.c - see sqlite_schema.h.
 *
 * A step is data: SQL up, SQL down, and a question that must count 0 before the way down, because what it
 * counts would be lost. Each step runs in one transaction together with its version number, so a kill leaves
 * either version whole. A new file takes the same steps as an old one: no second definition to keep equal. */

#include "adapters/store/sqlite_schema.h"

#include "adapters/store/sqlite.h"

#include <stdio.h>

enum { APPLICATION_ID = 0x46534d4b }; /* "FSMK" in the file's header */

typedef struct SchemaStep {
    const char *up, *down;
    const char *lost; /* SELECT count(*), NULL = nothing is lost on the way down */
    const char *what; /* words for it */
} SchemaStep;

/* clang-format off */
static const SchemaStep STEPS[] = {
    { /* 1: candles, their coverage, changes and listings */
        .up =
            "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE series("
            "  id INTEGER PRIMARY KEY AUTOINCREMENT," /* never used twice: it is in caches and change logs */
            "  venue TEXT NOT NULL, symbol TEXT NOT NULL, timeframe TEXT NOT NULL,"
            "  provider TEXT NOT NULL, price INTEGER NOT NULL, adjustment INTEGER NOT NULL,"
            "  n INTEGER NOT NULL DEFAULT 0, n_synthetic INTEGER NOT NULL DEFAULT 0,"
            "  first_ms INTEGER NOT NULL DEFAULT 0, last_ms INTEGER NOT NULL DEFAULT 0,"
            "  revision INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,"
            "  UNIQUE(venue, symbol, timeframe, provider, price, adjustment));"
            "CREATE TABLE candle_block(" /* small columns first: the directory never touches overflow pages */
            "  series_id INTEGER NOT NULL, bucket INTEGER NOT NULL, n INTEGER NOT NULL,"
            "  n_synthetic INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,"
            "  revision INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY(series_id, bucket));"
            "CREATE TABLE candle_tail(" /* a blob, because a REAL column keeps neither -0 nor a checksum */
            "  series_id INTEGER NOT NULL, open_ms INTEGER NOT NULL, candle BLOB NOT NULL,"
            "  PRIMARY KEY(series_id, open_ms)) WITHOUT ROWID;"
            "CREATE TABLE coverage("
            "  series_id INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,"
            "  fetched_ms INTEGER NOT NULL, PRIMARY KEY(series_id, from_ms)) WITHOUT ROWID;"
            "CREATE TABLE change_log("
            "  sequence INTEGER PRIMARY KEY, series_id INTEGER NOT NULL, revision INTEGER NOT NULL,"
            "  from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL);"
            "CREATE TABLE listings("
            "  venue TEXT NOT NULL, symbol TEXT NOT NULL, instrument TEXT NOT NULL, base TEXT NOT NULL,"
            "  quote TEXT NOT NULL, asset INTEGER NOT NULL, status INTEGER NOT NULL,"
            "  tick_mantissa INTEGER NOT NULL, tick_scale INTEGER NOT NULL,"
            "  lot_mantissa INTEGER NOT NULL, lot_scale INTEGER NOT NULL,"
            "  notional_mantissa INTEGER NOT NULL, notional_scale INTEGER NOT NULL,"
            "  calendar TEXT NOT NULL, time_zone TEXT NOT NULL,"
            "  valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,"
            "  PRIMARY KEY(venue, symbol, valid_from)) WITHOUT ROWID;",
    },
    { /* 2: who told each coverage window; splits and dividends, applied when candles are read */
        .up =
            "ALTER TABLE coverage ADD COLUMN source TEXT NOT NULL DEFAULT '';"
            "CREATE TABLE corporate_action("
            "  instrument TEXT NOT NULL, ex_ms INTEGER NOT NULL, kind INTEGER NOT NULL,"
            "  mantissa INTEGER NOT NULL, scale INTEGER NOT NULL, known_ms INTEGER NOT NULL,"
            "  PRIMARY KEY(instrument, ex_ms, kind)) WITHOUT ROWID;",
        .down =
            "DROP TABLE corporate_action;"
            "ALTER TABLE coverage DROP COLUMN source;",
        .lost = "SELECT count(*) FROM corporate_action",
        .what = "corporate actions",
    },
};
/* clang-format on */

_Static_assert(ARRAY_LEN(STEPS) == STORE_SQLITE_SCHEMA, "a step a version");

int schema_version(Db *db, Ctx *cx, int *out) {
    int64_t tables, id, version;
    int r = db_pragma_i64(db, cx, "SELECT count(*) FROM sqlite_schema", &tables);
    if (r == 0)
        r = db_pragma_i64(db, cx, "PRAGMA application_id", &id);
    if (r)
        return r;
    *out = 0;
    if (tables == 0)
        return 0;
    if (id != APPLICATION_ID)
        return err_set(cx, ERR_CORRUPT, "%s is a database of another program: name another data directory", db->path);
    r = db_pragma_i64(db, cx, "SELECT value FROM meta WHERE name='schema_version'", &version);
    if (r == 0 && (version < 1 || version > INT16_MAX))
        r = err_set(cx, ERR_CORRUPT, "%s: schema version %lld makes no sense", db->path, (long long)version);
    if (r == 0)
        *out = (int)version;
    return r;
}

static int refuse_newer(Db *db, Ctx *cx, int version) {
    return err_set(cx, ERR_VERSION,
                   "%s was written by a newer FinSight (schema %d, this program knows %d): use that program, or take "
                   "the file down with its `migrate` first",
                   db->path, version, STORE_SQLITE_SCHEMA);
}

/* Foot by foot: the statements of one step and its number, or nothing. */
static int take_step(Db *db, Ctx *cx, int from, int to) {
    const SchemaStep *step = &STEPS[MAX(from, to) - 1];
    const char *sql = to > from ? step->up : step->down;
    assert(sql);
    char version[160];
    snprintf(version, sizeof version,
             "PRAGMA application_id=%d; INSERT OR REPLACE INTO meta(name, value) VALUES('schema_version', %d)",
             APPLICATION_ID, to);
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

static int check_loss(Db *db, Ctx *cx, int from) {
    const SchemaStep *step = &STEPS[from - 1];
    int64_t n = 0;
    int r = step->lost ? db_pragma_i64(db, cx, step->lost, &n) : 0;
    if (r == 0 && n > 0)
        r = err_set(cx, ERR_CONFLICT, "%s: schema %d cannot hold its %lld %s: remove them first", db->path, from - 1,
                    (long long)n, step->what);
    return r;
}

int schema_migrate(Db *db, Ctx *cx, int version) {
    assert(version >= 1 && version <= STORE_SQLITE_SCHEMA);
    int at;
    int r = schema_version(db, cx, &at);
    if (r == 0 && at > STORE_SQLITE_SCHEMA)
        r = refuse_newer(db, cx, at);
    while (r == 0 && at != version) {
        int next = at < version ? at + 1 : at - 1;
        if (next < at)
            r = check_loss(db, cx, at);
        if (r == 0)
            r = take_step(db, cx, at, next);
        at = next;
    }
    return r;
}

int schema_check(Db *db, Ctx *cx) {
    int version;
    int r = schema_version(db, cx, &version);
    if (r)
        return r;
    if (version > STORE_SQLITE_SCHEMA)
        return refuse_newer(db, cx, version);
    if (version < STORE_SQLITE_SCHEMA)
        return err_set(cx, ERR_VERSION,
                       "%s has schema %d and is opened read-only: open it for writing once, to migrate", db->path,
                       version);
    return 0;
}

int schema_prepare(Db *db, Ctx *cx, SchemaBackup *backup, void *arg) {
    int version;
    int r = schema_version(db, cx, &version);
    if (r == 0 && version > STORE_SQLITE_SCHEMA)
        r = refuse_newer(db, cx, version);
    if (r == 0 && version > 0 && version < STORE_SQLITE_SCHEMA)
        r = backup(arg, cx, version);
    return r ? r : schema_migrate(db, cx, STORE_SQLITE_SCHEMA);
}
