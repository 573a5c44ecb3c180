/* services/market: gaps over a whole range, filling, resampling, adjusting, comparing, retention - on the memory store
 * and a fake feed: no file, no socket. */

#include "lib/fake_feed.h"
#include "lib/test.h"
#include "lib/zone.h"

#include "adapters/store/memory.h"
#include "base/rng.h"
#include "services/market/complete.h"

typedef struct Rig {
    TestCtx t;
    FakeFeed fake;
    MarketFeed *feeds[1];
    CandleStore *store;
    MarketService *m;
    SeriesKey key;
} Rig;

static const Timeframe M1 = { UNIT_MINUTE, 1 }, H1 = { UNIT_HOUR, 1 }, D1 = { UNIT_DAY, 1 };

static SeriesKey key_of(const char *venue, const char *symbol, Timeframe tf) {
    SeriesKey k = { .timeframe = tf };
    venue_parse(str_c(venue), &k.venue);
    symbol_parse(str_c(symbol), &k.symbol);
    return k;
}

static void rig_init(Rig *r) {
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    fake_feed_init(&r->fake);
    r->feeds[0] = &r->fake.feed;
    r->store = store_memory_new();
    r->m = market_service_new(&(MarketOptions){ .store = r->store, .feeds = r->feeds, .n_feeds = 1 });
    r->key = key_of("binance", "BTCUSDT", H1);
}

static void rig_done(Rig *r) {
    market_service_free(r->m);
    candle_store_close(r->store);
    test_ctx_done(&r->t);
}

static void save(Rig *r, const SeriesKey *key, const Candles *rows) {
    MarketSaved saved;
    CHECK_OK_PLAIN(&r->t.cx, market_save(r->m, &r->t.cx, &(MarketSave){ .key = key, .rows = rows }, &saved));
}

/* n candles from `from` on, close 100 + i, real. */
static Candles rows_from(Rig *r, Timeframe tf, const char *from, size_t n) {
    Candles cs;
    candles_init(&cs, &r->t.arena, n);
    Time t = test_time(from);
    for (size_t i = 0; i < n; i++, t = timeframe_next(tf, t)) {
        double p = 100 + (double)i;
        Candle c = { .open_time = t, .open = p, .high = p + 1, .low = p - 1, .close = p, .volume = 5 };
        candles_push(&cs, &c);
    }
    return cs;
}

static Candles without(Rig *r, const Candles *rows, size_t from, size_t n) {
    Candles cs;
    candles_init(&cs, &r->t.arena, rows->n);
    candles_append(&cs, rows, 0, from);
    candles_append(&cs, rows, from + n, rows->n - from - n);
    return cs;
}

static MarketGaps gaps_of(Rig *r, const SeriesKey *key, const char *from, const char *to) {
    MarketGaps g;
    MarketGapQuery q = { .key = key, .from = test_time(from), .to = test_time(to), .most = 10000, .whole = true };
    CHECK_OK_PLAIN(&r->t.cx, market_gaps(r->m, &r->t.cx, &q, &g));
    return g;
}

static MarketPage page_of(Rig *r, const SeriesKey *key, const CandleQuery *q) {
    MarketPage p;
    CHECK_OK_PLAIN(&r->t.cx, market_get(r->m, &r->t.cx, key, q, &p));
    return p;
}

static const CandleQuery ALL = { .from = { INT64_MIN }, .to = { INT64_MAX } };

