#pragma once

/* backtest/ta4j/ta4j.h - ta4j's way: one position at a time, of a size that nobody checks, filled at the next open.
 *
 * A signal at candle t fills at the open of t + 1 (TradeOnNextOpenModel) or, with BrokerConfig.cheat_on_close, at the
 * close of t (TradeOnCurrentCloseModel); a signal of the last candle is dropped. Entry and exit alternate, beginning
 * with a buy, or with a sell when `sells_first`. There is no cash check and no rounding; costs are linear. Only market
 * orders; one asset. Indicators of ta4j's own seeding are named sma_ta4j, ema_ta4j in rules.
 *
 * Source: ta4j 0.17 (BarSeriesManager, Position, analysis.cost, criteria), checked against a run of it. */

#include "backtest/engine.h"
#include "base/buf.h"

extern const BacktestEngine backtest_ta4j;

struct Ta4jOptions {
    bool sells_first; /* positions are short */
    double borrowing; /* LinearBorrowingCostModel: of the entry's value, a candle, of short positions */
};

/* --- criteria: closed positions, as TradingRecord.getPositions() has them --- */

typedef struct Ta4jCriterion {
    const char *name, *words; /* ta4j's class without "Criterion" */
    double value;
} Ta4jCriterion;

/* Their names and words, in the order of ta4j_criteria; the values are 0. */
size_t ta4j_criteria_names(const Ta4jCriterion **out);
void ta4j_criteria_describe(Buf *out); /* as a part of docs/metrics.md */
/* All of them, of a run of this engine over these candles; in the arena. NaN where ta4j gives NaN or divides by 0. */
size_t ta4j_criteria(const BacktestResult *r, const Candles *candles, double borrowing, Arena *arena,
                     const Ta4jCriterion **out);
