/* services/market: get, save, statistics, gaps and ensure on the memory store and a fake feed: no file, no socket. */

#include "lib/fake_feed.h"
#include "lib/test.h"

#include "adapters/store/memory.h"
#include "services/market/market.h"

typedef struct Rig {
    TestCtx t;
    FakeFeed fake;
    MarketFeed *feeds[1];
    CandleStore *store;
    LogSink *lines;
    Logger *log;
    MarketService *m;
    SeriesKey key;
    Buf spans;
} Rig;

static void on_span(void *arg, const char *name) {
    Rig *r = arg;
    buf_printf(&r->spans, "%s%s", r->spans.n ? " " : "", name);
}

static void rig_init(Rig *r) {
    memset(r, 0, sizeof *r);
    buf_init(&r->spans, 4096);
    test_ctx_init(&r->t);
    fake_feed_init(&r->fake);
    r->feeds[0] = &r->fake.feed;
    r->store = store_memory_new();
    r->lines = log_sink_memory(1 << 20);
    r->log = log_new(&(LogCfg){ .level = LEVEL_DEBUG, .service = S("test") }, r->t.cx.clock, r->lines);
    r->m = market_service_new(&(MarketOptions){
        .store = r->store, .feeds = r->feeds, .n_feeds = 1, .log = r->log, .span = on_span, .span_arg = r });
    venue_parse(S("binance"), &r->key.venue);
    symbol_parse(S("BTCUSDT"), &r->key.symbol);
    r->key.timeframe = (Timeframe){ UNIT_HOUR, 1 };
}

static void rig_done(Rig *r) {
    market_service_free(r->m);
    candle_store_close(r->store);
    log_free(r->log);
    buf_done(&r->spans);
    test_ctx_done(&r->t);
}

static bool logged(Rig *r, const char *words) {
    return str_find(log_sink_memory_text(r->lines, &r->t.arena), str_c(words)) >= 0;
}

static Time at(const char *iso) {
    Time t = { 0 };
    if (!time_parse_iso(str_c(iso), &t, NULL))
        FAIL("%s is not a time", iso);
    return t;
}

static int ensure(Rig *r, const char *from, const char *to, MarketEnsured *out) {
    return market_ensure(r->m, &r->t.cx, &(MarketEnsure){ .key = &r->key, .from = at(from), .to = at(to) }, out);
}

/* FLW-01: a hit returns at once; the second call makes no upstream request. */
TEST(a_second_ensure_makes_no_request) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-03-01", &e));
    CHECK(!e.hit);
    CHECK_EQ(e.collected, 59 * 24);
    CHECK_EQ(e.inserted, 59 * 24);
    CHECK_EQ(e.requests, 2); /* 1,416 candles, 1,000 a page */
    CHECK_EQ(e.n_candles, 59 * 24);
    int64_t before = r.fake.requests;
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-03-01", &e));
    CHECK(e.hit);
    CHECK_EQ(r.fake.requests, before);
    CHECK_EQ(e.n_candles, 59 * 24);
    rig_done(&r);
}

/* FLW-02: check, collect, standardise, save, in this order; counts and the documents' log line. */
TEST(the_steps_come_in_the_documents_order) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-02", &e));
    CHECK_STR(buf_str(&r.spans), S("check_data_exists collect_ohlcv standardize save_ohlcv"));
    CHECK(logged(&r, "Collected 24 price records for BTCUSDT"));
    rig_done(&r);
}

TEST(only_the_missing_part_is_asked_for) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-10", "2023-01-20", &e));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-31", &e));
    CHECK_EQ(e.windows, 2);
    CHECK_EQ(e.collected, (9 + 11) * 24);
    CHECK_EQ(e.n_candles, 30 * 24);
    rig_done(&r);
}

