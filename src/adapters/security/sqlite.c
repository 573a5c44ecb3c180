/* adapters/security/sqlite.c - see sqlite.h. Small tables, one connection, every change synced (adapters/sqlite/owner.h).
 *
 * Events are numbered by the chain, not by the file. The head lies in `meta`; it is only a cache of the newest row. When
 * old events go, the last of them stays as "before", sealed under the chain's key: cutting off a record's beginning by
 * hand would need that key. */

#include "adapters/security/sqlite.h"

#include "adapters/security/anchor.h"
#include "adapters/sqlite/owner.h"
#include "base/file.h"
#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x46535345, KEY_BYTES_MAX = 256 }; /* "FSSE" */

typedef struct Store {
    SecurityStore store; /* first */
    DbOwner owner;
    char key[KEY_BYTES_MAX];
    size_t key_n;
    int64_t kept;
    pthread_mutex_t load_lock;
    bool loaded;       /* head and anchor are those of the file */
    bool newest_wrong; /* its link is not one of our key: nothing may be added behind it */
    char *anchor_path;
    AnchorFile anchor_file;
    AuditSpan span;
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
#define EVENT_COLUMNS "seq, at, who, action, subject, outcome, address, request_id, detail, n, link"

#define SQL_TABLE(X)                                                                                                   \
    X(SQL_KEYS, "SELECT " KEY_COLUMNS " FROM api_key ORDER BY created, id")                                            \
    X(SQL_KEY_REVISION, "SELECT revision FROM api_key WHERE id=?1")                                                    \
    X(SQL_KEY_PUT, "INSERT OR REPLACE INTO api_key(" KEY_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)") \
    X(SQL_KEY_DROP, "DELETE FROM api_key WHERE id=?1")                                                                 \
    X(SQL_KEY_USED, "UPDATE api_key SET last_used=max(last_used, ?2) WHERE id=?1")                                     \
    X(SQL_META_GET, "SELECT value FROM meta WHERE name=?1")                                                            \
    X(SQL_META_PUT, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")                                         \
    X(SQL_EVENT_ADD, "INSERT INTO event(" EVENT_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")                \
    X(SQL_EVENT_HEAD, "SELECT seq, link FROM event ORDER BY seq DESC LIMIT 1")                                         \
    X(SQL_EVENT_AT, "SELECT link FROM event WHERE seq=?1")                                                             \
    X(SQL_EVENT_NEWEST, "SELECT " EVENT_COLUMNS " FROM event ORDER BY seq DESC LIMIT 2")                               \
    X(SQL_EVENT_PRUNE, "DELETE FROM event WHERE seq<=?1")                                                              \
    X(SQL_EVENTS, "SELECT " EVENT_COLUMNS " FROM event WHERE seq>?1 ORDER BY seq LIMIT ?2")
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

static Str chain_key(const Store *s) {
    return str_n(s->key, s->key_n);
}

static Str text_of(Str s) {
    return s.p ? s : S("");
}

static Str text_at(Ctx *cx, sqlite3_stmt *st, int column) {
    return str_dup(cx->arena, db_text(st, column));
}

static Str bytes_of(const uint8_t *p) {
    return str_n((const char *)p, SHA256_BYTES);
}

static int bytes_at(Db *db, Ctx *cx, sqlite3_stmt *st, int column, uint8_t out[static SHA256_BYTES]) {
    Str b = db_text(st, column);
    if (b.n != SHA256_BYTES)
        return err_set(cx, ERR_CORRUPT, "%s: a digest has %zu bytes instead of %d", db->path, b.n, SHA256_BYTES);
    memcpy(out, b.p, SHA256_BYTES);
    return 0;
}

/* --- head, beginning, anchor --- */

/* Words under a name, sealed: nobody without the key writes them. */
static int put_sealed(Db *db, Ctx *cx, const Store *s, Str name, Str value) {
    char text[AUDIT_ANCHOR_TEXT + 1];
    AuditAnchor seal = { .seq = 1 };
    Hmac h;
    hmac_init(&h, chain_key(s));
    hmac_put(&h, name);
    hmac_put(&h, S("\n"));
    hmac_put(&h, value);
    hmac_end(&h, seal.link);
    Str mac = audit_anchor_text(&seal, text);
    return db_run(db, cx, SQL_META_PUT, "ss", name,
                  str_fmt(cx->arena, STR_FMT " " STR_FMT, STR_ARG(value), STR_ARG(mac)));
}

static int get_sealed(Db *db, Ctx *cx, const Store *s, Str name, AuditAnchor *out) {
    sqlite3_stmt *st;
    uint8_t mac[SHA256_BYTES];
    AuditAnchor seal;
    *out = (AuditAnchor){ 0 };
    int r = db_query(db, cx, SQL_META_GET, &st, "s", name);
    if (r != 0 || (r = db_step(db, cx, st)) <= 0)
        return r;
    Str text = text_at(cx, st, 0), value;
    db_reset(st);
    str_next(&text, ' ', &value);
    Hmac h;
    hmac_init(&h, chain_key(s));
    hmac_put(&h, name);
    hmac_put(&h, S("\n"));
    hmac_put(&h, value);
    hmac_end(&h, mac);
    bool whole = audit_anchor_parse(text, &seal) && bytes_equal(mac, seal.link, sizeof mac);
    if (!whole || !audit_anchor_parse(value, out))
        *out = (AuditAnchor){ 0 }; /* the walk will miss what stood there */
    return 0;
}

static int work_load(Db *db, Ctx *cx, void *arg) {
    Store *s = arg;
    sqlite3_stmt *st;
    AuditSpan *span = &s->span;
    int r = get_sealed(db, cx, s, S("before"), &span->before);
    span->head = span->before;
    if (r == 0)
        r = db_query(db, cx, SQL_EVENT_HEAD, &st, "");
    if (r != 0 || (r = db_step(db, cx, st)) <= 0)
        return r;
    span->head.seq = db_i64(st, 0);
    r = bytes_at(db, cx, st, 1, span->head.link);
    db_reset(st);
    return r;
}

static int put_events(Db *db, Ctx *cx, Store *s, AuditEvent *v, size_t n, AuditAnchor *head);
static int read_event(Db *db, Ctx *cx, sqlite3_stmt *st, AuditEvent *out);

/* Is the newest event one that this key wrote? Nothing is put behind one that is not: a wrong key would break the chain
 * for good, and what was edited is to be found, not buried. */
static int work_newest(Db *db, Ctx *cx, void *arg) {
    Store *s = arg;
    sqlite3_stmt *st;
    AuditEvent e[2];
    size_t n = 0;
    int r = db_query(db, cx, SQL_EVENT_NEWEST, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0)
        r = n < 2 ? read_event(db, cx, st, &e[n++]) : 0;
    if (r != 0 || n == 0)
        return r;
    uint8_t link[SHA256_BYTES];
    audit_link(chain_key(s), n > 1 ? e[1].link : s->span.before.link, &e[0], link);
    s->newest_wrong = !bytes_equal(link, e[0].link, sizeof link);
    return 0;
}

static int may_add(const Store *s, Ctx *cx) {
    return !s->newest_wrong
               ? 0
               : err_set(
                     cx, ERR_CORRUPT,
                     "%s: the newest security event was not written with this audit key: give the key it was written "
                     "with, or look into it with 'finsight audit verify'",
                     s->owner.path);
}

/* What the anchor says that the record does not: told by the record itself, from here on. */
static int work_alarm(Db *db, Ctx *cx, void *arg) {
    Store *s = arg;
    AuditEvent e = {
        .at = clock_wall(cx->clock), .who = S("finsight"), .action = S(AUDIT_ALARM), .outcome = S("corrupt"), .count = 1
    };
    e.detail = s->span.anchor.seq
                   ? str_fmt(cx->arena, "the record ended at %lld, its anchor says %lld: events were removed",
                             (long long)s->span.head.seq, (long long)s->span.anchor.seq)
                   : S("the record has events and no anchor: it was removed or is damaged, or the key is another");
    return put_events(db, cx, s, &e, 1, &s->span.head);
}

static int load_now(Store *s, Ctx *cx) {
    s->span = (AuditSpan){ 0 };
    anchor_close(&s->anchor_file);
    int r = db_owner_read(&s->owner, cx, work_load, s);
    if (r == 0)
        r = db_owner_read(&s->owner, cx, work_newest, s);
    if (r == 0)
        r = anchor_open(&s->anchor_file, cx, s->anchor_path, chain_key(s), &s->span.anchor);
    if (r != 0)
        return r;
    s->span.anchor_lost = s->anchor_path && !s->span.anchor.seq && s->span.head.seq > 0;
    if (s->newest_wrong || (!s->span.anchor_lost && s->span.anchor.seq <= s->span.head.seq))
        return 0;
    r = db_owner_write(&s->owner, cx, work_alarm, s);
    if (r == 0)
        r = anchor_write(&s->anchor_file, cx, &s->span.head);
    s->span.anchor = s->span.head;
    s->span.anchor_lost = false;
    return r;
}

/* At the first call: the file may be opened lazily. */
static int load(Store *s, Ctx *cx) {
    pthread_mutex_lock(&s->load_lock);
    int r = s->loaded ? 0 : load_now(s, cx);
    s->loaded = r == 0;
    pthread_mutex_unlock(&s->load_lock);
    return r;
}

/* --- events --- */

static int prune(Db *db, Ctx *cx, Store *s, int64_t newest) {
    enum { EVERY = 256 };
    sqlite3_stmt *st;
    char text[AUDIT_ANCHOR_TEXT + 1];
    AuditAnchor last = { .seq = newest - s->kept };
    if (newest % EVERY || last.seq <= s->span.before.seq)
        return 0;
    int r = db_query(db, cx, SQL_EVENT_AT, &st, "i", last.seq);
    if (r != 0 || (r = db_step(db, cx, st)) <= 0)
        return r;
    r = bytes_at(db, cx, st, 0, last.link);
    db_reset(st);
    if (r == 0)
        r = put_sealed(db, cx, s, S("before"), audit_anchor_text(&last, text));
    if (r == 0)
        r = db_run(db, cx, SQL_EVENT_PRUNE, "i", last.seq);
    return r;
}

/* In a transaction: *head moves on; the store's own follows when it is committed. */
static int put_events(Db *db, Ctx *cx, Store *s, AuditEvent *v, size_t n, AuditAnchor *head) {
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        AuditEvent *e = &v[i];
        e->seq = head->seq + 1;
        audit_link(chain_key(s), head->link, e, e->link);
        r = db_run(db, cx, SQL_EVENT_ADD, "iisssssssib", e->seq, e->at.ms, text_of(e->who), text_of(e->action),
                   text_of(e->subject), text_of(e->outcome), text_of(e->address), text_of(e->request_id),
                   text_of(e->detail), e->count, bytes_of(e->link));
        head->seq = e->seq;
        memcpy(head->link, e->link, sizeof head->link);
        if (r == 0)
            r = prune(db, cx, s, e->seq);
    }
    return r;
}

