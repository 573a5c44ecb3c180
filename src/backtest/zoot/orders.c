/* backtest/zoot/orders.c - the life of orders: submission, brackets, groups, expiry, trailing. */

#include "backtest/zoot/internal.h"

double zoot_round_lot(const ZootPlace *place, double size) {
    if (place->lot <= 0)
        return size;
    /* the nudge keeps a size that is a multiple of the lot what it is */
    double lots = floor(fabs(size) / place->lot + 1e-9);
    return copysign(lots * place->lot, size);
}

static double round_tick(const ZootPlace *place, double price, bool up) {
    if (place->tick <= 0 || price == 0)
        return price;
    double ticks = price / place->tick;
    return (up ? ceil(ticks - 1e-9) : floor(ticks + 1e-9)) * place->tick;
}

bool zoot_is_stop(OrderType t) {
    return t == ORDER_STOP || t == ORDER_STOP_LIMIT || t == ORDER_STOP_TRAIL || t == ORDER_STOP_TRAIL_LIMIT;
}

static bool is_trailing(OrderType t) {
    return t == ORDER_STOP_TRAIL || t == ORDER_STOP_TRAIL_LIMIT;
}

static void start_trail(const ZootPlace *place, ZootOrder *o, double price) {
    double distance = o->trail_percent > 0 ? price * o->trail_percent : o->trail_amount;
    double limit_off = o->o.limit_price - o->trigger;
    bool buys = o->o.size > 0;
    o->trigger = round_tick(place, buys ? price + distance : price - distance, buys);
    if (o->o.type == ORDER_STOP_TRAIL_LIMIT && o->o.limit_price > 0)
        o->o.limit_price = o->trigger + limit_off;
}

/* --- ends --- */

static void note_change(Zoot *z, OrderId id) {
    zoot_order(z, id)->o.step = z->step;
    if (z->strategy->type->on_order)
        vec_push(&z->changed, id);
}

static void end_one(Zoot *z, OrderId id, OrderStatus status, OrderReason reason) {
    ZootOrder *o = zoot_order(z, id);
    o->o.alive = false;
    o->o.status = status;
    o->o.reason = reason;
    z->any_ended = true;
    z->places[o->o.asset].n_alive--;
    vec_push(&z->events, ((OrderEvent){ id, status, z->step }));
    note_change(z, id);
}

static void end_where(Zoot *z, bool (*is_it)(const ZootOrder *o, OrderId of), OrderId of, OrderReason reason) {
    for (size_t i = 0; i < z->alive.n; i++) {
        const ZootOrder *o = zoot_order(z, z->alive.v[i]);
        if (o->o.alive && o->o.id != of && is_it(o, of))
            zoot_end_order(z, o->o.id, ORDER_CANCELED, reason);
    }
}

static bool in_group(const ZootOrder *o, OrderId group) {
    return o->oco_group == group;
}

static bool is_child(const ZootOrder *o, OrderId parent) {
    return o->o.parent == parent;
}

/* Children of a parent that never had a fill, siblings and the rest of the group go with it. */
void zoot_end_order(Zoot *z, OrderId id, OrderStatus status, OrderReason reason) {
    end_one(z, id, status, reason);
    ZootOrder *o = zoot_order(z, id);
    OrderId group = o->oco_group ? o->oco_group : id, parent = o->o.parent; /* the first of a group gives its name */
    if (o->o.filled == 0)
        end_where(z, is_child, id, ORDER_BECAUSE_BRACKET);
    end_where(z, in_group, group, ORDER_BECAUSE_OCO);
    if (zoot_order(z, group)->o.alive)
        zoot_end_order(z, group, ORDER_CANCELED, ORDER_BECAUSE_OCO);
    if (parent)
        end_where(z, is_child, parent, ORDER_BECAUSE_BRACKET);
}

/* All of the group but the one that is being filled. */
static void end_rest_of_group(Zoot *z, OrderId id) {
    OrderId group = zoot_order(z, id)->oco_group ? zoot_order(z, id)->oco_group : id;
    for (size_t i = 0; i < z->alive.n; i++) {
        const ZootOrder *o = zoot_order(z, z->alive.v[i]);
        if (o->o.alive && o->o.id != id && (o->oco_group == group || o->o.id == group))
            end_one(z, o->o.id, ORDER_CANCELED, ORDER_BECAUSE_OCO);
    }
}