/* MDS-11: 5 % of the candles are taken out at random; the report lists exactly those. MDS-15: the known share. */
TEST(the_report_lists_exactly_what_was_taken_out_MDS_11) {
    Rig r;
    rig_init(&r);
    enum { N = 4000, OUT = N / 20 };
    Candles all = rows_from(&r, H1, "2023-01-01", N), some;
    bool gone[N] = { false };
    Rng rng;
    rng_seed(&rng, prop_seed(11));
    gone[0] = gone[N - 1] = true; /* the ends count too */
    for (int n = 2; n < OUT;) {
        size_t i = (size_t)rng_below(&rng, N);
        n += !gone[i];
        gone[i] = true;
    }
    candles_init(&some, &r.t.arena, N);
    for (size_t i = 0; i < N; i++)
        if (!gone[i])
            candles_append(&some, &all, i, 1);
    save(&r, &r.key, &some);
    MarketGapQuery q = { .key = &r.key,
                         .from = time_ms(all.open_ms[0]),
                         .to = timeframe_next(H1, time_ms(all.open_ms[N - 1])),
                         .most = 10000,
                         .whole = true };
    MarketGaps g;
    CHECK_OK(&r.t.cx, market_gaps(r.m, &r.t.cx, &q, &g));
    CHECK_EQ(g.missing, OUT);
    CHECK_EQ(g.expected, N);
    CHECK_NEAR(g.completeness_percent, 95, 1e-12);
    for (size_t i = 0; i < g.gaps.n; i++)
        for (Time t = g.gaps.v[i].from; time_before(t, g.gaps.v[i].to); t = timeframe_next(H1, t)) {
            size_t at = (size_t)((t.ms - all.open_ms[0]) / MS_PER_HOUR);
            CHECK(at < N && gone[at]);
            gone[at] = false;
        }
    for (size_t i = 0; i < N; i++)
        CHECK(!gone[i]);
    q.most = 3; /* a short list changes no count */
    CHECK_OK(&r.t.cx, market_gaps(r.m, &r.t.cx, &q, &g));
    CHECK_EQ(g.missing, OUT);
    CHECK_EQ(g.gaps.n, 3);
    rig_done(&r);
}

TEST(closed_markets_are_no_gaps) {
    Rig r;
    rig_init(&r);
    SeriesKey key = key_of("hose", "VNM", D1);
    Listing l = { .venue = key.venue, .symbol = key.symbol, .instrument = key.symbol, .calendar = "hose" };
    CHECK_OK(&r.t.cx, candle_store_put_listings(r.store, &r.t.cx, &l, 1));
    /* Monday 5 to Monday 19 February 2024 without Friday the 16th; Tet is from the 8th to the 14th. */
    static const char *const days[] = { "2024-02-05", "2024-02-06", "2024-02-07", "2024-02-15", "2024-02-19" };
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        Candles one = rows_from(&r, D1, days[i], 1);
        save(&r, &key, &one);
    }
    MarketGaps g = gaps_of(&r, &key, "2024-02-05", "2024-02-20");
    CHECK_EQ(g.expected, 6);
    CHECK_EQ(g.missing, 1);
    CHECK_EQ(g.closed, 9);
    CHECK_EQ(g.n_gaps, 1);
    CHECK_EQ(g.gaps.v[0].from.ms, test_time("2024-02-16").ms);
    CHECK(g.gaps.v[0].cls != GAP_MARKET_CLOSED);
    CHECK_NEAR(g.completeness_percent, 100.0 * 5 / 6, 1e-9);
    MarketGapQuery q = {
        .key = &key, .from = test_time("2024-02-05"), .to = test_time("2024-02-20"), .most = 100, .closed = true
    };
    CHECK_OK(&r.t.cx, market_gaps(r.m, &r.t.cx, &q, &g));
    CHECK_EQ(g.by_class[GAP_MARKET_CLOSED], 2); /* Tet, a weekend */
    CHECK_EQ(g.missing, 1);
    rig_done(&r);
}

