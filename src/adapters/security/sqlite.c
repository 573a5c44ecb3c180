/* adapters/security/sqlite.c - see sqlite.h. Small tables, one connection, every change synced (adapters/sqlite/owner.h);
 * the record is a chain (adapters/sqlite/chain.h). */

#include "adapters/security/sqlite.h"

#include "adapters/sqlite/chain.h"
#include "base/file.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x46535345 }; /* "FSSE" */

typedef struct Store {
    SecurityStore store; /* first */
    DbOwner owner;
    Chain chain;
} Store;

/* clang-format off */
static const SchemaStep steps[] = {
    { .up =
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE api_key("
        "  id TEXT PRIMARY KEY, name TEXT NOT NULL, role INTEGER NOT NULL, scopes TEXT NOT NULL, per_minute INTEGER NOT NULL,"
        "  created INTEGER NOT NULL, expires INTEGER NOT NULL, revoked INTEGER NOT NULL, last_used INTEGER NOT NULL,"
        "  rotated INTEGER NOT NULL, old_until INTEGER NOT NULL, digest BLOB NOT NULL, old_digest BLOB NOT NULL,"
        "  revision INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE event("
        "  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,"
        "  outcome TEXT NOT NULL, address TEXT NOT NULL, request_id TEXT NOT NULL, detail TEXT NOT NULL, n INTEGER NOT NULL,"
        "  link BLOB NOT NULL);" },
};

#define KEY_COLUMNS "id, name, role, scopes, per_minute, created, expires, revoked, last_used, rotated, old_until, digest, " \
                    "old_digest, revision"

#define SQL_TABLE(X)                                                                                                   \
    X(SQL_KEYS, "SELECT " KEY_COLUMNS " FROM api_key ORDER BY created, id")                                            \
    X(SQL_KEY_REVISION, "SELECT revision FROM api_key WHERE id=?1")                                                    \
    X(SQL_KEY_PUT, "INSERT OR REPLACE INTO api_key(" KEY_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)") \
    X(SQL_KEY_DROP, "DELETE FROM api_key WHERE id=?1")                                                                 \
    X(SQL_KEY_USED, "UPDATE api_key SET last_used=max(last_used, ?2) WHERE id=?1")                                     \
    CHAIN_SQL_TABLE(X, "event", "seq")
/* clang-format on */

enum {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define SQL_ENUM(name, text) name,
    SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
        N_SQL
};

static const char *const sql_text[N_SQL] = {
#define SQL_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_TEXT) SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};

static const Schema schema = { APPLICATION_ID, steps, ARRAY_LEN(steps) };

static Str bytes_of(const uint8_t *p) {
    return str_n((const char *)p, SHA256_BYTES);
}

/* --- changes and their events --- */

typedef struct Change {   /* of a key, in the transaction of its event */
    const KeyRecord *key; /* put */
    Str drop;             /* or dropped */
} Change;

static int put_key(Db *db, Ctx *cx, const KeyRecord *k) {
    sqlite3_stmt *st;
    int64_t revision = 0;
    int r = db_query(db, cx, SQL_KEY_REVISION, &st, "s", k->id);
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        revision = db_i64(st, 0);
        db_reset(st);
    }
    if (r < 0)
        return r;
    if (revision != k->revision)
        return KEY_STALE;
    return db_run(db, cx, SQL_KEY_PUT, "ssisiiiiiiibbi", k->id, db_str(k->name), (int64_t)k->role, db_str(k->scopes),
                  k->limit, k->created.ms, k->expires.ms, k->revoked.ms, k->last_used.ms, k->rotated.ms,
                  k->old_until.ms, bytes_of(k->digest), bytes_of(k->old_digest), revision + 1);
}

static int drop_key(Db *db, Ctx *cx, Str id) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_KEY_REVISION, &st, "s", id);
    if (r != 0 || (r = db_step(db, cx, st)) <= 0)
        return r < 0 ? r : KEY_NONE;
    db_reset(st);
    return db_run(db, cx, SQL_KEY_DROP, "s", id);
}

static int work_change(Db *db, Ctx *cx, void *arg) {
    const Change *c = arg;
    return c->key ? put_key(db, cx, c->key) : drop_key(db, cx, c->drop);
}

static int do_append(SecurityStore *store, Ctx *cx, AuditEvent *v, size_t n) {
    return chain_append(&((Store *)store)->chain, cx, &(ChainAppend){ .v = v, .n = n });
}

static int do_put(SecurityStore *store, Ctx *cx, const KeyRecord *key, AuditEvent *event) {
    Change c = { .key = key };
    return chain_append(&((Store *)store)->chain, cx, &(ChainAppend){ event, 1, .with = work_change, .arg = &c });
}

static int do_drop(SecurityStore *store, Ctx *cx, Str id, AuditEvent *event) {
    Change c = { .drop = id };
    return chain_append(&((Store *)store)->chain, cx, &(ChainAppend){ event, 1, .with = work_change, .arg = &c });
}

