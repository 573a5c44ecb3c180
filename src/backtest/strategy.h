#pragma once

/* backtest/strategy.h - what decides: the configuration, the table of strategies, and what one sees and may do.
 *
 * A strategy is a row of a table (StrategyType) and an instance. All engines run all of them: the built-in ones, the
 * rule language, plug-ins. The life of an instance:
 *
 *     strategy_open     the configuration is checked, parameters get their values
 *     type->init        declares lines: columns of values over the candles of one asset (indicators)
 *     strategy_compute  the engine computes the lines, in one batch or candle by candle: the same bits
 *     type->next        once a step, from the first step at which every line has its value: looks at the View, sends
 *                       orders to the Broker
 *
 * Nothing later than the present candle can be read: the View ends there, and every read through it is checked. The
 * lines are states of ta/ that are shown candle i before value i is asked for; with RunOptions.stepwise they are run
 * that way literally, and `prove` compares both.
 *
 * Memory: an instance lives in cx->arena of strategy_open. Threads: one instance, one thread; tables are constant. */

#include <math.h>

#include "backtest/order.h"
#include "base/ctx.h"
#include "core/candle.h"
#include "core/symbol.h"
#include "ta/ta.h"

/* --- configuration (MDS-34, MDS-47) --- */

typedef enum SizingKind {
    SIZING_PERCENT,    /* position_size of the cash at the signal, at the signal's close; the standard */
    SIZING_FIXED,      /* position_size units */
    SIZING_EQUITY,     /* position_size of the account's value */
    SIZING_CASH,       /* position_size in money */
    SIZING_VOLATILITY, /* position_size = target volatility of the position, a year: 0.2 = 20 % */
    SIZING_KELLY,      /* position_size of the Kelly fraction of the closed trades so far */
    SIZING_KINDS,
} SizingKind;
const char *sizing_name(SizingKind kind); /* "percent", … */
bool sizing_parse(Str text, SizingKind *out);

typedef struct StrategyValue { /* one parameter as given */
    Str name;
    bool is_text;
    double number;
    Str text;
} StrategyValue;

typedef struct StrategyConfig {
    Str strategy_type;
    const StrategyValue *parameters; /* what is not given has its standard value */
    size_t n_parameters;
    bool has_sizing; /* false: SIZING_PERCENT */
    SizingKind position_sizing;
    double position_size; /* in (0, 1], of FIXED and CASH > 0; 0 = 0.95 (1 unit of FIXED) */
} StrategyConfig;

/* --- the table --- */

typedef enum ParamKind { PARAM_INT, PARAM_REAL, PARAM_BOOL, PARAM_TEXT } ParamKind;

typedef struct ParamSpec {
    const char *name; /* NULL closes the list */
    ParamKind kind;
    double standard, min, max;
    const char *standard_text; /* of PARAM_TEXT; NULL: must be given */
    const char *words;         /* "candles of the fast average" */
} ParamSpec;

enum { STRATEGY_PARAMS_MAX = 16 };

typedef struct Strategy Strategy;
typedef struct StrategySetup StrategySetup;
typedef struct View View;
typedef struct Broker Broker;

typedef struct StrategyType {
    const char *name;              /* "moving_average_crossover" */
    const char *words;             /* one sentence: when it buys, when it sells */
    const ParamSpec *params;       /* NULL: none */
    size_t state_size;             /* of strategy->state, zeroed; 0 = none */
    size_t assets_min, assets_max; /* 0: 1 and 1; SIZE_MAX = any number */
    /* Optional. What the parameter table cannot say: short < long. ERR_INVALID with words and field. */
    int (*check)(const Strategy *s, Ctx *cx);
    /* Declares lines. 0 or ErrCode with words. */
    int (*init)(Strategy *s, StrategySetup *setup, Ctx *cx);
    void (*next)(Strategy *s, const View *v, Broker *b);
    /* Optional: an order changed its status, a trade was closed. Called before next of the same step. */
    void (*on_order)(Strategy *s, const View *v, const Order *o);
    void (*on_trade)(Strategy *s, const View *v, const Trade *t);
} StrategyType;

