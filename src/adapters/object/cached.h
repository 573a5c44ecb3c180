#pragma once

/* adapters/object/cached.h - a folder of this machine in front of an object store elsewhere: what was read once is read
 * from the disk until it changes there.
 *
 *     DIR/<sha256>     whole objects, named by the sum of their bytes; the oldest use goes first when there are too many
 *     DIR/.fill-*      one that is being fetched; removed when the store opens
 *
 * Each read asks the store behind for the object's head, so a change is never missed: warm is one small request and the disk.
 * Bytes are checked against their sum when they are fetched, and once again in each process before a file is believed; one
 * that does not fit is removed and fetched anew. Objects without a known sum, and larger than half of the folder may hold,
 * pass by. Everything else is the store's behind. Several processes may use one folder.
 * Threads: any; two that want the same object at once both fetch it. */

#include "ports/object_store.h"

typedef struct ObjectCacheOptions {
    const char *dir; /* made where it is missing */
    int64_t max_bytes;
} ObjectCacheOptions;

typedef struct ObjectCacheStats { /* since it was opened */
    int64_t cold, warm;           /* reads that fetched the object, that found it */
    int64_t cold_ns, warm_ns;     /* what those took in all */
    int64_t fetched_bytes, evicted, damaged;
    int64_t bytes; /* in the folder now */
} ObjectCacheStats;

/* behind is the cache's from now on, also when opening fails: it is closed with it. */
int object_cached_open(Ctx *cx, ObjectStore *behind, const ObjectCacheOptions *o, ObjectStore **out);
void object_cached_stats(ObjectStore *cached, ObjectCacheStats *out);
