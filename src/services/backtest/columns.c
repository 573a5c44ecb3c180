/* services/backtest/columns.c - a request's columns beside the candles of the assets they belong to. */

#include "backtest/extras.h"
#include "services/backtest/internal.h"

static bool belongs(const BacktestColumn *c, const Symbol *symbol) {
    return !c->has_symbol || symbol_eq(c->symbol, *symbol);
}

static int attach(Ctx *cx, const BacktestAsk *ask, MarketAsset *asset, bool *used) {
    ExtraColumn *extras = arena_new_n(cx->arena, ExtraColumn, ask->n_columns);
    size_t *from = arena_new_n(cx->arena, size_t, ask->n_columns);
    for (size_t k = 0; k < ask->n_columns; k++)
        if (belongs(&ask->columns[k], &asset->symbol)) {
            used[k] = true;
            from[asset->n_extras] = k;
            extras[asset->n_extras++] = ask->columns[k].column;
        }
    asset->extras = extras;
    return extras_check(cx, asset, from);
}

int backtest_service_columns(Ctx *cx, const BacktestAsk *ask, MarketAsset *assets, size_t n_assets) {
    bool *used = arena_new_n(cx->arena, bool, ask->n_columns);
    if (ask->n_columns == 0)
        return 0;
    for (size_t i = 0; i < n_assets; i++) {
        int r = attach(cx, ask, &assets[i], used);
        if (r != 0)
            return r;
    }
    for (size_t k = 0; k < ask->n_columns; k++)
        if (!used[k])
            return err_set_at(cx, ERR_INVALID, str_fmt(cx->arena, "columns[%zu].symbol", k),
                              "column " STR_FMT ": %s is not an asset of this backtest",
                              STR_ARG(ask->columns[k].column.name), ask->columns[k].symbol.s);
    return 0;
}