TEST(the_open_candle_is_stored_but_not_covered) {
    Rig r;
    MarketEnsured e;
    MarketPage page;
    rig_init(&r);
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T10:30:00Z"));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T08:00:00Z", "2024-01-01", &e));
    CHECK_EQ(e.collected, 3);
    CHECK_EQ(e.covered_to.ms, at("2023-06-01T10:00:00Z").ms);
    CHECK_OK(&r.t.cx, market_get(r.m, &r.t.cx, &r.key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX }, &page));
    CHECK_EQ(page.rows.n, 3);
    CHECK_EQ(page.rows.flags[1] & CANDLE_OPEN, 0);
    CHECK(page.rows.flags[2] & CANDLE_OPEN);

    int64_t before = r.fake.requests; /* within the same hour there is nothing more to know */
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T08:00:00Z", "2024-01-01", &e));
    CHECK(e.hit);
    CHECK_EQ(r.fake.requests, before);

    clock_manual_advance_ms(&r.t.clock, MS_PER_HOUR); /* the candle closes: it is fetched again, and replaced */
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T08:00:00Z", "2024-01-01", &e));
    CHECK_EQ(e.updated, 1);
    CHECK_EQ(e.inserted, 1);
    CHECK_OK(&r.t.cx, market_get(r.m, &r.t.cx, &r.key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX }, &page));
    CHECK_EQ(page.rows.flags[2] & CANDLE_OPEN, 0);
    rig_done(&r);
}

TEST(a_failure_in_the_middle_keeps_what_came_before_and_goes_on_there) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    r.fake.fail_at_page = 3;
    CHECK_EQ(ensure(&r, "2023-01-01", "2023-06-01", &e), ERR_TIMEOUT);
    r.fake.fail_at_page = 0;
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-06-01", &e));
    CHECK_EQ(e.collected, 151 * 24 - 2000);
    CHECK_EQ(e.n_candles, 151 * 24);
    CHECK_EQ(e.gaps, 0);
    rig_done(&r);
}

TEST(a_row_that_is_no_candle_is_left_out_and_told) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    r.fake.bad_row = true;
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-02", &e));
    CHECK_EQ(e.rejected, 1);
    CHECK_EQ(e.n_candles, 23);
    CHECK_EQ(e.gaps, 1);
    CHECK(logged(&r, "high is below low"));
    rig_done(&r);
}

TEST(simulated_data_are_kept_apart_and_labelled) {
    Rig r;
    MarketEnsured e;
    MarketPage page;
    rig_init(&r);
    r.fake.simulated = true;
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-02", &e));
    CHECK(e.simulated);
    CHECK(logged(&r, "(SIMULATED)"));
    CHECK_OK(&r.t.cx, market_get(r.m, &r.t.cx, &r.key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX }, &page));
    CHECK(page.simulated);
    CHECK_STR(venue_str(&page.series.key.provider), S("sim"));
    rig_done(&r);
}

TEST(unknown_venues_symbols_and_series_are_outcomes) {
    Rig r;
    MarketEnsured e;
    MarketPage page;
    rig_init(&r);
    CHECK_EQ(market_get(r.m, &r.t.cx, &r.key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX }, &page),
             MARKET_NO_SERIES);
    SeriesKey key = r.key;
    symbol_parse(S("NOSUCH"), &r.key.symbol);
    CHECK_EQ(ensure(&r, "2023-01-01", "2023-01-02", &e), MARKET_NO_SYMBOL);
    r.key = key;
    venue_parse(S("nasdaq"), &r.key.venue);
    CHECK_EQ(ensure(&r, "2023-01-01", "2023-01-02", &e), MARKET_NO_VENUE);
    rig_done(&r);
}

static Candles rows_of(Rig *r, const Candle *v, size_t n) {
    Candles cs;
    candles_init(&cs, &r->t.arena, n);
    for (size_t i = 0; i < n; i++)
        candles_push(&cs, &v[i]);
    return cs;
}

/* MDS-09: saving twice leaves one copy; a bad candle is refused with its reason, and nothing is stored. MDS-46. */
TEST(save_upserts_and_refuses_as_a_whole) {
    Rig r;
    MarketSaved s;
    MarketPage page;
    rig_init(&r);
    Candle good[] = { fake_feed_candle(at("2023-01-01T02:00:00Z")), fake_feed_candle(at("2023-01-01T00:00:00Z")),
                      fake_feed_candle(at("2023-01-01T01:00:00Z")), fake_feed_candle(at("2023-01-01T01:00:00Z")) };
    good[3].volume = 77; /* the last of equal times counts */
    Candles rows = rows_of(&r, good, 4);
    MarketSave save = { .key = &r.key, .rows = &rows };
    CHECK_OK(&r.t.cx, market_save(r.m, &r.t.cx, &save, &s));
    CHECK_EQ(s.inserted, 3);
    CHECK_EQ(s.received, 4);
    CHECK_OK(&r.t.cx, market_save(r.m, &r.t.cx, &save, &s));
    CHECK_EQ(s.inserted, 0);
    CHECK_EQ(s.unchanged, 4);
    CHECK_OK(&r.t.cx, market_get(r.m, &r.t.cx, &r.key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX }, &page));
    CHECK_EQ(page.rows.n, 3);
    CHECK_NEAR(page.rows.volume[1], 77, 0);

    good[0].low = good[0].high + 1;
    rows = rows_of(&r, good, 1);
    CHECK_EQ(market_save(r.m, &r.t.cx, &save, &s), ERR_INVALID);
    CHECK_STR(str_c(r.t.cx.err.field), S("candles[0].high"));
    CHECK(str_find(str_c(r.t.cx.err.text), S("high is below low")) >= 0);
    CHECK(logged(&r, "save refused"));
    rig_done(&r);
}

