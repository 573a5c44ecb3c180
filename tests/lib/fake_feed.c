/* tests/lib/fake_feed.c - see fake_feed.h. */

#include "lib/fake_feed.h"

Candle fake_feed_candle(Time t) {
    double base = 100 + (double)floor_mod(t.ms / 60000, 97);
    return (Candle){ .open_time = t, .open = base, .high = base + 2, .low = base - 1, .close = base + 1, .volume = 10 };
}

static int give_page(FakeFeed *f, Ctx *cx, Timeframe tf, Time from, Time to, Candles *rows) {
    Time now = time_add_ms(clock_wall(cx->clock), -f->lag_ms);
    for (Time t = from; time_before(t, to) && !time_before(now, t); t = timeframe_step(tf, t, 1)) {
        bool missing = time_before(t, f->listed) || (!time_before(t, f->gap_from) && time_before(t, f->gap_to));
        if (missing)
            continue;
        Candle c = fake_feed_candle(t);
        if (time_before(now, timeframe_step(tf, t, 1)))
            c.flags |= CANDLE_OPEN;
        if (f->simulated)
            c.flags |= CANDLE_SIMULATED;
        if (f->bad_row && rows->n == 1)
            c.high = c.low - 5;
        candles_push(rows, &c);
    }
    return 0;
}

static int collect(MarketFeed *feed, Ctx *cx, Symbol symbol, Timeframe tf, Time from, Time to, FeedPageFn *fn,
                   void *arg) {
    FakeFeed *f = (FakeFeed *)feed;
    f->simulated |= f->turns_simulated;
    size_t page_rows = f->page_rows ? f->page_rows : 1000;
    int64_t total = 0;
    if (!str_eq(symbol_str(&symbol), str_c(f->symbol))) {
        f->requests++;
        return FEED_NO_SYMBOL;
    }
    for (int page = 1; time_before(from, to); page++) {
        f->requests++;
        if (page == f->fail_at_page)
            return err_set(cx, ERR_TIMEOUT, "fake: no answer");
        Time end = timeframe_step(tf, timeframe_floor(tf, from), (int64_t)page_rows);
        end = time_before(to, end) ? to : end;
        Candles rows;
        candles_init(&rows, cx->arena, page_rows + 1);
        give_page(f, cx, tf, timeframe_on_grid(tf, from) ? from : timeframe_next(tf, from), end, &rows);
        total += (int64_t)rows.n;
        Time closed = f->tells_time ? timeframe_floor(tf, time_add_ms(clock_wall(cx->clock), -f->lag_ms)) : time_ms(0);
        int r = fn(arg, cx, &(FeedPage){ .rows = &rows, .from = from, .to = end, .n_total = total, .closed = closed });
        if (r < 0)
            return r;
        from = end;
    }
    return 0;
}

static int symbols(MarketFeed *feed, Ctx *cx, Listing **out, size_t *n) {
    FakeFeed *f = (FakeFeed *)feed;
    f->requests++;
    f->simulated |= f->turns_simulated;
    *out = arena_new(cx->arena, Listing);
    *n = 1;
    venue_parse(S("binance"), &(*out)->venue);
    symbol_parse(str_c(f->symbol), &(*out)->symbol);
    symbol_parse(S("BTC/USDT"), &(*out)->instrument);
    (*out)->asset = ASSET_CRYPTO;
    (*out)->tick = (Decimal){ 1, 2 };
    (*out)->valid_to = TIME_MAX;
    return 0;
}

static int timeframes(MarketFeed *feed, const Timeframe **out, size_t *n) {
    UNUSED(feed);
    *out = TIMEFRAMES;
    *n = ARRAY_LEN(TIMEFRAMES);
    return 0;
}

static int first_candle(MarketFeed *feed, Ctx *cx, Symbol symbol, Timeframe tf, Time *out) {
    UNUSED(cx);
    UNUSED(symbol);
    FakeFeed *f = (FakeFeed *)feed;
    f->requests++;
    *out = timeframe_floor(tf, f->listed);
    return 0;
}

static int server_time(MarketFeed *feed, Ctx *cx, Time *out) {
    ((FakeFeed *)feed)->requests++;
    *out = clock_wall(cx->clock);
    return 0;
}

static void limits(MarketFeed *feed, FeedLimits *out) {
    *out = (FeedLimits){ .requests = ((FakeFeed *)feed)->requests, .weight_limit = 6000 };
}

static bool simulated(MarketFeed *feed) {
    return ((FakeFeed *)feed)->simulated;
}

static void no_close(MarketFeed *feed) {
    UNUSED(feed);
}

static const MarketFeedOps ops = { .name = "binance",
                                   .collect = collect,
                                   .symbols = symbols,
                                   .timeframes = timeframes,
                                   .first_candle = first_candle,
                                   .server_time = server_time,
                                   .limits = limits,
                                   .simulated = simulated,
                                   .close = no_close };

void fake_feed_init(FakeFeed *f) {
    *f = (FakeFeed){ .feed.ops = &ops, .symbol = "BTCUSDT" };
    time_parse_iso(S("2017-01-01T00:00:00Z"), &f->listed, NULL);
    f->gap_from = f->gap_to = TIME_MAX;
}
