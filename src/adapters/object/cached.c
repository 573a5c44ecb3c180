/* adapters/object/cached.c - see cached.h. */

#include "adapters/object/cached.h"

#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 4 << 20, VERIFIED_MAX = 65536 };
#define FILL_NAME ".fill-"

typedef char Sum[SHA256_HEX + 1];

typedef struct Cached {
    ObjectStore base;
    ObjectStore *behind;
    char *dir;
    int64_t max_bytes;
    pthread_mutex_t lock;
    Map verified; /* under the lock, as all below: sums that this process has read whole */
    Arena sums;   /* their texts */
    uint64_t serial;
    ObjectCacheStats stats;
} Cached;

typedef struct CachedWriter {
    ObjectWriter base;
    ObjectWriter *behind;
} CachedWriter;

/* --- the folder --- */

typedef struct Kept {
    Sum sum;
    int64_t size, used_ns;
} Kept;

static bool is_sum(const char *name) {
    size_t n = 0;
    while (hex_value(name[n]) >= 0)
        n++;
    return n == SHA256_HEX && name[n] == '\0';
}

static int oldest_first(const void *a, const void *b) {
    const Kept *x = a, *y = b;
    return (x->used_ns > y->used_ns) - (x->used_ns < y->used_ns);
}

typedef VEC(Kept) KeptList;

static int read_folder(Ctx *cx, const Cached *c, bool drop_fills, KeptList *out, int64_t *bytes) {
    DIR *d = opendir(c->dir);
    *bytes = 0;
    if (!d)
        return file_fail(cx, errno, "read", c->dir);
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        const char *path = path_join(cx->arena, c->dir, e->d_name);
        if (drop_fills && str_starts(str_c(e->d_name), S(FILL_NAME)))
            unlink(path);
        if (!is_sum(e->d_name) || stat(path, &st) != 0)
            continue;
        Kept k = { .size = st.st_size, .used_ns = st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec };
        memcpy(k.sum, e->d_name, sizeof k.sum);
        vec_push_in(cx->arena, out, k);
        *bytes += st.st_size;
    }
    closedir(d);
    return 0;
}

static void forget(Cached *c, const char *sum) {
    pthread_mutex_lock(&c->lock);
    map_del(&c->verified, str_c(sum));
    pthread_mutex_unlock(&c->lock);
}

static void believe(Cached *c, const char *sum) {
    pthread_mutex_lock(&c->lock);
    if (c->verified.n >= VERIFIED_MAX) { /* then they are read again: no harm */
        map_clear(&c->verified);
        arena_reset(&c->sums);
    }
    if (!map_get(&c->verified, str_c(sum))) {
        Str own = str_dup(&c->sums, str_c(sum));
        map_put(&c->verified, own, (void *)(uintptr_t)own.p);
    }
    pthread_mutex_unlock(&c->lock);
}

static bool believed(Cached *c, const char *sum) {
    pthread_mutex_lock(&c->lock);
    bool yes = map_get(&c->verified, str_c(sum)) != NULL;
    pthread_mutex_unlock(&c->lock);
    return yes;
}

/* Makes room: down to nine tenths, so that not every fetch reads the folder. A failure costs room, no answer. */
static void evict(Ctx *cx, Cached *c, const char *keep) {
    ArenaMark mark = arena_mark(cx->arena);
    Err words = cx->err;
    KeptList list = { 0 };
    int64_t bytes;
    if (read_folder(cx, c, false, &list, &bytes) == 0) {
        int64_t gone = 0;
        if (list.n > 1)
            qsort(list.v, list.n, sizeof *list.v, oldest_first);
        for (size_t i = 0; bytes > c->max_bytes / 10 * 9 && i < list.n; i++) {
            if (strcmp(list.v[i].sum, keep) == 0 || unlink(path_join(cx->arena, c->dir, list.v[i].sum)) != 0)
                continue;
            forget(c, list.v[i].sum);
            bytes -= list.v[i].size;
            gone++;
        }
        pthread_mutex_lock(&c->lock);
        c->stats.bytes = bytes;
        c->stats.evicted += gone;
        pthread_mutex_unlock(&c->lock);
    }
    cx->err = words;
    arena_rewind(cx->arena, mark);
}

/* --- files --- */