struct Strategy {
    const StrategyType *type;
    double p[STRATEGY_PARAMS_MAX]; /* values in the order of the table */
    Str text[STRATEGY_PARAMS_MAX]; /* of PARAM_TEXT */
    SizingKind sizing;
    double size; /* position_size */
    void *state; /* state_size bytes */
    StrategySetup *setup;
};

/* An ordered list of types; the built-in one holds everything that comes with FinSight. */
typedef struct StrategyCatalog {
    const StrategyType *const *types;
    size_t n;
} StrategyCatalog;
const StrategyCatalog *strategy_builtins(void);
/* By name; '-' reads as '_', case does not matter. NULL when there is none. NULL catalog: the built-in one. */
const StrategyType *strategy_find(const StrategyCatalog *catalog, Str name);

/* --- data --- */

/* A column beside the candles: sentiment, a forecast, a rating. A candle sees the last value that was known when it
 * closed (known_ms <= its open time + the timeframe), never one that became known later, and none that is older than
 * max_age_ms. */
typedef struct ExtraColumn {
    Str name;                /* letters, digits and _; not a name of the rule language */
    const int64_t *known_ms; /* (n) ascending: when each value became known, not what it is about */
    const double *value;     /* (n) finite */
    size_t n;
    int64_t max_age_ms; /* at the candle's close; 0 = any age */
} ExtraColumn;

typedef struct MarketAsset {
    Symbol symbol;
    Venue venue; /* may be empty */
    Timeframe timeframe;
    const Candles *candles; /* ascending, unique; borrowed for the run */
    const ExtraColumn *extras;
    size_t n_extras;
} MarketAsset;
/* When the candle of a row has closed: what was known until then may be used. */
int64_t asset_close_ms(const MarketAsset *a, size_t row);

/* --- lines --- */

typedef uint32_t LineId;
enum { LINE_NONE = UINT32_MAX, LINES_MAX = 4096, LINE_INPUTS_MAX = 32, LINE_OUTPUTS_MAX = 32 };

/* A kernel of somebody else's making: takes the next n rows, keeps what it must remember in `state`, and gives each of
 * its outputs a value for each, NaN while it has none. How rows are cut into pieces must not change a bit. `open` is
 * called once, before the first row. */
typedef struct LineKernel {
    const char *name;
    size_t state_size;
    void (*open)(void *state, Arena *arena, const void *arg); /* may be NULL */
    void (*run)(void *state, const double *const *in, size_t n, double *const *out);
} LineKernel;

size_t setup_assets(const StrategySetup *s);
const MarketAsset *setup_asset(const StrategySetup *s, size_t asset);
size_t setup_line_asset(const StrategySetup *s, LineId line);
/* One of the candle's own columns: TA_OPEN .. TA_VOLUME. Costs nothing. */
LineId setup_price(StrategySetup *s, size_t asset, TaInput column);
/* A column beside the candles, aligned to them; LINE_NONE when the asset has none of that name. Not waited for: where
 * nothing is known yet it is NaN. */
LineId setup_extra(StrategySetup *s, size_t asset, Str name);
/* The first of the indicator's outputs; the others follow it. params as ta_open takes them; inputs: one line for each
 * of ta->inputs, all of one asset; NULL = the asset's own columns (the close for TA_X). */
LineId setup_indicator(StrategySetup *s, size_t asset, const TaIndicator *ta, const double *params,
                       const LineId *inputs);
/* The first of n_outputs lines; the others follow it. lookback: rows of input seen before the first value. `arg` must
 * live as long as the setup. */
LineId setup_kernel(StrategySetup *s, const LineKernel *kernel, const void *arg, const LineId *inputs, size_t n_inputs,
                    size_t n_outputs, int lookback);
/* Steps that next must not be called in, beside what the lines need: raises the warm-up of the asset. */
void setup_warmup(StrategySetup *s, size_t asset, size_t candles);
/* A line of decisions, for engines that run without calling next (sweeps): > 0 go long, < 0 leave or go short. */
typedef enum SignalRule { SIGNAL_LONG_ONLY, SIGNAL_SHORT_ONLY, SIGNAL_REVERSE } SignalRule;
void setup_signal(StrategySetup *s, LineId line, SignalRule rule);

/* --- what it sees --- */

