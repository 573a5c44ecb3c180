/* api/backtest/show.c - a stored backtest as the answer's records. */

#include "api/backtest/handlers.h"

#include "base/num.h"

#include <math.h>

BacktestSummaryOut backtest_api_summary(const BacktestSummary *s) {
    return (BacktestSummaryOut){ .backtest_id = s->backtest_id,
                                 .exchange = s->exchange,
                                 .symbol = s->symbol,
                                 .timeframe = s->timeframe,
                                 .strategy_type = s->strategy_type,
                                 .engine = s->engine,
                                 .start_date = s->start,
                                 .end_date = s->end,
                                 .initial_capital = s->initial_cash,
                                 .final_capital = s->final_value,
                                 .total_return = s->total_return,
                                 .annual_return = s->annual_return,
                                 .max_drawdown = s->max_drawdown,
                                 .sharpe_ratio = s->sharpe_ratio,
                                 .total_trades = s->total_trades,
                                 .win_rate = s->win_rate,
                                 .score = s->score,
                                 .execution_time_seconds = s->execution_seconds,
                                 .candles = s->n_candles,
                                 .simulated = s->simulated,
                                 .synthetic = s->n_synthetic,
                                 .created_at = s->created,
                                 .note = s->note };
}

static Time time_of(const BacktestResult *r, size_t step) {
    return step < r->n_steps ? time_ms(r->time_ms[step]) : r->end;
}

static List trades_of(Ctx *cx, const BacktestResult *r, const Str *symbols) {
    TradeOut *v = arena_new_n(cx->arena, TradeOut, r->n_trades);
    for (size_t i = 0; i < r->n_trades; i++) {
        const Trade *t = &r->trades[i];
        double put_in = t->entry_price * (t->size < 0 ? -t->size : t->size);
        v[i] = (TradeOut){ .trade_id = t->id,
                           .symbol = symbols[t->asset],
                           .side = str_c(side_name(t->side)),
                           .status = t->closed ? S("closed") : S("open"),
                           .size = t->size,
                           .entry_time = time_of(r, t->entry_step),
                           .entry_price = t->entry_price,
                           .exit_time = t->closed ? time_of(r, t->exit_step) : time_ms(0),
                           .exit_price = t->exit_price,
                           .pnl = t->pnl,
                           .fees = t->fees,
                           .costs = t->costs,
                           .pnl_net = t->pnl_net,
                           .return_fraction = put_in > 0 ? t->pnl_net / put_in : (double)NAN,
                           .candles = (int64_t)t->candles };
    }
    return (List){ v, r->n_trades };
}

static bool was_refused(const Order *o) {
    return o->status == ORDER_MARGIN || o->status == ORDER_REJECTED;
}

static List orders_of(Ctx *cx, const BacktestResult *r, const Str *symbols, Str which) {
    if (!r->orders || str_eq(which, S("none")))
        return (List){ 0 };
    bool all = str_eq(which, S("all"));
    OrderOut *v = arena_new_n(cx->arena, OrderOut, r->n_orders);
    size_t n = 0;
    for (size_t i = 0; i < r->n_orders; i++) {
        const Order *o = &r->orders[i];
        if (!all && !was_refused(o))
            continue;
        v[n++] = (OrderOut){ .order_id = o->id,
                             .symbol = symbols[o->asset],
                             .side = o->size < 0 ? S("sell") : S("buy"),
                             .type = str_c(order_type_name(o->type)),
                             .status = str_c(order_status_name(o->status)),
                             .reason = o->reason ? str_c(order_reason_words(o->reason)) : (Str){ 0 },
                             .size = o->size,
                             .created_price = o->created_price,
                             .created_at = time_of(r, o->created_step),
                             .changed_at = time_of(r, o->step),
                             .filled = o->filled,
                             .price = o->price,
                             .fees = o->fees,
                             .needed = o->needed,
                             .tag = str_c(o->tag ? o->tag : "") };
    }
    return (List){ v, n };
}