typedef struct Append {
    Store *s;
    AuditEvent *v;
    size_t n;
    const KeyRecord *key; /* put with them */
    Str drop;             /* or dropped */
    AuditAnchor head;
} Append;

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
    return db_run(db, cx, SQL_KEY_PUT, "ssisiiiiiiibbi", k->id, text_of(k->name), (int64_t)k->role, text_of(k->scopes),
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

/* The head is read in the transaction: the one in memory may be that of a commit whose answer was lost. */
static int work_append(Db *db, Ctx *cx, void *arg) {
    Append *a = arg;
    AuditSpan kept = a->s->span;
    int r = work_load(db, cx, a->s);
    a->head = a->s->span.head;
    a->s->span.head = kept.head;
    if (r == 0 && a->key)
        r = put_key(db, cx, a->key);
    if (r == 0 && a->drop.n)
        r = drop_key(db, cx, a->drop);
    return r ? r : put_events(db, cx, a->s, a->v, a->n, &a->head);
}

/* Serialised by the owner's lock as far as the file goes; the anchor's file is written under the same order by `turn`. */
static int append(Store *s, Ctx *cx, Append *a) {
    a->s = s;
    int r = load(s, cx);
    if (r == 0)
        r = may_add(s, cx);
    if (r == 0)
        r = db_owner_write(&s->owner, cx, work_append, a);
    if (r != 0)
        return r;
    pthread_mutex_lock(&s->owner.lock);
    if (a->head.seq > s->span.head.seq)
        s->span.head = a->head;
    Ctx quiet = *cx; /* the event is in: an anchor that stays behind is no failure of the call */
    if (s->span.head.seq > s->span.anchor.seq && anchor_write(&s->anchor_file, &quiet, &s->span.head) == 0) {
        s->span.anchor = s->span.head;
        s->span.anchor_lost = false;
    }
    pthread_mutex_unlock(&s->owner.lock);
    return 0;
}

static int do_append(SecurityStore *store, Ctx *cx, AuditEvent *v, size_t n) {
    return append((Store *)store, cx, &(Append){ .v = v, .n = n });
}

static int do_put(SecurityStore *store, Ctx *cx, const KeyRecord *key, AuditEvent *event) {
    return append((Store *)store, cx, &(Append){ .v = event, .n = 1, .key = key });
}

static int do_drop(SecurityStore *store, Ctx *cx, Str id, AuditEvent *event) {
    return append((Store *)store, cx, &(Append){ .v = event, .n = 1, .drop = id });
}

static int read_event(Db *db, Ctx *cx, sqlite3_stmt *st, AuditEvent *out) {
    *out = (AuditEvent){ .seq = db_i64(st, 0),
                         .at = time_ms(db_i64(st, 1)),
                         .who = text_at(cx, st, 2),
                         .action = text_at(cx, st, 3),
                         .subject = text_at(cx, st, 4),
                         .outcome = text_at(cx, st, 5),
                         .address = text_at(cx, st, 6),
                         .request_id = text_at(cx, st, 7),
                         .detail = text_at(cx, st, 8),
                         .count = db_i64(st, 9) };
    return bytes_at(db, cx, st, 10, out->link);
}

typedef struct Listing {
    int64_t after;
    size_t limit;
    VEC(AuditEvent) events;
    VEC(KeyRecord) keys;
    int64_t revision;
    const KeyRecord *used;
    size_t n_used;
    const Store *s;
    AuditWalk *walk;
} Listing;

static int work_events(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_EVENTS, &st, "ii", l->after, (int64_t)l->limit);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        AuditEvent e;
        r = read_event(db, cx, st, &e);
        vec_push_in(cx->arena, &l->events, e);
    }
    return r;
}

