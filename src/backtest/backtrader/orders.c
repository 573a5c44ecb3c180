/* backtest/backtrader/orders.c - the life of an order: submission, the check of cash, brackets, OCO groups, cancels.
 *
 * `pending` is a list through the orders, because brackets and groups take orders out of its middle. The order whose
 * turn it is stands in the list but is not `queued`, as Backtrader has popped it: nobody can cancel it. */

#include "backtest/backtrader/account.h"

#include <math.h>
#include <string.h>

enum { ORDERS_MAX = 10000000 };

#define GROW(b, v, n, cap)                                                                                             \
    do {                                                                                                               \
        if ((n) == (cap)) {                                                                                            \
            size_t cap_ = MAX(64, 2 * (cap));                                                                          \
            (v) = arena_grow((b)->arena, (v), (cap) * sizeof *(v), cap_ * sizeof *(v));                                \
            (cap) = cap_;                                                                                              \
        }                                                                                                              \
    } while (0)

static void queue_push(Bt *b, BtQueue *q, OrderId id) {
    if (q->at == q->n)
        q->at = q->n = 0;
    GROW(b, q->v, q->n, q->cap);
    q->v[q->n++] = id;
}

static void enqueue(Bt *b, BtOrder *x) {
    x->prev = b->pending_tail;
    x->next = ORDER_NONE;
    *(b->pending_tail ? &bt_order(b, b->pending_tail)->next : &b->pending_head) = x->o.id;
    b->pending_tail = x->o.id;
    x->queued = true;
}

void bt_unqueue(Bt *b, BtOrder *x) {
    *(x->prev ? &bt_order(b, x->prev)->next : &b->pending_head) = x->next;
    *(x->next ? &bt_order(b, x->next)->prev : &b->pending_tail) = x->prev;
    x->queued = false;
}

void bt_event(Bt *b, BtOrder *x, OrderStatus status) {
    x->o.status = status;
    x->o.step = b->step;
    GROW(b, b->events, b->n_events, b->cap_events);
    b->events[b->n_events++] = (OrderEvent){ x->o.id, status, b->step + b->asking };
}

void bt_end(Bt *b, BtOrder *x, OrderStatus status, OrderReason reason) {
    x->o.alive = false;
    x->o.reason = reason;
    bt_event(b, x, status);
}

/* --- groups and brackets --- */

static void cancel_marked(Bt *b, BtOrder *x, size_t mark) {
    if (!x->queued || x->mark != mark)
        return;
    bt_unqueue(b, x);
    bt_end(b, x, ORDER_CANCELED, ORDER_BECAUSE_OCO);
}

/* _ococheck: the others of the group go, from the end of the queue to its start. The queue turns while it is worked
 * off, so that what had its turn already stands behind what has not. */
static void oco_check(Bt *b, BtOrder *x) {
    BtOrder *leader = bt_order(b, x->oco_leader);
    OrderId id = leader->group_head, before;
    if (id == ORDER_NONE)
        return;
    leader->group_head = ORDER_NONE;
    if (bt_order(b, id)->group_next == ORDER_NONE && id == x->o.id)
        return;
    size_t mark = ++b->oco_mark;
    for (; id != ORDER_NONE; id = bt_order(b, id)->group_next)
        bt_order(b, id)->mark = mark;
    OrderId turn = b->trying;
    for (id = turn ? bt_order(b, turn)->prev : ORDER_NONE; id != ORDER_NONE; id = before) {
        before = bt_order(b, id)->prev;
        cancel_marked(b, bt_order(b, id), mark);
    }
    for (id = b->pending_tail; id != ORDER_NONE && id != turn; id = before) {
        before = bt_order(b, id)->prev;
        cancel_marked(b, bt_order(b, id), mark);
    }
}

static bool cancel_order(Bt *b, BtOrder *x, OrderReason reason);

/* The rest of a bracket goes, and with it the bracket. */
static void bracket_cancel(Bt *b, BtOrder *parent) {
    OrderId id = parent->kid_head, next;
    parent->kid_head = parent->kid_tail = ORDER_NONE;
    parent->bracket_open = false;
    for (; id != ORDER_NONE; id = next) {
        next = bt_order(b, id)->kid_next;
        cancel_order(b, bt_order(b, id), ORDER_BECAUSE_BRACKET);
    }
}