List backtest_api_equity(Ctx *cx, const int64_t *time_ms_, const double *equity, size_t n_all, double initial,
                         int64_t points) {
    size_t n = MIN((size_t)points, n_all), k = 0;
    EquityOut *v = arena_new_n(cx->arena, EquityOut, n);
    double peak = initial;
    for (size_t i = 0; i < n_all && k < n; i++) {
        peak = MAX(peak, equity[i]);
        if (i == (k + 1) * n_all / n - 1)
            v[k++] = (EquityOut){ .timestamp = time_ms(time_ms_[i]),
                                  .value = equity[i],
                                  .drawdown = peak > 0 ? 1 - equity[i] / peak : 0 };
    }
    return (List){ v, k };
}

static RawJson parameters_of(Ctx *cx, const BacktestResult *r) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    json_object(&w);
    for (size_t i = 0; i < r->n_params; i++) {
        double number;
        json_key(&w, r->params[i].name);
        if (num_parse_f64(r->params[i].text, &number))
            json_f64(&w, number);
        else if (str_eq(r->params[i].text, S("true")) || str_eq(r->params[i].text, S("false")))
            json_raw(&w, r->params[i].text);
        else
            json_str(&w, r->params[i].text);
    }
    json_object_end(&w);
    RawJson out = { str_dup(cx->arena, buf_str(&b)) };
    buf_done(&b);
    return out;
}

static Str *symbols_of(Ctx *cx, const BacktestResult *r) {
    Str *v = arena_new_n(cx->arena, Str, r->n_assets);
    for (size_t i = 0; i < r->n_assets; i++)
        v[i] = str_dup(cx->arena, symbol_str(&r->assets[i].symbol));
    return v;
}

static List criteria_of(Ctx *cx, const BacktestResult *r) {
    CriterionOut *v = arena_new_n(cx->arena, CriterionOut, r->n_criteria);
    for (size_t i = 0; i < r->n_criteria; i++)
        v[i] = (CriterionOut){ str_c(r->criteria[i].name), r->criteria[i].value, str_c(r->criteria[i].words) };
    return (List){ v, r->n_criteria };
}

void backtest_api_show(Ctx *cx, const StoredBacktest *b, const ShowOptions *show, BacktestResponse *out) {
    const BacktestResult *r = &b->result;
    const BacktestSummary *s = &b->summary;
    Str *symbols = symbols_of(cx, r);
    *out = (BacktestResponse){ .backtest_id = s->backtest_id,
                               .exchange = s->exchange,
                               .symbol = s->symbol,
                               .timeframe = s->timeframe,
                               .symbols = { symbols, r->n_assets },
                               .strategy_type = s->strategy_type,
                               .parameters = parameters_of(cx, r),
                               .position_sizing = r->position_sizing,
                               .position_size = r->position_size,
                               .engine = s->engine,
                               .engine_version = r->engine_version,
                               .start_date = s->start,
                               .end_date = s->end,
                               .initial_capital = s->initial_cash,
                               .final_capital = s->final_value,
                               .final_cash = r->final_cash,
                               .criteria = criteria_of(cx, r),
                               .score = s->score,
                               .trades = trades_of(cx, r, symbols),
                               .orders = orders_of(cx, r, symbols, show->orders),
                               .orders_submitted = (int64_t)r->counts.n,
                               .orders_refused =
                                   (int64_t)(r->counts.by_status[ORDER_MARGIN] + r->counts.by_status[ORDER_REJECTED]),
                               .equity_curve = backtest_api_equity(cx, r->time_ms, r->equity, r->n_steps,
                                                                   r->initial_cash, show->equity_points),
                               .assumptions = { r->assumptions.v, r->assumptions.n },
                               .warnings = { r->warnings.v, r->warnings.n },
                               .explanation = r->explanation,
                               .candles = s->n_candles,
                               .warmup = (int64_t)r->first_next_step,
                               .simulated = s->simulated,
                               .synthetic = s->n_synthetic,
                               .execution_time_seconds = s->execution_seconds,
                               .created_at = s->created,
                               .note = s->note };
    memcpy(out->metrics.v, b->metrics->v, sizeof out->metrics.v);
}

int backtest_api_missing(Ctx *cx, Str id, int r) {
    if (r != BACKTEST_NO_SUCH)
        return r;
    return err_set_at(cx, ERR_NOT_FOUND, S("id"), "there is no backtest '" STR_FMT "'; list shows those there are",
                      STR_ARG(id));
}