/* MDS-14 */
TEST(filling_never_touches_a_real_candle_and_yields_to_one) {
    Rig r;
    rig_init(&r);
    Candles all = rows_from(&r, H1, "2023-01-01", 48), holed = without(&r, &all, 10, 3);
    holed = without(&r, &holed, 30, 5);
    save(&r, &r.key, &holed);
    MarketFill fill = { .key = &r.key, .from = TIME_MIN, .to = TIME_MAX, .method = FILL_LINEAR, .dry_run = true };
    MarketFilled done;
    CHECK_OK(&r.t.cx, market_fill(r.m, &r.t.cx, &fill, &done));
    CHECK_EQ(done.gaps, 2);
    CHECK_EQ(done.filled, 8);
    CHECK_EQ(page_of(&r, &r.key, &ALL).rows.n, 40); /* nothing yet */
    fill.dry_run = false;
    fill.max_gap = 3;
    CHECK_OK(&r.t.cx, market_fill(r.m, &r.t.cx, &fill, &done));
    CHECK_EQ(done.filled, 3);
    CHECK_EQ(done.too_long, 1);
    fill.max_gap = 0;
    fill.method = FILL_FORWARD;
    CHECK_OK(&r.t.cx, market_fill(r.m, &r.t.cx, &fill, &done));
    CHECK_EQ(done.filled, 5);
    MarketPage page = page_of(&r, &r.key, &ALL);
    CHECK_EQ(page.rows.n, 48);
    CHECK_EQ(page.series.n_synthetic, 8);
    for (size_t i = 0, k = 0; i < 48; i++) {
        Candle c = candles_get(&page.rows, i);
        if (c.flags & CANDLE_SYNTHETIC)
            continue;
        Candle real = candles_get(&holed, k++);
        CHECK(candle_same_data(&c, &real));
    }
    CHECK(page.rows.close[10] == 109 + (113.0 - 109) / 3 && page.rows.close[33] == 132);
    CHECK_EQ(page.rows.flags[10], CANDLE_SYNTHETIC);

    Candles late = candles_view(&all, 11, 1); /* the real one comes after all */
    save(&r, &r.key, &late);
    page = page_of(&r, &r.key, &ALL);
    CHECK_EQ(page.rows.flags[11], 0);
    CHECK(page.rows.close[11] == 111 && page.rows.volume[11] == 5);
    int64_t removed;
    CHECK_OK(&r.t.cx, market_unfill(r.m, &r.t.cx, &r.key, TIME_MIN, TIME_MAX, &removed));
    CHECK_EQ(removed, 7);
    page = page_of(&r, &r.key, &ALL);
    CHECK_EQ(page.rows.n, 41);
    CHECK_EQ(page.series.n_synthetic, 0);
    rig_done(&r);
}

TEST(what_was_never_asked_for_is_not_made_up_and_unfilling_forgets_no_answer) {
    Rig r;
    rig_init(&r);
    MarketEnsured e;
    r.fake.gap_from = test_time("2023-01-01T05:00:00");
    r.fake.gap_to = test_time("2023-01-01T08:00:00");
    for (int day = 1; day <= 3; day += 2) { /* the second day is never asked for */
        MarketEnsure req = { .key = &r.key, .from = time_ms(test_time("2022-12-31").ms + day * (int64_t)MS_PER_DAY) };
        req.to = time_add_ms(req.from, MS_PER_DAY);
        CHECK_OK(&r.t.cx, market_ensure(r.m, &r.t.cx, &req, &e));
    }
    MarketFill fill = { .key = &r.key, .from = TIME_MIN, .to = TIME_MAX, .method = FILL_FORWARD };
    MarketFilled done;
    CHECK_OK(&r.t.cx, market_fill(r.m, &r.t.cx, &fill, &done));
    CHECK_EQ(done.filled, 3);
    CHECK_EQ(done.not_fetched, 1);
    int64_t removed, asked = r.fake.requests;
    CHECK_OK(&r.t.cx, market_unfill(r.m, &r.t.cx, &r.key, TIME_MIN, TIME_MAX, &removed));
    CHECK_EQ(removed, 3);
    MarketEnsure req = { .key = &r.key, .from = test_time("2023-01-01"), .to = test_time("2023-01-02") };
    CHECK_OK(&r.t.cx, market_ensure(r.m, &r.t.cx, &req, &e));
    CHECK(e.hit && r.fake.requests == asked); /* the venue has said that there is nothing */
    rig_done(&r);
}

