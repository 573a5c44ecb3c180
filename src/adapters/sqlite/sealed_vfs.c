/* adapters/sqlite/sealed_vfs.c - see sealed_vfs.h. SQLite's file format (sqlite.org/fileformat2.html) sections 1.3.4 (the
 * reserved region) and 4.1 (frames of the log). */

#include "adapters/sqlite/sealed_vfs.h"

#include "base/file.h"
#include "base/hmac.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LOG_HEADER = 32,
    FRAME_HEADER = 24,
    FRAME_PLAIN = 8, /* of it: page number and size of the database */
    PAGE_MIN = 512,
    PAGE_MAX = 65536,
    AT_TAG = SEAL_NONCE,
    AT_KEY = SEAL_NONCE + SEAL_TAG,
    AT_MARK = AT_KEY + 4,
};

static const char mark[4] = { 'F', 'S', 'P', '1' };

struct SealedVfs {
    sqlite3_vfs vfs; /* first */
    sqlite3_vfs *base;
    SealedKey keys[SEALED_KEYS_MAX];
    size_t n_keys;
    Ids *ids;
    char name[];
};

typedef struct File {
    sqlite3_file file; /* first */
    sqlite3_file *real;
    SealedVfs *v;
    bool log;
    int page_size; /* 0: not known yet */
    uint8_t *page; /* PAGE_MAX bytes */
    Sealer *sealers[SEALED_KEYS_MAX];
    Block *block;     /* for the frames' salts and sums; NULL: of a database */
    int64_t frame_at; /* of the frame header written last, and its page's number; -1: none */
    uint32_t frame_page;
} File;

static uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v) {
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static bool is_page_size(int64_t n) {
    return n >= PAGE_MIN && n <= PAGE_MAX && (n & (n - 1)) == 0;
}

/* --- pages --- */

static Sealer *sealer_of(File *f, size_t key) {
    if (!f->sealers[key])
        f->sealers[key] = sealer_new(f->v->keys[key].key);
    return f->sealers[key];
}

static void page_seal(File *f, uint32_t number, const uint8_t *plain, int size, uint8_t *out) {
    size_t newest = f->v->n_keys - 1, n = (size_t)size - SEALED_RESERVED;
    uint8_t with[4], *tail = out + n;
    put_be32(with, number);
    f->v->ids->bytes(f->v->ids, tail, SEAL_NONCE);
    sealer_seal(sealer_of(f, newest), tail, str_n((const char *)with, sizeof with), plain, n, out, tail + AT_TAG);
    put_be32(tail + AT_KEY, f->v->keys[newest].id);
    memcpy(tail + AT_MARK, mark, sizeof mark);
}

/* In place. Afterwards the reserved bytes are zero, as SQLite has them. */
static bool page_open(File *f, uint32_t number, uint8_t *page, int size) {
    size_t n = (size_t)size - SEALED_RESERVED;
    uint8_t with[4], *tail = page + n;
    put_be32(with, number);
    bool good = false;
    for (size_t i = 0; !good && i < f->v->n_keys; i++)
        if (memcmp(tail + AT_MARK, mark, sizeof mark) == 0 && f->v->keys[i].id == be32(tail + AT_KEY))
            good = sealer_open(sealer_of(f, i), tail, str_n((const char *)with, sizeof with), page, n, page,
                               tail + AT_TAG);
    if (good)
        memset(tail, 0, SEALED_RESERVED);
    return good;
}

/* What SQLite wants written has the reserved bytes free: anything else would be lost without a word. */
static bool is_free(const uint8_t *page, int size) {
    for (int i = size - SEALED_RESERVED; i < size; i++)
        if (page[i])
            return false;
    return true;
}

static int real_read(File *f, void *to, int n, int64_t at) {
    return f->real->pMethods->xRead(f->real, to, n, at);
}

static int real_write(File *f, const void *from, int n, int64_t at) {
    return f->real->pMethods->xWrite(f->real, from, n, at);
}

/* --- the database --- */

static int db_page(File *f, uint8_t *to, int size, int64_t at) {
    int rc = real_read(f, to, size, at);
    if (rc != SQLITE_OK) /* past the end: zeros, as the interface says */
        return rc;
    return page_open(f, (uint32_t)(at / size) + 1, to, size) ? SQLITE_OK : SQLITE_CORRUPT;
}

/* The beginning of the file, before SQLite knows its page size. One that does not open (new, or torn by a power cut while
 * the log still has it) is zeros, as of a new file: what is needed of it SQLite reads again, whole and checked. */
static int db_head(File *f, uint8_t *to, int n, int64_t at) {
    sqlite3_int64 size = 0;
    int rc = f->real->pMethods->xFileSize(f->real, &size);
    memset(to, 0, (size_t)n);
    if (rc != SQLITE_OK || size == 0)
        return rc == SQLITE_OK ? SQLITE_IOERR_SHORT_READ : rc;
    for (int page = f->page_size ? f->page_size : PAGE_MIN; page <= PAGE_MAX && page <= size; page *= 2) {
        if (at + n <= page - SEALED_RESERVED && db_page(f, f->page, page, 0) == SQLITE_OK) {
            f->page_size = page;
            memcpy(to, f->page + at, (size_t)n);
            return SQLITE_OK;
        }
        if (f->page_size)
            break;
    }
    return SQLITE_OK;
}

static int db_read(File *f, void *to, int n, int64_t at) {
    if (is_page_size(n) && at % n == 0)
        return db_page(f, to, n, at);
    return at + n <= PAGE_MIN - SEALED_RESERVED ? db_head(f, to, n, at) : SQLITE_IOERR_READ;
}

static int db_write(File *f, const void *from, int n, int64_t at) {
    if (!is_page_size(n) || at % n != 0 || !is_free(from, n))
        return SQLITE_IOERR_WRITE;
    page_seal(f, (uint32_t)(at / n) + 1, from, n, f->page);
    f->page_size = n;
    return real_write(f, f->page, n, at);
}

/* --- the log --- */

static int log_page_size(File *f) {
    uint8_t head[LOG_HEADER];
    if (!f->page_size && real_read(f, head, sizeof head, 0) == SQLITE_OK && is_page_size(be32(head + 8)))
        f->page_size = (int)be32(head + 8);
    return f->page_size;
}

static int frame_header(File *f, uint8_t out[static FRAME_HEADER], int64_t at) {
    int rc = real_read(f, out, FRAME_HEADER, at);
    if (rc == SQLITE_OK)
        block_decrypt(f->block, out + FRAME_PLAIN, out + FRAME_PLAIN);
    return rc;
}

static int frame_page(File *f, uint8_t *to, int64_t at, uint32_t number) {
    int rc = real_read(f, to, f->page_size, at);
    if (rc != SQLITE_OK)
        return rc;
    return page_open(f, number, to, f->page_size) ? SQLITE_OK : SQLITE_CORRUPT;
}

static int log_read(File *f, void *to, int n, int64_t at) {
    if (at + n <= LOG_HEADER)
        return real_read(f, to, n, at);
    int size = log_page_size(f);
    if (!size)
        return SQLITE_IOERR_READ;
    int64_t frame = (at - LOG_HEADER) / (FRAME_HEADER + size) * (FRAME_HEADER + size) + LOG_HEADER, in = at - frame;
    uint8_t head[FRAME_HEADER];
    int rc = frame_header(f, head, frame);
    if (rc != SQLITE_OK) {
        memset(to, 0, (size_t)n);
        return rc;
    }
    if (in == 0 && n == FRAME_HEADER) {
        memcpy(to, head, FRAME_HEADER);
        return SQLITE_OK;
    }
    if (in == FRAME_HEADER && n <= size) { /* less: SQLite does not know the page size yet */
        rc = frame_page(f, f->page, at, be32(head));
        memcpy(to, f->page, (size_t)n);
        return rc;
    }
    if (in != 0 || n != FRAME_HEADER + size)
        return SQLITE_IOERR_READ;
    memcpy(to, head, FRAME_HEADER); /* recovery: a torn frame's sums will not fit its zeros */
    rc = frame_page(f, (uint8_t *)to + FRAME_HEADER, frame + FRAME_HEADER, be32(head));
    if (rc == SQLITE_CORRUPT)
        memset(to, 0, (size_t)n);
    return rc == SQLITE_CORRUPT ? SQLITE_OK : rc;
}

static int frame_header_write(File *f, const uint8_t *from, int64_t at) {
    uint8_t head[FRAME_HEADER];
    memcpy(head, from, FRAME_PLAIN);
    block_encrypt(f->block, from + FRAME_PLAIN, head + FRAME_PLAIN);
    f->frame_at = at;
    f->frame_page = be32(from);
    return real_write(f, head, FRAME_HEADER, at);
}

static int log_write(File *f, const void *from, int n, int64_t at) {
    if (at == 0 && n == LOG_HEADER) {
        f->page_size = (int)be32((const uint8_t *)from + 8);
        f->frame_at = -1;
        return real_write(f, from, n, at);
    }
    int size = log_page_size(f);
    int64_t in = size ? (at - LOG_HEADER) % (FRAME_HEADER + size) : -1;
    if (in == 0 && n == FRAME_HEADER)
        return frame_header_write(f, from, at);
    if (in != FRAME_HEADER || n != size || !is_free(from, n))
        return SQLITE_IOERR_WRITE;
    if (f->frame_at != at - FRAME_HEADER) { /* the page of a frame that is there is written anew */
        uint8_t head[FRAME_HEADER];
        int rc = frame_header(f, head, at - FRAME_HEADER);
        if (rc != SQLITE_OK)
            return rc;
        f->frame_page = be32(head);
    }
    page_seal(f, f->frame_page, from, n, f->page);
    return real_write(f, f->page, n, at);
}

/* --- sqlite3_io_methods --- */

static int io_close(sqlite3_file *file) {
    File *f = (File *)file;
    int rc = f->real->pMethods->xClose(f->real);
    for (size_t i = 0; i < SEALED_KEYS_MAX; i++)
        sealer_free(f->sealers[i]);
    block_free(f->block);
    explicit_bzero(f->page, PAGE_MAX);
    mem_free(f->page);
    return rc;
}

static int io_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at) {
    File *f = (File *)file;
    return f->log ? log_read(f, to, n, at) : db_read(f, to, n, at);
}

