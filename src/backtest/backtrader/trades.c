/* backtest/backtrader/trades.c - trades, from flat to flat in one asset. */

#include "backtest/backtrader/account.h"

#include <math.h>

void bt_trade_opened(Bt *b, uint32_t asset, const BtOrder *x, double size, double price, double fees) {
    BtAsset *a = &b->assets[asset];
    if (a->trade == SIZE_MAX) {
        if (b->n_trades == b->cap_trades) {
            size_t cap = MAX(64, 2 * b->cap_trades);
            b->trades = arena_grow(b->arena, b->trades, b->cap_trades * sizeof(Trade), cap * sizeof(Trade));
            b->cap_trades = cap;
        }
        a->trade = b->n_trades++;
        a->trade_size = a->trade_price = a->closed_units = a->closed_value = 0;
        b->trades[a->trade] = (Trade){ .id = (uint32_t)b->n_trades,
                                       .asset = asset,
                                       .side = size > 0 ? SIDE_LONG : SIDE_SHORT,
                                       .first_size = size,
                                       .first_price = price,
                                       .first_fees = fees,
                                       .entry_step = b->step,
                                       .entry_row = a->row,
                                       .entry_order = x->o.id };
    }
    Trade *t = &b->trades[a->trade];
    double after = a->trade_size + size;
    a->trade_price = (a->trade_size * a->trade_price + size * price) / after;
    a->trade_size = after;
    t->entry_price = t->size == 0 ? price : (t->size * t->entry_price + size * price) / (t->size + size);
    t->size += size;
    t->entry_fees += fees;
    t->fees += fees;
}

void bt_trade_closed(Bt *b, uint32_t asset, const BtOrder *x, double size, double price, double fees, double costs) {
    BtAsset *a = &b->assets[asset];
    assert(a->trade != SIZE_MAX);
    Trade *t = &b->trades[a->trade];
    t->pnl += -size * (price - a->trade_price) * b->cfg.multiplier;
    t->fees += fees;
    t->costs += costs;
    a->trade_size += size;
    a->closed_units -= size;
    a->closed_value -= size * price;
    if (a->pos.size != 0 && (a->pos.size > 0) == (t->size > 0))
        return; /* reduced */
    t->closed = true;
    t->exit_step = b->step;
    t->candles = a->row - t->entry_row;
    t->exit_price = a->closed_units == -size ? price : a->closed_value / a->closed_units;
    t->exit_order = x->o.id;
    t->pnl_net = t->pnl - (t->fees + t->costs);
    if (b->n_closings == b->cap_closings) {
        size_t cap = MAX(64, 2 * b->cap_closings);
        b->closings = arena_grow(b->arena, b->closings, b->cap_closings * sizeof(uint32_t), cap * sizeof(uint32_t));
        b->cap_closings = cap;
    }
    b->closings[b->n_closings++] = (uint32_t)a->trade;
    a->trade = SIZE_MAX;
}
