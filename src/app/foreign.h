#pragma once

/* app/foreign.h - rows of a Parquet file that was written elsewhere, by DuckDB in its child process.
 *
 * The rows come as the importer of CSV wants them: a first row of names, then values as text, moments in ISO-8601 UTC,
 * flags in words. Which column is what, which timeframe, which unit an epoch has: the importer finds out as it does for
 * CSV. A damaged or hostile file harms nobody: the child may read that file and nothing else, and write nothing. */

#include "cli/cli.h"

/* A Cli.foreign. */
int app_foreign_rows(Cli *c, const char *path, int (*row)(void *arg, Ctx *cx, const Str *cells, size_t n), void *arg);