void zoot_order_filled(Zoot *z, OrderId id, bool inside) {
    ZootOrder *o = zoot_order(z, id);
    for (size_t i = 0; i < z->alive.n; i++) {
        ZootOrder *child = zoot_order(z, z->alive.v[i]);
        if (child->o.alive && child->o.parent == id && child->waits) {
            child->waits = false;
            child->inside = inside ? z->bar_seq : 0;
            if (is_trailing(child->o.type))
                start_trail(&z->places[child->o.asset], child, o->o.price);
        }
    }
    double rest = zoot_round_lot(&z->places[o->o.asset], o->left);
    if (fabs(o->left) <= 1e-12 * fabs(o->o.size) || rest == 0)
        zoot_end_order(z, id, ORDER_COMPLETED, ORDER_BECAUSE_NONE);
    else {
        o->o.status = ORDER_PARTIAL;
        vec_push(&z->events, ((OrderEvent){ id, ORDER_PARTIAL, z->step }));
        note_change(z, id);
        end_rest_of_group(z, id);
    }
    OrderId parent = o->o.parent;
    if (parent && zoot_order(z, parent)->o.alive) /* what left is not to be entered again, without protection */
        zoot_end_order(z, parent, ORDER_CANCELED, ORDER_BECAUSE_BRACKET);
    if (parent && z->places[o->o.asset].position == 0)
        end_where(z, is_child, parent, ORDER_BECAUSE_BRACKET);
}

void zoot_expire(Zoot *z, ZootPlace *place) {
    for (size_t i = 0; i < z->alive.n && place->n_alive; i++) {
        const ZootOrder *o = zoot_order(z, z->alive.v[i]);
        if (o->o.alive && &z->places[o->o.asset] == place && o->valid_until_ms && o->o.type != ORDER_MARKET &&
            place->bar.open_ms > o->valid_until_ms)
            zoot_end_order(z, o->o.id, ORDER_EXPIRED, ORDER_BECAUSE_TIME);
    }
}

/* A trailing stop follows the close, after the candle was tried with the old price. */
void zoot_trail(Zoot *z, ZootPlace *place, double close) {
    for (size_t i = 0; i < z->alive.n && place->n_alive; i++) {
        ZootOrder *o = zoot_order(z, z->alive.v[i]);
        if (!o->o.alive || o->waits || !is_trailing(o->o.type) || &z->places[o->o.asset] != place)
            continue;
        double distance = o->trail_percent > 0 ? close * o->trail_percent : o->trail_amount;
        double limit_off = o->o.limit_price - o->trigger;
        double moved = o->left > 0 ? fmin(o->trigger, close + distance) : fmax(o->trigger, close - distance);
        if (o->o.type == ORDER_STOP_TRAIL_LIMIT)
            o->o.limit_price = moved + limit_off;
        o->trigger = moved;
    }
}

void zoot_sweep_ended(Zoot *z) {
    if (!z->any_ended)
        return;
    size_t n = 0;
    for (size_t i = 0; i < z->alive.n; i++)
        if (zoot_order(z, z->alive.v[i])->o.alive)
            z->alive.v[n++] = z->alive.v[i];
    z->alive.n = n;
    z->any_ended = false;
}

/* --- submission --- */

static OrderId new_order(Zoot *z, const ZootOrder *order) {
    size_t most = z->req->options.orders_max ? z->req->options.orders_max : 10000000;
    if (z->orders.n >= most) {
        if (!z->failed)
            z->failed = err_set(z->cx, ERR_LIMIT, "zoot: the strategy sent more than %zu orders", most);
        return ORDER_NONE;
    }
    vec_push(&z->orders, *order);
    ZootOrder *o = &z->orders.v[z->orders.n - 1];
    o->o.id = (OrderId)z->orders.n;
    o->o.alive = true;
    o->o.status = ORDER_ACCEPTED;
    o->o.created_step = o->o.step = z->step;
    o->created_ms = z->now_ms;
    o->left = o->o.size;
    vec_push(&z->alive, o->o.id);
    z->places[o->o.asset].n_alive++;
    return o->o.id;
}

OrderId zoot_forced_order(Zoot *z, uint32_t asset, double size, const char *tag) {
    ZootOrder o = { .o = { .asset = asset, .type = ORDER_MARKET, .size = size, .tag = tag } };
    vec_push(&z->orders, o);
    ZootOrder *made = &z->orders.v[z->orders.n - 1];
    made->o.id = (OrderId)z->orders.n;
    made->o.alive = true;
    made->o.created_price = z->places[asset].mark;
    made->o.created_step = made->o.step = z->step;
    made->left = size;
    z->places[asset].n_alive++;
    return made->o.id;
}

