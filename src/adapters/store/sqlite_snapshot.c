/* adapters/store/sqlite_snapshot.c - the whole file as it is at one moment, while saves go on.
 *
 * SQLite's online backup copies pages in steps. The steps run on the writer's thread and its connection, between two
 * groups: what that connection writes meanwhile SQLite puts into the copy as well, so no step is ever done again, and the
 * copy is the file as of its last step, everything acknowledged before included. (Steps on another connection would begin
 * anew with each save and never end; one long read transaction would keep the WAL from being reset.) A save waits for
 * one step at most, a few ms.
 *
 * The copy is a file beside the store without a name: it is gone with the process, however that ends. */

#include "adapters/store/sqlite_store.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

enum { STEP_PAGES = 256, PIECE = 1 << 20 };

typedef struct Snapshot {
    const char *path; /* for words */
    sqlite3 *copy;
    sqlite3_backup *backup;
    int fd;
    bool done;
} Snapshot;

/* Words for what SQLite says of the copy. */
static int copy_fail(Snapshot *s, Ctx *cx, int rc) {
    if (rc == SQLITE_FULL)
        return file_fail(cx, ENOSPC, "write", s->path);
    if (rc == SQLITE_IOERR_WRITE && sqlite3_system_errno(s->copy))
        return file_fail(cx, sqlite3_system_errno(s->copy), "write", s->path);
    return err_set(cx, ERR_REPOSITORY, "the copy for the backup failed: %s", sqlite3_errstr(rc));
}

static int step(Writer *w, Ctx *cx, void *arg) {
    Snapshot *s = arg;
    if (!s->backup)
        s->backup = sqlite3_backup_init(s->copy, "main", w->db.handle, "main");
    if (!s->backup)
        return copy_fail(s, cx, sqlite3_extended_errcode(s->copy));
    int rc = sqlite3_backup_step(s->backup, STEP_PAGES);
    s->done = rc == SQLITE_DONE;
    return rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_BUSY ? 0 : copy_fail(s, cx, rc);
}

/* On the writer's thread too: the backup holds on to its connection. */
static int finish(Writer *w, Ctx *cx, void *arg) {
    UNUSED(w);
    Snapshot *s = arg;
    int rc = sqlite3_backup_finish(s->backup);
    s->backup = NULL;
    return rc == SQLITE_OK ? 0 : copy_fail(s, cx, rc);
}

static int copy_pages(SqliteStore *store, Ctx *cx, Snapshot *s) {
    int r = 0;
    while (r == 0 && !s->done) {
        r = writer_call_alone(&store->writer, cx, step, s);
        if (r == 0)
            r = ctx_check(cx);
    }
    if (s->backup) {
        Ctx quiet = *cx; /* the words of what failed first stay */
        int e = writer_call_alone(&store->writer, r ? &quiet : cx, finish, s);
        r = r ? r : e;
    }
    return r;
}

static int send_bytes(Ctx *cx, Snapshot *s, CandleStorePiece *piece, void *arg) {
    char *bytes = mem_alloc(PIECE);
    int r = 0;
    for (off_t at = 0; r == 0;) {
        ssize_t n = pread(s->fd, bytes, PIECE, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = file_fail(cx, errno, "read", s->path);
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

static int open_copy(Ctx *cx, Snapshot *s) {
    s->fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (s->fd < 0)
        return file_fail(cx, errno, "create", s->path);
    int rc = sqlite3_open_v2(s->path, &s->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    unlink(s->path);     /* both have it open by now */
    if (rc == SQLITE_OK) /* no journal, no sync: half a copy is worth nothing in any case */
        rc = sqlite3_exec(s->copy, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : copy_fail(s, cx, rc);
}

int sqlite_snapshot(CandleStore *store, Ctx *cx, CandleStorePiece *piece, void *arg) {
    SqliteStore *own = (SqliteStore *)store;
    Snapshot s = { .fd = -1 };
    if (own->vfs)
        return err_set(cx, ERR_UNSUPPORTED, "a store on a virtual disk has no backup");
    s.path = str_cz(cx->arena, str_fmt(cx->arena, "%s.copy-%d-%llx", own->path, (int)getpid(),
                                       (unsigned long long)clock_mono(cx->clock).ns));
    int r = open_copy(cx, &s);
    if (r == 0)
        r = copy_pages(own, cx, &s);
    if (r == 0)
        r = send_bytes(cx, &s, piece, arg);
    sqlite3_close(s.copy);
    if (s.fd >= 0)
        close(s.fd);
    return r;
}
