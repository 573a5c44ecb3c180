/* backtest/zoot/account.c - money: fills booked, fees by tier, margin, funding, interest, liquidation. */

#include "backtest/zoot/internal.h"

#define DAYS_30_MS (INT64_C(30) * MS_PER_DAY)
#define YEAR_MS    (INT64_C(365) * MS_PER_DAY)

static double value_of(const Zoot *z, double units, double price) {
    return units * price * z->multiplier;
}

double zoot_equity(const Zoot *z) {
    double sum = z->cash;
    for (size_t i = 0; i < z->n_places; i++)
        if (z->places[i].position != 0)
            sum += value_of(z, z->places[i].position, z->places[i].mark);
    return sum;
}

/* Sum of |position| * price of all assets but one. */
static double gross_without(const Zoot *z, uint32_t asset) {
    double sum = 0;
    for (size_t i = 0; i < z->n_places; i++)
        if (i != asset && z->places[i].position != 0)
            sum += fabs(value_of(z, z->places[i].position, z->places[i].mark));
    return sum;
}

/* --- fees --- */

static const ZootFeeTier *tier_now(Zoot *z) {
    while (z->traded_first < z->traded.n && z->traded.v[z->traded_first].time_ms <= z->bar_time_ms - DAYS_30_MS)
        z->traded_sum -= z->traded.v[z->traded_first++].money;
    if (z->traded_first == z->traded.n)
        z->traded_sum = 0;
    const ZootFeeTier *tier = &z->opt.tiers[0];
    for (size_t i = 1; i < z->opt.n_tiers && z->traded_sum >= z->opt.tiers[i].volume; i++)
        tier = &z->opt.tiers[i];
    return tier;
}

static double fee_of(Zoot *z, double units, double price, bool maker) {
    double money = fabs(value_of(z, units, price));
    if (z->opt.n_tiers) {
        const ZootFeeTier *tier = tier_now(z);
        return money * (maker ? tier->maker : tier->taker);
    }
    return z->broker.commission == COMMISSION_PER_UNIT ? fabs(units) * z->broker.commission_rate
                                                       : money * z->broker.commission_rate;
}

static void remember_traded(Zoot *z, double units, double price) {
    if (!z->opt.n_tiers)
        return;
    double money = fabs(value_of(z, units, price));
    vec_push(&z->traded, ((ZootTraded){ z->bar_time_ms, money }));
    z->traded_sum += money;
}

/* --- trades --- */

static void trade_open(Zoot *z, ZootPlace *p, uint32_t asset, OrderId id, double units) {
    p->trade = z->trades.n;
    p->entry_step = z->step;
    uint32_t number = (uint32_t)z->trades.n + 1;
    vec_push(&z->trades, ((Trade){ .id = number,
                                   .asset = asset,
                                   .side = units > 0 ? SIDE_LONG : SIDE_SHORT,
                                   .entry_step = z->step,
                                   .entry_row = p->row,
                                   .entry_order = id }));
}

static void trade_add(Zoot *z, ZootPlace *p, double units, double price, double fee) {
    Trade *t = &z->trades.v[p->trade];
    t->entry_price = (t->entry_price * t->size + price * units) / (t->size + units);
    t->size += units;
    t->entry_fees += fee;
    t->fees += fee;
}

/* exit_price is kept as the sum of money until the trade is closed: `done` units were closed before. */
static void trade_reduce(Zoot *z, ZootPlace *p, OrderId id, double units, double price, double fee, double pnl) {
    Trade *t = &z->trades.v[p->trade];
    double before = t->size - p->position, after = before - units; /* closed units so far; `units` has the other sign */
    t->exit_price = after != 0 ? (t->exit_price * before - price * units) / after : price;
    t->exit_order = id;
    t->exit_step = z->step;
    t->fees += fee;
    t->pnl += pnl;
}

static void trade_close(Zoot *z, ZootPlace *p) {
    Trade *t = &z->trades.v[p->trade];
    t->closed = true;
    t->pnl_net = t->pnl - t->fees - t->costs;
    if (t->pnl_net >= 0) {
        z->view.n_won++;
        z->view.sum_won += t->pnl_net;
    } else {
        z->view.n_lost++;
        z->view.sum_lost += t->pnl_net;
    }
    t->candles = p->row - t->entry_row;
    vec_push(&z->closings, (uint32_t)p->trade);
}

/* --- booking --- */

static void book_closing(Zoot *z, uint32_t asset, ZootOrder *o, double units, double price, double fee) {
    ZootPlace *p = &z->places[asset];
    double pnl = value_of(z, -units, price) - value_of(z, -units, p->entry);
    z->realised += pnl;
    o->o.pnl += pnl;
    o->o.value += fabs(value_of(z, units, p->entry));
    trade_reduce(z, p, o->o.id, units, price, fee, pnl);
    p->position += units;
    if (fabs(p->position) < 1e-12 * fabs(units))
        p->position = 0;
    if (p->position == 0) {
        trade_close(z, p);
        p->entry = 0;
    }
}

