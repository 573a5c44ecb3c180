/* adapters/sqlite/db.c - see db.h. */

#include "adapters/sqlite/db.h"

#include "base/slow.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>

/* Instructions of SQLite's machine between two looks at the deadline: about 0.1 ms. */
enum { PROGRESS_OPS = 10000 };

static int fail_on_disk(Db *db, Ctx *cx, const char *what, int rc) {
    int os = sqlite3_system_errno(db->handle);
    if (rc == SQLITE_FULL || os == ENOSPC || os == EDQUOT)
        return err_set(cx, ERR_STORAGE, "%s: cannot %s: the disk is full; free some room, nothing was half-written",
                       db->path, what);
    if (rc == SQLITE_READONLY || os == EACCES || os == EROFS || os == EPERM)
        return err_set(cx, ERR_DENIED, "%s: cannot %s: the file or its directory may not be written", db->path, what);
    if (rc == SQLITE_CANTOPEN && os == ENOENT)
        return err_set(cx, ERR_NOT_FOUND, "%s: cannot %s: no such file or directory", db->path, what);
    return err_set(cx, ERR_IO, "%s: cannot %s: %s (%s)", db->path, what, sqlite3_errmsg(db->handle),
                   os ? strerror(os) : "input or output failed");
}

int db_fail(Db *db, Ctx *cx, const char *what) {
    int rc = sqlite3_errcode(db->handle) & 0xff;
    switch (rc) {
    case SQLITE_INTERRUPT: {
        int r = ctx_check(cx);
        return r ? r : err_set(cx, ERR_CANCELLED, "%s: interrupted", db->path);
    }
    case SQLITE_CORRUPT:
        return err_set(cx, ERR_CORRUPT, "%s: cannot %s: the file is damaged (%s); restore a copy or export what reads",
                       db->path, what, sqlite3_errmsg(db->handle));
    case SQLITE_NOTADB:
        return err_set(cx, ERR_CORRUPT, "%s is not a database of FinSight: it is another file or damaged", db->path);
    case SQLITE_FULL:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return fail_on_disk(db, cx, what, rc);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(cx, ERR_BUSY, "%s: cannot %s: another program has the file locked", db->path, what);
    default:
        return err_set(cx, ERR_REPOSITORY, "%s: cannot %s: %s", db->path, what, sqlite3_errmsg(db->handle));
    }
}

static int on_progress(void *arg) {
    Db *db = arg;
    if (!db->may_interrupt || !db->cx)
        return 0;
    Ctx probe = *db->cx; /* the words are set when the statement has failed */
    return ctx_check(&probe) != 0;
}

static int configure(Db *db, Ctx *cx, const DbOptions *o) {
    char text[200];
    sqlite3_extended_result_codes(db->handle, 0);
    sqlite3_busy_timeout(db->handle, 2000);
    sqlite3_progress_handler(db->handle, PROGRESS_OPS, on_progress, db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_wal_autocheckpoint(db->handle, 0); /* the writer alone checkpoints, when it says so */
    if (o->reader || o->read_only)
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    /* Readers keep little: a blob is read once and then sits decoded in the block cache. */
    snprintf(text, sizeof text,
             "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d;%s",
             o->reader ? 1024 : 8192, o->reader || o->read_only ? "PRAGMA query_only=ON;" : "");
    int r = db_exec(db, cx, text);
    if (r || o->reader || o->read_only)
        return r;
    snprintf(text, sizeof text, "PRAGMA page_size=%d; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", o->page_size);
    return db_exec(db, cx, text);
}

/* A URI, so that "immutable" can be said; everything but plain path characters is escaped. */
static void file_uri(const DbOptions *o, char *out, size_t size) {
    size_t n = (size_t)snprintf(out, size, "file:");
    for (const char *p = o->path; *p && n + 32 < size; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                     strchr("/._-", *p) != NULL;
        n += (size_t)snprintf(out + n, size - n, plain ? "%c" : "%%%02X", plain ? *p : (unsigned char)*p);
    }
    snprintf(out + n, size - n, "%s", o->immutable ? "?immutable=1" : "");
}

int db_open(Db *db, Ctx *cx, const DbOptions *o) {
    assert(o->table.n >= N_SQL_COMMON);
    *db = (Db){ .path = o->path, .cx = cx, .may_interrupt = o->reader || o->read_only, .table = o->table };
    db->statements = mem_alloc((size_t)o->table.n * sizeof *db->statements);
    memset(db->statements, 0, (size_t)o->table.n * sizeof *db->statements);
    char uri[8192];
    file_uri(o, uri, sizeof uri);
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    flags |= o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | (o->reader ? 0 : SQLITE_OPEN_CREATE);
    int r = 0;
    if (sqlite3_open_v2(uri, &db->handle, flags, o->vfs) != SQLITE_OK)
        r = db_fail(db, cx, "open it");
    if (r == 0)
        r = configure(db, cx, o);
    db->cx = NULL;
    if (r)
        db_close(db);
    return r;
}

void db_close(Db *db) {
    for (int i = 0; i < db->table.n; i++)
        sqlite3_finalize(db->statements[i]);
    mem_free(db->statements);
    sqlite3_close(db->handle);
    *db = (Db){ 0 };
}

int db_exec(Db *db, Ctx *cx, const char *sql) {
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fail(db, cx, "set it up");
    return 0;
}

int db_pragma_i64(Db *db, Ctx *cx, const char *sql, int64_t *out) {
    sqlite3_stmt *st;
    *out = 0;
    if (sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL) != SQLITE_OK)
        return db_fail(db, cx, "read it");
    int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(st, 0);
    int r = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : db_fail(db, cx, "read it");
    sqlite3_finalize(st);
    return r;
}

