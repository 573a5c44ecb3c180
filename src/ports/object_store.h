#pragma once

/* ports/object_store.h - named bytes with a few words beside them: datasets, backups, models.
 *
 * Adapters:  adapters/object/dir (a folder), adapters/object/s3 (a bucket), adapters/object/cached (a disk in front of either).
 * Used by:   services/storage.
 * Memory:    results go to cx->arena.
 * Threads:   every call may come from any thread; one ObjectWriter belongs to one thread at a time.
 * Durable:   an object is there, whole and synced, when object_put_end has answered 0; before that nothing of it can
 *            be seen, and what was under its key stays. A put that is given up leaves nothing.
 * Contract:  tests/contract/object_store.c.
 *
 * Keys: 1 to 512 bytes of UTF-8 without control characters, split by '/'; no segment is empty, "." or "..", none
 * longer than 80 bytes. "a" and "a/b" may both be there. */

#include "base/ctx.h"
#include "base/sha256.h"

typedef struct ObjectStore ObjectStore;
typedef struct ObjectWriter ObjectWriter;

enum {
    OBJECT_NONE = 1,    /* > 0: no such key */
    OBJECT_CHANGED = 2, /* the condition of the put does not hold */
};

enum {
    OBJECT_KEY_MAX = 512,
    OBJECT_SEGMENT_MAX = 80,
    OBJECT_LABELS_MAX = 32,
    OBJECT_LABELS_BYTES = 2048, /* of all labels, as S3 allows */
    OBJECT_PAGE_MAX = 1000,
    OBJECT_ETAG_MAX = 79,
};

typedef struct ObjectLabel {
    Str name;  /* lower-case letters, digits, '-' and '_' */
    Str value; /* UTF-8 without control characters */
} ObjectLabel;

typedef struct ObjectInfo {
    Str key;
    int64_t size;
    char etag[OBJECT_ETAG_MAX + 1]; /* changes with the bytes; else it has no meaning */
    char sha256[SHA256_HEX + 1];    /* of the bytes; empty in lists where the store would have to ask for each, and of
                                     * objects that others put */
    Time modified;
    Str content_type;
    ObjectLabel *labels; /* empty in lists where the store would have to ask for each */
    size_t n_labels;
} ObjectInfo;

typedef struct ObjectPut {
    Str key, content_type;
    const ObjectLabel *labels;
    size_t n_labels;
    bool if_absent; /* OBJECT_CHANGED when the key is there */
    Str if_etag;    /* OBJECT_CHANGED unless the key is there with this etag */
} ObjectPut;

struct ObjectWriter { /* the first member of an adapter's own */
    ObjectStore *store;
};

typedef struct ObjectStoreOps {
    const char *name;
    int (*put_begin)(ObjectStore *s, Ctx *cx, const ObjectPut *put, ObjectWriter **out);
    int (*put_data)(ObjectWriter *w, Ctx *cx, Str bytes);
    /* Either way the writer is gone. 0, OBJECT_CHANGED or ErrCode. */
    int (*put_end)(ObjectWriter *w, Ctx *cx, ObjectInfo *out);
    void (*put_abort)(ObjectWriter *w);
    int (*head)(ObjectStore *s, Ctx *cx, Str key, ObjectInfo *out);
    /* At most n bytes from `at` on into out; *got is less only at the end. OBJECT_NONE; with etag, OBJECT_CHANGED
     * when the object is another one by now. */
    int (*get)(ObjectStore *s, Ctx *cx, Str key, Str etag, int64_t at, size_t n, char *out, size_t *got);
    /* Keys that begin with prefix and are greater than after, in the order of their bytes, at most limit. */
    int (*list)(ObjectStore *s, Ctx *cx, Str prefix, Str after, size_t limit, ObjectInfo **out, size_t *n, bool *more);
    int (*remove)(ObjectStore *s, Ctx *cx, Str key); /* OBJECT_NONE when it was not there */
    void (*close)(ObjectStore *s);
} ObjectStoreOps;

/* Tests make calls fail: asked at the start of each ("put_begin", "put_data", "put_end", "head", "get", "list",
 * "remove"). 0 = go on. */
typedef int ObjectStoreFault(void *arg, Ctx *cx, const char *point);

struct ObjectStore {
    const ObjectStoreOps *ops;
    ObjectStoreFault *fault;
    void *fault_arg;
};

void object_store_set_fault(ObjectStore *s, ObjectStoreFault *fn, void *arg);

/* ERR_INVALID for a key or label that cannot be. */
int object_put_begin(ObjectStore *s, Ctx *cx, const ObjectPut *put, ObjectWriter **out);
/* After a failure: only object_put_abort. */
int object_put_data(ObjectWriter *w, Ctx *cx, Str bytes);
int object_put_end(ObjectWriter *w, Ctx *cx, ObjectInfo *out);
ObjectWriter *object_put_abort(ObjectWriter *w); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(ObjectWriter *, object_put_abort)
/* Small objects in one call. */
int object_put(ObjectStore *s, Ctx *cx, const ObjectPut *put, Str bytes, ObjectInfo *out);
int object_head(ObjectStore *s, Ctx *cx, Str key, ObjectInfo *out);
int object_get(ObjectStore *s, Ctx *cx, Str key, Str etag, int64_t at, size_t n, char *out, size_t *got);
/* The whole object into the arena, its sum checked where one is known; ERR_TOO_LARGE past max. */
int object_get_all(ObjectStore *s, Ctx *cx, Str key, size_t max, Str *out);
int object_list(ObjectStore *s, Ctx *cx, Str prefix, Str after, size_t limit, ObjectInfo **out, size_t *n, bool *more);
int object_remove(ObjectStore *s, Ctx *cx, Str key);
ObjectStore *object_store_close(ObjectStore *s);
DEFINE_CLEANUP(ObjectStore *, object_store_close)

/* The label's value, or empty. */
Str object_label(const ObjectInfo *info, Str name);