typedef struct ViewAsset {
    size_t i;           /* row of the present candle; nothing behind it exists yet */
    bool begun;         /* false: its first candle lies in the future; i means nothing */
    bool fresh;         /* this step brought the candle i; else it is an older one */
    double position;    /* signed units */
    double entry_price; /* mean price of the position */
    const Candles *candles;
} ViewAsset;

struct View {
    size_t step;
    Time now; /* the candle's time as the engine has it */
    double cash;
    double value; /* of the account at the last closes */
    const ViewAsset *assets;
    size_t n_assets;
    size_t n_won, n_lost; /* closed trades, net */
    double sum_won, sum_lost;
    /* Read them by view_line. */
    const double *const *lines; /* by LineId */
    const uint32_t *line_asset;
};

/* Value of a line `ago` candles before the present one; NaN before there was one. */
static inline double view_line(const View *v, LineId line, size_t ago) {
    const ViewAsset *a = &v->assets[v->line_asset[line]];
    return a->begun && ago <= a->i ? v->lines[line][a->i - ago] : NAN;
}
static inline double view_close(const View *v, size_t asset, size_t ago) {
    const ViewAsset *a = &v->assets[asset];
    assert(a->begun && ago <= a->i);
    return a->candles->close[a->i - ago];
}
Candle view_candle(const View *v, size_t asset, size_t ago);

/* --- what it may do --- */

typedef struct BrokerOps {
    /* ORDER_NONE when refused at once; the refusal is in the result's list of orders with its reason. */
    OrderId (*submit)(Broker *b, const OrderRequest *r);
    void (*cancel)(Broker *b, OrderId id);              /* one that is not alive, or not there, is left as it is */
    const Order *(*order)(const Broker *b, OrderId id); /* NULL: there is none. Valid until the next submit */
    /* Units that `money` is worth at a price, with this engine's rounding. Not negative. */
    double (*units)(const Broker *b, size_t asset, double money, double price);
    /* Optional: what a position counts for in targets, where that is not size * close (margin). */
    double (*position_value)(const Broker *b, size_t asset);
} BrokerOps;

struct Broker {
    const BrokerOps *ops;
    const View *view;
    const Strategy *strategy;
};

static inline OrderId broker_submit(Broker *b, const OrderRequest *r) {
    return b->ops->submit(b, r);
}
static inline void broker_cancel(Broker *b, OrderId id) {
    b->ops->cancel(b, id);
}
bool broker_alive(const Broker *b, OrderId id);
/* Units of an entry by the configured sizing, at the asset's close; > 0 unless there is no money. */
double broker_entry_size(const Broker *b, size_t asset);
/* Market orders. enter: sized by the configuration; close: the whole position, nothing when flat. */
OrderId broker_enter(Broker *b, size_t asset, Side side);
OrderId broker_close(Broker *b, size_t asset);
/* Towards a position of `units`, of `money`, of a fraction of the account's value: one market order or none. */
OrderId broker_target_size(Broker *b, size_t asset, double units);
OrderId broker_target_value(Broker *b, size_t asset, double money);
OrderId broker_target_percent(Broker *b, size_t asset, double fraction);

/* --- instances, for engines --- */

/* Checks the configuration and makes the instance; no lines yet. ERR_INVALID: the type is not known (the words list
 * those that are), a parameter is unknown or out of its range, short >= long, position_size out of (0, 1]. */
int strategy_open(Ctx *cx, const StrategyCatalog *catalog, const StrategyConfig *config, Strategy **out);
/* Calls init over the assets. */
int strategy_setup(Strategy *s, Ctx *cx, const MarketAsset *assets, size_t n_assets);
/* Every line over all candles, in pieces (cancel, deadline). */
int strategy_compute(Strategy *s, Ctx *cx);
/* The same candle by candle: begin, then the next row of an asset when its candle comes. Rows not computed are NaN. */
void strategy_compute_begin(Strategy *s);
void strategy_compute_row(Strategy *s, size_t asset);
size_t strategy_warmup(const Strategy *s, size_t asset); /* candles before the first at which next may be called */
size_t strategy_n_lines(const Strategy *s);
const double *const *strategy_lines(const Strategy *s); /* by LineId; as long as their asset's candles */
const uint32_t *strategy_line_assets(const Strategy *s);
bool strategy_signal(const Strategy *s, LineId *line, SignalRule *rule); /* false: it declared none */
