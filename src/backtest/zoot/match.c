/* backtest/zoot/match.c - which orders a candle fills, in which order, at which price.
 *
 * At the open everything is known: what the open fills is filled at the open, reductions first. Inside the candle the
 * path is not known, so what hurts comes first: stops that close and liquidation, the nearest of them first; then what
 * opens; then limits that close. What came alive inside the candle (the children of an entry that was filled there) may
 * only be hurt by the rest of it. */

#include "backtest/zoot/internal.h"

static bool buys(const ZootOrder *o) {
    return o->left > 0;
}

static bool is_limit(const ZootOrder *o) {
    return o->o.type == ORDER_LIMIT || o->triggered;
}

static bool has_limit(const ZootOrder *o) {
    return o->o.type == ORDER_STOP_LIMIT || o->o.type == ORDER_STOP_TRAIL_LIMIT;
}

/* The candle must have opened when the decision was made, or later. */
static bool may_fill(const ZootPlace *p, const ZootOrder *o) {
    return o->o.alive && !o->held && !o->waits && o->created_ms <= p->candle_open_ms;
}

static bool closes(const ZootPlace *p, const ZootOrder *o) {
    return p->position != 0 && (p->position > 0) != buys(o);
}

static bool at_or_better(const ZootOrder *o, double price, double limit) {
    return buys(o) ? price <= limit : price >= limit;
}

static bool reached(const ZootOrder *o, double high, double low) {
    return buys(o) ? high >= o->trigger : low <= o->trigger;
}

/* --- the open --- */

static bool open_fills(ZootOrder *o, const ZootBar *bar) {
    if (o->o.type == ORDER_MARKET || o->fired)
        return true;
    if (o->o.type == ORDER_CLOSE)
        return false;
    if (is_limit(o))
        return at_or_better(o, bar->open, o->o.limit_price);
    if (!reached(o, bar->open, bar->open))
        return false;
    if (!has_limit(o))
        return true;
    o->triggered = true;
    return at_or_better(o, bar->open, o->o.limit_price);
}

static void match_open(Zoot *z, uint32_t asset, bool reducing) {
    for (size_t i = 0; i < z->alive.n; i++) {
        OrderId id = z->alive.v[i];
        ZootOrder *o = zoot_order(z, id);
        const ZootPlace *p = &z->places[o->o.asset];
        bool due = asset == ZOOT_ALL ? p->fresh : asset == o->o.asset;
        if (!due || !may_fill(p, o) || o->skip == z->bar_seq)
            continue;
        if (reducing && !(closes(p, o) && (o->o.parent || fabs(o->left) <= fabs(p->position))))
            continue;
        z->bar_time_ms = p->bar.open_ms;
        if (!open_fills(o, &p->bar))
            continue;
        bool maker = is_limit(o) && o->tried;
        o->fired = zoot_is_stop(o->o.type) && !has_limit(o);
        o->skip = z->bar_seq;
        zoot_fill(z, id, p->bar.open, maker, false);
    }
}

void zoot_match_open(Zoot *z, uint32_t asset) {
    match_open(z, asset, true);
    match_open(z, asset, false);
}

void zoot_liquidate_at_open(Zoot *z, uint32_t asset) {
    const ZootPlace *p = &z->places[asset];
    if (p->position == 0)
        return;
    double price = zoot_liquidation_price(z, asset);
    bool gone = p->position > 0 ? p->bar.open <= price : p->bar.open >= price;
    if (gone)
        zoot_liquidate(z, asset, p->bar.open);
}

/* --- inside --- */

enum { HURTS, OPENS, HELPS, NOTHING };

typedef struct Event {
    int rank;
    double price, key; /* the lesser key first */
    OrderId id;        /* ORDER_NONE: liquidation */
    bool maker;
} Event;

static double hurt_key(const ZootPlace *p, double price) { /* the nearest on the way against the position */
    return p->position > 0 ? -price : price;
}

static bool earlier(const Event *a, const Event *b) {
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return a->key < b->key; /* ties: the order submitted first */
}