static int read_at(Ctx *cx, int fd, int64_t at, size_t n, char *out, size_t *got) {
    for (*got = 0; *got < n;) {
        ssize_t k = pread(fd, out + *got, n - *got, (off_t)(at + (int64_t)*got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return file_fail(cx, errno, "read", "a cached object");
        if (k == 0)
            break;
        *got += (size_t)k;
    }
    return 0;
}

static int write_all(Ctx *cx, int fd, const char *path, Str bytes) {
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return file_fail(cx, errno, "write", path);
        bytes = str_from(bytes, (size_t)n);
    }
    return 0;
}

/* Is the file what its name says? Read whole, once a process. */
static bool file_holds(Ctx *cx, Cached *c, int fd, const ObjectInfo *info) {
    struct stat st;
    Sha256 sum;
    Sum found;
    if (fstat(fd, &st) != 0 || st.st_size != info->size)
        return false;
    if (believed(c, info->sha256))
        return true;
    char *piece = mem_alloc(PIECE);
    size_t got = 1;
    int r = 0;
    sha256_init(&sum);
    for (int64_t at = 0; r == 0 && got > 0 && at < info->size; at += (int64_t)got) {
        r = ctx_check(cx);
        if (r == 0)
            r = read_at(cx, fd, at, PIECE, piece, &got);
        if (r == 0)
            sha256_put(&sum, str_n(piece, got));
    }
    mem_free(piece);
    sha256_end_hex(&sum, found);
    if (r || strcmp(found, info->sha256) != 0)
        return false;
    believe(c, info->sha256);
    return true;
}

/* The object's bytes into fd, piece by piece, each of the version that `info` is. */
static int fetch(Ctx *cx, Cached *c, const ObjectInfo *info, int fd, const char *path) {
    char *piece = mem_alloc(PIECE);
    Sha256 sum;
    Sum found;
    int r = 0;
    int64_t at = 0;
    size_t got = 1;
    sha256_init(&sum);
    while (r == 0 && at < info->size && got > 0) {
        size_t n = (size_t)MIN(info->size - at, (int64_t)PIECE);
        r = object_get(c->behind, cx, info->key, str_c(info->etag), at, n, piece, &got);
        if (r == 0) {
            sha256_put(&sum, str_n(piece, got));
            r = write_all(cx, fd, path, str_n(piece, got));
            at += (int64_t)got;
        }
    }
    mem_free(piece);
    sha256_end_hex(&sum, found);
    if (r == 0 && strcmp(found, info->sha256) != 0)
        r = err_set(cx, ERR_CORRUPT, STR_FMT ": the store's bytes are not those that were put", STR_ARG(info->key));
    return r;
}

static int fill(Ctx *cx, Cached *c, const ObjectInfo *info, const char *path, int *out) {
    pthread_mutex_lock(&c->lock);
    uint64_t serial = c->serial++;
    pthread_mutex_unlock(&c->lock);
    const char *temp = str_cz(
        cx->arena, str_fmt(cx->arena, "%s/" FILL_NAME "%d-%llu", c->dir, (int)getpid(), (unsigned long long)serial));
    int fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return file_fail(cx, errno, "create", temp);
    int r = fetch(cx, c, info, fd, temp);
    if (r == 0 && rename(temp, path) != 0)
        r = file_fail(cx, errno, "rename", temp);
    if (r) {
        unlink(temp);
        close(fd);
        return r;
    }
    believe(c, info->sha256);
    pthread_mutex_lock(&c->lock);
    c->stats.fetched_bytes += info->size;
    c->stats.bytes += info->size;
    bool full = c->stats.bytes > c->max_bytes;
    pthread_mutex_unlock(&c->lock);
    if (full)
        evict(cx, c, info->sha256);
    *out = fd;
    return 0;
}

/* A file with the object's bytes. *cold: it had to be fetched. */
static int open_bytes(Ctx *cx, Cached *c, const ObjectInfo *info, int *out, bool *cold) {
    const char *path = path_join(cx->arena, c->dir, info->sha256);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *cold = false;
    if (fd >= 0 && file_holds(cx, c, fd, info)) {
        futimens(fd, NULL); /* used now; a failure makes it older than it is */
        *out = fd;
        return 0;
    }
    int r = ctx_check(cx);
    if (fd >= 0) {
        close(fd);
        if (r)
            return r;
        unlink(path);
        forget(c, info->sha256);
        pthread_mutex_lock(&c->lock);
        c->stats.damaged++;
        c->stats.bytes -= MIN(c->stats.bytes, info->size);
        pthread_mutex_unlock(&c->lock);
    }
    *cold = true;
    return fill(cx, c, info, path, out);
}

/* --- the port --- */

static void count(Cached *c, bool cold, int64_t ns) {
    pthread_mutex_lock(&c->lock);
    c->stats.cold += cold;
    c->stats.warm += !cold;
    *(cold ? &c->stats.cold_ns : &c->stats.warm_ns) += ns;
    pthread_mutex_unlock(&c->lock);
}

enum { PASS_BY = 3 }; /* > 0, beside the port's outcomes: no object for the folder */

/* One read through the folder. OBJECT_CHANGED also when the object was replaced between its head and its bytes. */
static int get_once(Cached *c, Ctx *cx, Str key, Str etag, int64_t at, size_t n, char *out, size_t *got) {
    MonoNs began = clock_mono(cx->clock);
    ObjectInfo info;
    bool cold = false;
    int fd = -1, r = object_head(c->behind, cx, key, &info);
    if (r == 0 && etag.n && !str_eq(etag, str_c(info.etag)))
        r = OBJECT_CHANGED;
    if (r == 0 && (!is_sum(info.sha256) || info.size > c->max_bytes / 2))
        r = PASS_BY;
    if (r == 0)
        r = open_bytes(cx, c, &info, &fd, &cold);
    if (r == 0)
        r = read_at(cx, fd, at, n, out, got);
    if (fd >= 0)
        close(fd);
    if (r == 0)
        count(c, cold, clock_mono(cx->clock).ns - began.ns);
    return r;
}

static int cached_get(ObjectStore *s, Ctx *cx, Str key, Str etag, int64_t at, size_t n, char *out, size_t *got) {
    enum { TRIES = 8 }; /* of an object that is replaced all the time; then it is read past the folder */
    Cached *c = (Cached *)s;
    int r = OBJECT_CHANGED;
    for (int i = 0; i < TRIES && r == OBJECT_CHANGED; i++) {
        ArenaMark mark = arena_mark(cx->arena);
        r = get_once(c, cx, key, etag, at, n, out, got);
        arena_rewind(cx->arena, mark);
        if (etag.n) /* the caller wants this one or none */
            break;
    }
    return r == PASS_BY || (r == OBJECT_CHANGED && etag.n == 0) ? object_get(c->behind, cx, key, etag, at, n, out, got)
                                                                : r;
}

static int cached_put_begin(ObjectStore *s, Ctx *cx, const ObjectPut *put, ObjectWriter **out) {
    ObjectWriter *behind;
    int r = object_put_begin(((Cached *)s)->behind, cx, put, &behind);
    if (r)
        return r;
    CachedWriter *w = mem_new(CachedWriter);
    w->behind = behind;
    *out = &w->base;
    return 0;
}

static int cached_put_data(ObjectWriter *w, Ctx *cx, Str bytes) {
    return object_put_data(((CachedWriter *)w)->behind, cx, bytes);
}

static int cached_put_end(ObjectWriter *w, Ctx *cx, ObjectInfo *out) {
    int r = object_put_end(((CachedWriter *)w)->behind, cx, out);
    mem_free(w);
    return r;
}

static void cached_put_abort(ObjectWriter *w) {
    object_put_abort(((CachedWriter *)w)->behind);
    mem_free(w);
}

static int cached_head(ObjectStore *s, Ctx *cx, Str key, ObjectInfo *out) {
    return object_head(((Cached *)s)->behind, cx, key, out);
}

static int cached_list(ObjectStore *s, Ctx *cx, Str prefix, Str after, size_t limit, ObjectInfo **out, size_t *n,
                       bool *more) {
    return object_list(((Cached *)s)->behind, cx, prefix, after, limit, out, n, more);
}

static int cached_remove(ObjectStore *s, Ctx *cx, Str key) {
    return object_remove(((Cached *)s)->behind, cx, key);
}

static void cached_close(ObjectStore *s) {
    Cached *c = (Cached *)s;
    object_store_close(c->behind);
    map_done(&c->verified);
    arena_done(&c->sums);
    pthread_mutex_destroy(&c->lock);
    mem_free(c->dir);
    mem_free(c);
}

static const ObjectStoreOps ops = {
    .name = "cached",
    .put_begin = cached_put_begin,
    .put_data = cached_put_data,
    .put_end = cached_put_end,
    .put_abort = cached_put_abort,
    .head = cached_head,
    .get = cached_get,
    .list = cached_list,
    .remove = cached_remove,
    .close = cached_close,
};

void object_cached_stats(ObjectStore *cached, ObjectCacheStats *out) {
    Cached *c = (Cached *)cached;
    assert(c->base.ops == &ops);
    pthread_mutex_lock(&c->lock);
    *out = c->stats;
    pthread_mutex_unlock(&c->lock);
}

int object_cached_open(Ctx *cx, ObjectStore *behind, const ObjectCacheOptions *o, ObjectStore **out) {
    Cached *c = mem_new(Cached);
    KeptList list = { 0 };
    size_t n = strlen(o->dir) + 1;
    assert(o->max_bytes > 0);
    c->base.ops = &ops;
    c->behind = behind;
    c->dir = memcpy(mem_alloc(n), o->dir, n);
    c->max_bytes = o->max_bytes;
    pthread_mutex_init(&c->lock, NULL);
    int r = dir_make(cx, o->dir);
    if (r == 0)
        r = read_folder(cx, c, true, &list, &c->stats.bytes);
    if (r) {
        cached_close(&c->base);
        return r;
    }
    if (c->stats.bytes > c->max_bytes)
        evict(cx, c, "");
    *out = &c->base;
    return 0;
}
