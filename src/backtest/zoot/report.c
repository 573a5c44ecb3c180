/* backtest/zoot/report.c - what a run hands back, with every rule that it used. */

#include "backtest/zoot/internal.h"

const char *const ZOOT_RULES[] = {
    "Orders are tried from the first candle that opens at or after the decision; none fills earlier.",
    "At a candle's open: liquidation, then orders that reduce a position, then all others in the order of submission.",
    "Inside a candle the worse is assumed: stops that close and liquidation come first, the nearest first, then orders "
    "that open, then limits that close.",
    "The children of an entry that was filled inside a candle can be stopped out by the rest of it, and cannot take a "
    "profit there.",
    "A limit order that is touched is filled, at its price or at a better open.",
    "A stop that is gapped over fills at the open.",
    "A trailing stop follows the closes; a candle is tried with the price from before it.",
    "An order that waits reserves no margin; margin is looked at when it is filled. The part that closes is always "
    "filled, the part that opens only when equity less fees covers the initial margin of all positions.",
    "Fills of a candle are booked when it closes; assets of different timeframes meet at closes.",
};
const size_t ZOOT_N_RULES = ARRAY_LEN(ZOOT_RULES);

#define ASSUME(...) text_list_add(list, arena, __VA_ARGS__)

static void assume_costs(const Zoot *z, TextList *list, Arena *arena) {
    const BrokerConfig *b = &z->broker;
    const char *const unit = b->slippage.kind == SLIPPAGE_PERCENT ? " of the price" : "";
    if (z->opt.n_tiers)
        for (size_t i = 0; i < z->opt.n_tiers; i++)
            ASSUME("Fees from %g traded in 30 days: maker %g %%, taker %g %%.", z->opt.tiers[i].volume,
                   z->opt.tiers[i].maker * 100, z->opt.tiers[i].taker * 100);
    else if (b->commission == COMMISSION_PERCENT)
        ASSUME("Fees: %g %% of the traded value at each side, makers and takers alike.", b->commission_rate * 100);
    else
        ASSUME("Fees: %g a unit at each side.", b->commission_rate);
    if (b->slippage.kind != SLIPPAGE_NONE)
        ASSUME("Takers slip by %g%s, at opens too%s.", b->slippage.value, unit,
               b->slippage.out ? ", and may leave the candle" : ", and not out of the candle");
    if (z->opt.impact > 0)
        ASSUME("A fill moves the price by %g %% times its share of the candle's volume.", z->opt.impact * 100);
    if (z->opt.volume_share > 0)
        ASSUME("The account takes at most %g %% of a candle's volume; the rest of an order waits.",
               z->opt.volume_share * 100);
    else
        ASSUME("Any size fills at once: volume is not looked at.");
    if (b->interest > 0)
        ASSUME("Interest: %g %% a year on %s positions, by the time held.", b->interest * 100,
               b->interest_long ? "all" : "short");
}

static void assume_margin(const Zoot *z, TextList *list, Arena *arena) {
    ASSUME("Leverage %g: opening takes %g %% of the value as margin; all positions answer with the whole account.",
           z->broker.leverage, 100 / z->broker.leverage);
    if (z->maintenance > 0)
        ASSUME("A position is liquidated where equity falls to %g %% of the value of all positions; fee %g %%.",
               z->maintenance * 100, z->opt.liquidation_fee * 100);
    else
        ASSUME("Short positions are liquidated where equity is used up; fee %g %%.", z->opt.liquidation_fee * 100);
    if (z->broker.no_short)
        ASSUME("Short selling is off: the part of an order that would open a short position is refused.");
}