static BtOrder *parent_of(const Bt *b, BtOrder *x) {
    return x->o.parent ? bt_order(b, x->o.parent) : x;
}

void bt_after(Bt *b, BtOrder *x, bool cancel_bracket) {
    oco_check(b, x);
    if (cancel_bracket)
        bracket_cancel(b, parent_of(b, x));
}

void bt_bracket_done(Bt *b, BtOrder *x) {
    if (x->o.parent) {
        bracket_cancel(b, bt_order(b, x->o.parent));
        return;
    }
    OrderId id = x->kid_head; /* the parent itself */
    x->kid_head = id ? bt_order(b, id)->kid_next : ORDER_NONE;
    x->kid_tail = x->kid_head ? x->kid_tail : ORDER_NONE;
    for (id = x->kid_head; id != ORDER_NONE; id = bt_order(b, id)->kid_next)
        queue_push(b, &b->to_activate, id);
}

static bool cancel_order(Bt *b, BtOrder *x, OrderReason reason) {
    if (!x->queued)
        return false;
    bt_unqueue(b, x);
    bt_end(b, x, ORDER_CANCELED, reason);
    bt_after(b, x, reason == ORDER_BECAUSE_STRATEGY);
    return true;
}

void bt_activate(Bt *b) {
    for (; b->to_activate.at < b->to_activate.n; b->to_activate.at++)
        bt_order(b, b->to_activate.v[b->to_activate.at])->active = true;
}

/* --- submission --- */

/* trailadjust: the trigger follows the price, never back. */
void bt_trail(BtOrder *x, double price) {
    double amount = x->trail_amount > 0 ? x->trail_amount : price * x->trail_percent;
    price += x->o.size > 0 ? amount : -amount;
    if (x->o.size > 0 ? price >= x->o.created_price : price <= x->o.created_price)
        return;
    x->o.created_price = price;
    if (x->o.type == ORDER_STOP_TRAIL_LIMIT)
        x->o.limit_price = price - x->limit_offset;
}

static bool is_trailing(OrderType type) {
    return type == ORDER_STOP_TRAIL || type == ORDER_STOP_TRAIL_LIMIT;
}

static int64_t session_end_ms(int64_t dt_ms) {
    return (floor_div(dt_ms, MS_PER_DAY) + 1) * MS_PER_DAY - 1;
}

static void order_init(Bt *b, BtOrder *x, OrderId id, const OrderRequest *r) {
    const BtAsset *a = &b->assets[r->asset];
    double close = a->cs->close[a->row];
    *x = (BtOrder){ .o = { .id = id,
                           .parent = r->parent,
                           .oco = r->oco,
                           .asset = r->asset,
                           .type = r->type,
                           .alive = true,
                           .size = r->size,
                           .created_price = r->price != 0 || r->limit_price != 0 ? r->price : close,
                           .limit_price = r->limit_price,
                           .created_step = b->step,
                           .step = b->step,
                           .tag = r->tag },
                    .rest = r->size,
                    .trail_amount = r->trail_amount,
                    .trail_percent = r->trail_percent,
                    .close = close,
                    .created_dt_ms = a->dt_ms[a->row],
                    .session_end_ms = session_end_ms(a->dt_ms[a->row]),
                    .valid_ms = r->valid_until.ms,
                    .active = r->parent == ORDER_NONE,
                    .bracket_open = r->parent == ORDER_NONE };
    if (is_trailing(r->type)) {
        double start = x->o.created_price;
        x->limit_offset = start - x->o.limit_price;
        x->o.created_price = r->size > 0 ? INFINITY : -INFINITY;
        bt_trail(x, start);
    }
    BtOrder *leader = r->oco ? bt_order(b, bt_order(b, r->oco)->oco_leader) : x;
    x->oco_leader = leader->o.id;
    x->group_next = leader->group_head;
    leader->group_head = id;
}

static OrderReason fault_of(const Bt *b, const OrderRequest *r) {
    if (!isfinite(r->size) || r->size == 0 || !isfinite(r->price) || !isfinite(r->limit_price))
        return ORDER_BECAUSE_SIZE;
    if (r->type >= ORDER_TYPES)
        return ORDER_BECAUSE_TYPE;
    if (b->cfg.no_short && b->assets[r->asset].pos.size + r->size < 0)
        return ORDER_BECAUSE_SHORT;
    if (r->parent && !bt_order(b, r->parent)->bracket_open)
        return ORDER_BECAUSE_BRACKET;
    return ORDER_BECAUSE_NONE;
}

