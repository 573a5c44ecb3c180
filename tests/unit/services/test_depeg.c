/* services/market on real candles of two venues over the weekend of March 2023 on which USDC lost its peg: what is
 * compared and filled makes sense (MDS-13, MDS-14). Skipped without the shared data. */

#include "lib/test.h"
#include "lib/zone.h"

#include "adapters/store/memory.h"
#include "core/candle_csv.h"
#include "services/market/complete.h"

typedef struct Rig {
    TestCtx t;
    CandleStore *store;
    MarketService *m;
    SeriesKey usdc, usdt, kraken;
} Rig;

static SeriesKey load(Rig *r, const char *file, const char *venue, const char *symbol) {
    SeriesKey key = { .timeframe = { UNIT_MINUTE, 1 } };
    Candles cs;
    CandleCsv *csv;
    MarketSaved saved;
    venue_parse(str_c(venue), &key.venue);
    symbol_parse(str_c(symbol), &key.symbol);
    candles_init_heap(&cs, 0);
    CHECK_OK_PLAIN(&r->t.cx, candle_csv_open(&r->t.cx, &(CandleCsvOptions){ 0 }, &csv));
    CHECK_OK_PLAIN(&r->t.cx, candle_csv_feed(csv, &r->t.cx, test_read_file(&r->t.arena, test_shared_file(file)), &cs));
    CHECK_OK_PLAIN(&r->t.cx, candle_csv_finish(csv, &r->t.cx, &cs));
    candle_csv_close(csv);
    MarketSave save = { .key = &key, .rows = &cs, .source = S("file") };
    CHECK_OK_PLAIN(&r->t.cx, market_save(r->m, &r->t.cx, &save, &saved));
    candles_done_heap(&cs);
    return key;
}

static bool rig_init(Rig *r) {
    if (!test_shared_file("data/xexch/kraken_btcusdc_m1_202303.csv"))
        return false;
    memset(r, 0, sizeof *r);
    test_ctx_init(&r->t);
    r->store = store_memory_new();
    r->m = market_service_new(&(MarketOptions){ .store = r->store });
    r->usdc = load(r, "data/xexch/binanceus_btcusdc_m1_202303.csv", "binanceus", "BTCUSDC");
    r->usdt = load(r, "data/xexch/binanceus_btcusdt_m1_202303.csv", "binanceus", "BTCUSDT");
    r->kraken = load(r, "data/xexch/kraken_btcusdc_m1_202303.csv", "kraken", "BTCUSDC");
    return true;
}

static void rig_done(Rig *r) {
    market_service_free(r->m);
    candle_store_close(r->store);
    test_ctx_done(&r->t);
}

static Disagreement compare(Rig *r, const SeriesKey *a, const SeriesKey *b, const char *from, const char *to,
                            double bps) {
    MarketCompared c;
    CHECK_OK_PLAIN(&r->t.cx, market_compare(r->m, &r->t.cx, a, b, from ? test_time(from) : TIME_MIN,
                                            to ? test_time(to) : TIME_MAX, bps, &c));
    return c.d;
}

TEST(the_lost_peg_is_one_long_disagreement_and_the_calm_before_is_none) {
    Rig r;
    if (!rig_init(&r))
        SKIP("no shared test data");
    /* A bitcoin cost more of a coin that had lost value: BTC/USDC is the dearer by up to a tenth and more. */
    Disagreement d = compare(&r, &r.usdc, &r.usdt, NULL, NULL, 100);
    CHECK_EQ(d.n_compared, 30240);
    CHECK_EQ(d.only_first + d.only_second, 0);
    CHECK(d.worst_bps > 800);
    CHECK(time_before(test_time("2023-03-11T02:00:00"), d.worst_at));
    CHECK(time_before(d.worst_at, test_time("2023-03-11T14:00:00")));
    const DisagreeRun *longest = &d.places[0];
    CHECK(longest->n > 24 * 60);
    CHECK(time_before(test_time("2023-03-10T18:00:00"), longest->from));
    CHECK(time_before(longest->from, test_time("2023-03-11T06:00:00")));
    CHECK(time_before(longest->to, test_time("2023-03-13T18:00:00")));
    /* Before the news: less than one minute in two hundred is over 100 bp. */
    Disagreement calm = compare(&r, &r.usdc, &r.usdt, "2023-03-01", "2023-03-10", 100);
    CHECK(calm.n_over * 200 < calm.n_compared);
    /* The same pair at another venue stays near, over the whole three weeks. */
    Disagreement venues = compare(&r, &r.usdc, &r.kraken, NULL, NULL, 100);
    CHECK_EQ(venues.n_compared, 15719);
    CHECK_EQ(venues.only_first, 30240 - 15719);
    CHECK(venues.sum_abs_bps / (double)venues.n_compared < d.sum_abs_bps / (double)d.n_compared / 2);
    rig_done(&r);
}

TEST(the_same_pair_fills_over_the_weekend_and_another_coin_does_not) {
    Rig r;
    if (!rig_init(&r))
        SKIP("no shared test data");
    MarketFill fill = { .key = &r.kraken,
                        .from = test_time("2023-03-11T04:00:00"),
                        .to = test_time("2023-03-12"),
                        .method = FILL_VENUE,
                        .donor = &r.usdt,
                        .max_bps = 100,
                        .dry_run = true };
    MarketFilled other, same;
    CHECK_OK(&r.t.cx, market_fill(r.m, &r.t.cx, &fill, &other));
    CHECK(other.gaps > 20 && other.filled * 20 < other.missing);
    CHECK(other.disagree * 10 > other.gaps * 9 && other.worst_bps > 500);
    fill.donor = &r.usdc;
    fill.dry_run = false;
    CHECK_OK(&r.t.cx, market_fill(r.m, &r.t.cx, &fill, &same));
    CHECK_EQ(same.gaps, other.gaps);
    CHECK(same.filled * 2 > same.missing);
    CHECK(same.filled > 20 * other.filled);
    print_message("# 2023-03-11: %lld gaps, %lld missing; filled %lld from the same pair, %lld from the other coin\n",
                  (long long)same.gaps, (long long)same.missing, (long long)same.filled, (long long)other.filled);
    rig_done(&r);
}

TESTS(T(the_lost_peg_is_one_long_disagreement_and_the_calm_before_is_none),
      T(the_same_pair_fills_over_the_weekend_and_another_coin_does_not))
