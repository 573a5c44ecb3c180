/* base/file.c - see file.h. */

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void close_fdp(int *fd) {
    if (*fd >= 0)
        close(*fd);
}

static const char *way_out(int os_errno) {
    switch (os_errno) {
    case EROFS:
        return "; choose a place that can be written, e.g. another --data-dir";
    case EACCES:
    case EPERM:
        return "; check its owner and mode, or choose another place";
    case ENOSPC:
    case EDQUOT:
        return "; free some space or choose another place";
    case EMFILE:
    case ENFILE:
        return "; raise the limit of open files (ulimit -n)";
    default:
        return "";
    }
}

int file_fail(Ctx *cx, int os_errno, const char *what, const char *path) {
    char words[128];
    /* GNU strerror_r: the message may be a static string; the plain strerror is not thread-safe. */
    const char *why = strerror_r(os_errno, words, sizeof words);
    char first = why[0] >= 'A' && why[0] <= 'Z' ? (char)(why[0] | 0x20) : why[0];
    const char *out = way_out(os_errno);
    return err_set(cx, err_from_errno(os_errno), "cannot %s %s: %c%s%s", what, path, first, why + (first != 0), out);
}

/* --- reading --- */

static int read_all(Ctx *cx, int fd, const char *path, size_t max, Str *out) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return file_fail(cx, errno, "read", path);
    if (S_ISDIR(st.st_mode))
        return file_fail(cx, EISDIR, "read", path);
    size_t cap = st.st_size > 0 ? MIN((size_t)st.st_size, max) : MIN((size_t)4096, max), n = 0;
    char *p = arena_alloc(cx->arena, cap + 1);
    for (;;) {
        ssize_t got = read(fd, p + n, cap + 1 - n); /* one more than fits: that is how the end is found */
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_fail(cx, errno, "read", path);
        if (got == 0)
            break;
        n += (size_t)got;
        if (n <= cap)
            continue;
        if (cap == max)
            return err_set(cx, ERR_TOO_LARGE, "cannot read %s: it is larger than %zu bytes", path, max);
        size_t more = MIN(mem_mul(cap, 2), max);
        p = arena_grow(cx->arena, p, cap + 1, more + 1);
        cap = more;
    }
    p[n] = '\0';
    *out = str_n(p, n);
    return 0;
}

int file_read(Ctx *cx, const char *path, size_t max, Str *out) {
    assert(max > 0 && max < SIZE_MAX / 2);
    CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(cx, errno, "read", path);
    return read_all(cx, fd, path, max, out);
}

static bool mode_is(const char *path, mode_t kind) {
    struct stat st;
    return stat(path, &st) == 0 && (kind == 0 || (st.st_mode & S_IFMT) == kind);
}

bool file_exists(const char *path) {
    return mode_is(path, 0);
}

bool dir_exists(const char *path) {
    return mode_is(path, S_IFDIR);
}

int file_size(Ctx *cx, const char *path, int64_t *out) {
    struct stat st;
    if (stat(path, &st) != 0)
        return file_fail(cx, errno, "read", path);
    *out = st.st_size;
    return 0;
}

/* --- writing --- */

/* 0 or an errno. */
static int write_all(int fd, Str data) {
    while (data.n > 0) {
        ssize_t put = write(fd, data.p, data.n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        data = str_from(data, (size_t)put);
    }
    return 0;
}

/* Writes, syncs and closes fd; 0 or an errno. close() tells late errors of network file systems. */
static int write_synced(int fd, Str data, unsigned mode) {
    int e = fchmod(fd, mode) == 0 ? 0 : errno;
    if (!e)
        e = write_all(fd, data);
    if (!e && fsync(fd) != 0)
        e = errno;
    if (close(fd) != 0 && !e)
        e = errno;
    return e;
}

int file_write(Ctx *cx, const char *path, Str data, unsigned mode) {
    char *temporary = str_cz(cx->arena, str_fmt(cx->arena, "%s.XXXXXX", path));
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return file_fail(cx, errno, "write", path);
    int e = write_synced(fd, data, mode);
    if (!e && rename(temporary, path) != 0)
        e = errno;
    if (e) {
        unlink(temporary);
        return file_fail(cx, e, "write", path);
    }
    return dir_sync(cx, path_dir(cx->arena, path));
}

int file_remove(Ctx *cx, const char *path) {
    if (unlink(path) != 0 && errno != ENOENT)
        return file_fail(cx, errno, "remove", path);
    return 0;
}

/* --- folders --- */

int dir_make(Ctx *cx, const char *path) {
    char *p = str_cz(cx->arena, str_c(path));
    for (char *at = p + (*p == '/');; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char was = *at;
        *at = '\0';
        if (*p && mkdir(p, 0755) != 0 && !(errno == EEXIST && dir_exists(p)))
            return file_fail(cx, errno == EEXIST ? ENOTDIR : errno, "create", p);
        *at = was;
        if (!was)
            return 0;
    }
}

int dir_sync(Ctx *cx, const char *path) {
    CLEANUP(close_fdp) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_fail(cx, errno, "open", path);
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system whose folders need no sync */
        return file_fail(cx, errno, "sync", path);
    return 0;
}

int dir_free_bytes(Ctx *cx, const char *path, int64_t *out) {
    struct statvfs fs;
    if (statvfs(path, &fs) != 0)
        return file_fail(cx, errno, "read", path);
    unsigned __int128 bytes = (unsigned __int128)fs.f_bavail * fs.f_frsize;
    *out = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;
    return 0;
}

int dir_probe(Ctx *cx, const char *path) {
    static const char some[4096] = "finsight";
    char *name = str_cz(cx->arena, str_fmt(cx->arena, "%s/.probe.XXXXXX", path));
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return file_fail(cx, errno, "write in", path);
    int e = write_synced(fd, str_n(some, sizeof some), 0600);
    unlink(name);
    return e ? file_fail(cx, e, "write in", path) : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where) {
    UNUSED(st);
    UNUSED(where);
    return unlinkat(AT_FDCWD, path, kind == FTW_DP || kind == FTW_DNR ? AT_REMOVEDIR : 0);
}

int dir_remove_all(Ctx *cx, const char *path) {
    enum { FDS = 16 };
    bool gone = nftw(path, remove_one, FDS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
    return gone ? 0 : file_fail(cx, errno, "remove", path);
}

/* --- paths --- */

char *path_join(Arena *a, const char *dir, const char *name) {
    if (name[0] == '/' || dir[0] == '\0')
        return str_cz(a, str_c(name));
    bool slash = dir[strlen(dir) - 1] == '/';
    return str_cz(a, str_fmt(a, "%s%s%s", dir, slash ? "" : "/", name));
}

Str path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return str_c(slash ? slash + 1 : path);
}

char *path_dir(Arena *a, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return str_cz(a, S("."));
    return str_cz(a, str_n(path, slash == path ? 1 : (size_t)(slash - path)));
}
