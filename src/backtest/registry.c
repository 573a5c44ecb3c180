/* backtest/registry.c - the engines and strategies there are. A new one is one line here. */

#include "backtest/backtrader/backtrader.h"
#include "backtest/engine.h"
#include "backtest/rule/strategy.h"
#include "backtest/strategies/builtins.h"
#include "backtest/ta4j/ta4j.h"
#include "backtest/zoot/zoot.h"

static const BacktestEngine *const ENGINES[] = {
    &backtest_backtrader,
    &backtest_ta4j,
    &backtest_zoot,
};

static const StrategyType *const STRATEGIES[] = {
    &strategy_moving_average_crossover,
    &strategy_ema_crossover,
    &strategy_macd,
    &strategy_rsi,
    &strategy_bollinger_reversion,
    &strategy_bollinger_breakout,
    &strategy_donchian_breakout,
    &strategy_momentum,
    &strategy_buy_and_hold,
    &strategy_rebalance,
    &strategy_reversal_crossover,
    &strategy_short_crossover,
    &strategy_bracket_crossover,
    &strategy_trailing_crossover,
    &strategy_limit_crossover,
    &strategy_stop_limit_crossover,
    &strategy_rules,
};

static const StrategyCatalog BUILTINS = { STRATEGIES, ARRAY_LEN(STRATEGIES) };

const StrategyCatalog *strategy_builtins(void) {
    return &BUILTINS;
}

size_t backtest_engines(const BacktestEngine *const **out) {
    *out = ENGINES;
    return ARRAY_LEN(ENGINES);
}
