#pragma once

/* adapters/sqlite/db.h - one SQLite connection: its statements, its errors in words, its deadline.
 *
 * Every statement of a store is in its table, prepared at first use and kept. Used by the candle store, which has a
 * writer thread and reading connections of its own, and by owner.h for stores that need less.
 * Threads: one connection, one thread at a time. */

#include "base/ctx.h"

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

/* Every store keeps its statements in a table of its own, numbered from N_SQL_COMMON; before them stand these. */
#define SQL_COMMON_TABLE(X)                                                                                            \
    X(SQL_BEGIN, "BEGIN")                                                                                              \
    X(SQL_BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                              \
    X(SQL_COMMIT, "COMMIT")                                                                                            \
    X(SQL_ROLLBACK, "ROLLBACK")

typedef enum SqlCommon {
#define SQL_ENUM(name, text) name,
    SQL_COMMON_TABLE(SQL_ENUM)
#undef SQL_ENUM
        N_SQL_COMMON
} SqlCommon;

typedef struct SqlTable { /* statements by number; one static table a store */
    const char *const *text;
    int n;
} SqlTable;

typedef struct Db {
    sqlite3 *handle;
    const char *path;   /* borrowed; for words */
    Ctx *cx;            /* of the call being served: its deadline interrupts long statements */
    bool may_interrupt; /* readers only: an interrupted write would roll its whole group back */
    SqlTable table;
    sqlite3_stmt **statements; /* table.n of them; NULL = not prepared yet */
    struct {                   /* of the statement that steps, where somebody watches for slow ones */
        const sqlite3_stmt *of;
        int64_t ns, rows;
        bool told;
    } timed;
} Db;

typedef struct DbOptions {
    const char *path, *vfs;
    SqlTable table;
    int page_size;
    bool read_only, immutable; /* immutable: no lock, no WAL, nobody else; for media that cannot be written */
    bool reader;               /* query_only, never checkpoints */
} DbOptions;

int db_open(Db *db, Ctx *cx, const DbOptions *o);
void db_close(Db *db);

/* The code and words for the last failure of the connection; `what` is what was tried. */
int db_fail(Db *db, Ctx *cx, const char *what);
int db_exec(Db *db, Ctx *cx, const char *sql);                     /* not kept; any number of statements */
int db_pragma_i64(Db *db, Ctx *cx, const char *sql, int64_t *out); /* first column of the first row; 0 if none */

/* sql: a number of the table. Binds by letters: i int64_t, d double (NaN = NULL), s Str text, b Str blob. */
int db_query(Db *db, Ctx *cx, int sql, sqlite3_stmt **out, const char *types, ...);
/* 1 a row, 0 the end, ErrCode; resets at the end and on errors. A statement that steps for longer than cx->slow allows is
 * told there with its plan, its text as it stands in the table: values are bound and no part of it. */
int db_step(Db *db, Ctx *cx, sqlite3_stmt *st);
void db_reset(sqlite3_stmt *st);                              /* after reading fewer rows than there are */
int db_run(Db *db, Ctx *cx, int sql, const char *types, ...); /* query, step to the end */

int64_t db_i64(sqlite3_stmt *st, int column);
double db_f64(sqlite3_stmt *st, int column);           /* NULL = NaN */
Str db_text(sqlite3_stmt *st, int column);             /* text or blob; borrows until the next step or reset */
Str db_text_in(Ctx *cx, sqlite3_stmt *st, int column); /* the same, copied into cx->arena */
/* n bytes, or ERR_CORRUPT: it has another number of them. */
int db_bytes(Db *db, Ctx *cx, sqlite3_stmt *st, int column, size_t n, uint8_t *out);
/* For binding: a NULL would be no text, and SQL compares nothing with it. */
static inline Str db_str(Str s) {
    return s.p ? s : S("");
}