static Event liquidation_event(const Zoot *z, uint32_t asset) {
    const ZootPlace *p = &z->places[asset];
    Event none = { NOTHING, 0, 0, ORDER_NONE, false };
    if (p->position == 0)
        return none;
    double price = zoot_liquidation_price(z, asset);
    bool reaches = p->position > 0 ? p->bar.low <= price : p->bar.high >= price;
    if (!reaches)
        return none;
    price = CLAMP(price, p->bar.low, p->bar.high);
    return (Event){ HURTS, price, hurt_key(p, price), ORDER_NONE, false };
}

/* Where the candle touches the order; NaN: nowhere. */
static double touched_at(ZootOrder *o, const ZootBar *bar, bool *maker) {
    *maker = false;
    if (is_limit(o)) {
        *maker = true;
        bool touched = buys(o) ? bar->low <= o->o.limit_price : bar->high >= o->o.limit_price;
        return touched ? fmin(fmax(o->o.limit_price, bar->low), bar->high) : NAN;
    }
    if (!zoot_is_stop(o->o.type) || !reached(o, bar->high, bar->low))
        return NAN;
    double price = CLAMP(o->trigger, bar->low, bar->high);
    if (!has_limit(o) || at_or_better(o, price, o->o.limit_price))
        return price;
    return NAN;
}

static Event order_event(Zoot *z, ZootPlace *p, ZootOrder *o) {
    Event e = { NOTHING, 0, 0, o->o.id, false };
    bool was_limit = is_limit(o);
    e.price = touched_at(o, &p->bar, &e.maker);
    if (isnan(e.price)) {
        /* a stop-limit whose limit is behind its trigger rests from the next candle on */
        if (has_limit(o) && !was_limit && reached(o, p->bar.high, p->bar.low)) {
            o->triggered = true;
            o->skip = z->bar_seq;
        }
        return e;
    }
    e.rank = !closes(p, o) ? OPENS : was_limit ? HELPS : HURTS;
    if (o->inside == z->bar_seq && e.rank != HURTS)
        e.rank = NOTHING;
    e.key = e.rank == HURTS ? hurt_key(p, e.price) : fabs(e.price - p->bar.open);
    return e;
}

static Event next_event(Zoot *z, uint32_t asset) {
    ZootPlace *p = &z->places[asset];
    Event best = liquidation_event(z, asset);
    for (size_t i = 0; i < z->alive.n && p->n_alive; i++) {
        ZootOrder *o = zoot_order(z, z->alive.v[i]);
        if (o->o.asset != asset || !may_fill(p, o) || o->skip == z->bar_seq)
            continue;
        Event e = order_event(z, p, o);
        if (e.rank != NOTHING && earlier(&e, &best))
            best = e;
    }
    return best;
}

void zoot_match_inside(Zoot *z, uint32_t asset) {
    ZootPlace *p = &z->places[asset];
    z->bar_time_ms = p->bar.open_ms;
    while (p->n_alive || p->position != 0) {
        Event e = next_event(z, asset);
        if (e.rank == NOTHING)
            break;
        if (e.id == ORDER_NONE) {
            zoot_liquidate(z, asset, e.price);
            continue;
        }
        ZootOrder *o = zoot_order(z, e.id);
        o->skip = z->bar_seq;
        o->fired = zoot_is_stop(o->o.type) && !has_limit(o);
        zoot_fill(z, e.id, e.price, e.maker, true);
    }
}

/* --- the close --- */

void zoot_match_close(Zoot *z, uint32_t asset, bool last) {
    ZootPlace *p = &z->places[asset];
    for (size_t i = 0; i < z->alive.n && p->n_alive; i++) {
        OrderId id = z->alive.v[i];
        ZootOrder *o = zoot_order(z, id);
        if (o->o.asset != asset || !may_fill(p, o))
            continue;
        if (last && o->o.type == ORDER_CLOSE)
            zoot_fill(z, id, p->bar.close, false, true);
        o->tried = true;
        if (last && o->o.alive && o->tif != TIF_STANDARD && (o->o.type == ORDER_MARKET || o->tif == TIF_IOC))
            zoot_end_order(z, id, ORDER_CANCELED, ORDER_BECAUSE_VOLUME);
    }
    zoot_trail(z, p, p->bar.close);
}
