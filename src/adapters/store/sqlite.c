/* adapters/store/sqlite.c - opening and closing the store: ownership, migration, the pieces put together. */

#include "adapters/store/sqlite.h"

#include "adapters/sqlite/owner.h"
#include "adapters/store/sqlite_store.h"
#include "base/file.h"

#include <unistd.h>

enum { CACHE_BYTES = 16 << 20, PAGE_SIZE = 4096 };

DbOptions store_db_options(const SqliteStore *s, bool reader) {
    return (DbOptions){ .path = s->path,
                        .vfs = s->vfs,
                        .table = market_sql,
                        .page_size = s->page_size,
                        .read_only = s->read_only,
                        .immutable = s->immutable,
                        .reader = reader };
}

/* --- ownership --- */

/* Without the right to write beside the file there can be no WAL index: then the file is read as it lies,
 * which is right only when no WAL waits to be read with it. */
static int choose_immutable(SqliteStore *s, Ctx *cx) {
    const char *dir = path_dir(cx->arena, s->path);
    Str wal = str_fmt(cx->arena, "%s-wal", s->path);
    int64_t size = 0;
    if (access(dir, W_OK) == 0)
        return 0;
    const char *name = str_cz(cx->arena, wal);
    if (file_exists(name) && file_size(cx, name, &size) == 0 && size > 0)
        return err_set(cx, ERR_DENIED,
                       "%s was not closed cleanly and its directory may not be written: copy both files elsewhere",
                       s->path);
    s->immutable = true;
    return 0;
}

/* --- migration --- */

static int keep_backup(void *arg, Ctx *cx, int old_version) {
    SqliteStore *s = arg;
    return s->vfs ? 0 : schema_backup(&s->writer.db, cx, old_version);
}

/* --- life --- */

static SqliteStore *store_new(const StoreSqliteOptions *o, const CandleStoreOps *ops) {
    SqliteStore *s = mem_new(SqliteStore);
    size_t n = strlen(o->path) + 1;
    s->store.ops = ops;
    s->path = memcpy(mem_alloc(n), o->path, n);
    if (o->vfs)
        s->vfs = memcpy(mem_alloc(strlen(o->vfs) + 1), o->vfs, strlen(o->vfs) + 1);
    s->cache_bytes = o->cache_bytes ? o->cache_bytes : CACHE_BYTES;
    s->page_size = o->page_size ? o->page_size : PAGE_SIZE;
    s->read_only = o->read_only;
    s->inline_writer = o->inline_writer;
    s->lock_fd = -1;
    s->cache = block_cache_new(s->cache_bytes);
    reader_pool_init(&s->readers);
    return s;
}

static void store_free(SqliteStore *s) {
    reader_pool_done(&s->readers);
    block_cache_free(s->cache);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    mem_free(s->vfs);
    mem_free(s->path);
    mem_free(s);
}

static void sqlite_close(CandleStore *store) {
    SqliteStore *s = (SqliteStore *)store;
    reader_pool_done(&s->readers); /* first: the last connection is the writer's, which checkpoints */
    reader_pool_init(&s->readers);
    writer_close(&s->writer);
    store_free(s);
}

static int open_files(SqliteStore *s, Ctx *cx) {
    int r = s->vfs ? 0 : db_lock(cx, s->path, s->read_only, &s->lock_fd);
    if (r == 0 && s->read_only && !s->vfs)
        r = choose_immutable(s, cx);
    DbOptions o = store_db_options(s, false);
    if (r == 0)
        r = db_open(&s->writer.db, cx, &o);
    return r;
}

static int64_t sqlite_drop_cache(CandleStore *store) {
    return block_cache_clear(((SqliteStore *)store)->cache);
}

static const CandleStoreOps ops = {
    .name = "sqlite",
    .save = sqlite_save,
    .save_many = sqlite_save_many,
    .read = sqlite_read,
    .info = sqlite_info,
    .list = sqlite_list,
    .remove = sqlite_remove,
    .coverage = sqlite_coverage,
    .changes = sqlite_changes,
    .put_listings = sqlite_put_listings,
    .listings = sqlite_listings,
    .put_actions = sqlite_put_actions,
    .actions = sqlite_actions,
    .outbox = sqlite_outbox,
    .drop_cache = sqlite_drop_cache,
    .describe = sqlite_describe,
    .verify = sqlite_verify,
    .snapshot = sqlite_snapshot,
    .close = sqlite_close,
};

int store_sqlite_open(Ctx *cx, const StoreSqliteOptions *options, CandleStore **out) {
    assert(options->path && options->path[0]);
    SqliteStore *s = store_new(options, &ops);
    int r = open_files(s, cx);
    if (r == 0)
        r = s->read_only ? schema_check(&s->writer.db, cx, &market_schema)
                         : schema_prepare(&s->writer.db, cx, &market_schema, keep_backup, s);
    if (r) {
        db_close(&s->writer.db);
        store_free(s);
        return r;
    }
    r = writer_open(&s->writer, cx, s);
    if (r) {
        sqlite_close(&s->store);
        return r;
    }
    *out = &s->store;
    return 0;
}

int store_sqlite_migrate(Ctx *cx, const StoreSqliteOptions *options, int version) {
    SqliteStore *s = store_new(options, &ops);
    int at, r = open_files(s, cx);
    if (r == 0)
        r = schema_version(&s->writer.db, cx, &market_schema, &at);
    if (r == 0 && at == 0)
        r = err_set(cx, ERR_NOT_FOUND, "%s has no tables yet", s->path);
    if (r == 0 && at != version)
        r = keep_backup(s, cx, at);
    if (r == 0)
        r = schema_migrate(&s->writer.db, cx, &market_schema, version);
    db_close(&s->writer.db);
    store_free(s);
    return r;
}
