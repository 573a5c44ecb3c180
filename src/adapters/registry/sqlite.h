#pragma once

/* adapters/registry/sqlite.h - the embedded model registry: rows in models.db (or in memory), files in an object store.
 *
 * A change is one transaction, synced; a file is whole or not there (ports/object_store.h). Files lie under
 * "models/<path>". What is deleted stays until ml_gc. Experiment "0", "Default", is there from the beginning. */

#include "base/rng.h"
#include "ports/model_registry.h"
#include "ports/object_store.h"

typedef struct RegistrySqliteOptions {
    const char *path;   /* NULL = in memory, gone with the registry */
    const char *vfs;    /* NULL = the system's */
    bool lazy;          /* open the file at the first call */
    ObjectStore *files; /* borrowed; NULL: it keeps no files */
    Ids *ids;           /* borrowed; of runs */
} RegistrySqliteOptions;

int registry_sqlite_open(Ctx *cx, const RegistrySqliteOptions *o, ModelRegistry **out);