TEST(another_venue_fills_where_it_agrees) {
    Rig r;
    rig_init(&r);
    SeriesKey other = key_of("kraken", "BTCUSDT", H1);
    Candles all = rows_from(&r, H1, "2023-01-01", 48), holed = without(&r, &all, 10, 3);
    holed = without(&r, &holed, 30, 2);
    save(&r, &r.key, &holed);
    for (size_t i = 32; i < all.n; i++)
        all.close[i] = all.high[i] = all.high[i] + 10; /* there the two part */
    save(&r, &other, &all);
    MarketFill fill = {
        .key = &r.key, .from = TIME_MIN, .to = TIME_MAX, .method = FILL_VENUE, .donor = &other, .max_bps = 20
    };
    MarketFilled done;
    CHECK_OK(&r.t.cx, market_fill(r.m, &r.t.cx, &fill, &done));
    CHECK_EQ(done.filled, 3);
    CHECK_EQ(done.disagree, 1);
    CHECK(done.worst_bps > 500);
    fill.donor = &r.key;
    CHECK_EQ(market_fill(r.m, &r.t.cx, &fill, &done), ERR_INVALID);
    SeriesKey nobody = key_of("coinbase", "BTCUSDT", H1);
    fill.donor = &nobody;
    CHECK_EQ(market_fill(r.m, &r.t.cx, &fill, &done), ERR_NOT_FOUND);
    rig_done(&r);
}

TEST(a_timeframe_that_is_not_stored_is_made_of_a_finer_one_and_says_so) {
    Rig r;
    rig_init(&r);
    Candles rows = rows_from(&r, H1, "2023-01-01", 24 * 10 - 5);
    save(&r, &r.key, &rows);
    SeriesKey minutes = r.key;
    minutes.timeframe = M1;
    Candles few = rows_from(&r, M1, "2023-01-01", 60);
    save(&r, &minutes, &few); /* finer still: not chosen */
    SeriesKey day = r.key;
    day.timeframe = D1;
    MarketPage page = page_of(&r, &day, &ALL);
    CHECK_EQ(page.rows.n, 10);
    CHECK(timeframe_eq(page.derived_from, H1));
    CHECK(page.rows.open[1] == 124 && page.rows.close[1] == 147 && page.rows.volume[1] == 24 * 5);
    CHECK_EQ(page.rows.flags[8], 0);
    CHECK_EQ(page.rows.flags[9], CANDLE_PARTIAL);
    CandleQuery q = { .from = test_time("2023-01-02T05:00:00"), .to = TIME_MAX, .limit = 3 };
    page = page_of(&r, &day, &q);
    CHECK_EQ(page.rows.n, 3);
    CHECK_EQ(page.rows.open_ms[0], test_time("2023-01-03").ms);
    CHECK(page.more && page.next.ms == test_time("2023-01-06").ms);
    q = (CandleQuery){ .from = TIME_MIN, .to = TIME_MAX, .limit = 2, .newest = true };
    page = page_of(&r, &day, &q);
    CHECK_EQ(page.rows.n, 2);
    CHECK_EQ(page.rows.open_ms[1], test_time("2023-01-10").ms);
    CHECK(page.more);
    day.timeframe = (Timeframe){ UNIT_MINUTE, 7 };
    MarketPage none;
    CHECK_OK(&r.t.cx, market_get(r.m, &r.t.cx, &day, &ALL, &none)); /* of minutes */
    CHECK(timeframe_eq(none.derived_from, M1));
    day.timeframe = (Timeframe){ UNIT_SECOND, 1 };
    CHECK_EQ(market_get(r.m, &r.t.cx, &day, &ALL, &none), MARKET_NO_SERIES);
    rig_done(&r);
}