/* MDS-08: half-open range, limit and paging. */
TEST(get_pages_through_a_range_without_doubles_or_holes) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-11", &e));
    CandleQuery q = { .from = at("2023-01-02"), .to = at("2023-01-05"), .limit = 7 };
    int64_t last = INT64_MIN;
    size_t n = 0;
    for (bool more = true; more;) {
        MarketPage page;
        CHECK_OK(&r.t.cx, market_get(r.m, &r.t.cx, &r.key, &q, &page));
        for (size_t i = 0; i < page.rows.n; i++) {
            CHECK(page.rows.open_ms[i] > last);
            last = page.rows.open_ms[i];
        }
        n += page.rows.n;
        more = page.more;
        q.from = page.next;
    }
    CHECK_EQ(n, 72);
    CHECK_EQ(last, at("2023-01-04T23:00:00Z").ms);
    rig_done(&r);
}

TEST(a_key_without_a_venue_finds_the_only_one_and_refuses_a_choice) {
    Rig r;
    MarketEnsured e;
    SeriesInfo info;
    MarketSaved s;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-02", &e));
    SeriesKey any = r.key;
    any.venue = (Venue){ 0 };
    CHECK_OK(&r.t.cx, market_resolve(r.m, &r.t.cx, &any, &info));
    CHECK_STR(venue_str(&info.key.venue), S("binance"));
    SeriesKey other = r.key;
    venue_parse(S("kraken"), &other.venue);
    Candle c = fake_feed_candle(at("2023-01-01"));
    Candles rows = rows_of(&r, &c, 1);
    CHECK_OK(&r.t.cx, market_save(r.m, &r.t.cx, &(MarketSave){ .key = &other, .rows = &rows }, &s));
    CHECK_EQ(market_resolve(r.m, &r.t.cx, &any, &info), ERR_CONFLICT);
    CHECK(str_find(str_c(r.t.cx.err.text), S("kraken:BTCUSDT:1h")) >= 0);
    CHECK_OK(&r.t.cx, market_resolve(r.m, &r.t.cx, &r.key, &info));
    rig_done(&r);
}

TEST(gaps_carry_the_class_that_evidence_proves) {
    Rig r;
    MarketEnsured e;
    MarketGaps g;
    rig_init(&r);
    r.fake.gap_from = at("2023-01-03T05:00:00Z");
    r.fake.gap_to = at("2023-01-03T08:00:00Z");
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-06", &e));
    CHECK_EQ(e.gaps, 1);
    CHECK_EQ(e.missing, 3);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-08", "2023-01-10", &e));

    CHECK_OK(&r.t.cx,
             market_gaps(r.m, &r.t.cx, &(MarketGapQuery){ .key = &r.key, .from = TIME_MIN, .to = TIME_MAX, .most = 10 },
                         &g));
    CHECK_EQ(g.n_gaps, 2);
    CHECK_EQ(g.missing, 3 + 48);
    CHECK_EQ(g.gaps.v[0].cls, GAP_UNKNOWN); /* asked for, but no other symbol can testify */
    CHECK_EQ(g.gaps.v[1].cls, GAP_NOT_FETCHED);

    /* Another symbol that traded in the first gap: the venue was up. */
    SeriesKey key = r.key;
    symbol_parse(S("ETHUSDT"), &r.key.symbol);
    r.fake.symbol = "ETHUSDT";
    r.fake.gap_from = r.fake.gap_to = TIME_MAX;
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-06", &e));
    CHECK_OK(&r.t.cx, market_gaps(r.m, &r.t.cx,
                                  &(MarketGapQuery){ .key = &key, .from = TIME_MIN, .to = TIME_MAX, .most = 10 }, &g));
    CHECK_EQ(g.gaps.v[0].cls, GAP_NO_TRADE);
    CHECK(str_find(str_c(g.gaps.v[0].evidence), S("ETHUSDT has 3 of the 3 candles")) >= 0);
    CHECK_EQ(g.by_class[GAP_NO_TRADE], 1);
    rig_done(&r);
}

