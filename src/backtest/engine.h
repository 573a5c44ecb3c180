#pragma once

/* backtest/engine.h - the port of backtest engines (MDS-29): run_backtest, validate_strategy_config,
 * get_supported_strategies.
 *
 * Engines:   backtest/backtrader (its semantics exactly), backtest/ta4j, backtest/zoot (our own).
 * Pure:      candles come in, a result goes out. No file, no clock, no randomness: the same request gives the same
 *            bytes. How long it took is told by the caller, who has a clock.
 * Memory:    the result lives in cx->arena.  Threads: an engine is a constant; any number of runs at once.
 * Contract:  tests/contract/backtest_engine.c runs against every engine.
 *
 * Callers use the backtest_* wrappers: there the request is checked, once for all engines. */

#include "backtest/result.h"
#include "backtest/strategy.h"

typedef enum CommissionKind {
    COMMISSION_PERCENT,  /* rate of the traded value, each side: 0.001 = 0.1 % */
    COMMISSION_PER_UNIT, /* rate a unit or contract, each side */
} CommissionKind;

typedef enum SlippageKind { SLIPPAGE_NONE, SLIPPAGE_PERCENT, SLIPPAGE_FIXED } SlippageKind;

typedef struct Slippage {
    SlippageKind kind;
    double value;  /* 0.001 = 0.1 %, or an amount of price */
    bool on_open;  /* fills at an open slip too */
    bool on_limit; /* a limit order slips too, within its limit */
    bool match;    /* slips to the end of the candle at most; without it such a fill does not happen */
    bool out;      /* may leave the candle */
} Slippage;

/* What every engine has. All-zero is not valid: start from broker_config_standard(). */
typedef struct BrokerConfig {
    double cash; /* > 0 */
    CommissionKind commission;
    double commission_rate; /* >= 0 */
    Slippage slippage;
    double leverage;   /* >= 1: cash needed is the value over it */
    double margin;     /* > 0: futures-like, money a contract; 0: like stocks */
    double multiplier; /* value of a price change of 1 a contract */
    double interest;   /* a year, on short positions: 0.05 = 5 % */
    bool interest_long;
    bool no_short_cash;  /* a short sale costs cash instead of giving it */
    bool no_short;       /* refuse short positions */
    bool no_cash_check;  /* skip the check at submission; the one at the fill stays */
    bool cheat_on_close; /* market orders fill at the close of the signal's candle */
} BrokerConfig;
/* 10,000 of cash, 0.1 %, slippage may match the candle's ends, leverage and multiplier 1. */
BrokerConfig broker_config_standard(void);

typedef struct ZootOptions ZootOptions; /* backtest/zoot/zoot.h */
typedef struct Ta4jOptions Ta4jOptions; /* backtest/ta4j/ta4j.h */

typedef struct RunOptions {
    bool stepwise;     /* lines candle by candle, as live: slower, the same bytes */
    bool no_orders;    /* leave out the list of orders (trades stay) */
    size_t memory_max; /* bytes the run may take of cx->arena; 0 = 4 GiB */
    size_t orders_max; /* 0 = 10,000,000; one more is ERR_LIMIT */
    /* Progress, at least every 65,536 steps and at the end; < 0 stops with that code. May be NULL. Cancel and the
     * deadline come by cx. */
    int (*progress)(void *arg, Ctx *cx, size_t step, size_t n_steps);
    void *progress_arg;
    /* Sees each step after next; for tests, traces and the proof against look-ahead. May be NULL. */
    void (*probe)(void *arg, const View *v);
    void *probe_arg;
} RunOptions;

typedef struct BacktestRequest {
    Str backtest_id; /* of the caller's making; may be empty */
    const MarketAsset *assets;
    size_t n_assets;
    const StrategyConfig *strategy;
    const StrategyCatalog *catalog; /* NULL = the built-in strategies */
    BrokerConfig broker;
    const ZootOptions *zoot; /* NULL = its standard */
    const Ta4jOptions *ta4j;
    RunOptions options;
} BacktestRequest;

typedef struct BacktestEngine {
    const char *name;    /* "backtrader" */
    const char *version; /* of its semantics: goes into results */
    const char *words;
    /* Required. The wrapper has checked the request, opened the strategy, computed its lines (not with stepwise: there
     * they are begun, and the engine computes the row of each candle as it comes) and written the head of the result:
     * everything up to initial_cash, warm-ups too. The engine fills the rest but counts, warnings and explanation. */
    int (*run)(Ctx *cx, const BacktestRequest *req, Strategy *s, BacktestResult *out);
    /* Optional. What this engine cannot do of a configuration: ERR_INVALID or ERR_UNSUPPORTED with words. */
    int (*validate)(Ctx *cx, const StrategyConfig *config, const BrokerConfig *broker);
    /* Optional; NULL: all of the catalog. */
    bool (*supports)(const StrategyType *type);
} BacktestEngine;

/* Engines there are; by name, or NULL. */
size_t backtest_engines(const BacktestEngine *const **out);
const BacktestEngine *backtest_engine_find(Str name);

/* run_backtest. Errors: ERR_INVALID (configuration, no candles, candles not ascending or not numbers: with the place),
 * ERR_LIMIT (memory, orders), ERR_CANCELLED, ERR_TIMEOUT. Gappy data is a warning in the result, with counts; a run
 * without trades explains itself in result->explanation. */
int backtest_run(const BacktestEngine *e, Ctx *cx, const BacktestRequest *req, BacktestResult *out);
/* validate_strategy_config. */
int backtest_validate(const BacktestEngine *e, Ctx *cx, const StrategyCatalog *catalog, const StrategyConfig *config,
                      const BrokerConfig *broker);
/* get_supported_strategies: in the arena. */
void backtest_supported(const BacktestEngine *e, const StrategyCatalog *catalog, Arena *arena,
                        const StrategyType *const **out, size_t *n);