TEST(resampled_candles_can_be_kept_apart) {
    Rig r;
    rig_init(&r);
    Candles rows = rows_from(&r, H1, "2023-01-02", 24 * 14);
    save(&r, &r.key, &rows);
    MarketResample req = { .key = &r.key, .to = { UNIT_WEEK, 1 }, .from = TIME_MIN, .until = TIME_MAX, .save = true };
    MarketPage page;
    MarketSaved saved;
    CHECK_OK(&r.t.cx, market_resample(r.m, &r.t.cx, &req, &page, &saved));
    CHECK_EQ(saved.inserted, 2);
    SeriesKey weekly = r.key;
    weekly.timeframe = req.to;
    page = page_of(&r, &weekly, &ALL);
    CHECK_EQ(page.rows.n, 2);
    CHECK_STR(venue_str(&page.series.key.provider), S("resample"));
    req.to = (Timeframe){ UNIT_MINUTE, 1 };
    CHECK_EQ(market_resample(r.m, &r.t.cx, &req, &page, &saved), ERR_INVALID);
    req.to = D1;
    req.session = S("moon");
    CHECK_EQ(market_resample(r.m, &r.t.cx, &req, &page, &saved), ERR_INVALID);
    rig_done(&r);
}

TEST(adjusted_prices_are_a_view_and_the_raw_ones_stay) {
    Rig r;
    rig_init(&r);
    SeriesKey key = key_of("nasdaq", "AAPL", D1);
    Candles rows = rows_from(&r, D1, "2024-01-01", 10);
    save(&r, &key, &rows);
    CorporateAction split = { .ex = test_time("2024-01-05"), .value = { 4, 0 } };
    memcpy(split.instrument.s, "AAPL", 5);
    CHECK_OK(&r.t.cx, candle_store_put_actions(r.store, &r.t.cx, &split, 1, false));
    SeriesKey view = key;
    view.adjustment = ADJUST_SPLITS;
    MarketPage page = page_of(&r, &view, &ALL);
    CHECK_EQ(page.n_actions, 1);
    CHECK(page.rows.close[3] == 103.0 / 4 && page.rows.close[4] == 104 && page.rows.volume[0] == 20);
    page = page_of(&r, &key, &ALL);
    CHECK(page.rows.close[3] == 103 && page.n_actions == 0);
    view.timeframe = (Timeframe){ UNIT_WEEK, 1 }; /* made of days, then adjusted */
    page = page_of(&r, &view, &ALL);
    CHECK(timeframe_eq(page.derived_from, D1) && page.n_actions == 1);
    rig_done(&r);
}

TEST(retention_spares_what_nobody_could_bring_again) {
    Rig r;
    rig_init(&r); /* now is 2024-01-01 */
    SeriesKey imported = r.key;
    venue_parse(S("csv"), &imported.provider);
    Candles rows = rows_from(&r, H1, "2023-12-01", 24 * 20);
    save(&r, &r.key, &rows);
    save(&r, &imported, &rows);
    RetentionRule rules[4];
    size_t n, n_rows;
    RetentionRow *v;
    CHECK_OK(&r.t.cx, retention_parse(&r.t.cx, S("1m=7d, 1h=3w"), rules, 4, &n));
    CHECK_EQ(n, 2);
    CHECK_OK(&r.t.cx, market_retain(r.m, &r.t.cx, rules, n, true, false, &v, &n_rows));
    CHECK_EQ(n_rows, 2);
    CHECK(v[0].old == 24 * 10 && v[0].removed == 0 && v[0].kept.n == 0);
    CHECK(v[1].old == 24 * 10 && v[1].kept.n > 0);
    CHECK_OK(&r.t.cx, market_retain(r.m, &r.t.cx, rules, n, false, false, &v, &n_rows));
    CHECK(v[0].removed == 24 * 10 && v[1].removed == 0);
    CHECK_EQ(page_of(&r, &imported, &ALL).rows.n, 24 * 20);
    CHECK_OK(&r.t.cx, market_retain(r.m, &r.t.cx, rules, n, false, true, &v, &n_rows));
    CHECK(v[0].removed == 0 && v[1].removed == 24 * 10);
    CHECK_EQ(page_of(&r, &imported, &ALL).rows.open_ms[0], test_time("2023-12-11").ms);
    static const struct {
        const char *name, *text;
    } bad[] = { { "no rule", "1h" }, { "no timeframe", "9x=3d" }, { "hours", "1h=5h" }, { "nothing", "1h=" } };
    EACH_ROW (b, bad)
        CHECK_EQ(retention_parse(&r.t.cx, str_c(b->text), rules, 4, &n), ERR_INVALID);
    CHECK_EQ(retention_parse(&r.t.cx, S("1m=1y,3m=1y,5m=1y"), rules, 2, &n), ERR_INVALID);
    rig_done(&r);
}

