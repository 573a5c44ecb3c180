#pragma once

/* backtest/order.h - orders, their life, and the trades they make: the words all engines share.
 *
 * Sizes are signed units (shares, coins, contracts): > 0 buys, < 0 sells. Prices are of one unit. A step is a place on
 * the run's time line, from 0: with one asset the candle's row, with several the row in the union of their times.
 *
 * An order is submitted by the strategy when a candle has closed, accepted or refused by the broker at the next step,
 * and then tried against each candle until it is filled, cancelled, expired or refused. Plain data; no ownership. */

#include "base/str.h"
#include "base/time.h"

typedef enum OrderType {
    ORDER_MARKET,     /* the next open (the present close with cheat-on-close) */
    ORDER_CLOSE,      /* the close of the next candle; intraday: the close of the session */
    ORDER_LIMIT,      /* price or better */
    ORDER_STOP,       /* market once price was touched */
    ORDER_STOP_LIMIT, /* limit at limit_price once price was touched */
    ORDER_STOP_TRAIL, /* a stop that follows the close by trail_amount or trail_percent */
    ORDER_STOP_TRAIL_LIMIT,
    ORDER_TYPES,
} OrderType;
const char *order_type_name(OrderType type); /* "Market", "StopTrailLimit": Backtrader's spelling */

typedef enum OrderStatus {
    ORDER_SUBMITTED, /* waits for the broker's check */
    ORDER_ACCEPTED,  /* lives */
    ORDER_PARTIAL,   /* filled in part; nothing more comes if the order is not alive */
    ORDER_COMPLETED,
    ORDER_CANCELED,
    ORDER_EXPIRED,
    ORDER_MARGIN, /* not enough cash or margin */
    ORDER_REJECTED,
    ORDER_STATUSES,
} OrderStatus;
const char *order_status_name(OrderStatus status); /* "Completed", "Margin": Backtrader's spelling */

/* Why an order ended as it did. ORDER_BECAUSE_NONE: it was filled, or still lives. */
typedef enum OrderReason {
    ORDER_BECAUSE_NONE,
    ORDER_BECAUSE_CASH_AT_SIGNAL, /* the price of the signal's candle already cost more than the cash there was */
    ORDER_BECAUSE_CASH_AT_FILL,   /* the real price did; a closing part was filled, the opening one was not */
    ORDER_BECAUSE_STRATEGY,       /* the strategy cancelled it */
    ORDER_BECAUSE_OCO,            /* the other one of its group was filled or cancelled */
    ORDER_BECAUSE_BRACKET,        /* its bracket ended: parent refused, or sibling done */
    ORDER_BECAUSE_TIME,           /* its validity ended */
    ORDER_BECAUSE_END,            /* the data ended before it was tried */
    ORDER_BECAUSE_TYPE,           /* the engine has no such type of order */
    ORDER_BECAUSE_POSITION,       /* the engine holds one position at a time */
    ORDER_BECAUSE_SHORT,          /* short selling is switched off */
    ORDER_BECAUSE_SIZE,           /* rounds to less than the smallest lot or notional, or is not a number */
    ORDER_BECAUSE_LEVERAGE,       /* over the leverage or margin allowed */
    ORDER_BECAUSE_LIQUIDATION,    /* the position was liquidated */
    ORDER_BECAUSE_VOLUME,         /* the candle traded too little */
    ORDER_REASONS,
} OrderReason;
const char *order_reason_words(OrderReason reason); /* "not enough cash at the price of the signal" */

/* How long an order may wait for what it is not given at once. Engines without partial fills need not look. */
typedef enum TimeInForce {
    TIF_STANDARD, /* until valid_until, or cancelled */
    TIF_IOC,      /* what its first candle does not fill is cancelled */
    TIF_FOK,      /* all of it when it is triggered, or nothing */
} TimeInForce;

enum { ORDER_NONE = 0 };
typedef uint32_t OrderId; /* from 1, in the order of submission; ORDER_NONE = no order */

/* What a strategy asks for. All-zero but size: a market order. */
typedef struct OrderRequest {
    uint32_t asset; /* index of the run's assets */
    OrderType type;
    double size;          /* signed units, not 0, finite */
    double price;         /* limit; trigger of a stop; 0 = the present close. Of a trailing stop: where it starts */
    double limit_price;   /* of STOP_LIMIT and STOP_TRAIL_LIMIT */
    double trail_amount;  /* > 0, or */
    double trail_percent; /* > 0: 0.05 = 5 % */
    Time valid_until; /* ms 0 = until cancelled. Ends before the first candle later than it; a market order has none */
    OrderId parent;   /* bracket: lives from the step after the parent was filled */
    OrderId oco;      /* one cancels the other: any order of the group */
    bool hold;        /* bracket: wait for a request without `hold`, then all go together */
    const char *tag;  /* static words for the report: "stop loss"; NULL = none */
    TimeInForce tif;
} OrderRequest;

typedef struct Order {
    OrderId id;
    OrderId parent, oco;
    uint32_t asset;
    OrderType type;
    OrderStatus status;
    OrderReason reason;
    bool alive;
    double size;          /* as asked */
    double created_price; /* price asked for, or the close at submission */
    double limit_price;
    size_t created_step;
    size_t step;     /* of the last change of status */
    double filled;   /* signed units executed */
    double price;    /* mean price of the execution */
    double value;    /* cost of the opened part + entry value of the closed part */
    double fees;     /* of the execution */
    double pnl;      /* of the closed part, before fees */
    double costs;    /* interest and funding settled with the closed part */
    double needed;   /* refused for cash: the money that was missing, > 0 */
    const char *tag; /* as in the request */
} Order;

typedef enum Side { SIDE_LONG, SIDE_SHORT } Side;
static inline const char *side_name(Side side) {
    return side == SIDE_LONG ? "long" : "short";
}

/* An order reached a status that ended it, or was filled in part. */
typedef struct OrderEvent {
    OrderId id;
    OrderStatus status;
    size_t step; /* at which the strategy was told; n_steps: the data ended before */
} OrderEvent;

/* From flat to flat in one asset. A reversal ends one trade and begins another. */
typedef struct Trade {
    uint32_t id; /* from 1, in the order of entries */
    uint32_t asset;
    Side side;
    bool closed;                                /* false: the position was open when the data ended */
    double size;                                /* signed units of the entry, later additions included */
    double entry_price;                         /* mean of them */
    double first_size, first_price, first_fees; /* of the fill that began it */
    double entry_fees;
    size_t entry_step;
    size_t entry_row;  /* of its asset */
    size_t candles;    /* of its asset, from the entry's to the exit's or the last one */
    size_t exit_step;  /* from here on: only of closed trades, but pnl, fees and costs hold what is realised so far */
    double exit_price; /* mean; of open trades the last close */
    double pnl;        /* before fees */
    double fees;       /* entry and exit */
    double costs;      /* interest, funding; > 0 is paid */
    double pnl_net;    /* pnl - fees - costs */
    OrderId entry_order, exit_order;
} Trade;
