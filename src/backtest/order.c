/* backtest/order.c - the words of orders. */

#include "backtest/order.h"

static const char *const TYPE_NAMES[ORDER_TYPES] = {
    "Market", "Close", "Limit", "Stop", "StopLimit", "StopTrail", "StopTrailLimit",
};

static const char *const STATUS_NAMES[ORDER_STATUSES] = {
    "Submitted", "Accepted", "Partial", "Completed", "Canceled", "Expired", "Margin", "Rejected",
};

static const char *const REASON_WORDS[ORDER_REASONS] = {
    [ORDER_BECAUSE_NONE] = "",
    [ORDER_BECAUSE_CASH_AT_SIGNAL] = "not enough cash at the price of the signal",
    [ORDER_BECAUSE_CASH_AT_FILL] = "not enough cash at the price of the fill",
    [ORDER_BECAUSE_STRATEGY] = "cancelled by the strategy",
    [ORDER_BECAUSE_OCO] = "another order of its group ended first",
    [ORDER_BECAUSE_BRACKET] = "its bracket ended",
    [ORDER_BECAUSE_TIME] = "not filled while it was valid",
    [ORDER_BECAUSE_END] = "the data ended before it was filled",
    [ORDER_BECAUSE_TYPE] = "this engine has no orders of the type",
    [ORDER_BECAUSE_POSITION] = "this engine holds one position at a time",
    [ORDER_BECAUSE_SHORT] = "short selling is switched off",
    [ORDER_BECAUSE_SIZE] = "the size is no tradable number",
    [ORDER_BECAUSE_LEVERAGE] = "over the leverage or margin allowed",
    [ORDER_BECAUSE_LIQUIDATION] = "the position was liquidated",
    [ORDER_BECAUSE_VOLUME] = "too little was traded in the candle",
};

const char *order_type_name(OrderType type) {
    return type < ORDER_TYPES ? TYPE_NAMES[type] : "unknown";
}

const char *order_status_name(OrderStatus status) {
    return status < ORDER_STATUSES ? STATUS_NAMES[status] : "unknown";
}

const char *order_reason_words(OrderReason reason) {
    return reason < ORDER_REASONS ? REASON_WORDS[reason] : "unknown";
}
