/* The object store contract on adapters/object/cached, with a folder behind it. */

#include "adapters/object/cached.h"
#include "adapters/object/dir.h"
#include "base/file.h"
#include "contract/object_store.h"

static ObjectStore *open_cached(TestCtx *t, const char *dir) {
    ObjectStore *behind, *s;
    CHECK_OK_PLAIN(&t->cx, object_dir_open(&t->cx, path_join(&t->arena, dir, "store"), &behind));
    ObjectCacheOptions o = { .dir = path_join(&t->arena, dir, "cache"), .max_bytes = 4 << 20 };
    CHECK_OK_PLAIN(&t->cx, object_cached_open(&t->cx, behind, &o, &s));
    return s;
}

const ObjectStoreMaker object_store_maker = { .name = "cached", .open = open_cached, .persistent = true };
