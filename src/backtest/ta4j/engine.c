/* backtest/ta4j/engine.c - see ta4j.h. */

#include <math.h>

#include "backtest/ta4j/ta4j.h"
#include "base/vec.h"

enum { CHECK_STEPS = 4096, PROGRESS_STEPS = 65536 };

typedef struct Ta4j {
    Ctx *cx;
    const BacktestRequest *req;
    Strategy *strategy;
    const Candles *cs;
    Ta4jOptions opt;
    double cash, position, entry, realised, fees, costs;
    VEC(Order) orders;
    VEC(OrderEvent) events;
    VEC(Trade) trades;
    VEC(uint32_t) closings;
    size_t n_told;
    OrderId pending;
    size_t i;
    int failed;
    View view;
    ViewAsset seen;
    Broker face;
} Ta4j;

static Ta4j *ta4j_of(const Broker *b) {
    return CONTAINER_OF(b, Ta4j, face);
}

/* --- fills --- */

static double slipped(const Ta4j *t, double price, double size) {
    const Slippage *s = &t->req->broker.slippage;
    return s->kind == SLIPPAGE_PERCENT ? price * (size > 0 ? 1 + s->value : 1 - s->value) : price;
}

static void end_order(Ta4j *t, Order *o, OrderStatus status, OrderReason reason) {
    o->alive = false;
    o->status = status;
    o->reason = reason;
    o->step = t->i;
    vec_push(&t->events, ((OrderEvent){ o->id, status, t->i }));
}

static void enter(Ta4j *t, Order *o, double price, double fee) {
    uint32_t id = (uint32_t)t->trades.n + 1;
    vec_push(&t->trades, ((Trade){ .id = id,
                                   .side = o->size > 0 ? SIDE_LONG : SIDE_SHORT,
                                   .size = o->size,
                                   .entry_price = price,
                                   .entry_fees = fee,
                                   .fees = fee,
                                   .entry_step = t->i,
                                   .entry_row = t->i,
                                   .entry_order = o->id }));
    t->entry = price;
    o->value = fabs(o->size * price);
}

static void leave(Ta4j *t, Order *o, double price, double fee) {
    Trade *trade = &t->trades.v[t->trades.n - 1];
    o->pnl = trade->pnl = t->position * (price - t->entry);
    o->value = fabs(t->position * t->entry);
    o->costs = trade->costs;
    t->realised += trade->pnl;
    trade->fees += fee;
    trade->exit_price = price;
    trade->exit_step = t->i;
    trade->exit_order = o->id;
    trade->candles = t->i - trade->entry_row;
    trade->closed = true;
    trade->pnl_net = trade->pnl - trade->fees - trade->costs;
    bool won = trade->pnl_net > 0;
    t->view.n_won += won;
    t->view.n_lost += !won;
    *(won ? &t->view.sum_won : &t->view.sum_lost) += trade->pnl_net;
    vec_push(&t->closings, (uint32_t)(t->trades.n - 1));
}

static void fill(Ta4j *t, OrderId id, double at) {
    Order *o = &t->orders.v[id - 1];
    double price = slipped(t, at, o->size), fee = fabs(o->size * price) * t->req->broker.commission_rate;
    if (t->position == 0)
        enter(t, o, price, fee);
    else
        leave(t, o, price, fee);
    t->cash -= o->size * price + fee;
    t->fees += fee;
    t->position += o->size;
    o->filled = o->size;
    o->price = price;
    o->fees = fee;
    if (t->trades.v[t->trades.n - 1].closed)
        t->position = t->entry = 0;
    end_order(t, o, ORDER_COMPLETED, ORDER_BECAUSE_NONE);
    t->pending = ORDER_NONE;
}

/* --- orders --- */

static OrderReason fault_of(const Ta4j *t, const OrderRequest *r) {
    if (r->type != ORDER_MARKET || r->parent || r->oco)
        return ORDER_BECAUSE_TYPE;
    if (!isfinite(r->size) || r->size == 0)
        return ORDER_BECAUSE_SIZE;
    if (t->pending)
        return ORDER_BECAUSE_POSITION;
    if (t->position == 0)
        return (r->size > 0) == t->opt.sells_first ? ORDER_BECAUSE_POSITION : ORDER_BECAUSE_NONE;
    return (r->size > 0) == (t->position > 0) ? ORDER_BECAUSE_POSITION : ORDER_BECAUSE_NONE;
}

