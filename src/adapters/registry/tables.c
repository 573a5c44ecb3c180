/* adapters/registry/tables.c - the tables of models.db.
 *
 * `latest` repeats the newest row of `metric` for each key: searches compare with it, histories read `metric`. The numbers
 * of owners in `tag` are those of MlOwnerKind. `model.versions` counts the versions there ever were, so that no number
 * comes again. */

#include "adapters/registry/tables.h"

enum { APPLICATION_ID = 0x46534d4c }; /* "FSML" */

/* clang-format off */
static const SchemaStep steps[] = {
    { .up =
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE experiment("
        "  nr INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, location TEXT NOT NULL, life INTEGER NOT NULL,"
        "  created INTEGER NOT NULL, updated INTEGER NOT NULL, deleted INTEGER NOT NULL);"
        "INSERT INTO experiment VALUES(0, 'Default', 'mlflow-artifacts:/0', 0, 0, 0, 0);"
        "CREATE TABLE run("
        "  nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, experiment INTEGER NOT NULL, name TEXT NOT NULL,"
        "  user TEXT NOT NULL, uri TEXT NOT NULL, status TEXT NOT NULL, life INTEGER NOT NULL, started INTEGER NOT NULL,"
        "  ended INTEGER NOT NULL, deleted INTEGER NOT NULL, with_all INTEGER NOT NULL);" /* deleted with its experiment */
        "CREATE INDEX run_experiment ON run(experiment, started);"
        "CREATE TABLE metric("
        "  nr INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, key TEXT NOT NULL, value REAL," /* NULL: NaN */
        "  at INTEGER NOT NULL, step INTEGER NOT NULL);"
        "CREATE INDEX metric_run ON metric(run, key, nr);"
        "CREATE TABLE latest("
        "  run INTEGER NOT NULL, key TEXT NOT NULL, value REAL, at INTEGER NOT NULL, step INTEGER NOT NULL,"
        "  PRIMARY KEY(run, key)) WITHOUT ROWID;"
        "CREATE TABLE param("
        "  run INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(run, key)) WITHOUT ROWID;"
        "CREATE TABLE tag("
        "  kind INTEGER NOT NULL, owner INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
        "  PRIMARY KEY(kind, owner, key)) WITHOUT ROWID;"
        "CREATE TABLE model("
        "  nr INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, created INTEGER NOT NULL,"
        "  updated INTEGER NOT NULL, versions INTEGER NOT NULL);"
        "CREATE TABLE version("
        "  nr INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, version INTEGER NOT NULL, stage TEXT NOT NULL,"
        "  ready INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, source TEXT NOT NULL,"
        "  run_id TEXT NOT NULL, run_link TEXT NOT NULL, description TEXT NOT NULL, user TEXT NOT NULL,"
        "  UNIQUE(model, version));"
        "CREATE INDEX version_run ON version(run_id);"
        "CREATE TABLE alias("
        "  model INTEGER NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(model, alias)) WITHOUT ROWID;" },
};
/* clang-format on */

static const char *const sql_text[N_REGISTRY_SQL] = {
#define REGISTRY_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(REGISTRY_TEXT) REGISTRY_SQL(REGISTRY_TEXT)
#undef REGISTRY_TEXT
};

const SqlTable registry_sql = { sql_text, N_REGISTRY_SQL };
const Schema registry_schema = { APPLICATION_ID, steps, ARRAY_LEN(steps) };
