#pragma once

/* adapters/store/sqlite.h - candles in one SQLite file, about 1,440 to a compressed block.
 *
 * Ownership: one process owns the file, by a lock on "<path>.lock"; one thread of it writes and checkpoints
 * (SQLite 3.40.1 can damage a WAL that two connections write or checkpoint). Saves queue at that thread and
 * commit in groups of at most 2 ms or 1 MB; the caller is answered after the COMMIT, with SAVE_DURABLE after
 * its fsync. Reads run on the caller's thread, each in one read transaction of a pooled connection.
 *
 * Tables: sqlite_schema.c.  Threads: any, except open and close.  Every failure says what, where and the way
 * out; a damaged block is ERR_CORRUPT naming series and time range, and the others stay readable. */

#include "ports/candle_store.h"

typedef struct StoreSqliteOptions {
    const char *path;   /* "<data directory>/market.db"; the directory must exist */
    const char *vfs;    /* NULL = the system's. With a named one (simulation) no lock file is taken */
    size_t cache_bytes; /* of decoded blocks; 0 = 16 MiB */
    int page_size;      /* of a new file; 0 = 4096 */
    bool read_only;     /* saves answer ERR_DENIED; needs no right to write, and no owner beside it */
    bool inline_writer; /* writes run on the caller's thread, a commit each: for simulations */
} StoreSqliteOptions;

/* ERR_CONFLICT: another process owns the file (its pid is told). ERR_VERSION: a newer version wrote it. An
 * older file is migrated, after a copy of it was kept as "<path>.v<old>". ERR_NOT_FOUND, ERR_DENIED: the
 * directory. ERR_CORRUPT: not a database, or not ours. */
int store_sqlite_open(Ctx *cx, const StoreSqliteOptions *options, CandleStore **out);

/* Takes an existing file to schema `version`, up or down, and closes it. The way down is for an operator who
 * must return to an older program; what that version cannot hold is told in the words of ERR_CONFLICT. */
int store_sqlite_migrate(Ctx *cx, const StoreSqliteOptions *options, int version);
enum { STORE_SQLITE_SCHEMA = 3 };
