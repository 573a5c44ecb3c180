/* core: laws of grids, decimals, validation and statistics over seeded random input. */

#include "base/num.h"
#include "base/rng.h"
#include "core/instrument.h"
#include "core/stats.h"
#include "core/validate.h"
#include "lib/test.h"

enum { ROUNDS = 20000, MUTATIONS = 10000 };

static Timeframe any_timeframe(Rng *rng) {
    static const uint8_t most[] = { 0, 59, 59, 23, 6, 52, 12 };
    uint8_t unit = (uint8_t)rng_between(rng, UNIT_SECOND, UNIT_MONTH);
    return (Timeframe){ unit, (uint8_t)rng_between(rng, 1, most[unit]) };
}

/* Mostly times people have, some far ones. */
static Time any_time(Rng *rng) {
    int64_t span = rng_chance(rng, 0.9) ? INT64_C(4000000000000) : INT64_C(200000000000000);
    return time_ms(rng_between(rng, -span, span));
}

/* --- timeframe --- */

TEST(floor_is_idempotent_and_brackets_its_time) {
    Rng rng;
    rng_seed(&rng, prop_seed(1));
    for (int i = 0; i < ROUNDS; i++) {
        Timeframe tf = any_timeframe(&rng);
        Time t = any_time(&rng), open = timeframe_floor(tf, t), next = timeframe_next(tf, t);
        CHECK(open.ms <= t.ms && t.ms < next.ms);
        CHECK_EQ(timeframe_floor(tf, open).ms, open.ms);
        CHECK(timeframe_on_grid(tf, open));
        CHECK_EQ(timeframe_floor(tf, time_ms(next.ms - 1)).ms, open.ms);
        CHECK_EQ(timeframe_floor(tf, next).ms, next.ms);
        if (timeframe_is_fixed(tf))
            CHECK_EQ(next.ms - open.ms, timeframe_ms(tf));
        else
            CHECK(next.ms - open.ms >= tf.n * INT64_C(28) * MS_PER_DAY &&
                  next.ms - open.ms <= tf.n * INT64_C(31) * MS_PER_DAY);
    }
}

TEST(steps_have_inverses_and_add_up) {
    Rng rng;
    rng_seed(&rng, prop_seed(2));
    for (int i = 0; i < ROUNDS; i++) {
        Timeframe tf = any_timeframe(&rng);
        Time open = timeframe_floor(tf, any_time(&rng));
        int64_t a = rng_between(&rng, -1000, 1000), b = rng_between(&rng, -1000, 1000);
        Time there = timeframe_step(tf, open, a);
        CHECK_EQ(timeframe_step(tf, there, -a).ms, open.ms);
        CHECK_EQ(timeframe_step(tf, there, b).ms, timeframe_step(tf, open, a + b).ms);
        CHECK(a == 0 || (a > 0) == time_before(open, there));
    }
}

TEST(counts_are_additive_and_agree_with_steps) {
    Rng rng;
    rng_seed(&rng, prop_seed(3));
    for (int i = 0; i < ROUNDS; i++) {
        Timeframe tf = any_timeframe(&rng);
        int64_t span = timeframe_ms(tf) * 50;
        Time a = any_time(&rng), b = time_ms(a.ms + rng_between(&rng, 0, span)),
             c = time_ms(b.ms + rng_between(&rng, 0, span));
        CHECK_EQ(timeframe_count(tf, a, b) + timeframe_count(tf, b, c), timeframe_count(tf, a, c));
        CHECK_EQ(timeframe_count(tf, c, a), 0);
        int64_t n = 0; /* counted one by one */
        for (Time t = timeframe_on_grid(tf, a) ? a : timeframe_next(tf, a); time_before(t, b); n++)
            t = timeframe_next(tf, t);
        CHECK_EQ(timeframe_count(tf, a, b), n);
    }
}

/* --- decimal --- */

static Decimal any_decimal(Rng *rng) {
    int64_t bound = 1;
    for (int64_t digits = rng_between(rng, 0, 18); digits > 0; digits--)
        bound *= 10;
    return (Decimal){ rng_between(rng, -bound + 1, bound - 1), (int)rng_between(rng, 0, 18) };
}

