/* backtest/broker.c - what strategies ask of any broker: sized entries, closes, targets. */

#include "backtest/strategy_internal.h"

#include <math.h>

bool broker_alive(const Broker *b, OrderId id) {
    const Order *o = id == ORDER_NONE ? NULL : b->ops->order(b, id);
    return o && o->alive;
}

/* --- sizing --- */

enum { KELLY_TRADES = 10 };

/* Of money: won share less lost share over the ratio of mean win to mean loss. Before KELLY_TRADES trades, or while one
 * side is empty, a tenth. */
static double kelly_fraction(const View *v) {
    size_t n = v->n_won + v->n_lost;
    if (n < KELLY_TRADES || v->n_won == 0 || v->n_lost == 0 || v->sum_won <= 0 || v->sum_lost >= 0)
        return 0.1;
    double won = (double)v->n_won / (double)n;
    double ratio = (v->sum_won / (double)v->n_won) / (-v->sum_lost / (double)v->n_lost);
    return CLAMP(won - (1 - won) / ratio, 0, 1);
}

/* Money such that the position's yearly deviation is the target of the account, at most the account itself. */
static double volatility_money(const Broker *b, size_t asset) {
    const StrategySetup *setup = b->strategy->setup;
    const MarketAsset *a = &setup->assets[asset];
    double deviation = view_line(b->view, setup->volatility[asset], 0);
    double periods = timeframe_valid(a->timeframe) ? 365.25 * MS_PER_DAY / (double)timeframe_ms(a->timeframe) : 252;
    double yearly = deviation * sqrt(periods);
    return yearly > 0 ? b->view->value * MIN(b->strategy->size / yearly, 1) : 0;
}

double broker_entry_size(const Broker *b, size_t asset) {
    const View *v = b->view;
    double close = view_close(v, asset, 0), size = b->strategy->size;
    switch (b->strategy->sizing) {
    case SIZING_FIXED:
        return size;
    case SIZING_CASH:
        return size / close;
    case SIZING_EQUITY:
        return v->value * size / close;
    case SIZING_VOLATILITY:
        return volatility_money(b, asset) / close;
    case SIZING_KELLY:
        return v->cash * size * kelly_fraction(v) / close;
    default:
        return v->cash * size / close;
    }
}

/* --- orders --- */

static OrderId market(Broker *b, size_t asset, double size, const char *tag) {
    if (!(fabs(size) > 0))
        return ORDER_NONE;
    return broker_submit(b, &(OrderRequest){ .asset = (uint32_t)asset, .size = size, .tag = tag });
}

OrderId broker_enter(Broker *b, size_t asset, Side side) {
    double size = broker_entry_size(b, asset);
    return market(b, asset, side == SIDE_LONG ? size : -size, "entry");
}

OrderId broker_close(Broker *b, size_t asset) {
    return market(b, asset, -b->view->assets[asset].position, "exit");
}

OrderId broker_target_size(Broker *b, size_t asset, double units) {
    return market(b, asset, units - b->view->assets[asset].position, "target");
}

OrderId broker_target_value(Broker *b, size_t asset, double money) {
    const ViewAsset *a = &b->view->assets[asset];
    double close = view_close(b->view, asset, 0);
    double value = b->ops->position_value ? b->ops->position_value(b, asset) : a->position * close;
    if (money == 0 && a->position != 0)
        return broker_close(b, asset);
    double units = b->ops->units(b, asset, fabs(money - value), close);
    return market(b, asset, money > value ? units : -units, "target");
}

OrderId broker_target_percent(Broker *b, size_t asset, double fraction) {
    return broker_target_value(b, asset, fraction * b->view->value);
}

Candle view_candle(const View *v, size_t asset, size_t ago) {
    const ViewAsset *a = &v->assets[asset];
    assert(a->begun && ago <= a->i);
    return candles_get(a->candles, a->i - ago);
}
