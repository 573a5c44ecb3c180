/* services/backtest/kept.c - what was run before: find, list, remove, recommend; see backtest.h. */

#include "services/backtest/internal.h"

#include <math.h>

int backtest_service_get(BacktestService *s, Ctx *cx, Str id, StoredBacktest *out) {
    return backtest_store_get(s->o.store, cx, cx->workspace, id, out);
}

int backtest_service_remove(BacktestService *s, Ctx *cx, Str id) {
    return backtest_store_remove(s->o.store, cx, cx->workspace, id);
}

int backtest_service_list(BacktestService *s, Ctx *cx, const BacktestFilter *filter, BacktestSummary **out, size_t *n,
                          int64_t *total) {
    BacktestFilter f = *filter;
    f.workspace = cx->workspace;
    return backtest_store_list(s->o.store, cx, &f, out, n, total);
}

int backtest_service_expire(BacktestService *s, Ctx *cx, int64_t *removed) {
    *removed = 0;
    if (s->o.keep_ms <= 0)
        return 0;
    return backtest_store_expire(s->o.store, cx, time_add_ms(clock_wall(cx->clock), -s->o.keep_ms), removed);
}

/* --- recommendations --- */

static Str why_words(Ctx *cx, const BacktestSummary *b) {
    return str_fmt(
        cx->arena,
        "score %.2f: Sharpe %.2f, return %+.1f %%, deepest drawdown %.1f %%, %lld trades, %.0f %% of them won%s",
        b->score, b->sharpe_ratio, b->total_return * 100, b->max_drawdown * 100, (long long)b->total_trades,
        b->win_rate * 100, b->simulated ? "; on SIMULATED candles" : "");
}

/* The rows come best first: the first of a strategy type is its best. */
static void gather(Ctx *cx, const BacktestSummary *rows, size_t n_rows, size_t most, Recommendation *v, size_t *n) {
    for (size_t i = 0; i < n_rows; i++) {
        size_t k = 0;
        while (k < *n && !str_eq(v[k].best.strategy_type, rows[i].strategy_type))
            k++;
        if (k < *n) {
            v[k].n_backtests++;
        } else if (*n < most && !isnan(rows[i].score)) {
            v[(*n)++] = (Recommendation){ .best = rows[i], .n_backtests = 1, .why = why_words(cx, &rows[i]) };
        }
    }
}

int backtest_service_recommend(BacktestService *s, Ctx *cx, Str symbol, Str timeframe, size_t most,
                               Recommendation **out, size_t *n) {
    *out = arena_zalloc(cx->arena, MAX(most, 1) * sizeof **out);
    *n = 0;
    BacktestFilter f = {
        .symbol = symbol, .timeframe = timeframe, .order = BACKTEST_BEST_SCORE, .limit = BACKTEST_LIST_MAX
    };
    BacktestSummary *rows;
    size_t n_rows;
    int64_t total = 0;
    int r;
    do {
        r = backtest_service_list(s, cx, &f, &rows, &n_rows, &total);
        if (r == 0)
            gather(cx, rows, n_rows, most, *out, n);
        f.skip += n_rows;
    } while (r == 0 && n_rows > 0 && (int64_t)f.skip < total);
    return r;
}