TEST(statistics_are_those_of_the_rows) {
    Rig r;
    MarketEnsured e;
    SeriesInfo info;
    CandleStats s;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-11", &e));
    CHECK_OK(&r.t.cx, market_statistics(r.m, &r.t.cx, &r.key, TIME_MIN, TIME_MAX, &info, &s));
    CHECK_EQ(s.n, 240);
    double sum = 0;
    for (Time t = at("2023-01-01"); time_before(t, at("2023-01-11")); t = time_add_ms(t, MS_PER_HOUR))
        sum += fake_feed_candle(t).close;
    CHECK_NEAR(moments_mean(&s.close), sum / 240, 1e-12 * sum);
    CHECK_NEAR(candle_stats_completeness(&s), 100, 0);
    rig_done(&r);
}

TEST(listings_are_fetched_once_and_kept) {
    Rig r;
    Listing *v;
    size_t n;
    rig_init(&r);
    CHECK_OK(&r.t.cx, market_listings(r.m, &r.t.cx, r.key.venue, false, &v, &n));
    CHECK_EQ(n, 1);
    int64_t before = r.fake.requests;
    CHECK_OK(&r.t.cx, market_listings(r.m, &r.t.cx, r.key.venue, false, &v, &n));
    CHECK_EQ(r.fake.requests, before);
    CHECK_OK(&r.t.cx, market_listings(r.m, &r.t.cx, r.key.venue, true, &v, &n));
    CHECK_EQ(r.fake.requests, before); /* a minute has not passed: the venue's budget is not the callers' */
    clock_manual_advance_ms(&r.t.clock, 61 * 1000);
    CHECK_OK(&r.t.cx, market_listings(r.m, &r.t.cx, r.key.venue, true, &v, &n));
    CHECK_EQ(r.fake.requests, before + 1);
    rig_done(&r);
}

/* Our clock is an hour ahead, and the running candle has no row yet: only the venue's own time tells. */
TEST(an_open_candle_without_a_row_is_not_covered_by_a_clock_ahead) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    r.fake.lag_ms = MS_PER_HOUR;
    r.fake.tells_time = true;
    r.fake.gap_from = at("2023-06-01T09:00:00Z");
    r.fake.gap_to = at("2023-06-01T10:00:00Z");
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T10:50:00Z")); /* at the venue the candle of 9:00 is running */
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2024-01-01", &e));
    CHECK_EQ(e.covered_to.ms, at("2023-06-01T09:00:00Z").ms);

    r.fake.gap_to = r.fake.gap_from; /* it comes after all */
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T11:50:00Z"));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T10:00:00Z", &e));
    CHECK_EQ(e.n_candles, 3);
    rig_done(&r);
}

/* The venue's clock is behind ours: what it still calls open is not covered, and is asked for again. */
TEST(a_candle_the_venue_calls_open_is_asked_for_again) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    r.fake.lag_ms = 5000;
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T10:00:02Z"));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T10:00:00Z", &e));
    CHECK_EQ(e.collected, 3);
    CHECK_EQ(e.covered_to.ms, at("2023-06-01T09:00:00Z").ms);
    clock_manual_advance_ms(&r.t.clock, 10 * 1000);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T10:00:00Z", &e));
    CHECK_EQ(e.updated, 1); /* no longer open */
    CHECK_EQ(e.covered_to.ms, at("2023-06-01T10:00:00Z").ms);
    rig_done(&r);
}

