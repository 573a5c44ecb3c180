/* backtest/backtrader/fills.c - orders against candles: at what price, and what becomes of cash and position.
 *
 * The order of additions is Backtrader's, so that sums agree to the last bit where they decide something (cash < 0). */

#include "backtest/backtrader/account.h"

#include <math.h>

/* Position.update: what opens and what closes. */
void bt_update_position(BtPosition *pos, double size, double price, double *opened, double *closed) {
    double before = pos->size, after = before + size;
    *opened = *closed = 0;
    if (after == 0) {
        *closed = size;
        pos->price = 0;
    } else if (before == 0) {
        *opened = size;
        pos->price = price;
    } else if ((before > 0) == (size > 0)) {
        *opened = size;
        pos->price = (pos->price * before + size * price) / after;
    } else if ((before > 0) == (after > 0)) {
        *closed = size;
    } else {
        *opened = after;
        *closed = -before;
        pos->price = price;
    }
    pos->size = after;
}

double bt_value_of(const Bt *b, double size, double price) {
    if (!b->stocklike)
        return fabs(size) * b->cfg.margin;
    return (b->cfg.no_short_cash ? fabs(size) : size) * price;
}

double bt_worth(const Bt *b, const BtAsset *a) {
    double size = a->pos.size, price = a->pos.price, close = a->cs->close[a->row];
    if (!b->stocklike)
        return fabs(size) * b->cfg.margin;
    if (b->cfg.no_short_cash && size < 0)
        return price * size + (price - close) * size;
    return size * close;
}

static double cash_of(const Bt *b, double value) { /* leverage eases what must be paid, not what is got */
    return value > 0 ? value / b->cfg.leverage : value;
}

static double commission(const Bt *b, double size, double price) {
    double paid = fabs(size) * b->cfg.commission_rate;
    return b->cfg.commission == COMMISSION_PERCENT ? paid * price : paid;
}

static double cash_adjust(const Bt *b, double size, double from, double to) {
    return b->stocklike ? 0 : size * (to - from) * b->cfg.multiplier;
}

double bt_pretend(const Bt *b, const BtOrder *x, double cash, BtPosition *pos) {
    double price = x->o.created_price, opened, closed;
    bt_update_position(pos, x->o.size, price, &opened, &closed);
    if (closed != 0) {
        cash += cash_of(b, bt_value_of(b, -closed, price));
        cash -= commission(b, closed, price);
    }
    if (opened != 0) {
        cash -= cash_of(b, bt_value_of(b, opened, price));
        cash -= commission(b, opened, price);
    }
    return cash;
}

/* --- execution --- */

typedef struct Execution {
    double opened, closed; /* signed units */
    double opened_value, closed_value, opened_fees, closed_fees;
    double pnl, costs;
} Execution;

static void close_part(Bt *b, BtAsset *a, double price, Execution *e) {
    if (e->closed == 0)
        return;
    e->pnl = -e->closed * (price - a->pos.price) * b->cfg.multiplier;
    e->closed_value = bt_value_of(b, -e->closed, a->pos.price);
    e->closed_fees = commission(b, e->closed, price);
    double cash = b->cash + (cash_of(b, e->closed_value) + (b->stocklike ? e->pnl : 0));
    cash -= e->closed_fees;
    cash += cash_adjust(b, -e->closed, a->pos.adjbase, price);
    b->cash = cash;
}

/* false: there is not enough cash; nothing was done. */
static bool open_part(Bt *b, BtAsset *a, BtOrder *x, double price, Execution *e) {
    double value = bt_value_of(b, e->opened, price), fees = commission(b, e->opened, price);
    double cash = b->cash - cash_of(b, value);
    cash -= fees;
    if (cash < 0) {
        x->o.needed = -cash;
        e->opened = 0;
        return false;
    }
    double size = a->pos.size + x->rest;
    if (fabs(size) > fabs(e->opened)) /* the contracts there are move to the new base price */
        cash += cash_adjust(b, size - e->opened, a->pos.adjbase, price);
    a->pos.adjbase = price;
    b->cash = cash;
    e->opened_value = value;
    e->opened_fees = fees;
    return true;
}

static void settle_interest(BtAsset *a, Execution *e) { /* int2pnl: told with the commission, paid day by day */
    if (e->closed == 0)
        return;
    e->costs = a->credit;
    a->credit = 0;
}

