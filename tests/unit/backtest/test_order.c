/* Words of orders: Backtrader's spelling, nothing without a word. */

#include "backtest/order.h"
#include "test.h"

TEST(types_and_statuses_are_spelt_as_backtrader_does) {
    CHECK_STR(str_c(order_type_name(ORDER_MARKET)), S("Market"));
    CHECK_STR(str_c(order_type_name(ORDER_STOP_TRAIL_LIMIT)), S("StopTrailLimit"));
    CHECK_STR(str_c(order_status_name(ORDER_CANCELED)), S("Canceled"));
    CHECK_STR(str_c(order_status_name(ORDER_MARGIN)), S("Margin"));
}

TEST(every_reason_has_words) {
    for (int reason = ORDER_BECAUSE_NONE + 1; reason < ORDER_REASONS; reason++)
        CHECK(str_c(order_reason_words((OrderReason)reason)).n > 10);
    CHECK_STR(str_c(order_reason_words(ORDER_REASONS)), S("unknown"));
}

TESTS(T(types_and_statuses_are_spelt_as_backtrader_does), T(every_reason_has_words))