TEST(decimals_survive_text_and_round_to_the_nearest_double) {
    Rng rng;
    rng_seed(&rng, prop_seed(4));
    for (int i = 0; i < ROUNDS; i++) {
        Decimal d = any_decimal(&rng), back;
        char text[NUM_TEXT_MAX];
        size_t n = decimal_format(d, text);
        CHECK(decimal_parse(str_n(text, n), &back));
        CHECK_EQ(back.mantissa, d.mantissa);
        CHECK_EQ(back.scale, d.scale);
        char z[NUM_TEXT_MAX + 1];
        memcpy(z, text, n);
        z[n] = '\0';
        CHECK(decimal_to_f64(d) == strtod(z, NULL));
    }
}

TEST(decimals_are_in_one_order) {
    Rng rng;
    rng_seed(&rng, prop_seed(5));
    for (int i = 0; i < ROUNDS; i++) {
        Decimal a = any_decimal(&rng), b = any_decimal(&rng), c = any_decimal(&rng);
        CHECK_EQ(decimal_cmp(a, b), -decimal_cmp(b, a));
        CHECK_EQ(decimal_cmp(a, a), 0);
        if (decimal_cmp(a, b) <= 0 && decimal_cmp(b, c) <= 0)
            CHECK(decimal_cmp(a, c) <= 0);
        double x = decimal_to_f64(a), y = decimal_to_f64(b);
        if (x != y) /* rounding keeps the order */
            CHECK_EQ(decimal_cmp(a, b), x < y ? -1 : 1);
    }
}

/* --- validation, MDS-12 --- */

static Candle clean_candle(Rng *rng, Timeframe tf) {
    Time open = timeframe_floor(tf, time_ms(rng_between(rng, INT64_C(-600000000000), INT64_C(2000000000000))));
    double base = exp(rng_f64(rng) * 20 - 8), spread = base * rng_f64(rng) * 0.5;
    Candle c = { .open_time = open, .low = base, .high = base + spread, .volume = rng_f64(rng) * 1e6 };
    if (rng_chance(rng, 0.1))
        c.volume = 0;
    c.open = CLAMP(base + spread * rng_f64(rng), c.low, c.high);
    c.close = rng_chance(rng, 0.2) ? c.high : CLAMP(base + spread * rng_f64(rng), c.low, c.high);
    return c;
}

/* Breaks the candle in one of the ways listed and says which issue must show. */
static unsigned mutate(Rng *rng, Candle *c) {
    static const double not_finite[] = { NAN, INFINITY, -INFINITY };
    double *numbers[] = { &c->open, &c->high, &c->low, &c->close, &c->volume };
    double step = fabs(c->high) * (rng_chance(rng, 0.5) ? 1e-9 : rng_f64(rng) + 1e-9);
    switch (rng_below(rng, 12)) {
    case 0:
        *numbers[rng_below(rng, 5)] = not_finite[rng_below(rng, 3)];
        return ISSUE_NOT_FINITE;
    case 1:
        c->high = c->low - step;
        return ISSUE_HIGH_BELOW_LOW;
    case 2:
        c->open = c->high + step;
        return ISSUE_OPEN_OUTSIDE;
    case 3:
        c->open = c->low - step;
        return ISSUE_OPEN_OUTSIDE;
    case 4:
        c->close = c->high + step;
        return ISSUE_CLOSE_OUTSIDE;
    case 5:
        c->close = c->low - step;
        return ISSUE_CLOSE_OUTSIDE;
    case 6:
        c->volume = -step;
        return ISSUE_NEGATIVE_VOLUME;
    case 7:
        c->open_time.ms += rng_between(rng, 1, MS_PER_MINUTE - 1);
        return ISSUE_OFF_GRID;
    case 8:
        c->open_time = rng_chance(rng, 0.5) ? time_ms(TIME_ISO_MAX.ms + rng_between(rng, 1, 1000000))
                                            : time_ms(TIME_ISO_MIN.ms - rng_between(rng, 1, 1000000));
        return ISSUE_TIME_RANGE;
    case 9:
        c->low = 0;
        return ISSUE_ZERO_PRICE;
    case 10:
        c->low = -step;
        return ISSUE_NEGATIVE_PRICE;
    default:
        c->flags = CANDLE_OPEN;
        return ISSUE_OPEN;
    }
}

