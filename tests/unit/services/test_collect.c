/* services/market/collect.h: the documents' TestPriceCollector (GOV-01), MDS-22, MDS-23, RES-22. */

#include "lib/fake_feed.h"
#include "lib/test.h"

#include "adapters/store/memory.h"
#include "services/market/collect.h"

typedef struct Rig {
    TestCtx t;
    FakeFeed fake;
    MarketFeedOps ops;
    MarketFeed *feeds[1];
    CandleStore *store;
    LogSink *lines;
    Logger *log;
    MarketService *m;
    SeriesKey key;
} Rig;

static void rig_init(Rig *r) {
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    clock_manual_advance_ms(&r->t.clock, 1800 * 1000);
    fake_feed_init(&r->fake);
    r->feeds[0] = &r->fake.feed;
    r->store = store_memory_new();
    r->lines = log_sink_memory(1 << 20);
    r->log = log_new(&(LogCfg){ .level = LEVEL_DEBUG, .service = S("test") }, r->t.cx.clock, r->lines);
    r->m = market_service_new(&(MarketOptions){ .store = r->store, .feeds = r->feeds, .n_feeds = 1, .log = r->log });
    venue_parse(S("binance"), &r->key.venue);
    symbol_parse(S("BTCUSDT"), &r->key.symbol);
    r->key.timeframe = (Timeframe){ UNIT_HOUR, 1 };
}

static void rig_done(Rig *r) {
    market_service_free(r->m);
    candle_store_close(r->store);
    log_free(r->log);
    test_ctx_done(&r->t);
}

static bool logged(Rig *r, const char *words) {
    return str_find(log_sink_memory_text(r->lines, &r->t.arena), str_c(words)) >= 0;
}

/* MDS-23: the number returned is that of the log line and of the rows written. */
TEST(price_collector_success) {
    Rig r;
    MarketCollectedPrices got;
    SeriesInfo info;
    rig_init(&r);
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 1, &got));
    CHECK_EQ(got.records, 25); /* a day and the running hour */
    CHECK(logged(&r, "Collected 25 price records for BTCUSDT"));
    CHECK_OK(&r.t.cx, candle_store_info(r.store, &r.t.cx, &r.key, &info));
    CHECK_EQ(info.n, 25);
    clock_manual_advance_ms(&r.t.clock, 3600 * 1000);
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 1, &got));
    CHECK_EQ(got.records, 2); /* the hour that has closed, and the next one */
    CHECK(logged(&r, "Collected 2 price records for BTCUSDT"));
    rig_done(&r);
}

TEST(a_week_away_leaves_no_hole) {
    Rig r;
    MarketCollectedPrices got;
    rig_init(&r);
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 1, &got));
    clock_manual_advance_ms(&r.t.clock, 7 * (int64_t)MS_PER_DAY);
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 1, &got));
    CHECK_EQ(got.records, 7 * 24 + 1);
    CHECK_EQ(got.sum.gaps, 0);
    rig_done(&r);
}

typedef struct Seen {
    int n, last_r;
    int stop_at;
} Seen;

static int on_done(void *arg, Ctx *cx, size_t i, int r, const MarketCollectedPrices *got) {
    Seen *s = arg;
    UNUSED(i);
    UNUSED(got);
    s->last_r = r;
    return ++s->n == s->stop_at ? err_set(cx, ERR_CONFLICT, "enough") : 0;
}

/* MDS-22: one that fails does not stop the others, and the counts are exact. */
TEST(price_collector_collect_all) {
    Rig r;
    MarketCollected sum;
    Seen seen = { 0 };
    rig_init(&r);
    SeriesKey keys[4] = { r.key, r.key, r.key, r.key };
    symbol_parse(S("NOSUCH"), &keys[0].symbol); /* unknown to the venue */
    venue_parse(S("nowhere"), &keys[1].venue);  /* no such venue */
    keys[3].timeframe = (Timeframe){ UNIT_DAY, 1 };
    MarketCollectAll all = { .keys = keys, .n = 4, .done = on_done, .arg = &seen };
    CHECK_OK(&r.t.cx, market_collect_all_symbols(r.m, &r.t.cx, &all, &sum));
    CHECK_EQ(sum.success, 2);
    CHECK_EQ(sum.failed, 2);
    CHECK_EQ(sum.records, 25 + 2);
    CHECK_EQ(seen.n, 4);
    r.fake.fail_at_page = 1;
    clock_manual_advance_ms(&r.t.clock, 3600 * 1000);
    CHECK_OK(&r.t.cx, market_collect_all_symbols(r.m, &r.t.cx, &all, &sum));
    CHECK_EQ(sum.failed, 3); /* the daily one has nothing to be asked for but its running candle */
    CHECK_EQ(sum.success + sum.failed, 4);
    seen = (Seen){ .stop_at = 2 };
    CHECK_EQ(market_collect_all_symbols(r.m, &r.t.cx, &all, &sum), ERR_CONFLICT);
    CHECK_EQ(sum.success + sum.failed, 2);
    rig_done(&r);
}

/* MDS-21: prices are as they were traded until the last stored close disagrees; then everything is asked for again. */
TEST(a_rewritten_past_is_asked_for_again) {
    Rig r;
    MarketCollectedPrices got;
    SaveResult saved;
    rig_init(&r);
    r.ops = *r.fake.feed.ops;
    r.ops.readjusts = true;
    r.fake.feed.ops = &r.ops;
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 3, &got));
    clock_manual_advance_ms(&r.t.clock, 3600 * 1000);
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 3, &got));
    CHECK(!got.refreshed);
    Candles rows; /* as if a dividend had been paid since: what is stored is twice the venue's price of today */
    bool more;
    candles_init(&rows, &r.t.arena, 8);
    CHECK_OK(&r.t.cx,
             candle_store_read(r.store, &r.t.cx, &r.key,
                               &(CandleQuery){ TIME_MIN, TIME_MAX, .limit = 2, .newest = true }, &rows, &more));
    CHECK_EQ(rows.flags[1] & CANDLE_OPEN, CANDLE_OPEN);
    Candles first = candles_view(&rows, 0, 1);
    first.open[0] *= 2, first.high[0] *= 2, first.low[0] *= 2, first.close[0] *= 2;
    CHECK_OK(&r.t.cx, candle_store_save(r.store, &r.t.cx, &(SaveRequest){ .key = &r.key, .rows = &first }, &saved));
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 1, &got));
    CHECK(got.refreshed);
    CHECK_EQ(got.records, 3 * 24 + 2);
    CHECK_EQ(got.sum.updated >= 1, true);
    CHECK_OK(&r.t.cx, market_collect_symbol_prices(r.m, &r.t.cx, &r.key, 1, &got));
    CHECK(!got.refreshed);
    rig_done(&r);
}

TESTS(T(price_collector_success), T(a_week_away_leaves_no_hole), T(price_collector_collect_all),
      T(a_rewritten_past_is_asked_for_again))
