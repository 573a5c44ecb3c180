#pragma once

/* ports/sql_engine.h - a SELECT over files of candles, and nothing but a SELECT.
 *
 * Adapters:  adapters/lake/duck (DuckDB, in a process of its own).  Used by: api/storage, cli.
 * Memory:    what a sink is given borrows until it returns.
 * Threads:   any; a call blocks until the query ends, its time is over or cx is cancelled.
 * Contract:  tests/e2e/test_lake.py (the engine needs the real program), tests/contract/storage_api.c (a false one).
 *
 * A query reads the lake, shown as the view `candles`, and the files that the caller allows. It writes nothing, whatever
 * it says, and has a ceiling of memory and of time. */

#include "base/ctx.h"

typedef struct SqlEngine SqlEngine;

enum { SQL_ENOUGH = 1 }; /* > 0: the sink wants no more */

typedef struct SqlColumn {
    Str name;
    Str type;    /* "BIGINT", "TIMESTAMP WITH TIME ZONE", … or the engine's number for it */
    bool number; /* the text of its values is a JSON number, unless it is nan or inf */
    bool logical;
    bool moment; /* a date or a time of a date */
} SqlColumn;

typedef struct SqlSink { /* 0, SQL_ENOUGH, or an ErrCode that ends the query */
    int (*columns)(void *arg, Ctx *cx, const SqlColumn *v, size_t n);
    int (*row)(void *arg, Ctx *cx, const Str *cells, size_t n); /* p NULL: SQL's NULL */
    void *arg;
} SqlSink;

typedef struct SqlAsk {
    Str sql;
    const char *lake; /* folder; NULL = none */
    const Str *allow; /* further files that may be read */
    size_t n_allow;
    int64_t timeout_ms; /* 0 = the engine's own; never more than that */
} SqlAsk;

typedef struct SqlEngineOps {
    const char *name;
    int (*query)(SqlEngine *e, Ctx *cx, const SqlAsk *ask, const SqlSink *sink);
    void (*close)(SqlEngine *e);
} SqlEngineOps;

struct SqlEngine { /* the first member of an adapter's own */
    const SqlEngineOps *ops;
};

/* 0, or SQL_ENOUGH when the sink said so. ERR_UNAVAILABLE: there is no engine on this machine. ERR_INVALID: what it says
 * of the query. ERR_DENIED: it is no SELECT. ERR_TIMEOUT, ERR_CANCELLED, ERR_LIMIT (memory), ERR_BUSY (too many at once). */
int sql_engine_query(SqlEngine *e, Ctx *cx, const SqlAsk *ask, const SqlSink *sink);
SqlEngine *sql_engine_close(SqlEngine *e); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(SqlEngine *, sql_engine_close)