/* Somebody sets the clock back three hours: what is stored stays, counts as before, and nothing is asked for twice. */
TEST(a_clock_set_back_takes_nothing_away) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T11:30:00Z"));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T11:00:00Z", &e));
    CHECK_EQ(e.n_candles, 4);
    size_t before = r.fake.requests;
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T08:30:00Z"));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T11:00:00Z", &e));
    CHECK(e.hit);
    CHECK_EQ(e.missing, 0);
    CHECK_EQ(r.fake.requests, before);

    clock_manual_set_wall(&r.t.clock, at("2023-06-01T13:30:00Z"));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T13:00:00Z", &e));
    CHECK_EQ(e.inserted, 2);
    CHECK_EQ(e.n_candles, 6);
    rig_done(&r);
}

/* A candle that closed a moment ago and is not there yet is not a hole for ever; one that closed an hour ago is. */
TEST(the_newest_place_is_a_hole_only_after_a_while) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T10:00:02Z"));
    r.fake.gap_from = at("2023-06-01T09:00:00Z");
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T10:00:00Z", &e));
    CHECK_EQ(e.covered_to.ms, at("2023-06-01T09:00:00Z").ms);
    r.fake.gap_from = TIME_MAX;
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T10:00:00Z", &e));
    CHECK_EQ(e.inserted, 1);
    CHECK_EQ(e.missing, 0);

    r.fake.gap_from = at("2023-06-01T10:00:00Z");
    clock_manual_set_wall(&r.t.clock, at("2023-06-01T11:05:00Z"));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T11:00:00Z", &e));
    CHECK_OK(&r.t.cx, ensure(&r, "2023-06-01T07:00:00Z", "2023-06-01T11:00:00Z", &e));
    CHECK(e.hit);
    rig_done(&r);
}

TEST(what_lies_in_the_future_cannot_be_ensured) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    CHECK_EQ(ensure(&r, "2030-01-01", "2031-01-01", &e), ERR_INVALID);
    CHECK_STR(str_c(r.t.cx.err.field), S("start"));
    CHECK_EQ(r.fake.requests, 0);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-12-31", "2031-01-01", &e)); /* an end there is fine */
    CHECK_EQ(e.covered_to.ms, at("2024-01-01").ms);
    rig_done(&r);
}

TEST(before_the_listing_nothing_is_missing) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    r.fake.listed = at("2023-12-30");
    CHECK_OK(&r.t.cx, ensure(&r, "2023-12-01", "2024-01-01", &e));
    CHECK_EQ(e.n_candles, 48);
    CHECK_EQ(e.gaps, 0);
    int64_t before = r.fake.requests;
    CHECK_OK(&r.t.cx, ensure(&r, "2023-12-01", "2024-01-01", &e));
    CHECK(e.hit);
    CHECK_EQ(r.fake.requests, before);
    rig_done(&r);
}

TEST(refresh_asks_for_what_is_covered) {
    Rig r;
    MarketEnsured e;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-02", &e));
    MarketEnsure req = { .key = &r.key, .from = at("2023-01-01"), .to = at("2023-01-02"), .refresh = true };
    CHECK_OK(&r.t.cx, market_ensure(r.m, &r.t.cx, &req, &e));
    CHECK(!e.hit && e.collected == 24 && e.unchanged == 24);
    rig_done(&r);
}

TEST(what_was_removed_is_fetched_again) {
    Rig r;
    MarketEnsured e;
    int64_t removed;
    rig_init(&r);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-03", &e));
    CHECK_OK(&r.t.cx, candle_store_remove(r.store, &r.t.cx, &r.key, at("2023-01-01T05:00:00Z"),
                                          at("2023-01-01T07:00:00Z"), &removed));
    CHECK_EQ(removed, 2);
    CHECK_OK(&r.t.cx, ensure(&r, "2023-01-01", "2023-01-03", &e));
    CHECK_EQ(e.inserted, 2);
    CHECK_EQ(e.collected, 2);
    rig_done(&r);
}

/* The place named is the caller's, not that of the sorted copy; a bad row is refused even if a good one of the same
 * time would have replaced it. */
TEST(a_refusal_names_the_row_as_it_was_sent) {
    Rig r;
    MarketSaved s;
    rig_init(&r);
    Candle v[] = { fake_feed_candle(at("2023-01-01T02:00:00Z")), fake_feed_candle(at("2023-01-01T01:00:00Z")),
                   fake_feed_candle(at("2023-01-01T00:00:00Z")), fake_feed_candle(at("2023-01-01T00:00:00Z")) };
    v[2].volume = -1;
    Candles rows = rows_of(&r, v, 4);
    CHECK_EQ(market_save(r.m, &r.t.cx, &(MarketSave){ .key = &r.key, .rows = &rows }, &s), ERR_INVALID);
    CHECK_STR(str_c(r.t.cx.err.field), S("candles[2].volume"));
    rig_done(&r);
}

