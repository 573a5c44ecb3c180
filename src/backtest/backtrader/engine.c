/* backtest/backtrader/engine.c - Backtrader's time line: one step is new candles, the broker, notices, the strategy.
 *
 * Source: Backtrader 1.9.78.123 (cerebro's runonce loop and BackBroker.next), checked trade by trade against dumps of
 * it. The loop is written so that a step without orders and without a position costs a few comparisons. */

#include "backtest/backtrader/backtrader.h"

#include <math.h>

#include "backtest/backtrader/account.h"
#include "backtest/steps.h"

enum { CHECK_EVERY = 4096, PROGRESS_EVERY = 65536 };

/* --- opening --- */

/* A day and longer: the end of the session of its date, 23:59:59.999; shorter: the candle's own stamp. */
static const int64_t *times_of(const MarketAsset *a, Arena *arena) {
    const Candles *cs = a->candles;
    if (!timeframe_valid(a->timeframe) || a->timeframe.unit < UNIT_DAY)
        return cs->open_ms;
    int64_t *dt = arena_alloc(arena, mem_mul(cs->n, sizeof(int64_t)));
    for (size_t i = 0; i < cs->n; i++)
        dt[i] = (floor_div(cs->open_ms[i], MS_PER_DAY) + 1) * MS_PER_DAY - 1;
    return dt;
}

static void bt_init(Bt *b, Ctx *cx, const BacktestRequest *req, const Strategy *s) {
    Arena *arena = cx->arena;
    *b = (Bt){ .broker = { .ops = &bt_broker_ops, .view = &b->view, .strategy = s },
               .arena = arena,
               .req = req,
               .cfg = req->broker,
               .stocklike = req->broker.margin == 0,
               .credit_rate = req->broker.interest / 365.0,
               .n_assets = req->n_assets,
               .cash = req->broker.cash,
               .value = req->broker.cash };
    b->assets = arena_new_n(arena, BtAsset, b->n_assets);
    b->view_assets = arena_new_n(arena, ViewAsset, b->n_assets);
    b->pretended = arena_new_n(arena, BtPosition, b->n_assets);
    for (size_t i = 0; i < b->n_assets; i++) {
        b->assets[i] =
            (BtAsset){ .cs = req->assets[i].candles, .dt_ms = times_of(&req->assets[i], arena), .trade = SIZE_MAX };
        b->view_assets[i].candles = req->assets[i].candles;
    }
    b->view = (View){ .cash = b->cash,
                      .value = b->value,
                      .assets = b->view_assets,
                      .n_assets = b->n_assets,
                      .lines = strategy_lines(s),
                      .line_asset = strategy_line_assets(s) };
}

/* --- one step of the broker --- */

static void charge_interest(Bt *b) {
    double credit = 0;
    for (size_t i = 0; i < b->n_assets; i++) {
        BtAsset *a = &b->assets[i];
        if (a->pos.size == 0)
            continue;
        int64_t day = floor_div(a->dt_ms[a->row], MS_PER_DAY);
        if (day > a->pos.day && (a->pos.size < 0 || b->cfg.interest_long)) {
            double charged = (double)(day - a->pos.day) * b->credit_rate * fabs(a->pos.size) * a->pos.price;
            a->credit += charged;
            credit += charged;
        }
        a->pos.day = day;
    }
    b->interest += credit;
    b->cash -= credit;
}

static void adjust_futures(Bt *b) {
    for (size_t i = 0; i < b->n_assets; i++) {
        BtAsset *a = &b->assets[i];
        if (a->pos.size == 0)
            continue;
        double close = a->cs->close[a->row];
        b->cash += a->pos.size * (close - a->pos.adjbase) * b->cfg.multiplier;
        a->pos.adjbase = close;
    }
}

/* _get_value: positions at the last closes; the paid part of a long one is what leverage left of it. */
static double positions_value(const Bt *b) {
    double sum = 0;
    for (size_t i = 0; i < b->n_assets; i++) {
        const BtAsset *a = &b->assets[i];
        if (a->pos.size == 0)
            continue;
        double close = a->cs->close[a->row], value = bt_worth(b, a);
        double open_pnl = a->pos.size * (close - a->pos.price) * b->cfg.multiplier;
        if (b->cfg.no_short_cash)
            value = fabs(value);
        sum += value > 0 ? (value - open_pnl) / b->cfg.leverage + open_pnl : value;
    }
    return sum;
}

