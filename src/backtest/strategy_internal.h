#pragma once

/* backtest/strategy_internal.h - the lines of a strategy: between strategy.c and lines.c. */

#include "backtest/setup.h"

enum { LINE_BLOCK = 4096 };

StrategySetup *setup_new(Arena *arena, const MarketAsset *assets, size_t n_assets);
