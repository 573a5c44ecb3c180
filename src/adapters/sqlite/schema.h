#pragma once

/* adapters/sqlite/schema.h - the tables of a database file and the steps between their versions.
 *
 * A step is data: SQL up, SQL down, and a question that must count 0 before the way down, because what it counts would
 * be lost. Each step runs in one transaction together with its version number, so a kill leaves either version whole.
 * A new file takes the same steps as an old one: no second definition to keep equal. The first step makes the table
 * meta(name TEXT PRIMARY KEY, value). */

#include "adapters/sqlite/db.h"

typedef struct SchemaStep {
    const char *up, *down; /* down NULL: for the first step, which has no way down */
    const char *lost;      /* SELECT count(*), NULL = nothing is lost on the way down */
    const char *what;      /* words for it */
} SchemaStep;

typedef struct Schema {
    int32_t application_id;  /* in the file's header: tells whose file it is */
    const SchemaStep *steps; /* a step a version */
    int newest;              /* number of them */
} Schema;

/* Creates the tables in an empty file, or takes an older file to the newest version; `backup` is called once
 * before the first step changes anything. ERR_VERSION: the file is newer. ERR_CORRUPT: it is not ours. */
typedef int SchemaBackup(void *arg, Ctx *cx, int old_version);
int schema_prepare(Db *db, Ctx *cx, const Schema *schema, SchemaBackup *backup, void *arg);
/* 0 when the file is at the newest version; for readers. */
int schema_check(Db *db, Ctx *cx, const Schema *schema);
/* Step by step to `version`, each step one transaction that also writes the version. */
int schema_migrate(Db *db, Ctx *cx, const Schema *schema, int version);
int schema_version(Db *db, Ctx *cx, const Schema *schema, int *out); /* 0: no tables at all */
/* A whole copy of the file as "<path>.v<old_version>", under that name only when it is complete. */
int schema_backup(Db *db, Ctx *cx, int old_version);
