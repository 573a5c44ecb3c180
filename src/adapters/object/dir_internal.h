#pragma once

/* adapters/object/dir_internal.h - shared by the files of this folder only. */

#include "adapters/object/dir.h"

#include <pthread.h>

typedef struct DirStore {
    ObjectStore base;
    char *root;
    int lock_fd;
    pthread_mutex_t mutex; /* flock is between processes, this between threads */
    uint64_t serial;       /* of temporary names; under the mutex */
} DirStore;

/* --- dir_meta.c: keys and paths, and meta.json --- */

/* "ROOT/objects/a/b%": the folder of the key. */
char *dir_key_path(Arena *a, const char *root, Str key);
/* A folder's name -> the segment; *leaf: it ends in '%', so it is a key's own folder. false: not a name of ours. */
bool dir_segment_parse(Arena *a, const char *name, Str *segment, bool *leaf);
int dir_meta_write(Ctx *cx, const char *folder, const ObjectInfo *info);
/* 0, OBJECT_NONE, ERR_CORRUPT. */
int dir_meta_read(Ctx *cx, const char *folder, Str key, ObjectInfo *out);

/* --- dir_list.c --- */

int dir_list(ObjectStore *s, Ctx *cx, Str prefix, Str after, size_t limit, ObjectInfo **out, size_t *n, bool *more);
