#pragma once

/* backtest/extras.h - columns beside the candles, checked, aligned and told; inside backtest/ and for who attaches them. */

#include "backtest/result.h"
#include "backtest/strategy.h"

/* ERR_INVALID with the place "columns[k]", or columns[place[k]] where place is not NULL: a name that is none, is taken by the rule language or comes twice; no value;
 * times that do not ascend; values that are not numbers. */
int extras_check(Ctx *cx, const MarketAsset *a, const size_t *place);
/* The value that rows [from, from + n) see, NaN where there is none. *next: 0 before the first row, then left alone. */
void extra_align(const MarketAsset *a, const ExtraColumn *x, size_t from, size_t n, size_t *next, double *out);
/* What was assumed of them, and how many candles see nothing. */
void extras_tell(const MarketAsset *a, bool cheat_on_close, Arena *arena, TextList *assumptions, TextList *warnings);
