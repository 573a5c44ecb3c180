#pragma once

/* adapters/sqlite/copy.h - a whole database file as it is at one moment, while writes to it go on.
 *
 * SQLite's online backup copies pages in steps. Each step is taken on the connection that writes, between two of its
 * transactions: what that connection writes meanwhile SQLite puts into the copy as well, so no step is ever done again
 * and the copy is the file as of its last step, everything acknowledged before included. (Steps on another connection
 * would begin anew with each write and never end; one long read transaction would keep the WAL from being reset.)
 *
 * The copy is a file beside the database without a name: it is gone with the process, however that ends.
 *
 *     db_copy_open -> db_copy_step until `done` -> db_copy_finish (after a failure too) -> db_copy_send -> db_copy_close
 * Threads: step and finish on the thread that has the connection, the others anywhere. */

#include "base/ctx.h"

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_backup sqlite3_backup;

typedef struct DbCopy {
    const char *path; /* for words */
    sqlite3 *copy;
    sqlite3_backup *backup;
    int fd;
    bool done;
} DbCopy;

int db_copy_open(DbCopy *c, Ctx *cx, const char *path); /* path: of the database */
int db_copy_step(DbCopy *c, Ctx *cx, sqlite3 *from);    /* 1 MB, a few ms */
int db_copy_finish(DbCopy *c, Ctx *cx);                 /* lets go of the connection */
/* The copy's bytes, in order; what `piece` answers other than 0 ends it. */
int db_copy_send(DbCopy *c, Ctx *cx, int (*piece)(void *arg, Ctx *cx, Str bytes), void *arg);
void db_copy_close(DbCopy *c);
