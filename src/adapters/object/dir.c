/* adapters/object/dir.c - see dir.h: puts, reads, removals. */

#include "adapters/object/dir_internal.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct DirWriter {
    ObjectWriter base;
    Arena arena; /* the put's own texts */
    ObjectPut put;
    ObjectLabel labels[OBJECT_LABELS_MAX];
    char *temp;
    int fd;
    Sha256 sum;
    int64_t size;
} DirWriter;

static void lock(DirStore *d) {
    pthread_mutex_lock(&d->mutex);
    while (flock(d->lock_fd, LOCK_EX) != 0 && errno == EINTR) {
    }
}

static void unlock(DirStore *d) {
    flock(d->lock_fd, LOCK_UN);
    pthread_mutex_unlock(&d->mutex);
}

/* --- putting --- */

static void writer_free(DirWriter *w) {
    if (w->fd >= 0)
        close(w->fd);
    if (w->temp)
        unlink(w->temp);
    arena_done(&w->arena);
    mem_free(w);
}

static int dir_put_begin(ObjectStore *s, Ctx *cx, const ObjectPut *put, ObjectWriter **out) {
    DirStore *d = (DirStore *)s;
    DirWriter *w = mem_new(DirWriter);
    pthread_mutex_lock(&d->mutex);
    uint64_t serial = d->serial++;
    pthread_mutex_unlock(&d->mutex);
    w->put = *put;
    w->put.key = str_dup(&w->arena, put->key);
    w->put.content_type = str_dup(&w->arena, put->content_type);
    w->put.if_etag = str_dup(&w->arena, put->if_etag);
    for (size_t i = 0; i < put->n_labels; i++)
        w->labels[i] =
            (ObjectLabel){ str_dup(&w->arena, put->labels[i].name), str_dup(&w->arena, put->labels[i].value) };
    w->put.labels = w->labels;
    w->temp =
        str_cz(&w->arena, str_fmt(&w->arena, "%s/tmp/%d.%llu", d->root, (int)getpid(), (unsigned long long)serial));
    w->fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    sha256_init(&w->sum);
    if (w->fd < 0) {
        int why = errno;
        file_fail(cx, why, "create", w->temp);
        w->temp = NULL;
        writer_free(w);
        return err_from_errno(why);
    }
    *out = &w->base;
    return 0;
}

