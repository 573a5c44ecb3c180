#pragma once

/* backtest/zoot/internal.h - the state of a run. zoot.c walks the time line, orders.c keeps the orders, match.c decides
 * which of them a candle fills, account.c books it. */

#include <math.h>

#include "backtest/zoot/zoot.h"
#include "base/vec.h"

typedef struct ZootBar { /* a candle, or a finer one inside it */
    int64_t open_ms;
    double open, high, low, close, volume;
} ZootBar;

typedef struct ZootOrder {
    Order o;
    double left;    /* signed units not filled */
    double trigger; /* of stops, where it is now */
    double trail_amount, trail_percent;
    int64_t created_ms; /* the decision: candles that open earlier do not see it */
    int64_t valid_until_ms;
    TimeInForce tif;
    bool held;         /* waits for the last request of its bracket */
    bool waits;        /* for its parent's fill */
    bool triggered;    /* a stop-limit that is a limit now */
    bool fired;        /* a stop that was touched: what is left of it is a market order */
    bool tried;        /* was offered to a candle: a limit that rests since then is a maker */
    uint64_t skip;     /* the bar that has nothing more for it */
    uint64_t inside;   /* the bar inside which it came alive: only what can hurt may fill there */
    OrderId oco_group; /* the first of the group; ORDER_NONE: none */
} ZootOrder;

typedef struct ZootPlace { /* an asset in the run */
    const MarketAsset *m;
    ZootAsset is;
    double tick, lot, min_notional;
    size_t next;           /* row of the next candle */
    int64_t next_close_ms; /* INT64_MAX: no more */
    size_t fine_next, funding_next;
    double position, entry, mark;
    size_t entry_step;
    size_t trade;       /* index of the open one */
    double volume_used; /* of the candle */
    size_t n_alive;
    bool fresh, begun, warm;
    size_t row, warmup;
    int64_t candle_open_ms;
    ZootBar bar; /* the one being matched */
} ZootPlace;

typedef struct ZootTraded { /* for fee tiers */
    int64_t time_ms;
    double money;
} ZootTraded;

typedef struct Zoot {
    Ctx *cx;
    const BacktestRequest *req;
    BrokerConfig broker;
    ZootOptions opt;
    double maintenance, multiplier;
    Strategy *strategy;
    ZootPlace *places;
    size_t n_places;
    double cash, realised, fees, costs;
    VEC(ZootOrder) orders; /* by id - 1 */
    VEC(OrderId) alive;    /* ascending; ended ones are taken out at the end of a step */
    VEC(OrderEvent) events;
    VEC(OrderId) changed; /* since the last call of next */
    VEC(Trade) trades;
    VEC(uint32_t) closings; /* trades, in the order of their ends */
    size_t n_told;          /* of closings, to the strategy */
    VEC(ZootTraded) traded;
    size_t traded_first;
    double traded_sum;
    uint64_t bar_seq;
    bool any_ended;
    size_t step;
    int64_t now_ms;      /* close of the step */
    int64_t bar_time_ms; /* of what is being matched */
    size_t n_liquidations, n_next_calls, first_next_step;
    int64_t interest_from_ms; /* INT64_MIN: before the first step */
    size_t n_steps;
    int64_t *time_ms;
    double *equity;
    int failed; /* a code to stop with */
    View view;
    ViewAsset *seen;
    Broker face; /* what the strategy holds */
} Zoot;

static inline Zoot *zoot_of(const Broker *b) {
    return CONTAINER_OF(b, Zoot, face);
}
static inline ZootOrder *zoot_order(Zoot *z, OrderId id) {
    return &z->orders.v[id - 1];
}

/* orders.c */
extern const BrokerOps zoot_broker_ops;
void zoot_end_order(Zoot *z, OrderId id, OrderStatus status, OrderReason reason);
/* A part was executed, or all: brackets and groups follow. `inside`: not at the bar's open. */
void zoot_order_filled(Zoot *z, OrderId id, bool inside);
void zoot_expire(Zoot *z, ZootPlace *place); /* before a bar */
void zoot_trail(Zoot *z, ZootPlace *place, double close);
void zoot_sweep_ended(Zoot *z);
OrderId zoot_forced_order(Zoot *z, uint32_t asset, double size, const char *tag);
double zoot_round_lot(const ZootPlace *place, double size); /* towards 0 */

bool zoot_is_stop(OrderType type);

/* match.c */
#define ZOOT_ALL UINT32_MAX
void zoot_match_open(Zoot *z,
                     uint32_t asset); /* what the opens of all fresh assets fill, or of one; reductions first */
void zoot_liquidate_at_open(Zoot *z, uint32_t asset);
void zoot_match_inside(Zoot *z, uint32_t asset);
void zoot_match_close(Zoot *z, uint32_t asset, bool last); /* last: the candle ends with this bar */

/* account.c */
double zoot_equity(const Zoot *z);
double zoot_liquidation_price(const Zoot *z, uint32_t asset); /* NaN: there is none */
/* Fills what margin, volume and lots allow of the order at about `price`; the units filled. */
double zoot_fill(Zoot *z, OrderId id, double price, bool maker, bool inside);
void zoot_liquidate(Zoot *z, uint32_t asset, double price);
void zoot_pay_funding(Zoot *z, uint32_t asset, int64_t until_ms);
void zoot_pay_interest(Zoot *z, int64_t now_ms);

/* report.c */
void zoot_report(Zoot *z, BacktestResult *out);