static bool holds_any(const Bt *b) {
    for (size_t i = 0; i < b->n_assets; i++)
        if (b->assets[i].pos.size != 0)
            return true;
    return false;
}

static void broker_step(Bt *b) {
    if (b->to_activate.at < b->to_activate.n)
        bt_activate(b);
    if (b->submitted.at < b->submitted.n)
        bt_check_submitted(b);
    bool held = holds_any(b);
    if (held && b->credit_rate != 0)
        charge_interest(b);
    if (b->pending_head != ORDER_NONE) {
        bt_try_pending(b);
        held = holds_any(b);
    }
    if (!held) {
        b->value = b->cash;
        return;
    }
    if (!b->stocklike)
        adjust_futures(b);
    b->value = b->cash + positions_value(b);
}

/* --- one step of the strategy --- */

static void show_assets(Bt *b) {
    b->view.cash = b->cash;
    b->view.value = b->value;
    for (size_t i = 0; i < b->n_assets; i++) {
        b->view_assets[i].position = b->assets[i].pos.size;
        b->view_assets[i].entry_price = b->assets[i].pos.price;
    }
}

static void tell_events(Bt *b, Strategy *s) {
    for (; b->n_events_told < b->n_events; b->n_events_told++)
        if (s->type->on_order)
            s->type->on_order(s, &b->view, &bt_order(b, b->events[b->n_events_told].id)->o);
    for (; b->n_closings_told < b->n_closings; b->n_closings_told++) {
        const Trade *t = &b->trades[b->closings[b->n_closings_told]];
        bool won = t->pnl_net >= 0;
        *(won ? &b->view.n_won : &b->view.n_lost) += 1;
        *(won ? &b->view.sum_won : &b->view.sum_lost) += t->pnl_net;
        if (s->type->on_trade)
            s->type->on_trade(s, &b->view, t);
    }
}

static bool is_warm(const Bt *b, const Strategy *s) {
    for (size_t i = 0; i < b->n_assets; i++)
        if (!b->view_assets[i].begun || b->view_assets[i].i < strategy_warmup(s, i))
            return false;
    return true;
}

typedef struct Run {
    Bt b;
    Ctx *cx;
    Strategy *s;
    BacktestResult *out;
    int64_t *time_ms;
    double *equity;
    bool warm;
    size_t memory_at_start;
} Run;

/* The candles of the step stand in the view. */
static void step(Run *run, int64_t time_ms) {
    Bt *b = &run->b;
    broker_step(b);
    run->time_ms[b->step] = time_ms;
    run->equity[b->step] = b->value;
    show_assets(b);
    if (b->n_events_told < b->n_events)
        tell_events(b, run->s);
    if (!run->warm) {
        run->warm = is_warm(b, run->s);
        run->out->first_next_step = b->step;
    }
    if (run->warm) {
        b->asking = true;
        run->s->type->next(run->s, &b->view, &b->broker);
        b->asking = false;
        run->out->n_next_calls++;
    }
    if (b->req->options.probe)
        b->req->options.probe(b->req->options.probe_arg, &b->view);
}

static int watch(Run *run, size_t n_steps) {
    Bt *b = &run->b;
    const RunOptions *o = &b->req->options;
    if (b->err)
        return err_set(run->cx, b->err,
                       "the strategy sent more than %zu orders by candle %zu; raise the limit or the "
                       "timeframe",
                       b->n_orders, b->step + 1);
    size_t most = o->memory_max ? o->memory_max : SIZE_MAX;
    if (run->cx->arena->used - run->memory_at_start > most)
        return err_set(run->cx, ERR_LIMIT, "the run took more than %zu MB by candle %zu of %zu", most >> 20,
                       b->step + 1, n_steps);
    if (o->progress && ((b->step + 1) % PROGRESS_EVERY == 0 || b->step + 1 == n_steps)) {
        int err = o->progress(o->progress_arg, run->cx, b->step + 1, n_steps);
        if (err < 0)
            return err;
    }
    return ctx_check(run->cx);
}