static int io_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at) {
    File *f = (File *)file;
    return f->log ? log_write(f, from, n, at) : db_write(f, from, n, at);
}

#define REAL(file) (((File *)(file))->real)

static int io_truncate(sqlite3_file *f, sqlite3_int64 size) {
    ((File *)f)->frame_at = -1;
    return REAL(f)->pMethods->xTruncate(REAL(f), size);
}
static int io_sync(sqlite3_file *f, int flags) {
    return REAL(f)->pMethods->xSync(REAL(f), flags);
}
static int io_size(sqlite3_file *f, sqlite3_int64 *size) {
    return REAL(f)->pMethods->xFileSize(REAL(f), size);
}
static int io_lock(sqlite3_file *f, int level) {
    return REAL(f)->pMethods->xLock(REAL(f), level);
}
static int io_unlock(sqlite3_file *f, int level) {
    return REAL(f)->pMethods->xUnlock(REAL(f), level);
}
static int io_reserved(sqlite3_file *f, int *out) {
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}
static int io_control(sqlite3_file *f, int op, void *arg) {
    if (op == SQLITE_FCNTL_MMAP_SIZE) { /* what is mapped would be what is on disk */
        *(sqlite3_int64 *)arg = 0;
        return SQLITE_OK;
    }
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}
static int io_sector(sqlite3_file *f) {
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}
/* Else SQLite fills the log up to a sector's end with writes of parts of a page. Where this VFS stands on a file system
 * what it promises holds: writing bytes does not harm those beside them (the default of SQLite's own VFS for Unix). */
static int io_device(sqlite3_file *f) {
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)) | SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}
static int io_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
    return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}
static int io_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
    return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}
