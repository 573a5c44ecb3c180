/* backtest/result.c - what a result says about itself: counts, warnings, and why there was no trade. */

#include "backtest/result.h"

#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>

void text_list_add(TextList *list, Arena *arena, const char *fmt, ...) {
    char text[ERR_TEXT_MAX];
    if (list->n >= RESULT_LINES_MAX) { /* the rest is counted in the last line */
        list->left_out++;
        list->v[RESULT_LINES_MAX - 1] = str_fmt(arena, "and %zu more", list->left_out + 1);
        return;
    }
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (list->n == list->cap) {
        size_t cap = MAX(8, 2 * list->cap);
        list->v = arena_grow(arena, list->v, list->cap * sizeof(Str), cap * sizeof(Str));
        list->cap = cap;
    }
    list->v[list->n++] = str_dup(arena, str_n(text, MIN((size_t)MAX(n, 0), sizeof text - 1)));
}

static void count_orders(BacktestResult *r) {
    r->counts = (OrderCounts){ .n = r->n_orders };
    for (size_t i = 0; i < r->n_orders; i++) {
        r->counts.by_status[r->orders[i].status]++;
        r->counts.by_reason[r->orders[i].reason]++;
    }
}

static bool is_refusal(int reason) {
    switch (reason) {
    case ORDER_BECAUSE_CASH_AT_SIGNAL:
    case ORDER_BECAUSE_CASH_AT_FILL:
    case ORDER_BECAUSE_TYPE:
    case ORDER_BECAUSE_POSITION:
    case ORDER_BECAUSE_SHORT:
    case ORDER_BECAUSE_SIZE:
    case ORDER_BECAUSE_LEVERAGE:
    case ORDER_BECAUSE_LIQUIDATION:
        return true;
    default:
        return false;
    }
}

static void warn_of_refusals(BacktestResult *r, Arena *arena) {
    for (int reason = 0; reason < ORDER_REASONS; reason++) {
        size_t n = r->counts.by_reason[reason];
        if (n > 0 && is_refusal(reason))
            text_list_add(&r->warnings, arena, "%zu of %zu orders refused: %s", n, r->counts.n,
                          order_reason_words((OrderReason)reason));
    }
}

/* "12 not enough cash at the price of the signal, 3 not filled while it was valid" */
static Str reasons_text(const BacktestResult *r, Arena *arena) {
    Str text = S("");
    for (int reason = ORDER_BECAUSE_NONE + 1; reason < ORDER_REASONS; reason++)
        if (r->counts.by_reason[reason] > 0)
            text = str_fmt(arena, STR_FMT "%s%zu %s", STR_ARG(text), text.n ? ", " : "", r->counts.by_reason[reason],
                           order_reason_words((OrderReason)reason));
    return text;
}

static Str explain(const BacktestResult *r, Arena *arena) {
    size_t warmup = 0, n_candles = 0;
    for (size_t i = 0; i < r->n_assets; i++)
        if (r->assets[i].warmup >= warmup) {
            warmup = r->assets[i].warmup;
            n_candles = r->assets[i].n_candles;
        }
    if (r->n_next_calls == 0)
        return str_fmt(arena, "no trade: the strategy needs %zu candles before its first decision, there are %zu",
                       warmup + 1, n_candles);
    if (r->counts.n == 0)
        return str_fmt(arena, "no trade: no signal in %zu candles (asked from candle %zu on, after a warm-up of %zu)",
                       r->n_next_calls, r->first_next_step + 1, warmup);
    if (r->n_trades > 0)
        return str_fmt(arena,
                       "no trade was closed: the position opened at candle %zu is still open and counts at the last "
                       "close",
                       r->trades[0].entry_step + 1);
    return str_fmt(arena, "no trade: none of %zu orders was filled: " STR_FMT, r->counts.n,
                   STR_ARG(reasons_text(r, arena)));
}

void result_conclude(BacktestResult *r, Arena *arena) {
    count_orders(r);
    warn_of_refusals(r, arena);
    r->explanation = r->n_closed == 0 ? explain(r, arena) : S("");
}
