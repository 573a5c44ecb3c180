#pragma once

/* backtest/backtrader/account.h - the account of one run: assets, orders, queues. Private to the engine.
 *
 * Names in comments (check_submitted, _execute…) are those of Backtrader's broker, whose behaviour each function has. */

#include "backtest/engine.h"

typedef struct BtPosition {
    double size, price;
    double adjbase; /* futures: the price the cash was last adjusted to */
    int64_t day;    /* interest: the last day charged */
} BtPosition;

typedef struct BtAsset {
    const Candles *cs;
    const int64_t *dt_ms; /* Backtrader's time of a candle: the session's end for a day and longer */
    size_t row;
    BtPosition pos;
    double credit; /* interest charged since the last closing execution */
    double total_interest;
    size_t trade; /* place in trades of the open one; SIZE_MAX = flat */
    double trade_size, trade_price, closed_units, closed_value;
} BtAsset;

typedef struct BtOrder {
    Order o;
    double trail_amount, trail_percent, limit_offset;
    double rest;                                     /* signed units not executed yet */
    double close;                                    /* at submission */
    int64_t created_dt_ms, session_end_ms, valid_ms; /* valid 0: until cancelled */
    double annotated;                                /* Close: the close seen last */
    bool has_annotated, active, triggered, queued, sent;
    bool bracket_open;                          /* of a parent: children may join and be cancelled */
    OrderId oco_leader, group_head, group_next; /* the group hangs at its leader */
    OrderId kid_head, kid_tail, kid_next;       /* the bracket hangs at its parent */
    OrderId prev, next;                         /* in `pending` */
    size_t mark;                                /* of the OCO group being cancelled */
} BtOrder;

typedef struct BtQueue {
    OrderId *v;
    size_t at, n, cap; /* [at, n) wait */
} BtQueue;

typedef struct Bt {
    Broker broker; /* first: what the strategy gets */
    View view;
    Arena *arena;
    const BacktestRequest *req;
    BrokerConfig cfg;
    bool stocklike;
    double credit_rate; /* a day */
    size_t n_assets;
    BtAsset *assets;
    ViewAsset *view_assets;
    BtPosition *pretended; /* (n_assets) positions of the check of cash */
    double cash, value;
    size_t step;
    bool asking; /* the strategy is in next: what happens now it is told at the next step */
    int err;     /* a limit was passed: the run ends */

    BtOrder *orders; /* id - 1 */
    size_t n_orders, cap_orders;
    OrderId pending_head, pending_tail, trying; /* trying: the one whose turn it is */
    BtQueue submitted, to_activate;
    size_t oco_mark;

    OrderEvent *events;
    size_t n_events, cap_events, n_events_told;
    Trade *trades;
    size_t n_trades, cap_trades;
    uint32_t *closings;
    size_t n_closings, cap_closings, n_closings_told;
    double realised, fees, interest;
} Bt;

static inline BtOrder *bt_order(const Bt *b, OrderId id) {
    return &b->orders[id - 1];
}

/* orders.c: the life of orders */
extern const BrokerOps bt_broker_ops;
void bt_check_submitted(Bt *b);
void bt_activate(Bt *b);
void bt_end(Bt *b, BtOrder *x, OrderStatus status, OrderReason reason); /* and its event */
void bt_event(Bt *b, BtOrder *x, OrderStatus status);
void bt_after(Bt *b, BtOrder *x, bool cancel_bracket); /* OCO, and the bracket when it is cancelled */
void bt_bracket_done(Bt *b, BtOrder *x);               /* _bracketize of a completed order */
void bt_unqueue(Bt *b, BtOrder *x);
void bt_trail(BtOrder *x, double price);

/* fills.c: orders against candles */
void bt_try_pending(Bt *b);
/* The money left when the order were filled at the price it was made with; moves `pos` (of `cash`). */
double bt_pretend(const Bt *b, const BtOrder *x, double cash, BtPosition *pos);
void bt_update_position(BtPosition *pos, double size, double price, double *opened, double *closed);
double bt_worth(const Bt *b, const BtAsset *a);             /* of a position at the close, shorts negative */
double bt_value_of(const Bt *b, double size, double price); /* getvaluesize or getoperationcost */

/* trades.c */
void bt_trade_closed(Bt *b, uint32_t asset, const BtOrder *x, double size, double price, double fees, double costs);
void bt_trade_opened(Bt *b, uint32_t asset, const BtOrder *x, double size, double price, double fees);
