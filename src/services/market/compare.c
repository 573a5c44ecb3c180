/* services/market/compare.c - two series side by side (MDS-13). */

#include "services/market/complete.h"
#include "services/market/internal.h"

typedef struct Comparing {
    MarketService *m;
    Ctx *cx;
    const SeriesKey *second;
    Time at, to; /* the second series is read up to `at` */
    Disagreement *d;
} Comparing;

static int compare_up_to(Comparing *c, const Candles *first, Time end) {
    Candles second = { 0 };
    bool more;
    Ctx cx = *c->cx;
    Arena scratch = { 0 };
    cx.arena = &scratch;
    int r =
        candle_store_read(c->m->o.store, &cx, c->second, &(CandleQuery){ .from = c->at, .to = end }, &second, &more);
    if (r == 0)
        disagree_add(c->d, first, &second);
    else
        c->cx->err = cx.err;
    arena_done(&scratch);
    c->at = end;
    return r;
}

static int compare_piece(void *arg, const Candles *rows) {
    return compare_up_to(arg, rows, time_ms(rows->open_ms[rows->n - 1] + 1));
}

int market_compare(MarketService *m, Ctx *cx, const SeriesKey *first, const SeriesKey *second, Time from, Time to,
                   double threshold_bps, MarketCompared *out) {
    MarketCompared done = { 0 };
    int r = market_resolve(m, cx, first, &done.first);
    if (r == 0)
        r = market_resolve(m, cx, second, &done.second);
    if (r != 0)
        return r;
    if (!timeframe_eq(done.first.key.timeframe, done.second.key.timeframe))
        return err_set_at(cx, ERR_INVALID, S("timeframe"), "only series of one timeframe can be compared");
    disagree_init(&done.d, threshold_bps);
    Comparing c = { .m = m, .cx = cx, .second = &done.second.key, .at = from, .to = to, .d = &done.d };
    r = market_each_piece(m, cx, &done.first.key, from, to, compare_piece, &c);
    if (r == 0 && time_before(c.at, to))
        r = compare_up_to(&c, &(Candles){ 0 }, to);
    if (r != 0)
        return r;
    disagree_finish(&done.d);
    *out = done;
    return 0;
}
