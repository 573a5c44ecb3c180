#pragma once

/* backtest/rule/strategy.h - the strategy `rules`: entry, exit, short, cover and size as rules.
 *
 *     flat    entry and not exit   buys           short and not cover   sells short
 *     long    exit                 closes         short                 closes, and sells short
 *     short   cover                closes         entry                 closes, and buys
 *
 * entry and short at once, when flat, are no decision. With several assets every one is decided for itself; extra
 * columns of an asset are names in its rules. */

#include "backtest/strategy.h"

extern const StrategyType strategy_rules;
