/* app/registry.c - adapters by name. Adding one: its folder, one row here, its port's contract suite. */

#include "app/platform.h"

#include "adapters/backtest/sqlite.h"
#include "adapters/bus/amqp.h"
#include "adapters/bus/kafka.h"
#include "adapters/bus/log.h"
#include "adapters/bus/outbox.h"
#include "adapters/bus/shared.h"
#include "adapters/jobs/sqlite.h"
#include "adapters/market/binance_live.h"
#include "adapters/market/quiet_live.h"
#include "adapters/market/venue.h"
#include "adapters/security/sqlite.h"
#include "adapters/store/csv.h"
#include "adapters/store/memory.h"
#include "adapters/store/parquet.h"
#include "adapters/store/sqlite.h"
#include "adapters/strategy/library.h"
#include "backtest/plugin/plugin.h"
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

static int open_parquet(Ctx *cx, const AppCfg *cfg, CandleStore **out) {
    const char *dir = path_join(cx->arena, cfg->data_dir, "lake");
    int r = dir_make(cx, dir);
    return r ? r : store_parquet_open(cx, dir, out);
}

static int (*const stores[])(Ctx *cx, const AppCfg *cfg, CandleStore **out) = {
    [STORE_SQLITE] = open_sqlite,
    [STORE_MEMORY] = open_memory,
    [STORE_CSV] = open_csv,
    [STORE_PARQUET] = open_parquet,
};

int registry_open_store(Ctx *cx, const AppCfg *cfg, CandleStore **out) {
    return stores[cfg->data_store](cx, cfg, out);
}

/* --- backtests: beside the candles, in memory where those are --- */

int registry_open_backtests(Ctx *cx, const AppCfg *cfg, BacktestStore **out) {
    bool memory = cfg->data_store == STORE_MEMORY;
    BacktestSqliteOptions o = { .path = memory ? NULL : path_join(cx->arena, cfg->data_dir, "backtest.db"),
                                .lazy = !memory };
    return backtest_sqlite_open(cx, &o, out);
}

int registry_open_strategies(Ctx *cx, const AppCfg *cfg, Arena *arena, StrategyCatalog *out) {
    *out = *strategy_builtins();
    for (size_t i = 0; i < cfg->backtest_plugins.n; i++) {
        Str path = cfg->backtest_plugins.v[i];
        StrategyLibraryEntry entry;
        StrategyCatalog before = *out;
        Ctx keep = *cx;
        int r = strategy_library_load(cx, path, &entry);
        if (r < 0)
            return r;
        keep.arena = arena;
        r = plugin_catalog(&keep, &before, path, entry, out);
        if (r < 0) {
            cx->err = keep.err;
            return r;
        }
    }
    return 0;
}

/* Beside the candles; a store that forgets them forgets the jobs too. */
int registry_open_control(Ctx *cx, const AppCfg *cfg, Str audit_key, JobStore **out) {
    bool kept = cfg->data_store != STORE_MEMORY;
    JobStoreOptions o = { .path = kept ? path_join(cx->arena, cfg->data_dir, "control.db") : NULL,
                          .anchor = kept ? path_join(cx->arena, cfg->data_dir, "control.anchor") : NULL,
                          .audit_key = audit_key,
                          .lazy = kept };
    return job_store_sqlite_open(cx, &o, out);
}

int registry_open_security(Ctx *cx, const AppCfg *cfg, Str audit_key, SecurityStore **out) {
    bool kept = cfg->data_store != STORE_MEMORY;
    const char *anchor = cfg->audit_anchor && cfg->audit_anchor[0]
                             ? cfg->audit_anchor
                             : path_join(cx->arena, cfg->data_dir, "security.anchor");
    SecurityStoreOptions o = { .path = kept ? path_join(cx->arena, cfg->data_dir, "security.db") : NULL,
                               .anchor = kept ? anchor : NULL,
                               .key = audit_key,
                               .lazy = kept };
    return security_store_sqlite_open(cx, &o, out);
}

static int open_log_bus(Ctx *cx, const AppCfg *cfg, EventBus **out) {
    bool kept = cfg->data_store != STORE_MEMORY;
    EventLogOptions o = { .path = kept ? path_join(cx->arena, cfg->data_dir, "bus.db") : NULL,
                          .lazy = kept,
                          .retention_ms = cfg->events_retention_ms };
    return event_log_open(cx, &o, out);
}

static int open_amqp_bus(Ctx *cx, const AppCfg *cfg, EventBus **out) {
    if (cfg->events_url.n == 0)
        return err_set_at(cx, ERR_USAGE, S("events.url"),
                          "events.bus is amqp: events.url has to say where, as amqp://user:password@host:5672/vhost");
    EventAmqpOptions o = { .url = cfg->events_url,
                           .ca = str_c(cfg->events_tls_ca),
                           .cert = str_c(cfg->events_tls_cert),
                           .key = str_c(cfg->events_tls_key) };
    return event_amqp_open(cx, &o, out);
}

