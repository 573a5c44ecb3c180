/* adapters/bus/outbox.c - see outbox.h. */

#include "adapters/bus/outbox.h"

#include "adapters/sqlite/outbox.h"
#include "adapters/sqlite/owner.h"

enum { APPLICATION_ID = 0x46534f42 }; /* "FSOB" */

typedef struct OutboxFile {
    Outbox outbox; /* first */
    DbOwner owner;
} OutboxFile;

static const SchemaStep steps[] = {
    { .up = "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;" OUTBOX_TABLES },
};
static const Schema schema = { APPLICATION_ID, steps, ARRAY_LEN(steps) };

enum {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define SQL_ENUM(name, text) name,
    OUTBOX_SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
        N_SQL
};
/* NOLINTBEGIN(bugprone-suspicious-missing-comma): statements of several lines */
static const char *const sql_text[N_SQL] = {
#define SQL_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_TEXT) OUTBOX_SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

typedef struct Rows {
    OutboxRow *v;
    const OutboxRow *put;
    size_t most, n;
} Rows;

static int do_take(Db *db, Ctx *cx, void *arg) {
    Rows *rows = arg;
    DbOutboxRow *raw = arena_new_n(cx->arena, DbOutboxRow, rows->most);
    int r = db_outbox_take(db, cx, SQL_OUTBOX_PUT, raw, rows->most, &rows->n);
    rows->v = arena_new_n(cx->arena, OutboxRow, rows->n);
    for (size_t i = 0; i < rows->n; i++)
        rows->v[i] = (OutboxRow){ raw[i].number, raw[i].exchange, raw[i].routing_key, raw[i].event };
    return r;
}

static int take(Outbox *o, Ctx *cx, OutboxRow **out, size_t most, size_t *n) {
    Rows rows = { .most = most };
    int r = db_owner_read(&((OutboxFile *)o)->owner, cx, do_take, &rows);
    *out = rows.v;
    *n = rows.n;
    return r == 0 && rows.n == 0 ? BUS_EMPTY : r;
}

static int do_done(Db *db, Ctx *cx, void *arg) {
    return db_outbox_done(db, cx, SQL_OUTBOX_PUT, *(const int64_t *)arg);
}

static int done(Outbox *o, Ctx *cx, int64_t last) {
    return db_owner_write_often(&((OutboxFile *)o)->owner, cx, do_done, &last);
}

static int do_depth(Db *db, Ctx *cx, void *arg) {
    return db_outbox_count(db, cx, SQL_OUTBOX_PUT, arg);
}

static int depth(Outbox *o, Ctx *cx, int64_t *n) {
    return db_owner_read(&((OutboxFile *)o)->owner, cx, do_depth, n);
}

static int do_put(Db *db, Ctx *cx, void *arg) {
    const Rows *rows = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < rows->n; i++)
        r = db_outbox_put(db, cx, SQL_OUTBOX_PUT, rows->put[i].exchange, rows->put[i].routing_key, &rows->put[i].event);
    return r;
}

static int put(Outbox *o, Ctx *cx, const OutboxRow *rows, size_t n) {
    return db_owner_write(&((OutboxFile *)o)->owner, cx, do_put, &(Rows){ .put = rows, .n = n });
}

static void close_outbox(Outbox *o) {
    db_owner_close(&((OutboxFile *)o)->owner);
    mem_free(o);
}

static const OutboxOps ops = {
    .name = "outbox.db", .take = take, .done = done, .depth = depth, .put = put, .close = close_outbox
};

int outbox_file_open(Ctx *cx, const OutboxFileOptions *o, Outbox **out) {
    OutboxFile *f = mem_new(OutboxFile);
    *f = (OutboxFile){ .outbox = { &ops } };
    int r = db_owner_open(
        &f->owner, cx,
        &(DbOwnerOptions){
            .path = o->path, .vfs = o->vfs, .table = { sql_text, N_SQL }, .schema = &schema, .lazy = o->lazy });
    if (r) {
        mem_free(f);
        return r;
    }
    *out = &f->outbox;
    return 0;
}
