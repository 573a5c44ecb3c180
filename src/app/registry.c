/* app/registry.c - adapters by name. Adding one: its folder, one row here, its port's contract suite. */

#include "app/platform.h"

#include "adapters/market/binance.h"

#include "adapters/store/csv.h"
#include "adapters/store/memory.h"
#include "adapters/store/sqlite.h"
#include "base/file.h"

/* --- stores: data.store --- */

static int open_sqlite(Ctx *cx, const AppCfg *cfg, CandleStore **out) {
    StoreSqliteOptions o = { .path = path_join(cx->arena, cfg->data_dir, "market.db"),
                             .cache_bytes = (size_t)cfg->data_cache };
    return store_sqlite_open(cx, &o, out);
}

static int open_memory(Ctx *cx, const AppCfg *cfg, CandleStore **out) {
    UNUSED(cx);
    UNUSED(cfg);
    *out = store_memory_new();
    return 0;
}

static int open_csv(Ctx *cx, const AppCfg *cfg, CandleStore **out) {
    return store_csv_open(cx, path_join(cx->arena, cfg->data_dir, "candles"), out);
}

static int (*const stores[])(Ctx *cx, const AppCfg *cfg, CandleStore **out) = {
    [STORE_SQLITE] = open_sqlite,
    [STORE_MEMORY] = open_memory,
    [STORE_CSV] = open_csv,
};

int registry_open_store(Ctx *cx, const AppCfg *cfg, CandleStore **out) {
    return stores[cfg->data_store](cx, cfg, out);
}

/* --- venues --- */

static int open_binance(Ctx *cx, const AppCfg *cfg, HttpClient *http, MarketFeed **out) {
    BinanceOptions o = { .http = http,
                         .base_url = cfg->binance_url,
                         .simulated = cfg->binance_simulated,
                         .allow_private = cfg->binance_private,
                         .attempts = (int)cfg->binance_attempts,
                         .timeout_ms = cfg->binance_timeout_ms,
                         .seed = (uint64_t)clock_mono(cx->clock).ns };
    return market_binance_open(cx, &o, out);
}

static int (*const feeds[])(Ctx *cx, const AppCfg *cfg, HttpClient *http, MarketFeed **out) = {
    open_binance,
};

int registry_open_feeds(Ctx *cx, const AppCfg *cfg, HttpClient *http, MarketFeed **out, size_t cap, size_t *n) {
    assert(cap >= ARRAY_LEN(feeds));
    for (*n = 0; *n < ARRAY_LEN(feeds); (*n)++) {
        int r = feeds[*n](cx, cfg, http, &out[*n]);
        if (r != 0)
            return r;
    }
    return 0;
}
