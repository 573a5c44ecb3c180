#pragma once

/* backtest/backtrader/backtrader.h - the engine whose trades are Backtrader's (MDS-30): its time line, its check of
 * cash in two stages, its fills, brackets, OCO groups, trailing stops, slippage, shorts, futures-like margin, interest,
 * leverage and cheat-on-close.
 *
 * Not reproduced: partial fills by volume, timers, cheat-on-open, resampled and replayed data, and the second sending
 * of a parent whose child comes after it was sent. */

#include "backtest/engine.h"

extern const BacktestEngine backtest_backtrader;
