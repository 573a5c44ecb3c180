/* core/fill, core/disagree, core/action: what is made up, what is compared, what is adjusted (MDS-14, MDS-13). */

#include "core/action.h"
#include "core/disagree.h"
#include "core/fill.h"
#include "lib/test.h"
#include "lib/zone.h"

static const Timeframe M1 = { UNIT_MINUTE, 1 }, MONTH = { UNIT_MONTH, 1 };

static Candle flat(int64_t minute, double price) {
    return (Candle){ .open_time = time_ms(minute * MS_PER_MINUTE),
                     .open = price,
                     .high = price,
                     .low = price,
                     .close = price,
                     .volume = 1 };
}

static Candles table(TestCtx *t, int64_t minute, const double *prices, size_t n) {
    Candles cs;
    candles_init(&cs, &t->arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        Candle c = flat(minute + (int64_t)i, prices[i]);
        candles_push(&cs, &c);
    }
    return cs;
}
#define TABLE(t, minute, ...)                                                                                          \
    table((t), (minute), (const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))

static FillGap gap_of(int64_t from, int64_t to, double before, double after) {
    return (FillGap){ .timeframe = M1,
                      .from = time_ms(from * MS_PER_MINUTE),
                      .to = time_ms(to * MS_PER_MINUTE),
                      .before = flat(from - 1, before),
                      .after = flat(to, after),
                      .known_at = time_ms(99) };
}

TEST(forward_stands_still_and_linear_walks_straight) {
    TestCtx t;
    test_ctx_init(&t);
    Candles out = { 0 };
    candles_init(&out, &t.arena, 1);
    FillGap gap = gap_of(10, 14, 100, 108);
    fill_forward(&gap, &t.arena, &out);
    CHECK_EQ(out.n, 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQ(out.open_ms[i], (int64_t)(10 + i) * MS_PER_MINUTE);
        CHECK(out.open[i] == 100 && out.high[i] == 100 && out.low[i] == 100 && out.close[i] == 100);
        CHECK(out.volume[i] == 0 && out.flags[i] == CANDLE_SYNTHETIC && out.known_ms[i] == 99);
    }
    fill_linear(&gap, &t.arena, &out);
    CHECK_EQ(out.n, 8);
    for (size_t i = 0; i < 4; i++) {
        CHECK(out.open[4 + i] == 100 + 2 * (double)i && out.close[4 + i] == 102 + 2 * (double)i);
        CHECK(out.low[4 + i] == out.open[4 + i] && out.high[4 + i] == out.close[4 + i] && out.volume[4 + i] == 0);
        CHECK_EQ(out.flags[4 + i], CANDLE_SYNTHETIC);
    }
    gap.after.flags = CANDLE_SIMULATED; /* the label goes over */
    fill_linear(&gap, &t.arena, &out);
    CHECK_EQ(out.flags[8], CANDLE_SYNTHETIC | CANDLE_SIMULATED);
    test_ctx_done(&t);
}

TEST(a_line_over_months_takes_equal_steps) {
    TestCtx t;
    test_ctx_init(&t);
    Candles out;
    candles_init(&out, &t.arena, 1);
    FillGap gap = { .timeframe = MONTH, .from = test_time("2024-02-01"), .to = test_time("2024-04-01") };
    gap.before = flat(0, 10);
    gap.after = flat(0, 30);
    fill_linear(&gap, &t.arena, &out);
    CHECK_EQ(out.n, 2);
    CHECK(out.close[0] == 20 && out.close[1] == 30);
    CHECK_EQ(out.open_ms[1], test_time("2024-03-01").ms);
    test_ctx_done(&t);
}

TEST(another_venue_fills_only_where_the_two_agree) {
    TestCtx t;
    test_ctx_init(&t);
    Candles out;
    double bps;
    candles_init(&out, &t.arena, 1);
    FillGap gap = gap_of(10, 13, 100, 100);
    Candles donor = TABLE(&t, 9, 100.1, 101, 102, 103, 99.95);
    donor.flags[2] = CANDLE_SYNTHETIC; /* made up over there */
    CHECK_EQ(fill_from_venue(&gap, &donor, 20, &t.arena, &out, &bps), 0);
    CHECK_NEAR(bps, 10, 0.01);
    CHECK_EQ(out.n, 2);
    CHECK(out.close[0] == 101 && out.close[1] == 103);
    CHECK(out.volume[0] == 0 && out.flags[0] == CANDLE_SYNTHETIC && out.known_ms[0] == 99);
    CHECK_EQ(fill_from_venue(&gap, &donor, 5, &t.arena, &out, &bps), FILL_DISAGREES);
    Candles far = TABLE(&t, 11, 101);
    CHECK_EQ(fill_from_venue(&gap, &far, 1e9, &t.arena, &out, &bps), FILL_NO_DONOR); /* knows no neighbour */
    Candles hollow = TABLE(&t, 9, 100);
    CHECK_EQ(fill_from_venue(&gap, &hollow, 1e9, &t.arena, &out, &bps), FILL_NO_DONOR);
    CHECK_EQ(out.n, 2); /* nothing came with the refusals */
    test_ctx_done(&t);
}