static void book_opening(Zoot *z, uint32_t asset, ZootOrder *o, double units, double price, double fee) {
    ZootPlace *p = &z->places[asset];
    if (p->position == 0)
        trade_open(z, p, asset, o->o.id, units);
    trade_add(z, p, units, price, fee);
    p->entry = (p->entry * p->position + price * units) / (p->position + units);
    p->position += units;
    o->o.value += fabs(value_of(z, units, price));
}

static double closing_part(const ZootPlace *p, double units) {
    if (p->position == 0 || (p->position > 0) == (units > 0))
        return 0;
    return fabs(units) < fabs(p->position) ? units : -p->position;
}

static void book(Zoot *z, OrderId id, double units, double price, double fee) {
    ZootOrder *o = zoot_order(z, id);
    uint32_t asset = o->o.asset;
    ZootPlace *p = &z->places[asset];
    double closing = closing_part(p, units), opening = units - closing;
    z->cash -= value_of(z, units, price) + fee;
    z->fees += fee;
    o->o.fees += fee;
    o->o.price = (o->o.price * o->o.filled + price * units) / (o->o.filled + units);
    o->o.filled += units;
    o->left -= units;
    double fee_closing = fee * (closing / units);
    if (closing != 0)
        book_closing(z, asset, o, closing, price, fee_closing);
    if (opening != 0)
        book_opening(z, asset, o, opening, price, fee - fee_closing);
    remember_traded(z, units, price);
    p->mark = price;
    p->volume_used += fabs(units);
}

/* --- what a fill is allowed to be --- */

/* Money missing for opening `opening` units at the price after closing what it closes; <= 0: none. */
static double margin_missing(const Zoot *z, uint32_t asset, double units, double price, double fee) {
    const ZootPlace *p = &z->places[asset];
    double gross = gross_without(z, asset), after = fabs(value_of(z, p->position + units, price));
    double equity = zoot_equity(z) + value_of(z, p->position, price) - value_of(z, p->position, p->mark) - fee;
    return (gross + after) / z->broker.leverage - equity - 1e-9 * fmax(1, fabs(equity));
}

/* Takers pay half the spread, the slippage and their own impact; within the candle unless it may leave it. NaN: not in
 * this candle. */
static double taker_price(const Zoot *z, const ZootPlace *p, double price, double units) {
    const Slippage *s = &z->broker.slippage;
    double worse = price * p->is.spread / 2;
    if (s->kind == SLIPPAGE_PERCENT)
        worse += price * s->value;
    else if (s->kind == SLIPPAGE_FIXED)
        worse += s->value;
    if (z->opt.impact > 0 && p->bar.volume > 0)
        worse += price * z->opt.impact * fmin(1, fabs(units) / p->bar.volume);
    if (worse == 0)
        return price;
    double slipped = units > 0 ? price + worse : price - worse;
    if (p->tick > 0) /* never to the account's gain; the nudge keeps a price that lies on a tick there */
        slipped = units > 0 ? ceil(slipped / p->tick - 1e-9) * p->tick : floor(slipped / p->tick + 1e-9) * p->tick;
    if (s->out)
        return fmax(slipped, 0);
    if (slipped > p->bar.high || slipped < p->bar.low)
        return s->match || s->kind == SLIPPAGE_NONE ? CLAMP(slipped, p->bar.low, p->bar.high) : NAN;
    return slipped;
}

static bool is_limit(const ZootOrder *o) {
    return o->o.type == ORDER_LIMIT || o->triggered;
}

static double fill_price(const Zoot *z, const ZootPlace *p, const ZootOrder *o, double price, bool maker,
                         double units) {
    if (maker && !z->broker.slippage.on_limit)
        return price;
    double slipped = taker_price(z, p, price, units);
    if (is_limit(o) || o->o.type == ORDER_STOP_LIMIT || o->o.type == ORDER_STOP_TRAIL_LIMIT) {
        double limit = o->o.limit_price;
        slipped = units > 0 ? fmin(slipped, limit) : fmax(slipped, limit);
    }
    return slipped;
}

/* By the candle's volume and the lot. */
static double fill_units(const Zoot *z, const ZootPlace *p, const ZootOrder *o) {
    double units = o->left;
    if (o->o.parent) { /* what protects a position cannot turn it around */
        double closing = closing_part(p, units);
        units = closing;
    }
    if (z->opt.volume_share <= 0)
        return units;
    double room = fmax(0, z->opt.volume_share * p->bar.volume - p->volume_used);
    if (fabs(units) <= room)
        return units;
    return zoot_round_lot(p, units > 0 ? room : -room);
}

static void refuse_margin(Zoot *z, OrderId id, double missing) {
    zoot_order(z, id)->o.needed = missing;
    zoot_end_order(z, id, ORDER_MARGIN, ORDER_BECAUSE_CASH_AT_FILL);
}

