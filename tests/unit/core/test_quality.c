/* core/quality: planted defects are found, all of them and nothing else (MDS-13). */

#include "base/rng.h"
#include "core/quality.h"
#include "lib/test.h"

enum { N = 2000 };

/* A walk without defects: every candle has a range and volume of its own. */
static Candles walk(Arena *a, uint64_t seed, size_t n) {
    Rng rng;
    Candles cs;
    rng_seed(&rng, seed);
    candles_init(&cs, a, n);
    double close = 100;
    for (size_t i = 0; i < n; i++) {
        double open = close;
        close *= exp(rng_normal(&rng) * 0.001);
        Candle c = { .open_time = time_ms((int64_t)i * MS_PER_MINUTE),
                     .open = open,
                     .high = fmax(open, close) * 1.0001,
                     .low = fmin(open, close) * 0.9999,
                     .close = close,
                     .volume = 1 + rng_f64(&rng) };
        candles_push(&cs, &c);
    }
    return cs;
}

static QualityReport check(Arena *a, const Candles *cs, const QualityOptions *options, size_t piece) {
    QualityCheck q;
    quality_init(&q, a, options);
    for (size_t at = 0; at < cs->n; at += piece) {
        Candles view = candles_view(cs, at, MIN(piece, cs->n - at));
        quality_add(&q, &view);
    }
    return *quality_finish(&q);
}

static void flatten(Candles *cs, size_t from, size_t n) {
    double price = cs->close[from];
    for (size_t i = from; i < from + n; i++)
        cs->open[i] = cs->high[i] = cs->low[i] = cs->close[i] = price;
}

TEST(a_clean_series_has_no_finding) {
    TestCtx t;
    test_ctx_init(&t);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        Candles cs = walk(&t.arena, seed, N);
        QualityReport r = check(&t.arena, &cs, &(QualityOptions){ 0 }, N);
        CHECK_EQ(r.n_candles, N);
        for (int kind = 0; kind < QUALITY_KINDS; kind++)
            CHECK_EQ(r.n_findings[kind], 0);
        arena_reset(&t.arena);
    }
    test_ctx_done(&t);
}

TEST(planted_defects_are_found_at_their_places) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = walk(&t.arena, 7, N);
    flatten(&cs, 100, 10); /* just long enough */
    flatten(&cs, 300, 9);  /* one too short */
    for (size_t i = 400; i < 425; i++)
        cs.volume[i] = 0;
    for (size_t i = 500; i < 509; i++)
        cs.volume[i] = 0; /* too short */
    cs.close[700] *= 1.1; /* a bad tick */
    for (size_t i = 900; i < N; i++)
        cs.close[i] /= 2; /* a split that nobody adjusted */
    cs.open_ms[1100] = cs.open_ms[1099];
    Candle twice = candles_get(&cs, 1200);
    twice.open_time = time_ms(cs.open_ms[1201]);
    candles_set(&cs, 1201, &twice);
    cs.close[511] *= 0.8; /* bad ticks over the border of a window */
    cs.close[1023] *= 1.3;

    QualityReport r = check(&t.arena, &cs, &(QualityOptions){ 0 }, N);
    CHECK_EQ(r.n_findings[QUALITY_STALE], 1);
    CHECK_EQ(r.n_in[QUALITY_STALE], 10);
    CHECK_EQ(r.places[QUALITY_STALE][0].from.ms, cs.open_ms[100]);
    CHECK_EQ(r.places[QUALITY_STALE][0].to.ms, cs.open_ms[109]);
    CHECK_NEAR(r.places[QUALITY_STALE][0].value, cs.close[100], 0);
    CHECK_EQ(r.n_findings[QUALITY_ZERO_VOLUME], 1);
    CHECK_EQ(r.places[QUALITY_ZERO_VOLUME][0].n, 25);
    CHECK_EQ(r.places[QUALITY_ZERO_VOLUME][0].from.ms, cs.open_ms[400]);
    CHECK_EQ(r.n_findings[QUALITY_OUTLIER], 3);
    CHECK_EQ(r.places[QUALITY_OUTLIER][0].from.ms, cs.open_ms[511]);
    CHECK_EQ(r.places[QUALITY_OUTLIER][1].from.ms, cs.open_ms[700]);
    CHECK_EQ(r.places[QUALITY_OUTLIER][2].from.ms, cs.open_ms[1023]);
    CHECK_EQ(r.n_findings[QUALITY_JUMP], 1);
    CHECK_EQ(r.places[QUALITY_JUMP][0].from.ms, cs.open_ms[900]);
    CHECK_NEAR(r.places[QUALITY_JUMP][0].value, -log(2), 0.01);
    CHECK_EQ(r.n_findings[QUALITY_DUPLICATE], 1);
    CHECK_EQ(r.places[QUALITY_DUPLICATE][0].from.ms, cs.open_ms[1099]);
    CHECK_EQ(r.n_findings[QUALITY_REPEATED], 1);
    CHECK_EQ(r.places[QUALITY_REPEATED][0].from.ms, cs.open_ms[1201]);
    test_ctx_done(&t);
}