static bool is_watch_step(const Run *run, size_t n_steps) {
    return (run->b.step + 1) % CHECK_EVERY == 0 || run->b.step + 1 == n_steps || run->b.err;
}

/* One asset: its rows are the steps. */
static int run_one(Run *run, size_t n_steps) {
    Bt *b = &run->b;
    BtAsset *a = &b->assets[0];
    ViewAsset *v = &b->view_assets[0];
    v->begun = v->fresh = true;
    for (size_t i = 0; i < n_steps; i++) {
        b->step = b->view.step = a->row = v->i = i;
        b->view.now = time_ms(a->dt_ms[i]);
        if (b->req->options.stepwise)
            strategy_compute_row(run->s, 0);
        step(run, a->cs->open_ms[i]);
        if (UNLIKELY(is_watch_step(run, n_steps))) {
            int err = watch(run, n_steps);
            if (err)
                return err;
        }
    }
    return 0;
}

static int64_t show_step(Run *run, const Steps *steps) {
    Bt *b = &run->b;
    int64_t open_ms = INT64_MAX;
    for (size_t i = 0; i < b->n_assets; i++) {
        ViewAsset *v = &b->view_assets[i];
        v->begun = steps->begun[i];
        v->fresh = steps->fresh[i];
        v->i = b->assets[i].row = steps->row[i];
        if (!v->fresh)
            continue;
        open_ms = MIN(open_ms, v->candles->open_ms[v->i]);
        if (b->req->options.stepwise)
            strategy_compute_row(run->s, i);
    }
    return open_ms;
}

static int run_many(Run *run, const int64_t *const *times, const size_t *lengths, size_t n_steps) {
    Bt *b = &run->b;
    Steps steps;
    steps_init(&steps, b->arena, times, lengths, b->n_assets);
    while (steps_next(&steps)) {
        b->step = b->view.step = steps.step;
        b->view.now = time_ms(steps.time_ms);
        step(run, show_step(run, &steps));
        if (is_watch_step(run, n_steps)) {
            int err = watch(run, n_steps);
            if (err)
                return err;
        }
    }
    return 0;
}

/* --- the result --- */

static void end_orders(Bt *b) { /* what still lives was not filled; it gets its reason and no event */
    for (size_t i = 0; i < b->n_orders; i++)
        if (b->orders[i].o.alive)
            b->orders[i].o.reason = ORDER_BECAUSE_END;
}

static void tell_orders(Bt *b, BacktestResult *out) {
    out->n_orders = b->n_orders;
    out->orders = arena_alloc(b->arena, mem_mul(MAX(b->n_orders, 1), sizeof(Order)));
    for (size_t i = 0; i < b->n_orders; i++)
        out->orders[i] = b->orders[i].o;
    out->events = b->events;
    out->n_events = b->n_events;
}

/* With margin and leverage Backtrader's value counts a part of the open profit twice: it came into the cash at the close,
 * and only the rest of it is taken out of the levered position. */
static double counted_twice(const Bt *b) {
    return b->stocklike ? 0 : 1 - 1 / b->cfg.leverage;
}

static void mark_open(Bt *b, BacktestResult *out) {
    for (size_t i = 0; i < b->n_assets; i++) {
        BtAsset *a = &b->assets[i];
        double close = a->cs->close[a->row], size = a->pos.size;
        out->assets[i].position = size;
        out->assets[i].entry_price = a->pos.price;
        out->open_mark += size * (close - a->pos.price) * b->cfg.multiplier * (1 + counted_twice(b));
        if (a->trade == SIZE_MAX)
            continue;
        Trade *t = &b->trades[a->trade];
        t->exit_price = close;
        t->candles = a->row - t->entry_row;
        t->pnl_net = t->pnl - (t->fees + t->costs);
    }
}