static void record(Bt *b, BtOrder *x, double price, const Execution *e) {
    Order *o = &x->o;
    double size = e->closed + e->opened, before = o->filled * o->price;
    x->rest -= size;
    o->filled += size;
    o->price = (before + size * price) / o->filled;
    o->value += e->closed_value + e->opened_value;
    o->fees += e->closed_fees + e->opened_fees;
    o->pnl += e->pnl;
    o->costs += e->costs;
    b->fees += e->closed_fees + e->opened_fees;
    b->realised += e->pnl;
    if (e->closed != 0)
        bt_trade_closed(b, o->asset, x, e->closed, price, e->closed_fees, e->costs);
    if (e->opened != 0)
        bt_trade_opened(b, o->asset, x, e->opened, price, e->opened_fees);
}

/* _execute: the closing part always; the opening part when the cash allows it, else the order ends in Margin. In a
 * reversal both parts may add up to less than the order by a rounding: the order is then filled in part and lives on for
 * the rest, be it 1e-14 units. */
static void execute(Bt *b, BtOrder *x, double price) {
    if (isnan(price)) /* slipped out of the candle */
        return;
    BtAsset *a = &b->assets[x->o.asset];
    BtPosition after = a->pos;
    Execution e = { 0 };
    double opened, closed;
    bt_update_position(&after, x->rest, price, &e.opened, &e.closed);
    close_part(b, a, price, &e);
    bool refused = e.opened != 0 && !open_part(b, a, x, price, &e);
    double size = e.closed + e.opened;
    if (size != 0) {
        double adjbase = a->pos.adjbase;
        bt_update_position(&a->pos, size, price, &opened, &closed);
        a->pos.adjbase = adjbase;
        a->pos.day = floor_div(a->dt_ms[a->row], MS_PER_DAY);
        settle_interest(a, &e);
        record(b, x, price, &e);
        if (x->rest != 0)
            bt_event(b, x, ORDER_PARTIAL);
        else
            bt_end(b, x, ORDER_COMPLETED, ORDER_BECAUSE_NONE);
        bt_after(b, x, false);
    }
    if (refused) {
        bt_end(b, x, ORDER_MARGIN, ORDER_BECAUSE_CASH_AT_FILL);
        bt_after(b, x, true);
    }
}

/* --- prices: NaN is no price --- */

static double slip(const Slippage *s, double price, double sign, double end, bool limit) {
    double slipped = s->kind == SLIPPAGE_PERCENT ? price * (1 + sign * s->value)
                     : s->kind == SLIPPAGE_FIXED ? price + sign * s->value
                                                 : price;
    if (s->kind == SLIPPAGE_NONE || s->value == 0)
        return price;
    if (sign > 0 ? slipped <= end : slipped >= end)
        return slipped;
    if (s->match || (limit && s->on_limit))
        return s->out ? slipped : end;
    return NAN;
}

/* Away from the trader: up to `end` for a buyer, down to it for a seller. */
static double slip_for(const Bt *b, const BtOrder *x, double price, double end, bool limit) {
    return slip(&b->cfg.slippage, price, x->o.size > 0 ? 1 : -1, end, limit);
}

static double slip_open(const Bt *b, const BtOrder *x, double price, double end, bool limit) {
    return b->cfg.slippage.on_open ? slip_for(b, x, price, end, limit) : price;
}

typedef struct Bar { /* as Backtrader calls a candle; here: the one the order meets */
    double open, high, low, close;
} Bar;

static void try_market(Bt *b, BtOrder *x, const Bar *c, int64_t dt_ms) {
    if (!b->cfg.cheat_on_close && dt_ms <= x->created_dt_ms)
        return;
    double price = b->cfg.cheat_on_close ? x->close : c->open;
    execute(b, x, slip_open(b, x, price, x->o.size > 0 ? c->high : c->low, false));
}

/* The close of the session; a candle past its end tells that the one before was the last. */
static void try_close(Bt *b, BtOrder *x, const Bar *c, int64_t dt_ms) {
    if (dt_ms > x->created_dt_ms && dt_ms >= x->session_end_ms) {
        bool past = x->has_annotated && x->annotated != 0 && dt_ms > x->session_end_ms;
        execute(b, x, past ? x->annotated : c->close);
        return;
    }
    x->annotated = c->close;
    x->has_annotated = true;
}

