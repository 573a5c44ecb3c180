#pragma once

/* adapters/sqlite/owner.h - a database of one owner: a lock on its file, one connection, one call at a time.
 *
 * For stores whose work is small and whose answers must last: jobs, backtests, keys. Each write is one transaction,
 * synced before the call returns (synchronous=FULL). What writes thousands of rows a second wants a writer thread and
 * readers of its own, as adapters/store/sqlite has.
 *
 * Threads: any, except open and close; calls wait for each other. */

#include "adapters/sqlite/schema.h"

#include <pthread.h>

/* Takes the lock "<path>.lock", shared for reading. An flock dies with its process, so a crash leaves nothing to clean
 * up. ERR_CONFLICT tells the owner's pid. *fd is -1 where a reader may not make the file and there is none. */
int db_lock(Ctx *cx, const char *path, bool read_only, int *fd);

typedef struct DbOwnerOptions {
    const char *path; /* its folder must exist; NULL = in memory */
    const char *vfs;  /* NULL = the system's. With a named one (simulation) no lock file is taken */
    SqlTable table;
    const Schema *schema;
    bool lazy; /* open the file at the first call that needs it: that call tells what is wrong with it */
    /* Called with each connection before its tables are looked at: for functions and tokenizers of their own. NULL = none */
    int (*opened)(void *arg, Db *db, Ctx *cx);
    void *opened_arg;
    /* Pages of SQLite's log before they are written back into the file; 0 = 1,024. Given, the log is made ahead of its
     * writer, too, so that a commit's sync waits for the data alone: for files of many small synced commits. */
    int64_t log_pages;
} DbOwnerOptions;

typedef struct DbOwner {
    Db db;
    DbOwnerOptions options;
    char *path;
    int lock_fd;
    int64_t wal_pages, wal_made; /* written since the last checkpoint; bytes of the log that are there */
    pthread_mutex_t lock;
} DbOwner;

/* An older file is migrated, after a copy of it was kept as "<path>.v<old>". On failure nothing is left open. */
int db_owner_open(DbOwner *o, Ctx *cx, const DbOwnerOptions *options);
void db_owner_close(DbOwner *o);

typedef int DbWork(Db *db, Ctx *cx, void *arg);
/* fn in one transaction: committed and synced when it returns 0 or an outcome (> 0), undone when it fails. */
int db_owner_write(DbOwner *o, Ctx *cx, DbWork *fn, void *arg);
/* The same, committed but not synced by itself: a kill loses nothing, a power cut may take the last of them. */
int db_owner_write_often(DbOwner *o, Ctx *cx, DbWork *fn, void *arg);
/* fn sees one moment of the file; its deadline and its cancel interrupt it. */
int db_owner_read(DbOwner *o, Ctx *cx, DbWork *fn, void *arg);
/* The whole file as at one moment, as adapters/sqlite/copy.h says. ERR_UNSUPPORTED in memory and in simulation. */
int db_owner_snapshot(DbOwner *o, Ctx *cx, int (*piece)(void *arg, Ctx *cx, Str bytes), void *arg);