static void io_shm_barrier(sqlite3_file *f) {
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static int io_shm_unmap(sqlite3_file *f, int remove) {
    return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

static const sqlite3_io_methods io_methods = {
    .iVersion = 2,
    .xClose = io_close,
    .xRead = io_read,
    .xWrite = io_write,
    .xTruncate = io_truncate,
    .xSync = io_sync,
    .xFileSize = io_size,
    .xLock = io_lock,
    .xUnlock = io_unlock,
    .xCheckReservedLock = io_reserved,
    .xFileControl = io_control,
    .xSectorSize = io_sector,
    .xDeviceCharacteristics = io_device,
    .xShmMap = io_shm_map,
    .xShmLock = io_shm_lock,
    .xShmBarrier = io_shm_barrier,
    .xShmUnmap = io_shm_unmap,
};

/* A rollback journal: used while a database that is not in WAL mode yet takes to it. Its header, filled up to a sector with
 * zeros, stays as it is; a page is sealed under the number 0, which no page of a database has. */
static bool is_journal_header(const uint8_t *p, int n) {
    enum { HEADER = 28 };
    bool zeros = true;
    for (int i = HEADER; i < n; i++)
        zeros &= p[i] == 0;
    return n < PAGE_MIN || zeros;
}

static int journal_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at) {
    File *f = (File *)file;
    if (is_journal_header(from, n))
        return real_write(f, from, n, at);
    if (!is_page_size(n) || !is_free(from, n))
        return SQLITE_IOERR_WRITE;
    page_seal(f, 0, from, n, f->page);
    return real_write(f, f->page, n, at);
}

static int journal_read(sqlite3_file *file, void *to, int n, sqlite3_int64 at) {
    File *f = (File *)file;
    int rc = real_read(f, to, n, at);
    if (rc != SQLITE_OK || is_journal_header(to, n))
        return rc;
    return is_page_size(n) && page_open(f, 0, to, n) ? SQLITE_OK : SQLITE_CORRUPT;
}

/* --- sqlite3_vfs --- */

#define BASE(vfs) (((SealedVfs *)(vfs))->base)

static int open_kind(int flags) {
    enum { KINDS = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL };
    return flags & KINDS;
}

static const sqlite3_io_methods *journal_methods(void) {
    static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = io_close,
        .xRead = journal_read,
        .xWrite = journal_write,
        .xTruncate = io_truncate,
        .xSync = io_sync,
        .xFileSize = io_size,
        .xLock = io_lock,
        .xUnlock = io_unlock,
        .xCheckReservedLock = io_reserved,
        .xFileControl = io_control,
        .xSectorSize = io_sector,
        .xDeviceCharacteristics = io_device,
    };
    return &methods;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    File *f = (File *)file;
    SealedVfs *v = (SealedVfs *)vfs;
    *f = (File){ .real = (sqlite3_file *)(f + 1), .v = v, .frame_at = -1 };
    if (!name || !open_kind(flags))
        return SQLITE_CANTOPEN; /* a temporary file would be plain */
    int rc = v->base->xOpen(v->base, name, f->real, flags, out_flags);
    if (rc != SQLITE_OK)
        return rc;
    f->log = (flags & SQLITE_OPEN_WAL) != 0;
    f->page = mem_alloc(PAGE_MAX);
    if (f->log) {
        uint8_t key[SEAL_KEY]; /* of the oldest key: it stays when newer ones come */
        hkdf_sha256(str_n((const char *)v->keys[0].key, SEAL_KEY), S("finsight frame headers 1"), key, sizeof key);
        f->block = block_new(key);
        explicit_bzero(key, sizeof key);
    }
    f->file.pMethods = flags & SQLITE_OPEN_MAIN_JOURNAL ? journal_methods() : &io_methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync) {
    return BASE(v)->xDelete(BASE(v), name, sync);
}
static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out) {
    return BASE(v)->xAccess(BASE(v), name, flags, out);
}
static int vfs_full(sqlite3_vfs *v, const char *name, int n, char *out) {
    return BASE(v)->xFullPathname(BASE(v), name, n, out);
}
static int vfs_random(sqlite3_vfs *v, int n, char *out) {
    return BASE(v)->xRandomness(BASE(v), n, out);
}
static int vfs_sleep(sqlite3_vfs *v, int us) {
    return BASE(v)->xSleep(BASE(v), us);
}
static int vfs_time(sqlite3_vfs *v, double *out) {
    return BASE(v)->xCurrentTime(BASE(v), out);
}
static int vfs_last_error(sqlite3_vfs *v, int n, char *out) {
    return BASE(v)->xGetLastError ? BASE(v)->xGetLastError(BASE(v), n, out) : 0;
}

/* Runs for every connection there is: those to a sealed database leave the end of each page free. */
static int on_connection(sqlite3 *db, const char **why, const void *api) {
    UNUSED(why);
    UNUSED(api);
    sqlite3_vfs *vfs = NULL;
    int n = SEALED_RESERVED;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs) == SQLITE_OK && vfs && vfs->xOpen == vfs_open)
        sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &n);
    return SQLITE_OK;
}