static OrderId submit(Broker *b, const OrderRequest *r) {
    Ta4j *t = ta4j_of(b);
    size_t most = t->req->options.orders_max ? t->req->options.orders_max : 10000000;
    if (t->orders.n >= most) {
        t->failed = err_set(t->cx, ERR_LIMIT, "ta4j: the strategy sent more than %zu orders", most);
        return ORDER_NONE;
    }
    OrderId id = (OrderId)t->orders.n + 1;
    vec_push(&t->orders, ((Order){ .id = id,
                                   .type = r->type,
                                   .status = ORDER_ACCEPTED,
                                   .alive = true,
                                   .size = r->size,
                                   .created_price = t->cs->close[t->i],
                                   .created_step = t->i,
                                   .step = t->i,
                                   .tag = r->tag }));
    Order *o = &t->orders.v[t->orders.n - 1];
    OrderReason fault = fault_of(t, r);
    if (fault) {
        end_order(t, o, ORDER_REJECTED, fault);
        return ORDER_NONE;
    }
    if (t->position != 0)
        o->size = -t->position; /* the exit is of what was entered */
    t->pending = o->id;
    if (t->req->broker.cheat_on_close)
        fill(t, o->id, t->cs->close[t->i]);
    return id;
}

static void cancel(Broker *b, OrderId id) {
    Ta4j *t = ta4j_of(b);
    if (id == ORDER_NONE || id != t->pending)
        return;
    t->pending = ORDER_NONE;
    end_order(t, &t->orders.v[id - 1], ORDER_CANCELED, ORDER_BECAUSE_STRATEGY);
}

static const Order *order(const Broker *b, OrderId id) {
    const Ta4j *t = ta4j_of(b);
    return id != ORDER_NONE && id <= t->orders.n ? &t->orders.v[id - 1] : NULL;
}

static double units(const Broker *b, size_t asset, double money, double price) {
    UNUSED(b), UNUSED(asset);
    return money > 0 && price > 0 ? money / price : 0;
}

static const BrokerOps OPS = { submit, cancel, order, units, NULL };

/* --- the run --- */

static void borrow(Ta4j *t) {
    if (t->position >= 0 || t->opt.borrowing == 0)
        return;
    double cost = fabs(t->position * t->entry) * t->opt.borrowing;
    t->cash -= cost;
    t->costs += cost;
    t->trades.v[t->trades.n - 1].costs += cost;
}

static void tell(Ta4j *t, size_t first_event) {
    const StrategyType *type = t->strategy->type;
    for (size_t k = first_event; k < t->events.n && type->on_order; k++)
        type->on_order(t->strategy, &t->view, &t->orders.v[t->events.v[k].id - 1]);
    for (; t->n_told < t->closings.n; t->n_told++)
        if (type->on_trade)
            type->on_trade(t->strategy, &t->view, &t->trades.v[t->closings.v[t->n_told]]);
}

static void step(Ta4j *t, BacktestResult *out, double *equity, size_t warmup) {
    size_t first_event = t->events.n;
    if (t->req->options.stepwise)
        strategy_compute_row(t->strategy, 0);
    borrow(t);
    if (t->pending)
        fill(t, t->pending, t->cs->open[t->i]);
    equity[t->i] = t->cash + t->position * t->cs->close[t->i];
    t->seen = (ViewAsset){
        .i = t->i, .begun = true, .fresh = true, .position = t->position, .entry_price = t->entry, .candles = t->cs
    };
    t->view.step = t->i;
    t->view.now = time_ms(t->cs->open_ms[t->i]);
    t->view.cash = t->cash;
    t->view.value = equity[t->i];
    tell(t, first_event);
    if (t->i >= warmup) {
        out->first_next_step = MIN(out->first_next_step, t->i);
        out->n_next_calls++;
        t->strategy->type->next(t->strategy, &t->view, &t->face);
        if (t->req->broker.cheat_on_close)
            equity[t->i] = t->cash + t->position * t->cs->close[t->i];
    }
    if (t->req->options.probe)
        t->req->options.probe(t->req->options.probe_arg, &t->view);
}

static int walk(Ta4j *t, BacktestResult *out, double *equity) {
    const RunOptions *o = &t->req->options;
    size_t warmup = strategy_warmup(t->strategy, 0);
    out->first_next_step = t->cs->n;
    for (t->i = 0; t->i < t->cs->n; t->i++) {
        step(t, out, equity, warmup);
        int r = t->failed;
        if (r == 0 && t->i % CHECK_STEPS == 0)
            r = ctx_check(t->cx);
        if (r == 0 && o->progress && t->i % PROGRESS_STEPS == PROGRESS_STEPS - 1)
            r = o->progress(o->progress_arg, t->cx, t->i + 1, t->cs->n);
        if (r < 0)
            return r;
    }
    t->i--;
    return o->progress ? o->progress(o->progress_arg, t->cx, t->cs->n, t->cs->n) : 0;
}

static void *copy(Arena *arena, const void *from, size_t n, size_t size) {
    void *to = arena_alloc(arena, mem_mul(MAX(n, 1), size));
    if (n)
        memcpy(to, from, n * size);
    return to;
}

