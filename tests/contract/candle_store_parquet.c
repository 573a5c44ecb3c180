/* The candle store contract on adapters/store/parquet (MDS-28). */

#include "adapters/store/parquet.h"
#include "contract/candle_store.h"

static CandleStore *open_parquet(TestCtx *t, const char *dir) {
    CandleStore *store = NULL;
    void **state_ = NULL;
    CHECK_OK(&t->cx, store_parquet_open(&t->cx, dir, &store));
    return store;
}

const StoreMaker store_maker = { .name = "parquet", .persistent = true, .open = open_parquet };