/* MDS-13: planted defects, every one found, counted right. */
TEST(planted_defects_are_all_found_and_counted_MDS_13) {
    Rig r;
    rig_init(&r);
    enum { N = 5000 };
    Candles rows;
    Rng rng;
    rng_seed(&rng, prop_seed(13));
    candles_init(&rows, &r.t.arena, N);
    double price = 1000;
    for (size_t i = 0; i < N; i++) {
        double close = price * (1 + 0.002 * rng_normal(&rng));
        Candle c = { .open_time = time_ms((int64_t)i * MS_PER_HOUR), .open = price, .close = close };
        c.high = MAX(price, close) * 1.001;
        c.low = MIN(price, close) * 0.999;
        c.volume = 1 + rng_f64(&rng);
        candles_push(&rows, &c);
        price = close;
    }
    for (size_t i = 500; i < N; i += 900) { /* 5 bad ticks: one close far off */
        rows.close[i] *= 1.5;
        rows.high[i] = rows.close[i];
    }
    for (size_t i = 700; i < 712; i++) /* a run without volume */
        rows.volume[i] = 0;
    for (size_t i = 2000; i < 2015; i++) /* a stale run */
        rows.open[i] = rows.high[i] = rows.low[i] = rows.close[i] = rows.close[1999];
    save(&r, &r.key, &rows);
    SeriesInfo series;
    const QualityReport *q;
    CHECK_OK(&r.t.cx, market_quality(r.m, &r.t.cx, &r.key, TIME_MIN, TIME_MAX, &series, &q));
    CHECK_EQ(q->n_findings[QUALITY_OUTLIER], 5);
    CHECK_EQ(q->n_findings[QUALITY_ZERO_VOLUME], 1);
    CHECK_EQ(q->n_in[QUALITY_ZERO_VOLUME], 12);
    CHECK_EQ(q->n_findings[QUALITY_STALE], 1);
    CHECK_EQ(q->n_in[QUALITY_STALE], 15);
    CHECK_EQ(q->n_findings[QUALITY_JUMP] + q->n_findings[QUALITY_DUPLICATE] + q->n_findings[QUALITY_OHLC], 0);
    rig_done(&r);
}

TESTS(T(the_report_lists_exactly_what_was_taken_out_MDS_11), T(closed_markets_are_no_gaps),
      T(filling_never_touches_a_real_candle_and_yields_to_one),
      T(what_was_never_asked_for_is_not_made_up_and_unfilling_forgets_no_answer),
      T(another_venue_fills_where_it_agrees), T(a_timeframe_that_is_not_stored_is_made_of_a_finer_one_and_says_so),
      T(resampled_candles_can_be_kept_apart), T(adjusted_prices_are_a_view_and_the_raw_ones_stay),
      T(retention_spares_what_nobody_could_bring_again), T(planted_defects_are_all_found_and_counted_MDS_13))