static void set_prices(const ZootPlace *place, const OrderRequest *r, ZootOrder *o) {
    double now = place->mark;
    bool buys = r->size > 0;
    double price = r->price > 0 ? r->price : now;
    o->o.created_price = price;
    if (r->type == ORDER_LIMIT)
        o->o.limit_price = round_tick(place, price, !buys);
    else
        o->o.limit_price = round_tick(place, r->limit_price, !buys);
    o->trigger = round_tick(place, price, buys);
    if (is_trailing(r->type)) {
        double distance = r->trail_percent > 0 ? price * r->trail_percent : r->trail_amount;
        o->trigger = round_tick(place, buys ? price + distance : price - distance, buys);
    }
}

static bool prices_wrong(const OrderRequest *r) {
    bool trailing = is_trailing(r->type), limited = r->type == ORDER_STOP_LIMIT || r->type == ORDER_STOP_TRAIL_LIMIT;
    return !(r->price >= 0 && isfinite(r->price)) || (limited && !(r->limit_price > 0 && isfinite(r->limit_price))) ||
           (trailing && !(r->trail_amount > 0) && !(r->trail_percent > 0));
}

static OrderReason refusal(const Zoot *z, const OrderRequest *r, double size) {
    const ZootPlace *place = &z->places[r->asset];
    if (r->type >= ORDER_TYPES || prices_wrong(r))
        return ORDER_BECAUSE_TYPE;
    if (!isfinite(r->size) || size == 0)
        return ORDER_BECAUSE_SIZE;
    double price = r->price > 0 ? r->price : place->mark;
    bool closes = r->parent || (place->position != 0 && size == -place->position);
    if (!closes && fabs(size) * price * z->multiplier < place->min_notional)
        return ORDER_BECAUSE_SIZE;
    return ORDER_BECAUSE_NONE;
}

static void release_held(Zoot *z) {
    for (size_t i = 0; i < z->alive.n; i++)
        zoot_order(z, z->alive.v[i])->held = false;
}

static OrderId submit(Broker *b, const OrderRequest *r) {
    Zoot *z = zoot_of(b);
    assert(r->asset < z->n_places);
    ZootPlace *place = &z->places[r->asset];
    /* what closes all of a position closes all of it, whatever the lot */
    bool whole = place->position != 0 && r->size == -place->position;
    double size = whole ? r->size : zoot_round_lot(place, r->size);
    ZootOrder o = { .o = { .parent = r->parent, .oco = r->oco, .asset = r->asset, .type = r->type, .tag = r->tag } };
    o.o.size = size != 0 ? size : r->size;
    o.trail_amount = r->trail_amount;
    o.trail_percent = r->trail_percent;
    o.valid_until_ms = r->valid_until.ms;
    o.tif = r->tif;
    o.held = r->hold;
    o.waits = r->parent && zoot_order(z, r->parent)->o.filled == 0;
    set_prices(place, r, &o);
    OrderId id = new_order(z, &o);
    if (!id)
        return ORDER_NONE;
    if (r->oco) {
        ZootOrder *other = zoot_order(z, r->oco);
        zoot_order(z, id)->oco_group = other->oco_group ? other->oco_group : r->oco;
    }
    bool orphan = r->parent && !zoot_order(z, r->parent)->o.alive && zoot_order(z, r->parent)->o.filled == 0;
    OrderReason reason = orphan ? ORDER_BECAUSE_BRACKET : refusal(z, r, size);
    if (reason) {
        zoot_end_order(z, id, ORDER_REJECTED, reason);
        return ORDER_NONE;
    }
    note_change(z, id);
    if (!r->hold)
        release_held(z);
    return id;
}

static void cancel(Broker *b, OrderId id) {
    Zoot *z = zoot_of(b);
    if (id != ORDER_NONE && id <= z->orders.n && zoot_order(z, id)->o.alive)
        zoot_end_order(z, id, ORDER_CANCELED, ORDER_BECAUSE_STRATEGY);
}

static const Order *order(const Broker *b, OrderId id) {
    Zoot *z = zoot_of(b);
    return id != ORDER_NONE && id <= z->orders.n ? &zoot_order(z, id)->o : NULL;
}

static double units(const Broker *b, size_t asset, double money, double price) {
    const Zoot *z = zoot_of(b);
    if (!(money > 0 && price > 0))
        return 0;
    return zoot_round_lot(&z->places[asset], money / (price * z->multiplier));
}

const BrokerOps zoot_broker_ops = { submit, cancel, order, units };
