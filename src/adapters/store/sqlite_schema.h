#pragma once

/* adapters/store/sqlite_schema.h - the tables of market.db and the steps between their versions. */

#include "adapters/store/sqlite_db.h"

/* Creates the tables in an empty file, or takes an older file to the newest version; `backup` is called once
 * before the first step changes anything. ERR_VERSION: the file is newer. ERR_CORRUPT: it is not ours. */
typedef int SchemaBackup(void *arg, Ctx *cx, int old_version);
int schema_prepare(Db *db, Ctx *cx, SchemaBackup *backup, void *arg);
/* 0 when the file is at the newest version; for readers. */
int schema_check(Db *db, Ctx *cx);
/* Step by step to `version`, each step one transaction that also writes the version. */
int schema_migrate(Db *db, Ctx *cx, int version);
int schema_version(Db *db, Ctx *cx, int *out); /* 0: no tables at all */
