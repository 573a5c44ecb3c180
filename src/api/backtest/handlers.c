/* api/backtest/handlers.c - each turns a request record into a call of the BacktestService and back. */

#include "api/backtest/handlers.h"

#include <math.h>

int backtest_api_run(void *role, Ctx *cx, const void *in_, void *out) {
    const BacktestRequestIn *in = in_;
    BacktestAsk ask;
    StoredBacktest b;
    int r = backtest_api_ask(cx, in, &ask);
    if (r == 0)
        r = backtest_service_run(role, cx, &ask, &b);
    if (r == 0)
        backtest_api_show(cx, &b, &(ShowOptions){ in->equity_points, in->orders }, out);
    return r;
}

int backtest_api_validate(void *role, Ctx *cx, const void *in, void *out) {
    BacktestAsk ask;
    int r = backtest_api_ask(cx, in, &ask);
    if (r == 0)
        r = backtest_service_validate(role, cx, &ask);
    if (r == 0)
        ((BacktestRemoved *)out)->success = true;
    return r;
}

int backtest_api_get(void *role, Ctx *cx, const void *in_, void *out) {
    const BacktestGetQuery *in = in_;
    StoredBacktest b;
    int r = backtest_api_missing(cx, in->id, backtest_service_get(role, cx, in->id, &b));
    if (r == 0)
        backtest_api_show(cx, &b, &(ShowOptions){ in->equity_points, in->orders }, out);
    return r;
}

int backtest_api_remove(void *role, Ctx *cx, const void *in_, void *out) {
    const BacktestId *in = in_;
    int r = backtest_api_missing(cx, in->id, backtest_service_remove(role, cx, in->id));
    if (r == 0)
        ((BacktestRemoved *)out)->success = true;
    return r;
}

int backtest_api_list(void *role, Ctx *cx, const void *in_, void *out_) {
    const BacktestListQuery *in = in_;
    BacktestList *out = out_;
    BacktestFilter f = { .symbol = in->symbol,
                         .timeframe = in->timeframe,
                         .strategy_type = in->strategy_type,
                         .engine = in->engine,
                         .order = backtest_api_sort(in->sort),
                         .skip = (size_t)in->offset,
                         .limit = (size_t)in->limit };
    BacktestSummary *rows;
    size_t n;
    int r = backtest_service_list(role, cx, &f, &rows, &n, &out->total);
    if (r != 0)
        return r;
    BacktestSummaryOut *v = arena_new_n(cx->arena, BacktestSummaryOut, n);
    for (size_t i = 0; i < n; i++)
        v[i] = backtest_api_summary(&rows[i]);
    out->backtests = (List){ v, n };
    return 0;
}

/* --- strategies and engines --- */

static List parameters_of(Ctx *cx, const StrategyType *type) {
    static const char *const kinds[] = {
        [PARAM_INT] = "int", [PARAM_REAL] = "real", [PARAM_BOOL] = "bool", [PARAM_TEXT] = "text"
    };
    size_t n = 0;
    while (type->params && type->params[n].name)
        n++;
    ParameterOut *v = arena_new_n(cx->arena, ParameterOut, n);
    for (size_t i = 0; i < n; i++) {
        const ParamSpec *p = &type->params[i];
        bool text = p->kind == PARAM_TEXT;
        v[i] = (ParameterOut){ .name = str_c(p->name),
                               .kind = str_c(kinds[p->kind]),
                               .standard = text ? (double)NAN : p->standard,
                               .minimum = text ? (double)NAN : p->min,
                               .maximum = text ? (double)NAN : p->max,
                               .words = str_c(p->words ? p->words : "") };
    }
    return (List){ v, n };
}

static List engines_of(Ctx *cx, const StrategyType *type) {
    const BacktestEngine *const *all;
    size_t n_all = backtest_engines(&all), n = 0;
    Str *v = arena_new_n(cx->arena, Str, n_all);
    for (size_t i = 0; i < n_all; i++)
        if (!all[i]->supports || all[i]->supports(type))
            v[n++] = str_c(all[i]->name);
    return (List){ v, n };
}

int backtest_api_strategies(void *role, Ctx *cx, const void *in, void *out_) {
    StrategyList *out = out_;
    UNUSED(in);
    const StrategyCatalog *c = backtest_service_catalog(role);
    StrategyOut *v = arena_new_n(cx->arena, StrategyOut, c->n);
    for (size_t i = 0; i < c->n; i++)
        v[i] = (StrategyOut){ .strategy_type = str_c(c->types[i]->name),
                              .words = str_c(c->types[i]->words),
                              .parameters = parameters_of(cx, c->types[i]),
                              .engines = engines_of(cx, c->types[i]) };
    const BacktestEngine *const *all;
    size_t n = backtest_engines(&all);
    EngineOut *engines = arena_new_n(cx->arena, EngineOut, n);
    for (size_t i = 0; i < n; i++)
        engines[i] = (EngineOut){ str_c(all[i]->name), str_c(all[i]->version), str_c(all[i]->words) };
    out->strategies = (List){ v, c->n };
    out->engines = (List){ engines, n };
    return 0;
}

