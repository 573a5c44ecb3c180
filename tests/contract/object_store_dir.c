#include "adapters/object/dir.h"
#include "contract/object_store.h"

static ObjectStore *open_dir(TestCtx *t, const char *dir) {
    ObjectStore *s;
    CHECK_OK_PLAIN(&t->cx, object_dir_open(&t->cx, dir, &s));
    return s;
}

const ObjectStoreMaker object_store_maker = { .name = "dir", .open = open_dir, .persistent = true };