static void assume_assets(const Zoot *z, TextList *list, Arena *arena) {
    for (size_t i = 0; i < z->n_places; i++) {
        const ZootPlace *p = &z->places[i];
        const char *name = z->req->assets[i].symbol.s;
        if (p->is.listing)
            ASSUME("%s: tick %g, lot %g, smallest order %g, as listed now, at all times.", name, p->tick, p->lot,
                   p->min_notional);
        if (p->is.spread > 0)
            ASSUME("%s: a spread of %g %%; takers pay half of it at each side.", name, p->is.spread * 100);
        if (p->is.funding.n)
            ASSUME("%s: %zu funding payments, on the value at the open of the candle they fall into.", name,
                   p->is.funding.n);
        if (p->is.fine)
            ASSUME("%s: %zu finer candles decide what happened inside.", name, p->is.fine->n);
    }
}

static void report_assets(Zoot *z, BacktestResult *out) {
    for (size_t i = 0; i < z->n_places; i++) {
        const ZootPlace *p = &z->places[i];
        out->assets[i].position = p->position;
        out->assets[i].entry_price = p->entry;
        out->assets[i].last_close = p->mark;
        out->open_mark += p->position * (p->mark - p->entry) * z->multiplier;
    }
}

static void report_trades(Zoot *z, BacktestResult *out, Arena *arena) {
    out->n_trades = z->trades.n;
    out->trades = arena_alloc(arena, mem_mul(z->trades.n, sizeof(Trade)));
    for (size_t i = 0; i < z->trades.n; i++) {
        Trade *t = &out->trades[i];
        *t = z->trades.v[i];
        if (!t->closed) {
            const ZootPlace *p = &z->places[t->asset];
            t->exit_price = p->mark;
            t->exit_step = 0;
            t->candles = p->row - t->entry_row;
            t->pnl_net = t->pnl - t->fees - t->costs;
        }
    }
    out->n_closed = z->closings.n;
    out->closings = arena_alloc(arena, mem_mul(z->closings.n, sizeof(uint32_t)));
    if (z->closings.n)
        memcpy(out->closings, z->closings.v, z->closings.n * sizeof(uint32_t));
}

/* What still lives at the end gets its reason and no event. */
static void report_orders(Zoot *z, BacktestResult *out, Arena *arena) {
    out->n_orders = z->orders.n;
    out->orders = arena_alloc(arena, mem_mul(z->orders.n, sizeof(Order)));
    for (size_t i = 0; i < z->orders.n; i++) {
        out->orders[i] = z->orders.v[i].o;
        if (out->orders[i].alive)
            out->orders[i].reason = ORDER_BECAUSE_END;
    }
    out->n_events = z->events.n;
    out->events = arena_alloc(arena, mem_mul(z->events.n, sizeof(OrderEvent)));
    if (z->events.n)
        memcpy(out->events, z->events.v, z->events.n * sizeof(OrderEvent));
}

void zoot_report(Zoot *z, BacktestResult *out) {
    Arena *arena = z->cx->arena;
    TextList *list = &out->assumptions;
    out->final_cash = z->cash;
    out->final_value = z->n_steps ? z->equity[z->n_steps - 1] : z->cash;
    out->realised_pnl = z->realised;
    out->fees = z->fees;
    out->costs = z->costs;
    out->n_steps = z->n_steps;
    out->time_ms = z->time_ms;
    out->equity = z->equity;
    out->first_next_step = z->first_next_step == SIZE_MAX ? z->n_steps : z->first_next_step;
    out->n_next_calls = z->n_next_calls;
    report_assets(z, out);
    report_trades(z, out, arena);
    report_orders(z, out, arena);
    for (size_t i = 0; i < ZOOT_N_RULES; i++)
        ASSUME("%s", ZOOT_RULES[i]);
    assume_costs(z, list, arena);
    assume_margin(z, list, arena);
    assume_assets(z, list, arena);
    if (z->n_liquidations)
        text_list_add(&out->warnings, arena, "%zu position(s) were liquidated.", z->n_liquidations);
    if (out->final_value < 0)
        text_list_add(&out->warnings, arena, "The account ends below zero: prices gapped over the liquidation price.");
}
