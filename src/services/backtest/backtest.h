#pragma once

/* services/backtest/backtest.h - the backtesting service (MDS-32): run, keep, find again, compare, recommend.
 *
 * Candles come through ports/candle_source, results are kept through ports/backtest_store, engines are those of
 * backtest/engine.h. The service knows no adapter and no other service.
 *
 * A run that is answered has been saved first: a kill between save and reply loses nothing (FLW-04).
 *
 * One service per process; every call may come from any thread. Results live in cx->arena. */

#include "backtest/engine.h"
#include "backtest/lab/compare.h"
#include "backtest/metrics.h"
#include "backtest/ta4j/ta4j.h"
#include "backtest/zoot/zoot.h"
#include "base/log.h"
#include "base/rng.h"
#include "ports/backtest_store.h"
#include "ports/candle_source.h"

typedef struct BacktestService BacktestService;

typedef struct BacktestOptions {
    CandleSource *candles; /* borrowed, as all below; outlives the service */
    BacktestStore *store;
    const StrategyCatalog *catalog; /* NULL = the built-in strategies */
    Ids *ids;
    Logger *log;        /* NULL = silent */
    int64_t keep_ms;    /* age at which a backtest may go; 0 = never */
    size_t candles_max; /* of one asset; 0 = 20,000,000 */
    size_t memory_max;  /* of one run; 0 = 4 GiB */
    int threads;        /* of a sweep; 0 = 1 */
} BacktestOptions;

BacktestService *backtest_service_new(const BacktestOptions *o);
BacktestService *backtest_service_free(BacktestService *s); /* NULL is fine; returns NULL */
const StrategyCatalog *backtest_service_catalog(const BacktestService *s);

/* --- run (FLW-03, FLW-04) --- */

/* What zoot knows beyond a BrokerConfig; all-zero is its standard, with the venue's own trading rules. */
typedef struct ZootAsk {
    double spread, volume_share, impact, maintenance, liquidation_fee; /* ZootAsset, ZootOptions */
    double funding_rate;  /* of the position's value, each funding_hours; > 0: longs pay */
    double funding_hours; /* 0 = 8 */
    const ZootFeeTier *tiers;
    size_t n_tiers;
    bool has_fine; /* candles of the timeframe `fine` decide what happened inside a candle */
    Timeframe fine;
    bool ignore_rules; /* no rounding to the listing's tick, lot and smallest notional */
} ZootAsk;

/* A column beside the candles: of one asset, or of all. */
typedef struct BacktestColumn {
    ExtraColumn column;
    bool has_symbol;
    Symbol symbol;
} BacktestColumn;

typedef struct BacktestAsk {
    Str backtest_id;           /* empty: one is made, "bt_" and 24 random digits */
    Str engine;                /* empty: "backtrader" */
    const SourceQuery *assets; /* `most` is the service's */
    size_t n_assets;
    const BacktestColumn *columns;
    size_t n_columns;
    StrategyConfig strategy;
    BrokerConfig broker;
    ZootAsk zoot;
    Ta4jOptions ta4j;
    double risk_free; /* a year */
    Str note;
    bool transient;     /* do not keep it */
    RunOptions options; /* memory_max 0 = the service's */
} BacktestAsk;

/* ERR_NOT_FOUND: no candles of an asset are stored. ERR_INVALID: see backtest_run; the engine's name (the words list
 * those there are). ERR_CONFLICT: the id is taken. The benchmark of the metrics is holding the first asset. */
int backtest_service_run(BacktestService *s, Ctx *cx, const BacktestAsk *ask, StoredBacktest *out);
/* The same without running: configuration and names alone. */
int backtest_service_validate(BacktestService *s, Ctx *cx, const BacktestAsk *ask);
/* The candles of a request, for sweeps and the like: rows of every asset, and the labels to pass on. */
typedef struct BacktestData {
    MarketAsset *assets;
    size_t n_assets;
    SeriesKey key; /* of the first, as stored */
    int64_t n_candles, n_synthetic;
    bool simulated;
    const ZootOptions *zoot;
} BacktestData;
int backtest_service_data(BacktestService *s, Ctx *cx, const BacktestAsk *ask, BacktestData *out);
/* By name; empty = "backtrader". ERR_INVALID lists those there are. */
int backtest_service_engine(Ctx *cx, Str name, const BacktestEngine **out);

/* --- what is kept --- */

/* 0 or BACKTEST_NO_SUCH. Of the caller's workspace alone. */
int backtest_service_get(BacktestService *s, Ctx *cx, Str id, StoredBacktest *out);
/* Its tear sheet, one HTML page, appended to out: with the price chart where the candles are still stored as they were.
 * 0 or BACKTEST_NO_SUCH. */
int backtest_service_report(BacktestService *s, Ctx *cx, Str id, Buf *out);
int backtest_service_remove(BacktestService *s, Ctx *cx, Str id);
/* filter->workspace is the caller's, whatever it says. */
int backtest_service_list(BacktestService *s, Ctx *cx, const BacktestFilter *filter, BacktestSummary **out, size_t *n,
                          int64_t *total);
/* Removes what is older than keep_ms; nothing when that is 0. */
int backtest_service_expire(BacktestService *s, Ctx *cx, int64_t *removed);

/* --- recommendations (MDS-32) --- */

typedef struct Recommendation {
    BacktestSummary best; /* the best stored backtest of its strategy type */
    int64_t n_backtests;  /* of that strategy type that were looked at */
    Str why;              /* its figures in a sentence */
} Recommendation;

/* One for each strategy type with a scored backtest of the symbol, best score first: compare_score in
 * backtest/lab/compare.h. timeframe: empty = any. */
int backtest_service_recommend(BacktestService *s, Ctx *cx, Str symbol, Str timeframe, size_t most,
                               Recommendation **out, size_t *n);