static int bind_all(sqlite3_stmt *st, const char *types, va_list args) {
    int rc = SQLITE_OK;
    for (int i = 1; *types && rc == SQLITE_OK; types++, i++) {
        if (*types == 'i') {
            rc = sqlite3_bind_int64(st, i, va_arg(args, int64_t));
            continue;
        }
        if (*types == 'd') {
            double v = va_arg(args, double);
            rc = isnan(v) ? sqlite3_bind_null(st, i) : sqlite3_bind_double(st, i, v);
            continue;
        }
        Str s = va_arg(args, Str);
        if (*types == 's')
            rc = sqlite3_bind_text64(st, i, s.p ? s.p : "", s.n, SQLITE_STATIC, SQLITE_UTF8);
        else
            rc = sqlite3_bind_blob64(st, i, s.p ? s.p : "", s.n, SQLITE_STATIC);
    }
    return rc;
}

static int query(Db *db, Ctx *cx, int sql, sqlite3_stmt **out, const char *types, va_list args) {
    sqlite3_stmt **st = &db->statements[sql];
    if (!*st &&
        sqlite3_prepare_v3(db->handle, db->table.text[sql], -1, SQLITE_PREPARE_PERSISTENT, st, NULL) != SQLITE_OK)
        return db_fail(db, cx, "read its tables");
    if (bind_all(*st, types, args) != SQLITE_OK)
        return db_fail(db, cx, "bind a value");
    *out = *st;
    return 0;
}

int db_query(Db *db, Ctx *cx, int sql, sqlite3_stmt **out, const char *types, ...) {
    va_list args;
    va_start(args, types);
    int r = query(db, cx, sql, out, types, args);
    va_end(args);
    return r;
}

/* "SEARCH candle_block USING INTEGER PRIMARY KEY (rowid=?); USE TEMP B-TREE FOR ORDER BY" */
static Str plan_of(Db *db, Str sql, char *room, size_t size) {
    char text[2048];
    sqlite3_stmt *st = NULL;
    size_t n = 0;
    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN " STR_FMT, STR_ARG(sql));
    if (sqlite3_prepare_v2(db->handle, text, -1, &st, NULL) != SQLITE_OK)
        return (Str){ 0 };
    while (sqlite3_step(st) == SQLITE_ROW && n < size) {
        const char *line = (const char *)sqlite3_column_text(st, 3);
        n += (size_t)snprintf(room + n, size - n, "%s%s", n ? "; " : "", line ? line : "");
    }
    sqlite3_finalize(st);
    return str_n(room, MIN(n, size - 1));
}

static void tell_slow(Db *db, Ctx *cx, sqlite3_stmt *st) {
    enum { PLAN_MAX = 400 };
    char plan[PLAN_MAX];
    Str sql = str_c(sqlite3_sql(st));
    db->timed.told = true;
    cx->slow->tell(cx->slow->arg, cx,
                   &(SlowCall){ .what = S("sql"),
                                .detail = sql,
                                .plan = plan_of(db, sql, plan, sizeof plan),
                                .rows = db->timed.rows,
                                .took_ns = db->timed.ns });
}

/* Time within the statement's steps alone: what is done with its rows is another's. */
static int timed_step(Db *db, Ctx *cx, sqlite3_stmt *st) {
    if (db->timed.of != st || !sqlite3_stmt_busy(st)) {
        db->timed.of = st;
        db->timed.ns = db->timed.rows = 0;
        db->timed.told = false;
    }
    MonoNs began = clock_mono(cx->clock);
    int rc = sqlite3_step(st);
    db->timed.ns += clock_mono(cx->clock).ns - began.ns;
    db->timed.rows += rc == SQLITE_ROW;
    if (db->timed.ns > cx->slow->threshold_ns && cx->slow->threshold_ns > 0 && !db->timed.told)
        tell_slow(db, cx, st);
    return rc;
}

int db_step(Db *db, Ctx *cx, sqlite3_stmt *st) {
    int rc = cx->slow ? timed_step(db, cx, st) : sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    int r = rc == SQLITE_DONE ? 0 : db_fail(db, cx, sqlite3_stmt_readonly(st) ? "read" : "write");
    sqlite3_reset(st);
    return r;
}

void db_reset(sqlite3_stmt *st) {
    sqlite3_reset(st);
}

int db_run(Db *db, Ctx *cx, int sql, const char *types, ...) {
    sqlite3_stmt *st = NULL;
    va_list args;
    va_start(args, types);
    int r = query(db, cx, sql, &st, types, args);
    va_end(args);
    if (r == 0)
        while ((r = db_step(db, cx, st)) > 0)
            ;
    return r;
}

int64_t db_i64(sqlite3_stmt *st, int column) {
    return sqlite3_column_int64(st, column);
}

double db_f64(sqlite3_stmt *st, int column) {
    return sqlite3_column_type(st, column) == SQLITE_NULL ? NAN : sqlite3_column_double(st, column);
}

Str db_text(sqlite3_stmt *st, int column) {
    const char *p = sqlite3_column_blob(st, column);
    return str_n(p, p ? (size_t)sqlite3_column_bytes(st, column) : 0);
}

Str db_text_in(Ctx *cx, sqlite3_stmt *st, int column) {
    return str_dup(cx->arena, db_text(st, column));
}

int db_bytes(Db *db, Ctx *cx, sqlite3_stmt *st, int column, size_t n, uint8_t *out) {
    Str b = db_text(st, column);
    if (b.n != n)
        return err_set(cx, ERR_CORRUPT, "%s: a digest has %zu bytes instead of %zu", db->path, b.n, n);
    memcpy(out, b.p, n);
    return 0;
}