TEST(each_mutated_candle_is_caught_and_no_clean_one_flagged) {
    static const Timeframe tfs[] = { { UNIT_MINUTE, 1 }, { UNIT_HOUR, 4 }, { UNIT_DAY, 1 }, { UNIT_MONTH, 1 } };
    Rng rng;
    rng_seed(&rng, prop_seed(6));
    int64_t seen[ISSUE_COUNT] = { 0 };
    for (int i = 0; i < MUTATIONS; i++) {
        Timeframe tf = tfs[rng_below(&rng, ARRAY_LEN(tfs))];
        Candle c = clean_candle(&rng, tf);
        CHECK_EQ(candle_issues(&c, tf), 0);
        unsigned want = mutate(&rng, &c), got = candle_issues(&c, tf);
        if (!(got & want))
            FAIL("round %d: issue %#x not found, only %#x", i, want, got);
        for (size_t k = 0; k < ISSUE_COUNT; k++)
            seen[k] += (want & CANDLE_ISSUES[k].bit) != 0;
    }
    for (size_t k = 0; k < ISSUE_COUNT; k++) {
        bool by_table = CANDLE_ISSUES[k].bit & (ISSUE_DESCENDING | ISSUE_DUPLICATE | ISSUE_UNKNOWN_FLAG);
        CHECK(by_table || seen[k] > MUTATIONS / 24);
    }
}

TEST(a_row_moved_in_a_clean_table_is_found_at_its_place) {
    const Timeframe tf = { UNIT_MINUTE, 1 };
    Rng rng;
    rng_seed(&rng, prop_seed(7));
    TestCtx t;
    test_ctx_init(&t);
    for (int round = 0; round < 300; round++) {
        Candles cs;
        size_t n = (size_t)rng_between(&rng, 2, 60);
        candles_init(&cs, &t.arena, n);
        for (size_t i = 0; i < n; i++) {
            Candle c = clean_candle(&rng, tf);
            c.open_time = time_ms((int64_t)i * MS_PER_MINUTE);
            candles_push(&cs, &c);
        }
        ValidationReport report = { 0 };
        candles_validate(&cs, tf, &report);
        CHECK_EQ(report.n_places, 0);

        size_t at = (size_t)rng_between(&rng, 1, (int64_t)n - 1);
        bool duplicate = rng_chance(&rng, 0.5);
        cs.open_ms[at] = cs.open_ms[at - 1] - (duplicate ? 0 : MS_PER_MINUTE);
        report = (ValidationReport){ 0 };
        candles_validate(&cs, tf, &report);
        CHECK_EQ(report.n_error_rows, 1);
        CHECK_EQ(report.places[0].row, at);
        CHECK_EQ(report.places[0].issues, duplicate ? ISSUE_DUPLICATE : ISSUE_DESCENDING);
        arena_reset(&t.arena);
    }
    test_ctx_done(&t);
}

/* --- statistics, MDS-10 --- */

static bool near_relative(double got, double want, double scale) {
    return (isnan(got) && isnan(want)) || fabs(got - want) <= 1e-12 * fmax(fabs(want), scale);
}

/* The textbook, twice over the data, in long double. */
static void reference(const double *x, size_t n, double *mean, double *std_population, double *std_sample) {
    long double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    long double m = sum / (long double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - m) * (x[i] - m);
    *mean = (double)m;
    *std_population = (double)sqrtl(squares / (long double)n);
    *std_sample = n > 1 ? (double)sqrtl(squares / (long double)(n - 1)) : NAN;
}

static void check_moments(const Moments *m, const double *x, size_t n, const char *what) {
    double mean, population, sample;
    reference(x, n, &mean, &population, &sample);
    /* A mean near 0 of numbers that are not is compared on the scale of its numbers. */
    if (!near_relative(moments_mean(m), mean, population) || !near_relative(moments_std_population(m), population, 0) ||
        !near_relative(moments_std_sample(m), sample, 0))
        FAIL("%s of %zu: mean %.17g %.17g, std %.17g %.17g", what, n, moments_mean(m), mean, moments_std_population(m),
             population);
}

