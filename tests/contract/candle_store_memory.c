/* The candle store contract on adapters/store/memory. */

#include "adapters/store/memory.h"
#include "contract/candle_store.h"

static CandleStore *open_memory(TestCtx *t, const char *dir) {
    UNUSED(t);
    UNUSED(dir);
    return store_memory_new();
}

const StoreMaker store_maker = { .name = "memory", .open = open_memory };
