/* services/market/collect.c - see collect.h. */

#include "services/market/collect.h"

#include "services/market/internal.h"

/* --- venues that rewrite their past --- */

typedef struct Wanted { /* one candle, looked for at the venue */
    Time at;
    Candle got;
    bool found;
} Wanted;

static int take_wanted(void *arg, Ctx *cx, const FeedPage *page) {
    Wanted *w = arg;
    UNUSED(cx);
    size_t i = candles_lower_bound(page->rows, w->at);
    if (i < page->rows->n && page->rows->open_ms[i] == w->at.ms) {
        w->got = candles_get(page->rows, i);
        w->found = true;
    }
    return 0;
}

/* The newest stored candle that is closed and real; false when there is none. */
static int last_closed(MarketService *m, Ctx *cx, const SeriesKey *key, Candle *out, bool *found) {
    Candles rows;
    bool more;
    candles_init(&rows, cx->arena, 4);
    int r = candle_store_read(m->o.store, cx, key,
                              &(CandleQuery){ TIME_MIN, TIME_MAX, .limit = 4, .newest = true, .skip_synthetic = true },
                              &rows, &more);
    *found = false;
    for (size_t i = 0; r == 0 && i < rows.n; i++)
        if (!(rows.flags[i] & CANDLE_OPEN)) {
            *out = candles_get(&rows, i);
            *found = true;
        }
    return r == STORE_NO_SERIES ? 0 : r;
}

/* *first: where the stored series begins, when its past is no longer the venue's. */
static int check_past(MarketService *m, Ctx *cx, MarketFeed *feed, const SeriesKey *key, bool *changed, Time *first) {
    SeriesInfo info;
    Candle last;
    bool found;
    *changed = false;
    int r = last_closed(m, cx, key, &last, &found);
    if (r || !found)
        return r;
    Wanted w = { .at = last.open_time };
    r = market_feed_collect(feed, cx, key->symbol, key->timeframe, w.at, time_add_ms(w.at, 1), take_wanted, &w);
    if (r || !w.found || w.got.close == last.close)
        return r == FEED_NO_SYMBOL ? MARKET_NO_SYMBOL : r;
    r = candle_store_info(m->o.store, cx, key, &info);
    *changed = r == 0;
    *first = info.first;
    return r;
}

/* --- one symbol --- */

static int collect_in(MarketService *m, Ctx *cx, MarketFeed *feed, const SeriesKey *key, int64_t days,
                      MarketCollectedPrices *out) {
    Time now = clock_wall(cx->clock);
    Time from = timeframe_floor(key->timeframe, time_add_ms(now, -MAX(days, 1) * (int64_t)MS_PER_DAY));
    MarketEnsure ensure = { .key = key,
                            .from = from,
                            .to = timeframe_next(key->timeframe, now) }; /* the running one too */
    SeriesKey stored = *key;
    SeriesInfo info;
    if (market_feed_simulated(feed) && !stored.provider.s[0])
        venue_parse(S("sim"), &stored.provider);
    int r = candle_store_info(m->o.store, cx, &stored, &info);
    if (r == 0 && info.n && time_before(info.last, ensure.from)) /* longer away than that: no hole is left */
        ensure.from = info.last;
    if (r == 0 && info.n && feed->ops->readjusts) {
        Time first = info.first;
        r = check_past(m, cx, feed, &stored, &out->refreshed, &first);
        if (r == 0 && out->refreshed) {
            ensure.refresh = true;
            ensure.from = first;
            LOG_WARNING(m->o.log, cx, S("the venue has rewritten its past; all of the series is asked for again"),
                        F_STR("symbol", symbol_str(&key->symbol)));
        }
    }
    if (r == STORE_NO_SERIES)
        r = 0;
    if (r == 0)
        r = market_ensure(m, cx, &ensure, &out->sum);
    out->records = out->sum.collected - out->sum.rejected;
    out->up_to_date = r == 0 && out->sum.hit;
    out->simulated = out->sum.simulated;
    return r;
}

int market_collect_symbol_prices(MarketService *m, Ctx *cx, const SeriesKey *key, int64_t days,
                                 MarketCollectedPrices *out) {
    *out = (MarketCollectedPrices){ 0 };
    MarketFeed *feed = market_feed_of(m, key->venue);
    if (!feed)
        return MARKET_NO_VENUE;
    Arena arena = { 0 };
    Ctx inner = *cx;
    inner.arena = &arena;
    int r = collect_in(m, &inner, feed, key, days, out);
    cx->err = inner.err;
    arena_done(&arena);
    return r;
}

/* --- all of them --- */

/* The caller's own end is no failure of a symbol. */
static bool ended(Ctx *cx, int r) {
    return (r == ERR_CANCELLED || r == ERR_TIMEOUT) && ctx_check(cx) != 0;
}

int market_collect_all_symbols(MarketService *m, Ctx *cx, const MarketCollectAll *req, MarketCollected *out) {
    *out = (MarketCollected){ 0 };
    for (size_t i = 0; i < req->n; i++) {
        MarketCollectedPrices got;
        int r = ctx_check(cx);
        if (r)
            return r;
        r = market_collect_symbol_prices(m, cx, &req->keys[i], req->days, &got);
        if (ended(cx, r))
            return r;
        bool well = r == 0 && (got.records > 0 || got.up_to_date);
        out->success += well;
        out->failed += !well;
        out->records += got.records;
        int stop = req->done ? req->done(req->arg, cx, i, r, &got) : 0;
        if (stop < 0)
            return stop;
    }
    return 0;
}
