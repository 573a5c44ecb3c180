/* adapters/sqlite/owner.c - see owner.h. */

#include "adapters/sqlite/owner.h"

#include "adapters/sqlite/copy.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { PAGE_SIZE = 4096, CHECKPOINT_PAGES = 1024, LOG_STEP = 1 << 20, LOG_WRITE = 1 << 16 };

/* --- the lock --- */

static int fail_owned(Ctx *cx, const char *path, int fd) {
    char text[32] = { 0 };
    int64_t pid = 0;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    bool known = n > 0 && str_to_i64(str_trim(str_n(text, (size_t)n)), &pid);
    return err_set(cx, ERR_CONFLICT, "%s is owned by process %s%lld: stop it, or work through it", path,
                   known ? "" : "unknown ", (long long)pid);
}

static int take_lock(Ctx *cx, const char *path, const char *lock, bool read_only, int fd) {
    if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? fail_owned(cx, path, fd) : file_fail(cx, errno, "lock", lock);
    if (read_only)
        return 0;
    char pid[32];
    int n = snprintf(pid, sizeof pid, "%lld\n", (long long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
        return file_fail(cx, errno, "write", lock);
    return 0;
}

/* The lock file stays when its owner goes: removing it would let two processes lock two files of one name. */
int db_lock(Ctx *cx, const char *path, bool read_only, int *fd) {
    const char *lock = str_cz(cx->arena, str_fmt(cx->arena, "%s.lock", path));
    *fd = open(lock, (read_only ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0644);
    if (*fd < 0)
        return read_only && (errno == ENOENT || errno == EACCES) ? 0 : file_fail(cx, errno, "open", lock);
    int r = take_lock(cx, path, lock, read_only, *fd);
    if (r) {
        close(*fd);
        *fd = -1;
    }
    return r;
}

/* --- life --- */

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages) {
    UNUSED(db);
    UNUSED(name);
    ((DbOwner *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

static int keep_backup(void *arg, Ctx *cx, int old_version) {
    DbOwner *o = arg;
    return o->lock_fd < 0 ? 0 : schema_backup(&o->db, cx, old_version); /* memory, or a simulated file */
}

static void close_file(DbOwner *o) {
    if (o->db.handle)
        sqlite3_wal_checkpoint_v2(o->db.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    db_close(&o->db);
    if (o->lock_fd >= 0)
        close(o->lock_fd);
    o->lock_fd = -1;
}

static int open_file(DbOwner *o, Ctx *cx) {
    DbOptions db = { .path = o->path, .vfs = o->options.vfs, .table = o->options.table, .page_size = PAGE_SIZE };
    int r = o->options.path && !o->options.vfs ? db_lock(cx, o->path, false, &o->lock_fd) : 0;
    if (r == 0)
        r = db_open(&o->db, cx, &db);
    if (r == 0 && o->options.opened)
        r = o->options.opened(o->options.opened_arg, &o->db, cx);
    if (r == 0)
        r = schema_prepare(&o->db, cx, o->options.schema, keep_backup, o);
    if (r == 0)
        sqlite3_wal_hook(o->db.handle, on_wal, o);
    else
        close_file(o);
    o->wal_pages = o->wal_made = 0;
    return r;
}

int db_owner_open(DbOwner *o, Ctx *cx, const DbOwnerOptions *options) {
    const char *path = options->path ? options->path : ":memory:";
    size_t size = strlen(path) + 1;
    *o = (DbOwner){ .lock_fd = -1, .options = *options };
    o->path = memcpy(mem_alloc(size), path, size);
    pthread_mutex_init(&o->lock, NULL);
    int r = options->lazy ? 0 : open_file(o, cx);
    if (r)
        db_owner_close(o);
    return r;
}

void db_owner_close(DbOwner *o) {
    if (!o->path)
        return;
    close_file(o);
    pthread_mutex_destroy(&o->lock);
    mem_free(o->path);
    *o = (DbOwner){ .lock_fd = -1 };
}

/* --- transactions --- */

static void roll_back(DbOwner *o, Ctx *cx) {
    Err kept = cx->err;
    if (!sqlite3_get_autocommit(o->db.handle)) /* SQLite may have rolled back by itself */
        db_run(&o->db, cx, SQL_ROLLBACK, "");
    cx->err = kept;
}

/* A megabyte of zeros behind the log's end, where it has come near it. The next syncs then wait for the data alone: a file
 * that grows has them wait for the file system's journal as well, ten times as long. SQLite takes zeros for the end of
 * its log, and begins it anew from the front after a checkpoint, so that this is done a few times in a file's life. What
 * cannot be written (a full disk) is left to the commit that needs it. */
static void make_log(DbOwner *o) {
    static const uint8_t zeros[LOG_WRITE];
    int64_t end = o->wal_pages * (PAGE_SIZE + 24);
    sqlite3_file *log = NULL;
    sqlite3_int64 size = 0;
    if (o->options.log_pages == 0 || end < LOG_WRITE || end + LOG_STEP / 4 < o->wal_made)
        return; /* a process that only looks writes next to nothing */
    o->wal_made = end + LOG_STEP;
    if (sqlite3_file_control(o->db.handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || !log ||
        !log->pMethods || log->pMethods->xFileSize(log, &size) != SQLITE_OK)
        return;
    for (; size < o->wal_made && log->pMethods->xWrite(log, zeros, LOG_WRITE, size) == SQLITE_OK; size += LOG_WRITE)
        ;
}

/* After the commit; nobody reads beside us, so nothing is in its way. */
static void checkpoint(DbOwner *o) {
    if (o->wal_pages < (o->options.log_pages ? o->options.log_pages : CHECKPOINT_PAGES))
        return;
    sqlite3_wal_checkpoint_v2(o->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    o->wal_pages = 0;
}

static void set_sync(DbOwner *o, bool full) {
    if (o->db.handle)
        sqlite3_exec(o->db.handle, full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
}

static int transaction(DbOwner *o, Ctx *cx, int begin, bool often, DbWork *fn, void *arg) {
    pthread_mutex_lock(&o->lock);
    int r = o->db.handle ? 0 : open_file(o, cx);
    if (often)
        set_sync(o, false);
    o->db.cx = cx;
    o->db.may_interrupt = begin == SQL_BEGIN;
    if (r == 0)
        r = ctx_check(cx);
    if (r == 0)
        r = db_run(&o->db, cx, begin, "");
    if (r == 0) {
        int outcome = fn(&o->db, cx, arg);
        o->db.may_interrupt = false;
        r = outcome < 0 ? outcome : db_run(&o->db, cx, SQL_COMMIT, "");
        if (r < 0)
            roll_back(o, cx);
        else
            r = outcome;
        make_log(o);
        checkpoint(o);
    }
    o->db.cx = NULL;
    if (often)
        set_sync(o, true);
    pthread_mutex_unlock(&o->lock);
    return r;
}

int db_owner_write(DbOwner *o, Ctx *cx, DbWork *fn, void *arg) {
    return transaction(o, cx, SQL_BEGIN_WRITE, false, fn, arg);
}

int db_owner_write_often(DbOwner *o, Ctx *cx, DbWork *fn, void *arg) {
    return transaction(o, cx, SQL_BEGIN_WRITE, true, fn, arg);
}

int db_owner_read(DbOwner *o, Ctx *cx, DbWork *fn, void *arg) {
    return transaction(o, cx, SQL_BEGIN, false, fn, arg);
}

/* --- a copy --- */

/* Calls of others come between two steps. */
static int copy_step(DbOwner *o, Ctx *cx, DbCopy *c) {
    pthread_mutex_lock(&o->lock);
    int r = o->db.handle ? 0 : open_file(o, cx);
    if (r == 0)
        r = db_copy_step(c, cx, o->db.handle);
    pthread_mutex_unlock(&o->lock);
    return r ? r : ctx_check(cx);
}

static int copy_finish(DbOwner *o, Ctx *cx, DbCopy *c) {
    pthread_mutex_lock(&o->lock);
    int r = db_copy_finish(c, cx);
    pthread_mutex_unlock(&o->lock);
    return r;
}

int db_owner_snapshot(DbOwner *o, Ctx *cx, int (*piece)(void *arg, Ctx *cx, Str bytes), void *arg) {
    DbCopy c;
    if (!o->options.path || o->options.vfs)
        return err_set(cx, ERR_UNSUPPORTED, "a database in memory or on a virtual disk has no backup");
    int r = db_copy_open(&c, cx, o->path);
    while (r == 0 && !c.done)
        r = copy_step(o, cx, &c);
    if (c.backup) {
        Ctx quiet = *cx; /* the words of what failed first stay */
        int e = copy_finish(o, r ? &quiet : cx, &c);
        r = r ? r : e;
    }
    if (r == 0)
        r = db_copy_send(&c, cx, piece, arg);
    db_copy_close(&c);
    return r;
}
