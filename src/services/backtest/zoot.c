/* services/backtest/zoot.c - the options of zoot from what a caller asks and what is stored; see backtest.h. */

#include "services/backtest/internal.h"

enum { FUNDING_HOURS = 8 };

/* A constant rate at every funding_hours of the day, as perpetuals settle. */
static ZootFunding funding_of(Ctx *cx, const ZootAsk *z, const Candles *cs) {
    if (z->funding_rate == 0 || cs->n == 0)
        return (ZootFunding){ 0 };
    int64_t every = (int64_t)((z->funding_hours > 0 ? z->funding_hours : FUNDING_HOURS) * MS_PER_HOUR);
    int64_t first = (floor_div(cs->open_ms[0], every) + 1) * every, last = cs->open_ms[cs->n - 1];
    size_t n = last >= first ? (size_t)((last - first) / every) + 1 : 0;
    int64_t *times = arena_new_n(cx->arena, int64_t, n);
    double *rates = arena_new_n(cx->arena, double, n);
    for (size_t i = 0; i < n; i++) {
        times[i] = first + (int64_t)i * every;
        rates[i] = z->funding_rate;
    }
    return (ZootFunding){ .time_ms = times, .rate = rates, .n = n };
}

static int fine_candles(BacktestService *s, Ctx *cx, const BacktestAsk *ask, size_t i, BacktestData *data,
                        const Candles **out) {
    SourceQuery q = ask->assets[i];
    SourceCandles got;
    char tf[TIMEFRAME_TEXT_MAX];
    q.key.timeframe = ask->zoot.fine;
    q.most = s->o.candles_max;
    int r = candle_source_get(s->o.candles, cx, &q, &got);
    if (r == SOURCE_NO_SERIES || (r == 0 && got.rows.n == 0))
        return err_set_at(cx, ERR_NOT_FOUND, S("zoot.fine_timeframe"),
                          "no " STR_FMT " candles of %s are stored; collect them, or leave fine_timeframe out",
                          STR_ARG(timeframe_text(ask->zoot.fine, tf)), q.key.symbol.s);
    if (r != 0)
        return r;
    Candles *rows = arena_new(cx->arena, Candles);
    *rows = got.rows;
    data->simulated |= got.simulated;
    *out = rows;
    return 0;
}

int backtest_service_zoot(BacktestService *s, Ctx *cx, const BacktestAsk *ask, const Listing *const *rules,
                          BacktestData *out) {
    const ZootAsk *z = &ask->zoot;
    ZootAsset *assets = arena_new_n(cx->arena, ZootAsset, out->n_assets);
    ZootOptions *o = arena_new(cx->arena, ZootOptions);
    int r = 0;
    for (size_t i = 0; r == 0 && i < out->n_assets; i++) {
        assets[i] = (ZootAsset){ .listing = z->ignore_rules ? NULL : rules[i],
                                 .funding = funding_of(cx, z, out->assets[i].candles),
                                 .spread = z->spread };
        if (z->has_fine && str_eq(ask->engine, S("zoot")))
            r = fine_candles(s, cx, ask, i, out, &assets[i].fine);
    }
    *o = (ZootOptions){ .assets = assets,
                        .n_assets = out->n_assets,
                        .tiers = z->tiers,
                        .n_tiers = z->n_tiers,
                        .volume_share = z->volume_share,
                        .impact = z->impact,
                        .maintenance = z->maintenance,
                        .liquidation_fee = z->liquidation_fee };
    out->zoot = o;
    return r;
}