static void accept(Bt *b, BtOrder *x) {
    x->o.status = ORDER_ACCEPTED;
    enqueue(b, x);
}

/* transmit: the whole bracket goes with its last order. */
static void send(Bt *b, BtOrder *parent) {
    for (OrderId id = parent->kid_head; id != ORDER_NONE; id = bt_order(b, id)->kid_next) {
        BtOrder *x = bt_order(b, id);
        if (x->sent)
            continue;
        x->sent = true;
        if (b->cfg.no_cash_check)
            accept(b, x);
        else
            queue_push(b, &b->submitted, id);
    }
}

static OrderId submit(Broker *broker, const OrderRequest *r) {
    Bt *b = (Bt *)broker;
    assert(r->asset < b->n_assets && r->parent <= b->n_orders && r->oco <= b->n_orders);
    size_t most = b->req->options.orders_max ? b->req->options.orders_max : ORDERS_MAX;
    if (b->n_orders >= most) {
        b->err = ERR_LIMIT;
        return ORDER_NONE;
    }
    GROW(b, b->orders, b->n_orders, b->cap_orders);
    OrderId id = (OrderId)++b->n_orders;
    BtOrder *x = bt_order(b, id);
    order_init(b, x, id, r);
    OrderReason fault = fault_of(b, r);
    if (fault != ORDER_BECAUSE_NONE) {
        bt_end(b, x, ORDER_REJECTED, fault);
        return ORDER_NONE;
    }
    BtOrder *parent = parent_of(b, x);
    *(parent->kid_tail ? &bt_order(b, parent->kid_tail)->kid_next : &parent->kid_head) = id;
    parent->kid_tail = id;
    if (!r->hold)
        send(b, parent);
    return id;
}

static void cancel(Broker *broker, OrderId id) {
    Bt *b = (Bt *)broker;
    if (id > ORDER_NONE && id <= b->n_orders)
        cancel_order(b, bt_order(b, id), ORDER_BECAUSE_STRATEGY);
}

static const Order *order(const Broker *broker, OrderId id) {
    const Bt *b = (const Bt *)broker;
    return id > ORDER_NONE && id <= b->n_orders ? &bt_order(b, id)->o : NULL;
}

/* Python's a // b for a >= 0, b > 0: the quotient of the exact remainder, which a plain floor(a / b) can miss by one. */
static double floor_quotient(double a, double b) {
    double quotient = (a - fmod(a, b)) / b, whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
}

/* getsize: whole units. */
static double units(const Broker *broker, size_t asset, double money, double price) {
    const Bt *b = (const Bt *)broker;
    UNUSED(asset);
    double each = b->stocklike ? price : b->cfg.margin;
    return trunc(b->cfg.leverage * floor_quotient(money, each));
}

static double position_value(const Broker *broker, size_t asset) {
    const Bt *b = (const Bt *)broker;
    const BtAsset *a = &b->assets[asset];
    return bt_worth(b, a);
}

const BrokerOps bt_broker_ops = { submit, cancel, order, units, position_value };

/* --- the check of cash --- */

/* check_submitted: each order is filled in thought, at the price it was made with, on what the ones before it left. */
void bt_check_submitted(Bt *b) {
    double cash = b->cash;
    for (size_t i = 0; i < b->n_assets; i++)
        b->pretended[i] = b->assets[i].pos;
    BtQueue batch = b->submitted;
    b->submitted = (BtQueue){ 0 };
    for (; batch.at < batch.n; batch.at++) {
        BtOrder *x = bt_order(b, batch.v[batch.at]);
        if (x->o.parent && !bt_order(b, x->o.parent)->bracket_open) {
            bt_end(b, x, ORDER_REJECTED, ORDER_BECAUSE_BRACKET);
            continue;
        }
        cash = bt_pretend(b, x, cash, &b->pretended[x->o.asset]);
        if (cash >= 0) {
            accept(b, x);
            continue;
        }
        x->o.needed = -cash;
        bt_end(b, x, ORDER_MARGIN, ORDER_BECAUSE_CASH_AT_SIGNAL);
        bt_after(b, x, true);
    }
    b->submitted = (BtQueue){ .v = batch.v, .cap = batch.cap };
}