/* --- compare --- */

static double rank_of(const BacktestSummaryOut *b, BacktestOrder by) {
    switch (by) {
    case BACKTEST_BEST_SCORE:
        return b->score;
    case BACKTEST_BEST_RETURN:
        return b->total_return;
    case BACKTEST_BEST_SHARPE:
        return b->sharpe_ratio;
    case BACKTEST_NEWEST:
        break;
    }
    return (double)b->created_at.ms;
}

/* Few rows, and equals keep their order: insertion. */
static void rank(BacktestSummaryOut *v, size_t n, BacktestOrder by) {
    for (size_t i = 1; i < n; i++) {
        BacktestSummaryOut b = v[i];
        double key = rank_of(&b, by);
        size_t k = i;
        for (; k > 0; k--) {
            double other = rank_of(&v[k - 1], by);
            if (isnan(key) || (!isnan(other) && !(other < key)))
                break;
            v[k] = v[k - 1];
        }
        v[k] = b;
    }
}

static int run_requests(void *role, Ctx *cx, const CompareRequest *in, BacktestSummaryOut *v) {
    const BacktestRequestIn *requests = in->requests.v;
    int r = 0;
    for (size_t i = 0; r == 0 && i < in->requests.n; i++) {
        BacktestAsk ask;
        StoredBacktest b;
        r = backtest_api_ask(cx, &requests[i], &ask);
        if (r == 0)
            r = backtest_service_run(role, cx, &ask, &b);
        if (r == 0)
            v[i] = backtest_api_summary(&b.summary);
        else
            err_prefix(cx, "requests[%zu]", i);
    }
    return r;
}

int backtest_api_compare(void *role, Ctx *cx, const void *in_, void *out_) {
    const CompareRequest *in = in_;
    CompareResponse *out = out_;
    size_t n = in->backtest_ids.n + in->requests.n;
    BacktestSummaryOut *v = arena_new_n(cx->arena, BacktestSummaryOut, n);
    if (n == 0)
        return err_set_at(cx, ERR_INVALID, S("backtest_ids"), "name stored backtests, or give requests to run");
    int r = 0;
    for (size_t i = 0; r == 0 && i < in->backtest_ids.n; i++) {
        StoredBacktest b;
        Str id = ((const Str *)in->backtest_ids.v)[i];
        r = backtest_api_missing(cx, id, backtest_service_get(role, cx, id, &b));
        if (r == 0)
            v[i] = backtest_api_summary(&b.summary);
    }
    if (r == 0)
        r = run_requests(role, cx, in, v + in->backtest_ids.n);
    if (r != 0)
        return r;
    BacktestOrder by = backtest_api_sort(in->sort);
    rank(v, n, by);
    out->backtests = (List){ v, n };
    out->best = isnan(rank_of(&v[0], by)) ? (Str){ 0 } : v[0].backtest_id;
    return 0;
}

/* --- recommendations --- */

int backtest_api_recommend(void *role, Ctx *cx, const void *in_, void *out_) {
    const RecommendQuery *in = in_;
    RecommendationList *out = out_;
    Recommendation *rows;
    size_t n;
    int r = backtest_service_recommend(role, cx, in->symbol, in->timeframe, (size_t)in->limit, &rows, &n);
    if (r != 0)
        return r;
    RecommendationOut *v = arena_new_n(cx->arena, RecommendationOut, n);
    for (size_t i = 0; i < n; i++) {
        const BacktestSummary *b = &rows[i].best;
        v[i] = (RecommendationOut){ .strategy_type = b->strategy_type,
                                    .backtest_id = b->backtest_id,
                                    .timeframe = b->timeframe,
                                    .engine = b->engine,
                                    .score = b->score,
                                    .total_return = b->total_return,
                                    .sharpe_ratio = b->sharpe_ratio,
                                    .max_drawdown = b->max_drawdown,
                                    .total_trades = b->total_trades,
                                    .backtests = rows[i].n_backtests,
                                    .simulated = b->simulated,
                                    .why = rows[i].why };
    }
    *out = (RecommendationList){ .symbol = in->symbol, .formula = S(COMPARE_FORMULA), .recommendations = { v, n } };
    return 0;
}

/* --- the tear sheet --- */

int backtest_api_report(void *role, Ctx *cx, const void *in_, void *out_) {
    enum { PAGE_MAX = 16 << 20 };
    const BacktestId *in = in_;
    RawBody *out = out_;
    Buf page;
    buf_init(&page, PAGE_MAX);
    int r = backtest_api_missing(cx, in->id, backtest_service_report(role, cx, in->id, &page));
    if (r == 0)
        *out = (RawBody){ .media = S("text/html; charset=utf-8"), .bytes = str_dup(cx->arena, buf_str(&page)) };
    buf_done(&page);
    return r;
}