static int open_kafka_bus(Ctx *cx, const AppCfg *cfg, EventBus **out) {
    Str brokers = cfg->events_url;
    if (!str_starts(brokers, S("kafka://")) || brokers.n == 8)
        return err_set_at(cx, ERR_USAGE, S("events.url"),
                          "events.bus is kafka: events.url has to say where, as kafka://host:9092,host:9092");
    return event_kafka_open(cx, &(EventKafkaOptions){ .brokers = str_cz(cx->arena, str_from(brokers, 8)) }, out);
}

static int open_bus(Ctx *cx, const AppCfg *cfg, EventBus **out) {
    switch ((BusChoice)cfg->events_bus) {
    case BUS_AMQP:
        return open_amqp_bus(cx, cfg, out);
    case BUS_KAFKA:
        return open_kafka_bus(cx, cfg, out);
    case BUS_LOG:
        break;
    }
    return open_log_bus(cx, cfg, out);
}

int registry_join_bus(Ctx *cx, const AppCfg *cfg, EventBus **out) {
    if (cfg->events_bus != BUS_LOG)
        return open_bus(cx, cfg, out);
    if (cfg->data_store != STORE_MEMORY)
        *out = event_shared_new(platform_bus_socket(cx->arena, cfg));
    return 0;
}

/* The files are beside the stores too, and made by the first call that needs them. */
int registry_open_bus(Ctx *cx, const AppCfg *cfg, EventBus **out, Outbox **outbox) {
    bool kept = cfg->data_store != STORE_MEMORY;
    OutboxFileOptions waiting = { .path = kept ? path_join(cx->arena, cfg->data_dir, "outbox.db") : NULL,
                                  .lazy = kept };
    int r = open_bus(cx, cfg, out);
    return r == 0 ? outbox_file_open(cx, &waiting, outbox) : r;
}

/* --- venues --- */

#define VENUE_DRIVER(name, url, what) extern const VenueDriver venue_##name;
VENUE_TABLE(VENUE_DRIVER)
#undef VENUE_DRIVER

static const VenueDriver *const drivers[VENUE_COUNT] = {
#define VENUE_ROW(name, url, what) [VENUE_##name] = &venue_##name,
    VENUE_TABLE(VENUE_ROW)
#undef VENUE_ROW
};

static int open_feed(Ctx *cx, const VenueDriver *driver, const VenueCfg *cfg, HttpClient *http, MarketFeed **out) {
    VenueOptions o = { .http = http,
                       .base_url = cfg->url,
                       .simulated = cfg->simulated,
                       .allow_private = cfg->private_address,
                       .attempts = (int)cfg->attempts,
                       .timeout_ms = cfg->timeout_ms,
                       .seed = (uint64_t)clock_mono(cx->clock).ns };
    return market_venue_open(cx, driver, &o, out);
}

int registry_open_feeds(Ctx *cx, const AppCfg *cfg, HttpClient *http, MarketFeed **out, size_t cap, size_t *n) {
    assert(cap >= VENUE_COUNT);
    for (*n = 0; *n < VENUE_COUNT; (*n)++) {
        int r = open_feed(cx, drivers[*n], &cfg->venues[*n], http, &out[*n]);
        if (r != 0)
            return r;
    }
    return 0;
}

/* --- streams --- */

/* As configured; else where the REST is, unless that is the venue's own. */
static Str binance_stream_url(Ctx *cx, const AppCfg *cfg) {
    Str rest = cfg->venues[VENUE_binance].url;
    if (cfg->binance_stream_url.n || str_eq(rest, str_c(drivers[VENUE_binance]->base_url)))
        return cfg->binance_stream_url;
    bool tls = str_starts(rest, S("https://"));
    return str_fmt(cx->arena, "%s" STR_FMT, tls ? "wss://" : "ws://", STR_ARG(str_from(rest, tls ? 8 : 7)));
}

int registry_open_live(Ctx *cx, const AppCfg *cfg, Venue venue, WsDialer *dialer, const LiveSeries *series, size_t n,
                       LiveFeed **out) {
    if (!str_eq(venue_str(&venue), S("binance"))) {
        for (size_t i = 0; i < VENUE_COUNT; i++)
            if (str_eq(venue_str(&venue), str_c(drivers[i]->name)))
                *out = market_quiet_live_new(drivers[i]->name, n);
        return 0;
    }
    BinanceLiveOptions o = { .dialer = dialer,
                             .url = binance_stream_url(cx, cfg),
                             .series = series,
                             .n = n,
                             .simulated = cfg->venues[VENUE_binance].simulated,
                             .seed = (uint64_t)clock_mono(cx->clock).ns };
    return market_binance_live_open(cx, &o, out);
}