static void check_against_reference(const CandleStats *s, const Candles *cs, Arena *arena) {
    check_moments(&s->close, cs->close, cs->n, "close");
    check_moments(&s->volume, cs->volume, cs->n, "volume");
    double *returns = arena_new_n(arena, double, cs->n);
    long double volume = 0, weighted = 0;
    for (size_t i = 0; i < cs->n; i++) {
        if (i > 0)
            returns[i - 1] = cs->close[i] / cs->close[i - 1] - 1;
        volume += cs->volume[i];
        weighted += (long double)((cs->high[i] + cs->low[i] + cs->close[i]) / 3) * cs->volume[i];
    }
    if (cs->n > 1)
        check_moments(&s->returns, returns, cs->n - 1, "returns");
    if (!near_relative(candle_stats_volume(s), (double)volume, 0) ||
        !near_relative(candle_stats_vwap(s), volume > 0 ? (double)(weighted / volume) : NAN, 0))
        FAIL("volume or vwap");
}

TEST(statistics_equal_a_reference_whole_in_pieces_and_merged) {
    Rng rng;
    rng_seed(&rng, prop_seed(8));
    TestCtx t;
    test_ctx_init(&t);
    const Timeframe tf = { UNIT_MINUTE, 1 };
    for (int round = 0; round < 1000; round++) {
        size_t n = (size_t)rng_between(&rng, 1, 200);
        Candles cs;
        candles_init(&cs, &t.arena, n);
        Time at = time_ms(rng_between(&rng, -1000000, 1000000) * MS_PER_MINUTE);
        double level = exp(rng_f64(&rng) * 20 - 8), wobble = exp(-rng_f64(&rng) * 12);
        for (size_t i = 0; i < n; i++) {
            Candle c = clean_candle(&rng, tf);
            c.open_time = at;
            c.open = c.low = level;
            c.close = c.high = level * (1 + wobble * rng_f64(&rng));
            candles_push(&cs, &c);
            at = timeframe_step(tf, at, rng_chance(&rng, 0.9) ? 1 : rng_between(&rng, 2, 9));
        }
        CandleStats whole, merged, tail;
        candle_stats_init(&whole, tf);
        candle_stats_add(&whole, &cs);
        check_against_reference(&whole, &cs, &t.arena);

        size_t cut = (size_t)rng_between(&rng, 0, (int64_t)n);
        Candles a = candles_view(&cs, 0, cut), b = candles_view(&cs, cut, n - cut);
        candle_stats_init(&merged, tf);
        candle_stats_init(&tail, tf);
        candle_stats_add(&merged, &a);
        candle_stats_add(&tail, &b);
        candle_stats_merge(&merged, &tail);
        check_against_reference(&merged, &cs, &t.arena);
        CHECK_EQ(merged.n_cells, whole.n_cells);
        CHECK(merged.close.min == whole.close.min && merged.close.max == whole.close.max);
        CHECK(merged.highest == whole.highest && merged.lowest == whole.lowest);
        CHECK_EQ(merged.last.ms, whole.last.ms);
        double expected = 100.0 * (double)n / (double)((cs.open_ms[n - 1] - cs.open_ms[0]) / MS_PER_MINUTE + 1);
        CHECK_NEAR(candle_stats_completeness(&whole), expected, 1e-9);
        arena_reset(&t.arena);
    }
    test_ctx_done(&t);
}

TEST(a_million_prices_that_differ_by_cents_keep_their_digits) {
    enum { N = 1000000 };
    Rng rng;
    rng_seed(&rng, prop_seed(9));
    double *x = mem_new_n(double, N);
    Moments m = { 0 };
    for (int i = 0; i < N; i++) {
        x[i] = 100000 + (double)rng_below(&rng, 100) / 100;
        moments_add(&m, x[i]);
    }
    CHECK_EQ(m.n, N);
    check_moments(&m, x, N, "prices");
    mem_free(x);
}

TESTS(T(floor_is_idempotent_and_brackets_its_time), T(steps_have_inverses_and_add_up),
      T(counts_are_additive_and_agree_with_steps), T(decimals_survive_text_and_round_to_the_nearest_double),
      T(decimals_are_in_one_order), T(each_mutated_candle_is_caught_and_no_clean_one_flagged),
      T(a_row_moved_in_a_clean_table_is_found_at_its_place), T(statistics_equal_a_reference_whole_in_pieces_and_merged),
      T(a_million_prices_that_differ_by_cents_keep_their_digits))
