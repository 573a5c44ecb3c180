#include "adapters/cache/memory.h"
#include "contract/cache.h"

static Cache *open_memory(TestCtx *t) {
    UNUSED(t);
    return cache_memory_new(64 << 20, CACHE_TINYLFU, 5);
}

const CacheMaker cache_maker = { .name = "memory", .open = open_memory };