static void tell_assumptions(const Bt *b, TextList *list) {
    const BrokerConfig *c = &b->cfg;
    Arena *arena = b->arena;
    text_list_add(list, arena,
                  c->cheat_on_close ? "Market orders fill at the close of the signal's candle: knowledge "
                                      "that trading does not have"
                                    : "Market orders fill at the open of the candle after the signal");
    text_list_add(list, arena,
                  c->commission == COMMISSION_PERCENT ? "Commission %g of the value, each side"
                                                      : "Commission %g a unit, each side",
                  c->commission_rate);
    if (c->slippage.kind == SLIPPAGE_NONE)
        text_list_add(list, arena, "No slippage, no spread");
    else
        text_list_add(list, arena, "Slippage %g%s%s", c->slippage.value,
                      c->slippage.kind == SLIPPAGE_PERCENT ? " of the price" : " of price",
                      c->slippage.out ? "" : ", within the candle");
    text_list_add(list, arena, "Fills are whole: no order is too large for the volume of a candle");
    text_list_add(list, arena, "An order that cash does not cover is refused (Margin), not made smaller");
    text_list_add(list, arena, "Sizes and prices are not rounded to lots and ticks");
    text_list_add(list, arena, "Of two orders that one candle could fill, the one submitted first is filled");
    text_list_add(list, arena, "A position open at the end counts at the last close, without exit commission");
    if (!c->no_short)
        text_list_add(list, arena, "Short sales need no loan and are never liquidated; interest %g a year",
                      c->interest);
    if (c->margin > 0)
        text_list_add(list, arena, "Futures-like: margin %g and multiplier %g a contract, cash settled at each close",
                      c->margin, c->multiplier);
    if (c->leverage > 1)
        text_list_add(list, arena, "Leverage %g lowers the cash an order needs; there is no liquidation", c->leverage);
}

static void tell_result(Run *run, size_t n_steps) {
    Bt *b = &run->b;
    BacktestResult *out = run->out;
    end_orders(b);
    tell_orders(b, out);
    mark_open(b, out);
    if (counted_twice(b) != 0)
        text_list_add(&out->warnings, b->arena,
                      "margin with leverage: as in Backtrader, %.0f %% of an open profit counts twice in the equity",
                      100 * counted_twice(b));
    tell_assumptions(b, &out->assumptions);
    out->final_value = b->value;
    out->final_cash = b->cash;
    out->realised_pnl = b->realised;
    out->fees = b->fees;
    out->costs = b->interest;
    out->trades = b->trades;
    out->n_trades = b->n_trades;
    out->closings = b->closings;
    out->n_closed = b->n_closings;
    out->n_steps = n_steps;
    out->time_ms = run->time_ms;
    out->equity = run->equity;
    if (!run->warm)
        out->first_next_step = n_steps;
}

static int run(Ctx *cx, const BacktestRequest *req, Strategy *s, BacktestResult *out) {
    Run *r = arena_new(cx->arena, Run);
    *r = (Run){ .cx = cx, .s = s, .out = out, .memory_at_start = cx->arena->used };
    bt_init(&r->b, cx, req, s);
    const int64_t **times = arena_new_n(cx->arena, const int64_t *, req->n_assets);
    size_t *lengths = arena_new_n(cx->arena, size_t, req->n_assets);
    for (size_t i = 0; i < req->n_assets; i++) {
        times[i] = r->b.assets[i].dt_ms;
        lengths[i] = req->assets[i].candles->n;
    }
    size_t n_steps = steps_count(times, lengths, req->n_assets);
    r->time_ms = arena_alloc(cx->arena, mem_mul(n_steps, sizeof(int64_t)));
    r->equity = arena_alloc(cx->arena, mem_mul(n_steps, sizeof(double)));
    int err = req->n_assets == 1 ? run_one(r, n_steps) : run_many(r, times, lengths, n_steps);
    if (err)
        return err;
    tell_result(r, n_steps);
    return 0;
}

const BacktestEngine backtest_backtrader = {
    .name = "backtrader",
    .version = "1.9.78.123",
    .words = "Backtrader's broker and time line, trade for trade",
    .run = run,
};