TEST(coverage_holds_the_rows_and_has_two_ends) {
    Rig r;
    MarketSaved s;
    Coverage *c;
    size_t n;
    rig_init(&r);
    Candle v[] = { fake_feed_candle(at("2023-01-01T00:00:00Z")), fake_feed_candle(at("2023-01-01T01:00:00Z")) };
    Candles rows = rows_of(&r, v, 2), none = { 0 };
    MarketSave save = { .key = &r.key, .rows = &rows, .source = S("file"), .to = at("2023-01-02") };
    CHECK_OK(&r.t.cx, market_save(r.m, &r.t.cx, &save, &s));
    CHECK_OK(&r.t.cx, candle_store_coverage(r.store, &r.t.cx, &r.key, TIME_MIN, TIME_MAX, &c, &n));
    CHECK_EQ(n, 1);
    CHECK(c[0].from.ms == at("2023-01-01").ms && c[0].to.ms == at("2023-01-02").ms);
    save.to = at("2023-01-01T01:00:00Z");
    CHECK_EQ(market_save(r.m, &r.t.cx, &save, &s), ERR_INVALID);
    save.rows = &none;
    CHECK_EQ(market_save(r.m, &r.t.cx, &save, &s), ERR_INVALID);
    CHECK_STR(str_c(r.t.cx.err.field), S("covered_start"));
    rig_done(&r);
}

/* Configured as a market, answering as a simulator: neither its candles nor its listings get in. */
TEST(a_simulator_in_a_markets_place_is_refused) {
    Rig r;
    MarketEnsured e;
    MarketPage page;
    Listing *v;
    size_t n;
    rig_init(&r);
    r.fake.turns_simulated = true;
    CHECK_EQ(ensure(&r, "2023-01-01", "2023-01-02", &e), ERR_COLLECTION);
    CHECK(str_find(str_c(r.t.cx.err.text), S("simulat")) >= 0);
    CHECK_EQ(market_get(r.m, &r.t.cx, &r.key, &(CandleQuery){ .from = TIME_MIN, .to = TIME_MAX }, &page),
             MARKET_NO_SERIES);
    r.fake.simulated = false;
    CHECK_EQ(market_listings(r.m, &r.t.cx, r.key.venue, false, &v, &n), ERR_COLLECTION);
    CHECK_OK(&r.t.cx, candle_store_listings(r.store, &r.t.cx, &r.key.venue, &v, &n));
    CHECK_EQ(n, 0);
    rig_done(&r);
}

TESTS(T(a_clock_set_back_takes_nothing_away), T(a_candle_the_venue_calls_open_is_asked_for_again),
      T(an_open_candle_without_a_row_is_not_covered_by_a_clock_ahead), T(the_newest_place_is_a_hole_only_after_a_while),
      T(what_lies_in_the_future_cannot_be_ensured), T(before_the_listing_nothing_is_missing),
      T(refresh_asks_for_what_is_covered), T(what_was_removed_is_fetched_again),
      T(a_refusal_names_the_row_as_it_was_sent), T(coverage_holds_the_rows_and_has_two_ends),
      T(a_simulator_in_a_markets_place_is_refused), T(a_second_ensure_makes_no_request),
      T(the_steps_come_in_the_documents_order), T(only_the_missing_part_is_asked_for),
      T(the_open_candle_is_stored_but_not_covered), T(a_failure_in_the_middle_keeps_what_came_before_and_goes_on_there),
      T(a_row_that_is_no_candle_is_left_out_and_told), T(simulated_data_are_kept_apart_and_labelled),
      T(unknown_venues_symbols_and_series_are_outcomes), T(save_upserts_and_refuses_as_a_whole),
      T(get_pages_through_a_range_without_doubles_or_holes),
      T(a_key_without_a_venue_finds_the_only_one_and_refuses_a_choice), T(gaps_carry_the_class_that_evidence_proves),
      T(statistics_are_those_of_the_rows), T(listings_are_fetched_once_and_kept))
