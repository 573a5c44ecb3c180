#pragma once

/* backtest/strategies/builtins.h - the strategies that come with FinSight; strategy_builtins() lists them. */

#include "backtest/strategy.h"

extern const StrategyType strategy_moving_average_crossover, strategy_ema_crossover, strategy_rsi,
    strategy_bollinger_reversion, strategy_bollinger_breakout, strategy_macd, strategy_donchian_breakout,
    strategy_momentum, strategy_buy_and_hold, strategy_rebalance, strategy_reversal_crossover, strategy_short_crossover,
    strategy_bracket_crossover, strategy_trailing_crossover, strategy_limit_crossover, strategy_stop_limit_crossover;
