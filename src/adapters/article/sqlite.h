#pragma once

/* adapters/article/sqlite.h - articles in news.db: one file with one owner (adapters/sqlite/owner.h), one connection that
 * writes, and reading connections beside it so that a search never waits for a put.
 *
 * Threads: any, except open and close. */

#include "ports/article_store.h"

typedef struct ArticleSqliteOptions {
    const char *path; /* "<data directory>/news.db"; NULL = in memory */
    const char *vfs;  /* NULL = the system's */
    bool lazy;        /* open the file at the first call */
    bool unsynced;    /* puts are not synced: for filling a file that is made anew when it fails */
} ArticleSqliteOptions;

/* ERR_CONFLICT, ERR_VERSION, ERR_CORRUPT, ERR_DENIED: as store_sqlite_open says. */
int article_sqlite_open(Ctx *cx, const ArticleSqliteOptions *options, ArticleStore **out);