TEST(disagreement_is_measured_in_basis_points_and_in_runs) {
    TestCtx t;
    test_ctx_init(&t);
    Candles a = TABLE(&t, 0, 100, 100, 102, 103, 100, 100, 100, 100, 100, 100, 100, 98);
    Candles b = TABLE(&t, 1, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 50);
    Disagreement d;
    disagree_init(&d, 50);
    disagree_add(&d, &a, &b);
    disagree_finish(&d);
    CHECK_EQ(d.n_compared, 11);
    CHECK_EQ(d.only_first, 1);
    CHECK_EQ(d.only_second, 1);
    CHECK_EQ(d.n_over, 3);
    CHECK_EQ(d.n_runs, 2);
    CHECK_EQ(d.places[0].n, 2); /* the longer one first */
    CHECK_EQ(d.places[0].from.ms, 2 * MS_PER_MINUTE);
    CHECK_EQ(d.places[0].to.ms, 3 * MS_PER_MINUTE);
    CHECK_NEAR(d.places[0].worst_bps, 3 / 101.5 * 1e4, 1e-9);
    CHECK_NEAR(d.places[1].worst_bps, -2 / 99.0 * 1e4, 1e-9);
    CHECK_NEAR(d.worst_bps, d.places[0].worst_bps, 0);
    test_ctx_done(&t);
}

TEST(many_runs_keep_the_longest) {
    TestCtx t;
    test_ctx_init(&t);
    Disagreement d;
    disagree_init(&d, 10);
    Time at = { 0 };
    for (int run = 0; run < 50; run++) { /* lengths 1, 2, ... 50 with calm in between */
        Candles a, b;
        size_t n = (size_t)run + 1 + DISAGREE_JOIN + 1;
        candles_init(&a, &t.arena, n);
        candles_init(&b, &t.arena, n);
        for (size_t i = 0; i < n; i++, at.ms += MS_PER_MINUTE) {
            Candle x = flat(0, i <= (size_t)run ? 101 : 100), y = flat(0, 100);
            x.open_time = y.open_time = at;
            candles_push(&a, &x);
            candles_push(&b, &y);
        }
        disagree_add(&d, &a, &b);
    }
    disagree_finish(&d);
    CHECK_EQ(d.n_runs, 50);
    CHECK_EQ(d.n_over, 50 * 51 / 2);
    for (int i = 0; i < DISAGREE_PLACES; i++)
        CHECK_EQ(d.places[i].n, 50 - i);
    test_ctx_done(&t);
}

static CorporateAction action(const char *ex, ActionKind kind, int64_t mantissa, int scale) {
    CorporateAction a = { .ex = test_time(ex), .kind = kind, .value = { mantissa, scale } };
    memcpy(a.instrument.s, "AAPL", 5);
    return a;
}

TEST(splits_and_dividends_compound_towards_the_past) {
    TestCtx t;
    test_ctx_init(&t);
    const CorporateAction v[] = {
        action("2024-01-03", ACTION_DIVIDEND, 2, 0), /* of a close of 40: 5 % */
        action("2024-01-05", ACTION_SPLIT, 4, 0), action("2024-01-07", ACTION_DIVIDEND, 5, 1), /* 0.5 of 10: 5 % */
    };
    const double before[] = { 40, 40, 10 };
    AdjustStep steps[3];
    size_t left_out;
    CHECK_EQ(adjust_steps(v, 3, ADJUST_SPLITS, before, steps, &left_out), 1);
    CHECK_EQ(adjust_steps(v, 3, ADJUST_ALL, before, steps, &left_out), 3);
    CHECK_EQ(left_out, 0);
    Candles cs;
    candles_init(&cs, &t.arena, 8);
    for (int day = 1; day <= 8; day++) {
        Candle c = flat(0, day < 5 ? 40 : 10);
        c.open_time = time_ms(test_time("2024-01-01").ms + (day - 1) * (int64_t)MS_PER_DAY);
        c.volume = 100;
        candles_push(&cs, &c);
    }
    adjust_candles(&cs, steps, 3);
    CHECK_NEAR(cs.close[0], 40 * 0.95 / 4 * 0.95, 1e-12);
    CHECK_NEAR(cs.high[2], 40.0 / 4 * 0.95, 1e-12); /* from the ex-date on, that dividend no more */
    CHECK_NEAR(cs.low[4], 10 * 0.95, 1e-12);
    CHECK_NEAR(cs.open[6], 10, 0);
    CHECK_NEAR(cs.volume[0], 400, 1e-9);
    CHECK_NEAR(cs.volume[4], 100, 0);
    const double unknown[] = { 0, 40, 10 }, worthless[] = { 2, 40, 10 };
    CHECK_EQ(adjust_steps(v, 3, ADJUST_ALL, unknown, steps, &left_out), 2);
    CHECK_EQ(left_out, 1);
    CHECK_EQ(adjust_steps(v, 3, ADJUST_ALL, worthless, steps, &left_out), 2);
    CHECK(action_valid(&v[0]));
    CorporateAction bad = v[0];
    bad.value.mantissa = 0;
    CHECK(!action_valid(&bad));
    test_ctx_done(&t);
}

TESTS(T(forward_stands_still_and_linear_walks_straight), T(a_line_over_months_takes_equal_steps),
      T(another_venue_fills_only_where_the_two_agree), T(disagreement_is_measured_in_basis_points_and_in_runs),
      T(many_runs_keep_the_longest), T(splits_and_dividends_compound_towards_the_past))
