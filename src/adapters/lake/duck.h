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

#include "base/ctx.h"

typedef struct DuckOptions {
    const char *library; /* libduckdb.so; NULL or empty: beside the program, then where the system looks */
    const char *lake;    /* folder of Parquet files, shown as the view `candles`; NULL = none */
    const Str *allow;    /* further files that may be read */
    size_t n_allow;
    int64_t memory; /* bytes */
    int threads;
    int64_t timeout_ms;
} DuckOptions;

typedef struct DuckColumn {
    Str name;
    Str type;    /* DuckDB's number of the type as text */
    bool number; /* the text of its values is a JSON number, unless it is nan or inf */
    bool logical;
} DuckColumn;

typedef struct DuckSink {
    int (*columns)(void *arg, Ctx *cx, const DuckColumn *v, size_t n);
    int (*row)(void *arg, Ctx *cx, const Str *cells, size_t n); /* p NULL: SQL's NULL; borrows */
    void *arg;
} DuckSink;

/* ERR_UNAVAILABLE: DuckDB is not installed. ERR_INVALID: what DuckDB says of the query. ERR_TIMEOUT, ERR_CANCELLED,
 * ERR_LIMIT (memory). What the sink answers is passed on. */
int duck_query(Ctx *cx, const DuckOptions *o, Str sql, const DuckSink *sink);

/* The child's main; the program calls it when it is started as  finsight duck-child. Never returns to other work. */
int duck_child_main(void);