static int dir_put_data(ObjectWriter *writer, Ctx *cx, Str bytes) {
    DirWriter *w = (DirWriter *)writer;
    sha256_put(&w->sum, bytes);
    w->size += (int64_t)bytes.n;
    while (bytes.n > 0) {
        ssize_t n = write(w->fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_fail(cx, errno, "write", w->temp);
        bytes = str_from(bytes, (size_t)n);
    }
    return 0;
}

static int check_condition(Ctx *cx, const ObjectPut *put, const char *folder) {
    ObjectInfo have;
    if (!put->if_absent && put->if_etag.n == 0)
        return 0;
    int r = dir_meta_read(cx, folder, put->key, &have);
    if (r < 0)
        return r;
    bool holds = put->if_absent ? r == OBJECT_NONE : r == 0 && str_eq(str_c(have.etag), put->if_etag);
    return holds ? 0 : OBJECT_CHANGED;
}

/* Bytes of earlier puts of the key, and of one that stopped before its commit. */
static void remove_others(Ctx *cx, const char *folder, const char *keep) {
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.' && strlen(e->d_name) == SHA256_HEX && strcmp(e->d_name, keep) != 0)
            unlink(path_join(cx->arena, folder, e->d_name));
    closedir(d);
}

static int commit(DirStore *d, Ctx *cx, DirWriter *w, ObjectInfo *info) {
    const char *folder = dir_key_path(cx->arena, d->root, w->put.key);
    int r = check_condition(cx, &w->put, folder);
    if (r == 0)
        r = dir_make(cx, folder);
    if (r == 0 && rename(w->temp, path_join(cx->arena, folder, info->sha256)) != 0)
        r = file_fail(cx, errno, "rename", w->temp);
    if (r)
        return r;
    w->temp = NULL;
    r = dir_meta_write(cx, folder, info); /* syncs the folder as well */
    ObjectInfo now;
    if (r == 0)
        remove_others(cx, folder, info->sha256);
    else if (dir_meta_read(&(Ctx){ .arena = cx->arena, .clock = cx->clock }, folder, w->put.key, &now) == 0)
        remove_others(cx, folder, now.sha256); /* the old object stays, the new bytes go */
    else
        remove_others(cx, folder, "");
    return r;
}

/* Folders made for the key are entries of their parents: those must last as well. */
static int sync_parents(DirStore *d, Ctx *cx, Str key) {
    char *path = dir_key_path(cx->arena, d->root, key);
    size_t stop = strlen(d->root) + strlen("/objects");
    int r = 0;
    while (r == 0 && strlen(path) > stop) {
        path = path_dir(cx->arena, path);
        r = dir_sync(cx, path);
    }
    return r;
}

static int dir_put_end(ObjectWriter *writer, Ctx *cx, ObjectInfo *out) {
    DirWriter *w = (DirWriter *)writer;
    DirStore *d = (DirStore *)w->base.store;
    ObjectInfo info = { .key = str_dup(cx->arena, w->put.key),
                        .size = w->size,
                        .modified = clock_wall(cx->clock),
                        .content_type = str_dup(cx->arena, w->put.content_type),
                        .n_labels = w->put.n_labels };
    sha256_end_hex(&w->sum, info.sha256);
    memcpy(info.etag, info.sha256, sizeof info.sha256);
    info.labels = arena_new_n(cx->arena, ObjectLabel, w->put.n_labels + 1);
    for (size_t i = 0; i < info.n_labels; i++)
        info.labels[i] = (ObjectLabel){ str_dup(cx->arena, w->labels[i].name), str_dup(cx->arena, w->labels[i].value) };
    int r = fsync(w->fd) == 0 ? 0 : file_fail(cx, errno, "sync", w->temp);
    if (r == 0) {
        lock(d);
        r = commit(d, cx, w, &info);
        unlock(d);
    }
    if (r == 0)
        r = sync_parents(d, cx, w->put.key);
    writer_free(w);
    if (r == 0)
        *out = info;
    return r;
}

static void dir_put_abort(ObjectWriter *writer) {
    writer_free((DirWriter *)writer);
}

/* --- reading --- */

static int dir_head(ObjectStore *s, Ctx *cx, Str key, ObjectInfo *out) {
    return dir_meta_read(cx, dir_key_path(cx->arena, ((DirStore *)s)->root, key), key, out);
}

static int read_range(Ctx *cx, int fd, const char *path, int64_t at, size_t n, char *out, size_t *got) {
    for (*got = 0; *got < n;) {
        ssize_t k = pread(fd, out + *got, n - *got, (off_t)(at + (int64_t)*got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return file_fail(cx, errno, "read", path);
        if (k == 0)
            break;
        *got += (size_t)k;
    }
    return 0;
}

static int dir_get(ObjectStore *s, Ctx *cx, Str key, Str etag, int64_t at, size_t n, char *out, size_t *got) {
    enum { TRIES = 16 };
    ArenaMark mark = arena_mark(cx->arena);
    const char *folder = dir_key_path(cx->arena, ((DirStore *)s)->root, key);
    int r = 0, fd = -1;
    ObjectInfo info;
    for (int i = 0; i < TRIES && fd < 0; i++) { /* a put may replace the bytes between the two looks */
        r = dir_meta_read(cx, folder, key, &info);
        if (r == 0 && etag.n && !str_eq(etag, str_c(info.etag)))
            r = OBJECT_CHANGED;
        if (r)
            break;
        fd = open(path_join(cx->arena, folder, info.sha256), O_RDONLY | O_CLOEXEC);
    }
    if (r == 0 && fd < 0)
        r = err_set(cx, ERR_CORRUPT, "%s: the bytes of the object are gone; put it again", folder);
    if (r == 0)
        r = read_range(cx, fd, folder, at, n, out, got);
    if (fd >= 0)
        close(fd);
    arena_rewind(cx->arena, mark);
    return r;
}

/* --- removing --- */

static int remove_locked(DirStore *d, Ctx *cx, Str key) {
    char *folder = dir_key_path(cx->arena, d->root, key);
    const char *meta = path_join(cx->arena, folder, "meta.json");
    if (unlink(meta) != 0)
        return errno == ENOENT || errno == ENOTDIR ? OBJECT_NONE : file_fail(cx, errno, "remove", meta);
    int r = dir_sync(cx, folder);
    remove_others(cx, folder, "");
    size_t stop = strlen(d->root) + strlen("/objects");
    while (strlen(folder) > stop && rmdir(folder) == 0) /* and its parents, as far as they are empty */
        folder = path_dir(cx->arena, folder);
    return r;
}

static int dir_remove(ObjectStore *s, Ctx *cx, Str key) {
    DirStore *d = (DirStore *)s;
    lock(d);
    int r = remove_locked(d, cx, key);
    unlock(d);
    return r;
}

/* --- opening --- */

static void dir_close(ObjectStore *s) {
    DirStore *d = (DirStore *)s;
    if (d->lock_fd >= 0)
        close(d->lock_fd);
    pthread_mutex_destroy(&d->mutex);
    mem_free(d->root);
    mem_free(d);
}

/* Another process may be putting: its files have its number in their names, and only those of the dead go. */
static void empty_tmp(Ctx *cx, const char *tmp) {
    DIR *d = opendir(tmp);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        Str name = str_c(e->d_name), pid;
        int64_t number;
        if (!str_next(&name, '.', &pid) || !str_to_i64(pid, &number) || number <= 0)
            continue;
        const char *process = str_fmt(cx->arena, "/proc/%lld", (long long)number).p;
        if (number == getpid() || !file_exists(str_cz(cx->arena, str_c(process))))
            unlink(path_join(cx->arena, tmp, e->d_name));
    }
    closedir(d);
}

static const ObjectStoreOps ops = {
    .name = "dir",
    .put_begin = dir_put_begin,
    .put_data = dir_put_data,
    .put_end = dir_put_end,
    .put_abort = dir_put_abort,
    .head = dir_head,
    .get = dir_get,
    .list = dir_list,
    .remove = dir_remove,
    .close = dir_close,
};

int object_dir_open(Ctx *cx, const char *root, ObjectStore **out) {
    int r = dir_make(cx, path_join(cx->arena, root, "objects"));
    if (r == 0)
        r = dir_make(cx, path_join(cx->arena, root, "tmp"));
    if (r)
        return r;
    const char *lock_path = path_join(cx->arena, root, ".lock");
    int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return file_fail(cx, errno, "open", lock_path);
    empty_tmp(cx, path_join(cx->arena, root, "tmp"));
    DirStore *d = mem_new(DirStore);
    d->base.ops = &ops;
    d->root = memcpy(mem_alloc(strlen(root) + 1), root, strlen(root) + 1);
    d->lock_fd = fd;
    d->serial = (uint64_t)clock_mono(cx->clock).ns; /* a second store of this process has other names */
    pthread_mutex_init(&d->mutex, NULL);
    *out = &d->base;
    return 0;
}