static int do_events(SecurityStore *store, Ctx *cx, int64_t after, size_t limit, AuditEvent **out, size_t *n) {
    Listing l = { .after = after, .limit = limit };
    int r = load((Store *)store, cx);
    if (r == 0)
        r = db_owner_read(&((Store *)store)->owner, cx, work_events, &l);
    *out = l.events.v;
    *n = r == 0 ? l.events.n : 0;
    return r;
}

/* In pieces, so that writes come between; the arena goes back after each. */
static int do_walk(SecurityStore *store, Ctx *cx, const AuditAnchor *anchor, AuditWalk *out) {
    Store *s = (Store *)store;
    int r = load(s, cx);
    if (r != 0)
        return r;
    pthread_mutex_lock(&s->owner.lock);
    AuditSpan span = s->span;
    pthread_mutex_unlock(&s->owner.lock);
    audit_walk_start(out, chain_key(s), &span.before, anchor ? anchor : &span.anchor);
    for (;;) {
        ArenaMark mark = arena_mark(cx->arena);
        Listing l = { .after = out->fault ? INT64_MAX : out->at.seq, .limit = AUDIT_READ_MAX };
        r = db_owner_read(&s->owner, cx, work_events, &l);
        for (size_t i = 0; r == 0 && i < l.events.n; i++)
            audit_walk_next(out, &l.events.v[i]);
        bool more = r == 0 && l.events.n > 0 && !out->fault;
        if (r == 0)
            arena_rewind(cx->arena, mark);
        if (!more)
            break;
    }
    if (r == 0)
        audit_walk_end(out);
    return r;
}