static void assume(const Ta4j *t, TextList *list, Arena *arena) {
    const BrokerConfig *b = &t->req->broker;
    text_list_add(list, arena,
                  b->cheat_on_close ? "Orders fill at the close of the signal's candle: knowledge that trading does "
                                      "not have"
                                    : "Orders fill at the open of the candle after the signal; a signal of the last "
                                      "candle is dropped");
    text_list_add(list, arena, "One position at a time, entered by %s; other orders are refused",
                  t->opt.sells_first ? "a sale" : "a purchase");
    text_list_add(list, arena, "Cash is not checked: any size is filled");
    text_list_add(list, arena, "Commission %g of the value, each side", b->commission_rate);
    if (b->slippage.kind == SLIPPAGE_PERCENT)
        text_list_add(list, arena, "Slippage %g of the price, out of the candle too", b->slippage.value);
    if (t->opt.borrowing > 0)
        text_list_add(list, arena, "Borrowing costs %g of a short position's entry value a candle", t->opt.borrowing);
    text_list_add(list, arena, "A position open at the end counts at the last close, without exit commission");
}

static void report(Ta4j *t, BacktestResult *out) {
    Arena *arena = t->cx->arena;
    double last = t->cs->close[t->cs->n - 1];
    if (t->pending)
        t->orders.v[t->pending - 1].reason = ORDER_BECAUSE_END;
    if (t->position != 0) {
        Trade *trade = &t->trades.v[t->trades.n - 1];
        trade->exit_price = last;
        trade->candles = t->i - trade->entry_row;
        trade->pnl_net = -trade->fees - trade->costs;
    }
    out->orders = copy(arena, t->orders.v, t->orders.n, sizeof(Order));
    out->n_orders = t->orders.n;
    out->events = copy(arena, t->events.v, t->events.n, sizeof(OrderEvent));
    out->n_events = t->events.n;
    out->trades = copy(arena, t->trades.v, t->trades.n, sizeof(Trade));
    out->n_trades = t->trades.n;
    out->closings = copy(arena, t->closings.v, t->closings.n, sizeof(uint32_t));
    out->n_closed = t->closings.n;
    out->final_cash = t->cash;
    out->realised_pnl = t->realised;
    out->fees = t->fees;
    out->costs = t->costs;
    out->open_mark = t->position * (last - t->entry);
    out->assets[0].position = t->position;
    out->assets[0].entry_price = t->entry;
    assume(t, &out->assumptions, arena);
}

static int run(Ctx *cx, const BacktestRequest *req, Strategy *s, BacktestResult *out) {
    if (req->n_assets != 1)
        return err_set_at(cx, ERR_UNSUPPORTED, S("symbols"),
                          "ta4j: one asset a run, not %zu; the engine zoot takes more", req->n_assets);
    Ta4j *t = arena_new(cx->arena, Ta4j);
    *t = (Ta4j){ .cx = cx, .req = req, .strategy = s, .cs = req->assets[0].candles, .cash = req->broker.cash };
    if (req->ta4j)
        t->opt = *req->ta4j;
    if (!(t->opt.borrowing >= 0 && t->opt.borrowing < 1))
        return err_set_at(cx, ERR_INVALID, S("borrowing"), "ta4j: borrowing is a fraction, not %g", t->opt.borrowing);
    t->view =
        (View){ .assets = &t->seen, .n_assets = 1, .lines = strategy_lines(s), .line_asset = strategy_line_assets(s) };
    t->face = (Broker){ &OPS, &t->view, s };
    double *equity = arena_alloc(cx->arena, mem_mul(t->cs->n, sizeof(double)));
    int r = walk(t, out, equity);
    if (r >= 0) {
        report(t, out);
        out->n_steps = t->cs->n;
        out->time_ms = t->cs->open_ms;
        out->equity = equity;
        out->final_value = equity[t->cs->n - 1];
        if (!req->options.no_orders) /* a combination of a sweep is not asked for them */
            out->n_criteria = ta4j_criteria(out, t->cs, t->opt.borrowing, cx->arena, &out->criteria);
    }
    vec_done(&t->orders);
    vec_done(&t->events);
    vec_done(&t->trades);
    vec_done(&t->closings);
    return r < 0 ? r : 0;
}

static int validate(Ctx *cx, const StrategyConfig *config, const BrokerConfig *b) {
    UNUSED(config);
    const struct {
        const char *name, *words;
        bool asked;
    } rows[] = {
        { "leverage", "has no account that could be leveraged", b->leverage != 1 },
        { "margin", "has no margin", b->margin > 0 },
        { "multiplier", "has no contracts", b->multiplier != 1 },
        { "interest", "borrows by the candle; set ta4j's borrowing", b->interest != 0 },
        { "commission", "has commissions in proportion to the value only", b->commission != COMMISSION_PERCENT },
        { "slippage", "slips in proportion to the price only", b->slippage.kind == SLIPPAGE_FIXED },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].asked)
            return err_set_at(cx, ERR_UNSUPPORTED, str_c(rows[i].name), "ta4j %s", rows[i].words);
    return 0;
}

static bool supports(const StrategyType *type) {
    return type->assets_min <= 1;
}

const BacktestEngine backtest_ta4j = {
    .name = "ta4j",
    .version = "0.17",
    .words = "ta4j's BarSeriesManager: one position at a time, next open or present close, no cash check",
    .run = run,
    .validate = validate,
    .supports = supports,
};