SealedVfs *sealed_vfs_new(const char *name, const char *base, const SealedKey *keys, size_t n, Ids *ids, bool for_all) {
    assert(n > 0 && n <= SEALED_KEYS_MAX);
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1); /* statement journals stay in memory; no more once SQLite runs */
    sqlite3_vfs *under = sqlite3_vfs_find(base);
    size_t name_n = strlen(name) + 1;
    SealedVfs *v = mem_zalloc(sizeof *v + name_n);
    assert(under);
    memcpy(v->name, name, name_n);
    memcpy(v->keys, keys, n * sizeof *keys);
    v->n_keys = n;
    v->ids = ids;
    v->base = under;
    v->vfs = (sqlite3_vfs){ .iVersion = 1,
                            .szOsFile = (int)sizeof(File) + under->szOsFile,
                            .mxPathname = under->mxPathname,
                            .zName = v->name,
                            .xOpen = vfs_open,
                            .xDelete = vfs_delete,
                            .xAccess = vfs_access,
                            .xFullPathname = vfs_full,
                            .xRandomness = vfs_random,
                            .xSleep = vfs_sleep,
                            .xCurrentTime = vfs_time,
                            .xGetLastError = vfs_last_error };
    sqlite3_vfs_register(&v->vfs, for_all);
    sqlite3_auto_extension((void (*)(void))on_connection);
    return v;
}

SealedVfs *sealed_vfs_free(SealedVfs *v) {
    if (!v)
        return NULL;
    sqlite3_vfs_unregister(&v->vfs);
    explicit_bzero(v->keys, sizeof v->keys);
    return mem_free(v);
}

/* --- the whole of a file --- */

static int convert_fail(Ctx *cx, sqlite3 *db, const char *path) {
    return err_set(cx, ERR_REPOSITORY, "%s: %s", path, db ? sqlite3_errmsg(db) : "no memory");
}

/* What SQLite's URIs take as it is; the rest in hexadecimal. */
static const char *uri_of(Arena *a, const char *path, const char *vfs) {
    Str s = S("file:");
    for (const char *p = path; *p; p++)
        s = strchr("/._-", *p) || (*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z')
                ? str_fmt(a, STR_FMT "%c", STR_ARG(s), *p)
                : str_fmt(a, STR_FMT "%%%02X", STR_ARG(s), (unsigned char)*p);
    return str_cz(a, str_fmt(a, STR_FMT "?vfs=%s", STR_ARG(s), vfs));
}

static int run_on(Ctx *cx, const char *uri, const char *path, const char *sql, const char *vfs) {
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, r = 0, reserved = SEALED_RESERVED;
    if (sqlite3_open_v2(uri, &db, flags, vfs) == SQLITE_OK) /* a copy that is made by it leaves them free */
        sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (!db || sqlite3_errcode(db) == SQLITE_CANTOPEN || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        r = convert_fail(cx, db, path);
    sqlite3_close(db);
    return r;
}

int sealed_vfs_convert(Ctx *cx, const char *path, const SealedVfs *v, bool seal) {
    const char *part = str_cz(cx->arena, str_fmt(cx->arena, "%s.converted", path));
    const char *from_vfs = sealed_vfs_is_plain(path) ? v->base->zName : v->name,
               *to_vfs = seal ? v->name : v->base->zName;
    const char *to = uri_of(cx->arena, part, to_vfs);
    int r = file_remove(cx, part);
    char *sql = sqlite3_mprintf("PRAGMA temp_store=MEMORY; PRAGMA wal_checkpoint(TRUNCATE); VACUUM INTO %Q", to);
    if (r == 0)
        r = run_on(cx, uri_of(cx->arena, path, from_vfs), path, sql, from_vfs);
    sqlite3_free(sql);
    if (r == 0) /* as stores keep them; and its pages are on the disk before its name is the old one's */
        r = run_on(cx, to, part, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_checkpoint(TRUNCATE)",
                   to_vfs);
    int fd = r == 0 ? open(part, O_RDONLY | O_CLOEXEC) : -1;
    if (r == 0 && (fd < 0 || fsync(fd) != 0 || rename(part, path) != 0))
        r = file_fail(cx, errno, "replace", path);
    if (fd >= 0)
        close(fd);
    return r == 0 ? dir_sync(cx, path_dir(cx->arena, path)) : r;
}

bool sealed_vfs_is_plain(const char *path) {
    char head[16] = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool plain = fd >= 0 && pread(fd, head, sizeof head, 0) == sizeof head && memcmp(head, "SQLite format 3", 16) == 0;
    if (fd >= 0)
        close(fd);
    return plain;
}
