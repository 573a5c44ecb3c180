/* The candle store contract on adapters/store/csv (MDS-25). */

#include "adapters/store/csv.h"
#include "contract/candle_store.h"

static CandleStore *open_csv(TestCtx *t, const char *dir) {
    CandleStore *store = NULL;
    void **state_ = NULL;
    CHECK_OK(&t->cx, store_csv_open(&t->cx, dir, &store));
    return store;
}

const StoreMaker store_maker = { .name = "csv", .persistent = true, .open = open_csv };
