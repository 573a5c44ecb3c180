/* The candle store contract on adapters/store/sqlite. */

#include "adapters/store/sqlite.h"
#include "contract/candle_store.h"

static CandleStore *open_sqlite(TestCtx *t, const char *dir) {
    Str path = str_fmt(&t->arena, "%s/market.db", dir);
    StoreSqliteOptions o = { .path = str_cz(&t->arena, path) };
    CandleStore *store = NULL;
    void **state_ = NULL;
    CHECK_OK(&t->cx, store_sqlite_open(&t->cx, &o, &store));
    return store;
}

const StoreMaker store_maker = { .name = "sqlite", .persistent = true, .open = open_sqlite };
