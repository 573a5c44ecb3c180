#pragma once

/* adapters/security/sqlite.h - keys and the chained record of events on SQLite: security.db, or in memory. */

#include "ports/security_store.h"

typedef struct SecurityStoreOptions {
    const char *path;   /* NULL = in memory, gone with the store */
    const char *vfs;    /* NULL = the system's */
    const char *anchor; /* file of the anchor; NULL = none is kept */
    Str key;            /* of the chain; copied */
    bool lazy;          /* open the file at the first call */
    int64_t kept;       /* events; 0 = EVENTS_KEPT. Older ones go, and where the record begins is sealed */
} SecurityStoreOptions;

enum { EVENTS_KEPT = 1000000 };

int security_store_sqlite_open(Ctx *cx, const SecurityStoreOptions *o, SecurityStore **out);
