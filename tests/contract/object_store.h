#pragma once

/* tests/contract/object_store.h - what an adapter gives the suite. */

#include "lib/test.h"
#include "ports/object_store.h"

typedef struct ObjectStoreMaker {
    const char *name;
    ObjectStore *(*open)(TestCtx *t, const char *dir);
    bool persistent; /* opening the same dir again shows the same objects */
    /* Optional: true where nothing is listed below a key that is an object itself (MinIO: "a/b" beside "a"). */
    bool (*hides_below_keys)(void);
} ObjectStoreMaker;
extern const ObjectStoreMaker object_store_maker;
