#pragma once

/* backtest/lab/compare.h - which of several results is the best, and which would one recommend (MDS-32, MDS-36).
 *
 * The score of get_strategy_recommendations is written down here and nowhere else:
 *
 *     score = sharpe_ratio - sqrt((1 + sharpe_ratio^2 / 2) / years) - 2 max(0, max_drawdown - 0.25)
 *
 * The Sharpe ratio less one standard error of its estimate (Lo, The Statistics of Sharpe Ratios, 2002), so that a short
 * run that went well does not win over a long one, less twice what the deepest drawdown exceeds a quarter by. A result
 * has no score, and is not recommended, with fewer than COMPARE_TRADES_MIN closed trades, less than COMPARE_YEARS_MIN
 * years, or when it lost. Pure; threads: any. */

#include "backtest/metrics.h"

#define COMPARE_FORMULA "sharpe_ratio - sqrt((1 + sharpe_ratio^2 / 2) / years) - 2 max(0, max_drawdown - 0.25)"

enum { COMPARE_TRADES_MIN = 5 };
#define COMPARE_YEARS_MIN 0.25

typedef enum CompareVerdict {
    COMPARE_SCORED,
    COMPARE_FEW_TRADES,
    COMPARE_TOO_SHORT,
    COMPARE_LOST,
    COMPARE_NO_SHARPE,
} CompareVerdict;
const char *compare_verdict_words(CompareVerdict verdict); /* why there is no score */

double compare_score(const BacktestMetrics *m, CompareVerdict *verdict); /* NaN unless COMPARE_SCORED */

typedef struct CompareRow {
    size_t place; /* of the result given */
    double score; /* NaN: none */
    CompareVerdict verdict;
} CompareRow;

/* Best first; those without a score last, in the order given. (n) rows. */
void compare_rank(const BacktestMetrics *const *results, size_t n, CompareRow *out);
/* The result with the best value of a metric; n when none has one. The first of equal ones. */
size_t compare_best(const BacktestMetrics *const *results, size_t n, MetricId metric);
