/* adapters/sqlite/copy.c - see copy.h. */

#include "adapters/sqlite/copy.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

enum { STEP_PAGES = 256, PIECE = 1 << 20 };

/* Words for what SQLite says of the copy. */
static int copy_fail(DbCopy *c, Ctx *cx, int rc) {
    if (rc == SQLITE_FULL)
        return file_fail(cx, ENOSPC, "write", c->path);
    if (rc == SQLITE_IOERR_WRITE && sqlite3_system_errno(c->copy))
        return file_fail(cx, sqlite3_system_errno(c->copy), "write", c->path);
    return err_set(cx, ERR_REPOSITORY, "the copy for the backup failed: %s", sqlite3_errstr(rc));
}

int db_copy_open(DbCopy *c, Ctx *cx, const char *path) {
    *c = (DbCopy){ .fd = -1 };
    c->path = str_cz(cx->arena, str_fmt(cx->arena, "%s.copy-%d-%llx", path, (int)getpid(),
                                        (unsigned long long)clock_mono(cx->clock).ns));
    c->fd = open(c->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (c->fd < 0)
        return file_fail(cx, errno, "create", c->path);
    int rc = sqlite3_open_v2(c->path, &c->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    unlink(c->path);     /* both have it open by now */
    if (rc == SQLITE_OK) /* no journal, no sync: half a copy is worth nothing in any case */
        rc = sqlite3_exec(c->copy, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : copy_fail(c, cx, rc);
}

int db_copy_step(DbCopy *c, Ctx *cx, sqlite3 *from) {
    if (!c->backup)
        c->backup = sqlite3_backup_init(c->copy, "main", from, "main");
    if (!c->backup)
        return copy_fail(c, cx, sqlite3_extended_errcode(c->copy));
    int rc = sqlite3_backup_step(c->backup, STEP_PAGES);
    c->done = rc == SQLITE_DONE;
    return rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_BUSY ? 0 : copy_fail(c, cx, rc);
}

int db_copy_finish(DbCopy *c, Ctx *cx) {
    int rc = sqlite3_backup_finish(c->backup);
    c->backup = NULL;
    return rc == SQLITE_OK ? 0 : copy_fail(c, cx, rc);
}

int db_copy_send(DbCopy *c, Ctx *cx, int (*piece)(void *arg, Ctx *cx, Str bytes), void *arg) {
    char *bytes = mem_alloc(PIECE);
    int r = 0;
    for (off_t at = 0; r == 0;) {
        ssize_t n = pread(c->fd, bytes, PIECE, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = file_fail(cx, errno, "read", c->path);
        if (n <= 0)
            break;
        at += n;
        r = ctx_check(cx);
        if (r == 0)
            r = piece(arg, cx, str_n(bytes, (size_t)n));
    }
    mem_free(bytes);
    return r;
}

void db_copy_close(DbCopy *c) {
    assert(!c->backup);
    sqlite3_close(c->copy);
    if (c->fd >= 0)
        close(c->fd);
    *c = (DbCopy){ .fd = -1 };
}