static void try_limit(Bt *b, BtOrder *x, const Bar *c, double limit) {
    if (x->o.size > 0) {
        if (limit >= c->open)
            execute(b, x, slip_open(b, x, c->open, MIN(c->high, limit), true));
        else if (limit >= c->low)
            execute(b, x, limit);
    } else {
        if (limit <= c->open)
            execute(b, x, slip_open(b, x, c->open, limit, true));
        else if (limit <= c->high)
            execute(b, x, limit);
    }
}

static void try_stop(Bt *b, BtOrder *x, const Bar *c) {
    bool buy = x->o.size > 0;
    double trigger = x->o.created_price, end = buy ? c->high : c->low;
    if (buy ? c->open >= trigger : c->open <= trigger)
        execute(b, x, slip_open(b, x, c->open, end, false));
    else if (buy ? c->high >= trigger : c->low <= trigger)
        execute(b, x, slip_for(b, x, trigger, end, false));
    if (x->o.alive && x->o.type == ORDER_STOP_TRAIL)
        bt_trail(x, c->close);
}

/* Triggered inside the candle: what can be told of the way the price went on, from open and close alone. */
static void try_triggered(Bt *b, BtOrder *x, const Bar *c) {
    bool buy = x->o.size > 0;
    double trigger = x->o.created_price, limit = x->o.limit_price;
    bool beyond = buy ? limit >= trigger : limit <= trigger;
    bool back = buy ? c->open > c->close : c->open <= c->close;
    if (beyond)
        execute(b, x, slip_for(b, x, trigger, buy ? c->high : c->low, true));
    else if (back && (buy ? limit >= c->close : limit <= c->close))
        execute(b, x, limit);
}

static void try_stop_limit(Bt *b, BtOrder *x, const Bar *c) {
    bool buy = x->o.size > 0;
    double trigger = x->o.created_price;
    if (buy ? c->open >= trigger : c->open <= trigger) {
        x->triggered = true;
        try_limit(b, x, c, x->o.limit_price);
    } else if (buy ? c->high >= trigger : c->low <= trigger) {
        x->triggered = true;
        try_triggered(b, x, c);
    }
    if (x->o.alive && x->o.type == ORDER_STOP_TRAIL_LIMIT)
        bt_trail(x, c->close);
}

static void try_order(Bt *b, BtOrder *x) {
    const BtAsset *a = &b->assets[x->o.asset];
    size_t i = a->row;
    Bar c = { a->cs->open[i], a->cs->high[i], a->cs->low[i], a->cs->close[i] };
    switch (x->o.type) {
    case ORDER_MARKET:
        try_market(b, x, &c, a->dt_ms[i]);
        break;
    case ORDER_CLOSE:
        try_close(b, x, &c, a->dt_ms[i]);
        break;
    case ORDER_LIMIT:
        try_limit(b, x, &c, x->o.created_price);
        break;
    case ORDER_STOP:
    case ORDER_STOP_TRAIL:
        try_stop(b, x, &c);
        break;
    default:
        if (x->triggered)
            try_limit(b, x, &c, x->o.limit_price);
        else
            try_stop_limit(b, x, &c);
    }
}

static bool expired(const Bt *b, const BtOrder *x) {
    const BtAsset *a = &b->assets[x->o.asset];
    return x->o.type != ORDER_MARKET && x->valid_ms != 0 && a->dt_ms[a->row] > x->valid_ms;
}

/* Every order once, in the order of the queue; what stays alive keeps its place. */
void bt_try_pending(Bt *b) {
    OrderId next;
    for (OrderId id = b->pending_head; id != ORDER_NONE; id = next) {
        BtOrder *x = bt_order(b, id);
        b->trying = id;
        x->queued = false;
        if (expired(b, x)) {
            bt_end(b, x, ORDER_EXPIRED, ORDER_BECAUSE_TIME);
            bt_after(b, x, true);
        } else if (x->active) {
            try_order(b, x);
            if (x->o.status == ORDER_COMPLETED)
                bt_bracket_done(b, x);
        }
        x->queued = x->o.alive;
        next = x->next;
        if (!x->o.alive)
            bt_unqueue(b, x);
    }
    b->trying = ORDER_NONE;
}