TEST(planted_ticks_and_jumps_are_all_found_whatever_the_seed) {
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    rng_seed(&rng, prop_seed(11));
    for (int round = 0; round < 200; round++) {
        Candles cs = walk(&t.arena, rng_u64(&rng), N);
        int64_t want[2] = { 0, 0 };
        for (size_t i = 1 + rng_below(&rng, 60); i + 2 < N; i += 3 + rng_below(&rng, 200)) {
            double factor = exp((rng_chance(&rng, 0.5) ? 1 : -1) * (0.05 + rng_f64(&rng)));
            bool tick = rng_chance(&rng, 0.5);
            for (size_t k = i; k < (tick ? i + 1 : N); k++)
                cs.close[k] *= factor;
            want[tick]++;
        }
        QualityReport r = check(&t.arena, &cs, &(QualityOptions){ 0 }, 1 + rng_below(&rng, N));
        CHECK_EQ(r.n_findings[QUALITY_JUMP], want[0]);
        CHECK_EQ(r.n_findings[QUALITY_OUTLIER], want[1]);
        arena_reset(&t.arena);
    }
    test_ctx_done(&t);
}

TEST(pieces_change_nothing) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = walk(&t.arena, 3, N);
    flatten(&cs, 490, 40);
    for (size_t i = 0; i < N; i += 37)
        cs.close[i] *= 1.2;
    for (size_t i = 1000; i < 1100; i++)
        cs.volume[i] = 0;
    const QualityOptions options = { .window = 100 };
    QualityReport whole = check(&t.arena, &cs, &options, N);
    CHECK(whole.n_findings[QUALITY_OUTLIER] > 10);
    for (size_t piece = 1; piece < 700; piece = piece * 3 + 1) {
        QualityReport pieces = check(&t.arena, &cs, &options, piece);
        CHECK(memcmp(&pieces, &whole, sizeof whole) == 0);
    }
    test_ctx_done(&t);
}

TEST(a_series_too_short_to_judge_says_so) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs = walk(&t.arena, 3, 10);
    cs.close[5] *= 3;
    QualityReport r = check(&t.arena, &cs, &(QualityOptions){ 0 }, 10);
    CHECK_EQ(r.n_findings[QUALITY_OUTLIER], 0);
    CHECK_EQ(r.n_unjudged, 9);
    Candles none = { 0 };
    r = check(&t.arena, &none, &(QualityOptions){ 0 }, 10);
    CHECK_EQ(r.n_candles, 0);
    CHECK_EQ(r.n_unjudged, 0);
    test_ctx_done(&t);
}

TEST(kinds_have_names) {
    CHECK_STR(str_c(quality_kind_name(QUALITY_STALE)), S("stale"));
    CHECK_STR(str_c(quality_kind_name(QUALITY_REPEATED)), S("repeated"));
}

TESTS(T(a_clean_series_has_no_finding), T(planted_defects_are_found_at_their_places),
      T(planted_ticks_and_jumps_are_all_found_whatever_the_seed), T(pieces_change_nothing),
      T(a_series_too_short_to_judge_says_so), T(kinds_have_names))
