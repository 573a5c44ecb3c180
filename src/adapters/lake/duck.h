#pragma once

/* adapters/lake/duck.h - SQL over Parquet files by DuckDB, in a process of its own.
 *
 * DuckDB is optional and large, so it is bound at run time, and it runs in a child process of this program: a crash, a
 * query that wants all memory, or a cancel cannot touch what the caller is doing. Rows come back over a pipe, in chunks.
 *
 * What a query may do: read. One SELECT (WITH, VALUES, DESCRIBE …) a call; files are those below the lake and those the
 * caller allows, nothing else (DuckDB's enable_external_access is off and its configuration locked before the query is
 * seen); the child may not write a file of any size, loads no extension, and dies with its parent. It has the lowest
 * priority and a ceiling of memory.
 *
 * Threads: any; a call blocks until the query ends, the deadline passes or cx is cancelled. */

#include "ports/sql_engine.h"

typedef struct DuckOptions {
    const char *library; /* libduckdb.so; NULL or empty: beside the program, then where the system looks. Borrowed */
    int64_t memory;      /* bytes, of one query */
    int threads;
    int64_t timeout_ms;
    int at_once; /* queries at a time; more are ERR_BUSY. 0 = no bound */
} DuckOptions;

/* Nothing is started or looked for before the first query. */
SqlEngine *duck_engine_new(const DuckOptions *o);

/* The child's main; the program calls it when it is started as  finsight duck-child. Never returns to other work. */
int duck_child_main(void);