static int do_events(SecurityStore *store, Ctx *cx, int64_t after, size_t limit, AuditEvent **out, size_t *n) {
    return chain_events(&((Store *)store)->chain, cx, after, limit, out, n);
}

static int do_walk(SecurityStore *store, Ctx *cx, const AuditAnchor *anchor, AuditWalk *out) {
    return chain_walk(&((Store *)store)->chain, cx, anchor, out);
}

static int do_span(SecurityStore *store, Ctx *cx, AuditSpan *out) {
    return chain_span(&((Store *)store)->chain, cx, out);
}

/* --- keys --- */

typedef struct Listing {
    VEC(KeyRecord) keys;
    int64_t revision;
    const KeyRecord *used;
    size_t n_used;
} Listing;

static int work_keys(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_KEYS, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        KeyRecord k = { .id = db_text_in(cx, st, 0),
                        .name = db_text_in(cx, st, 1),
                        .role = (Role)db_i64(st, 2),
                        .scopes = db_text_in(cx, st, 3),
                        .limit = db_i64(st, 4),
                        .created = time_ms(db_i64(st, 5)),
                        .expires = time_ms(db_i64(st, 6)),
                        .revoked = time_ms(db_i64(st, 7)),
                        .last_used = time_ms(db_i64(st, 8)),
                        .rotated = time_ms(db_i64(st, 9)),
                        .old_until = time_ms(db_i64(st, 10)),
                        .revision = db_i64(st, 13) };
        r = db_bytes(db, cx, st, 11, SHA256_BYTES, k.digest);
        if (r == 0)
            r = db_bytes(db, cx, st, 12, SHA256_BYTES, k.old_digest);
        if (r == 0 && ((unsigned)k.role > ROLE_ADMIN || !key_id_valid(k.id)))
            r = err_set(cx, ERR_CORRUPT, "%s: key " STR_FMT " has no role there is", db->path, STR_ARG(k.id));
        l->revision += k.revision;
        vec_push_in(cx->arena, &l->keys, k);
    }
    return r;
}

static int do_keys(SecurityStore *store, Ctx *cx, KeyRecord **out, size_t *n, int64_t *revision) {
    Listing l = { 0 };
    Store *s = (Store *)store;
    int r = chain_load(&s->chain, cx);
    if (r == 0)
        r = chain_may_add(&s->chain, cx); /* keys of a file that was written with another key are not believed */
    if (r == 0)
        r = db_owner_read(&s->owner, cx, work_keys, &l);
    *out = l.keys.v;
    *n = r == 0 ? l.keys.n : 0;
    *revision = l.revision;
    return r;
}

static int work_used(Db *db, Ctx *cx, void *arg) {
    const Listing *l = arg;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->n_used; i++)
        r = db_run(db, cx, SQL_KEY_USED, "si", l->used[i].id, l->used[i].last_used.ms);
    return r;
}

static int do_used(SecurityStore *store, Ctx *cx, const KeyRecord *v, size_t n) {
    Listing l = { .used = v, .n_used = n };
    return db_owner_write_often(&((Store *)store)->owner, cx, work_used, &l);
}

static void do_close(SecurityStore *store) {
    Store *s = (Store *)store;
    chain_done(&s->chain);
    db_owner_close(&s->owner);
    mem_free(s);
}

static const SecurityStoreOps ops = {
    .name = "sqlite",
    .keys = do_keys,
    .put = do_put,
    .drop = do_drop,
    .used = do_used,
    .append = do_append,
    .events = do_events,
    .span = do_span,
    .walk = do_walk,
    .close = do_close,
};

/* For its owner alone, also what SQLite puts beside it: names of keys and addresses are nobody else's business. */
static int make_private(Ctx *cx, const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_fail(cx, errno, "open", path);
    close(fd);
    return 0;
}

int security_store_sqlite_open(Ctx *cx, const SecurityStoreOptions *o, SecurityStore **out) {
    assert(o->key.n > 0);
    Store *s = mem_new(Store);
    s->store.ops = &ops;
    chain_init(&s->chain, &(ChainOptions){ .owner = &s->owner,
                                           .first = SQL_CHAIN_META_GET,
                                           .anchor = o->anchor,
                                           .key = o->key,
                                           .kept = o->kept ? o->kept : EVENTS_KEPT });
    DbOwnerOptions options = {
        .path = o->path, .vfs = o->vfs, .table = { sql_text, N_SQL }, .schema = &schema, .lazy = o->lazy
    };
    int r = o->path && !o->vfs ? make_private(cx, o->path) : 0;
    if (r == 0)
        r = db_owner_open(&s->owner, cx, &options);
    if (r == 0 && !o->lazy)
        r = chain_load(&s->chain, cx);
    if (r != 0) {
        do_close(&s->store);
        return r;
    }
    *out = &s->store;
    return 0;
}