static void refuse_short(Zoot *z, OrderId id) {
    zoot_end_order(z, id, ORDER_REJECTED, ORDER_BECAUSE_SHORT);
}

/* Cuts the opening part off where the account may not have it; true: the rest of the order is refused. */
static bool cut_opening(Zoot *z, OrderId id, double *units, double price, bool maker, double *missing) {
    ZootOrder *o = zoot_order(z, id);
    const ZootPlace *p = &z->places[o->o.asset];
    double closing = closing_part(p, *units), opening = *units - closing;
    *missing = 0;
    if (opening == 0)
        return false;
    if (opening < 0 && z->broker.no_short) {
        *units = closing;
        return true;
    }
    *missing = margin_missing(z, o->o.asset, *units, price, fee_of(z, *units, price, maker));
    if (*missing <= 0)
        return false;
    *units = closing;
    return true;
}

double zoot_fill(Zoot *z, OrderId id, double price, bool maker, bool inside) {
    ZootOrder *o = zoot_order(z, id);
    ZootPlace *p = &z->places[o->o.asset];
    double units = fill_units(z, p, o), asked = o->left, missing;
    if (o->o.parent && units == 0 && closing_part(p, asked) == 0) {
        zoot_end_order(z, id, ORDER_CANCELED, ORDER_BECAUSE_BRACKET);
        return 0;
    }
    if (o->tif == TIF_FOK && fabs(units) < fabs(asked) - 1e-12 * fabs(asked)) {
        zoot_end_order(z, id, ORDER_CANCELED, ORDER_BECAUSE_VOLUME);
        return 0;
    }
    double at = units != 0 ? fill_price(z, p, o, price, maker, units) : NAN;
    if (isnan(at) || at <= 0)
        return 0;
    bool refused = cut_opening(z, id, &units, at, maker, &missing);
    if (units != 0) {
        book(z, id, units, at, fee_of(z, units, at, maker));
        zoot_order_filled(z, id, inside);
    }
    if (refused && zoot_order(z, id)->o.alive)
        missing > 0 ? refuse_margin(z, id, missing) : refuse_short(z, id);
    return units;
}

/* --- liquidation --- */

double zoot_liquidation_price(const Zoot *z, uint32_t asset) {
    const ZootPlace *p = &z->places[asset];
    double m = z->maintenance, units = p->position * z->multiplier;
    double others = zoot_equity(z) - value_of(z, p->position, p->mark) - m * gross_without(z, asset);
    double price = units > 0 ? -others / (units * (1 - m)) : others / (-units * (1 + m));
    if (units > 0)
        return price > 0 ? price : NAN;
    return fmax(price, 0);
}

void zoot_liquidate(Zoot *z, uint32_t asset, double price) {
    ZootPlace *p = &z->places[asset];
    double units = -p->position;
    OrderId id = zoot_forced_order(z, asset, units, "liquidation");
    double fee = fee_of(z, units, price, false) + fabs(value_of(z, units, price)) * z->opt.liquidation_fee;
    book(z, id, units, price, fee);
    zoot_end_order(z, id, ORDER_COMPLETED, ORDER_BECAUSE_LIQUIDATION);
    z->n_liquidations++;
    for (size_t i = 0; i < z->alive.n; i++) {
        const ZootOrder *o = zoot_order(z, z->alive.v[i]);
        if (o->o.alive && o->o.asset == asset && o->o.id != id)
            zoot_end_order(z, o->o.id, ORDER_CANCELED, ORDER_BECAUSE_LIQUIDATION);
    }
}

/* --- payments for holding --- */

static void pay(Zoot *z, ZootPlace *p, double money) {
    z->cash -= money;
    z->costs += money;
    z->trades.v[p->trade].costs += money;
}

void zoot_pay_funding(Zoot *z, uint32_t asset, int64_t until_ms) {
    ZootPlace *p = &z->places[asset];
    const ZootFunding *f = &p->is.funding;
    for (; p->funding_next < f->n && f->time_ms[p->funding_next] < until_ms; p->funding_next++)
        if (p->position != 0) /* also one that fell into a gap before this candle */
            pay(z, p, value_of(z, p->position, p->bar.open) * f->rate[p->funding_next]);
}

void zoot_pay_interest(Zoot *z, int64_t now_ms) {
    bool first = z->interest_from_ms == INT64_MIN;
    double years = first ? 0 : (double)(now_ms - z->interest_from_ms) / (double)YEAR_MS;
    z->interest_from_ms = now_ms;
    for (size_t i = 0; i < z->n_places; i++) {
        ZootPlace *p = &z->places[i];
        if (p->position < 0 || (p->position > 0 && z->broker.interest_long))
            pay(z, p, fabs(value_of(z, p->position, p->mark)) * z->broker.interest * years);
    }
}
