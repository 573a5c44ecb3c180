#pragma once

/* adapters/jobs/sqlite.h - the job store on SQLite: control.db beside market.db, or in the memory of this process. */

#include "ports/job_store.h"

typedef struct JobStoreOptions {
    const char *path;   /* NULL = in memory, gone with the store */
    const char *vfs;    /* NULL = the system's */
    bool lazy;          /* open the file at the first call */
    int64_t audit_kept; /* rows; 0 = AUDIT_KEPT */
    Str audit_key;      /* of the audit's chain; copied. Empty: a chain that whoever can write the file can mend */
    const char *anchor; /* file of the audit's anchor; NULL = none is kept */
} JobStoreOptions;

int job_store_sqlite_open(Ctx *cx, const JobStoreOptions *o, JobStore **out);