static int do_span(SecurityStore *store, Ctx *cx, AuditSpan *out) {
    Store *s = (Store *)store;
    int r = load(s, cx);
    pthread_mutex_lock(&s->owner.lock);
    *out = s->span;
    pthread_mutex_unlock(&s->owner.lock);
    return r;
}

/* --- keys --- */

static int work_keys(Db *db, Ctx *cx, void *arg) {
    Listing *l = arg;
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_KEYS, &st, "");
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        KeyRecord k = { .id = text_at(cx, st, 0),
                        .name = text_at(cx, st, 1),
                        .role = (Role)db_i64(st, 2),
                        .scopes = text_at(cx, st, 3),
                        .limit = db_i64(st, 4),
                        .created = time_ms(db_i64(st, 5)),
                        .expires = time_ms(db_i64(st, 6)),
                        .revoked = time_ms(db_i64(st, 7)),
                        .last_used = time_ms(db_i64(st, 8)),
                        .rotated = time_ms(db_i64(st, 9)),
                        .old_until = time_ms(db_i64(st, 10)),
                        .revision = db_i64(st, 13) };
        r = bytes_at(db, cx, st, 11, k.digest);
        if (r == 0)
            r = bytes_at(db, cx, st, 12, k.old_digest);
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
    int r = load(s, cx);
    if (r == 0)
        r = may_add(s, cx);
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
    anchor_close(&s->anchor_file);
    db_owner_close(&s->owner);
    pthread_mutex_destroy(&s->load_lock);
    explicit_bzero(s->key, sizeof s->key);
    mem_free(s->anchor_path);
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
    assert(o->key.n > 0 && o->key.n <= KEY_BYTES_MAX);
    Store *s = mem_new(Store);
    s->store.ops = &ops;
    s->kept = o->kept ? o->kept : EVENTS_KEPT;
    s->key_n = o->key.n;
    memcpy(s->key, o->key.p, o->key.n);
    s->anchor_file.fd = -1;
    pthread_mutex_init(&s->load_lock, NULL);
    if (o->anchor) {
        size_t size = strlen(o->anchor) + 1;
        s->anchor_path = memcpy(mem_alloc(size), o->anchor, size);
    }
    DbOwnerOptions options = {
        .path = o->path, .vfs = o->vfs, .table = { sql_text, N_SQL }, .schema = &schema, .lazy = o->lazy
    };
    int r = o->path && !o->vfs ? make_private(cx, o->path) : 0;
    if (r == 0)
        r = db_owner_open(&s->owner, cx, &options);
    if (r == 0 && !o->lazy)
        r = load(s, cx);
    if (r != 0) {
        do_close(&s->store);
        return r;
    }
    *out = &s->store;
    return 0;
}
