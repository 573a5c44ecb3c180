#pragma once

/* backtest/result.h - what a backtest leaves behind (MDS-35): who ran on what, every trade, every order with its fate,
 * the account's value at every candle, what was assumed, and what the reader must be warned of.
 *
 *     final_value = initial_cash + realised_pnl - fees - costs + open_mark      to the cent, in every engine
 *
 * Plain data in the arena of the run; texts too. Times are the candles' open times as given. */

#include "backtest/order.h"
#include "base/arena.h"
#include "core/symbol.h"
#include "core/timeframe.h"

struct BacktestMetrics; /* backtest/metrics.h: figures for people */
struct Analyzers;       /* backtest/analyzers.h: Backtrader's figures */

enum { RESULT_ASSETS_MAX = 256, RESULT_LINES_MAX = 64 };

typedef struct TextList {
    Str *v;
    size_t n, cap;
    size_t left_out; /* told in the last line */
} TextList;
/* Adds a text of the arena; past RESULT_LINES_MAX the last line counts what was left out. */
void text_list_add(TextList *list, Arena *arena, const char *fmt, ...) PRINTF_LIKE(3, 4);

typedef struct ResultAsset {
    Symbol symbol;
    Venue venue;
    Timeframe timeframe;
    Time first, last; /* open times of its candles */
    size_t n_candles;
    size_t n_gaps;
    int64_t n_missing; /* candles missing in them, on the plain grid of the timeframe */
    size_t warmup;     /* candles before the strategy could decide */
    double position;   /* at the end, signed units */
    double entry_price, last_close;
} ResultAsset;

typedef struct ResultParam {
    Str name, text; /* as used: "long_period", "30" */
} ResultParam;

typedef struct OrderCounts {
    size_t n; /* submitted */
    size_t by_status[ORDER_STATUSES];
    size_t by_reason[ORDER_REASONS];
} OrderCounts;

typedef struct BacktestResult {
    Str backtest_id;
    Str engine, engine_version;
    Str strategy_type;
    ResultParam *params;
    size_t n_params;
    Str position_sizing; /* "percent" */
    double position_size;

    ResultAsset *assets;
    size_t n_assets;
    Timeframe timeframe; /* of the first asset */
    Time start, end;     /* open times of the first and the last step */

    double initial_cash;
    double final_value, final_cash;
    double realised_pnl; /* of closed units, before fees */
    double fees;         /* commissions of all executions */
    double costs;        /* interest and funding paid, less what was got */
    double open_mark;    /* unrealised, at the last closes */

    Trade *trades; /* by entry; the last of each asset may be open */
    size_t n_trades, n_closed;
    uint32_t *closings; /* (n_closed) places in `trades`, in the order of their ends */
    Order *orders;      /* by id; NULL with RunOptions.no_orders */
    size_t n_orders;
    OrderEvent *events; /* in time; of several in a step, in the order they came */
    size_t n_events;
    OrderCounts counts;

    /* One for each step. */
    size_t n_steps;
    const int64_t *time_ms; /* (n_steps) open times */
    const double *equity;   /* (n_steps) the account's value at the close */
    size_t first_next_step; /* the first step at which the strategy was asked; n_steps: never */
    size_t n_next_calls;

    TextList assumptions; /* fills, costs, what is not modelled: one sentence each */
    TextList warnings;    /* gaps, doubtful data, refused orders */
    Str explanation;      /* of a run without a closed trade: why; else empty */

    const struct Ta4jCriterion *criteria; /* the engine ta4j's own figures: ta4j/ta4j.h; NULL of others */
    size_t n_criteria;
    struct BacktestMetrics *metrics; /* NULL until asked for */
    struct Analyzers *analyzers;     /* NULL until asked for */
} BacktestResult;

/* Counts orders and writes the warnings and the explanation that follow from them. The wrapper calls it
 * after the engine. */
void result_conclude(BacktestResult *r, Arena *arena);
