/* backtest/lab/compare.c - see compare.h. */

#include "backtest/lab/compare.h"

#include <math.h>
#include <stdlib.h>

const char *compare_verdict_words(CompareVerdict verdict) {
    static const char *const words[] = { "", "fewer than 5 closed trades say nothing",
                                         "less than a quarter of a year says nothing", "it lost",
                                         "it has no Sharpe ratio" };
    assert(verdict < ARRAY_LEN(words));
    return words[verdict];
}

static CompareVerdict judge(const BacktestMetrics *m) {
    if (!(m->v[METRIC_TOTAL_TRADES] >= COMPARE_TRADES_MIN))
        return COMPARE_FEW_TRADES;
    if (!(m->v[METRIC_YEARS] >= COMPARE_YEARS_MIN))
        return COMPARE_TOO_SHORT;
    if (!(m->v[METRIC_TOTAL_RETURN] > 0))
        return COMPARE_LOST;
    return isnan(m->v[METRIC_SHARPE]) ? COMPARE_NO_SHARPE : COMPARE_SCORED;
}

double compare_score(const BacktestMetrics *m, CompareVerdict *verdict) {
    *verdict = judge(m);
    if (*verdict != COMPARE_SCORED)
        return NAN;
    double sharpe = m->v[METRIC_SHARPE], error = sqrt((1 + sharpe * sharpe / 2) / m->v[METRIC_YEARS]);
    return sharpe - error - 2 * fmax(0, m->v[METRIC_MAX_DRAWDOWN] - 0.25);
}

static int compare_rows(const void *a, const void *b) {
    const CompareRow *x = a, *y = b;
    double p = isnan(x->score) ? -INFINITY : x->score, q = isnan(y->score) ? -INFINITY : y->score;
    return p != q ? (p < q) - (p > q) : (x->place > y->place) - (x->place < y->place);
}

void compare_rank(const BacktestMetrics *const *results, size_t n, CompareRow *out) {
    for (size_t i = 0; i < n; i++) {
        out[i].place = i;
        out[i].score = compare_score(results[i], &out[i].verdict);
    }
    qsort(out, n, sizeof *out, compare_rows);
}

size_t compare_best(const BacktestMetrics *const *results, size_t n, MetricId metric) {
    int sign = metric_info(metric)->better < 0 ? -1 : 1;
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        double v = results[i]->v[metric];
        if (!isnan(v) && (best == n || v * sign > results[best]->v[metric] * sign))
            best = i;
    }
    return best;
}
