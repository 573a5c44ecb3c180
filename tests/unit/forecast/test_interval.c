/* Conformal intervals: what they cover, and that nothing is settled before it could be known (PRD-18). */

#include "forecast/interval.h"
#include "made.h"

static Forecaster *naive(Ctx *cx, const ForecastData *d) {
    Forecaster *f;
    ForecastShape s = { d->look_back, d->horizon, d->n_channels, d->n_targets, 1 };
    CHECK_OK_PLAIN(cx, forecaster_new(cx, forecaster_find(S("naive"), NULL), &s, NULL, &f));
    return f;
}

TEST(split_takes_the_conformal_quantile) {
    TestCtx t;
    test_ctx_init(&t);
    float sorted[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, half;
    ErrorTable e = { .horizon = 1, .n_targets = 1, .n = 9, .sorted = sorted };
    static const struct {
        const char *name;
        double level, want;
    } rows[] = {
        { "half", 0.5, 5 }, { "80", 0.8, 8 }, { "90", 0.9, 9 }, { "more than there are", 0.99, 9 }, { "least", 0.01, 1 }
    };
    EACH_ROW (r, rows) {
        errors_half_widths(&e, r->level, &half);
        CHECK_NEAR(half, r->want, 0);
    }
    test_ctx_done(&t);
}

/* The sorted window against sorting anew, over every kind of arrival. */
TEST(the_window_of_errors_keeps_the_latest) {
    TestCtx t;
    test_ctx_init(&t);
    enum { W = 7 };
    float told[W] = { 0 }, all[400];
    ErrorTable e = { .horizon = 1, .n_targets = 1, .n = W, .sorted = told, .told = told };
    Adaptive a;
    Rng rng;
    rng_seed(&rng, prop_seed(9));
    CHECK_OK(&t.cx, adaptive_new(&t.cx, &e, NULL, &a));
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        float forecast = 0, half;
        all[i] = (float)rng_below(&rng, 5); /* many equal ones */
        adaptive_issue(&a, &forecast, &half);
        adaptive_observe(&a, &all[i]);
        for (size_t k = 1; k < W; k++)
            CHECK(a.sorted[k - 1] <= a.sorted[k]);
        double sum = 0, want = 0;
        for (size_t k = 0; k < W; k++) {
            sum += a.sorted[k];
            want += i >= k ? all[i - k] : 0;
        }
        CHECK_NEAR(sum, want, 1e-6);
    }
    test_ctx_done(&t);
}

/* Horizon 3: the miss of step h moves that step's level when its row is seen, h rows after the origin, not before. */
TEST(a_step_is_settled_when_its_row_is_seen) {
    TestCtx t;
    test_ctx_init(&t);
    float told[3] = { 1, 1, 1 };
    ErrorTable e = { .horizon = 3, .n_targets = 1, .n = 1, .sorted = told, .told = told };
    Adaptive a;
    float zero[3] = { 0 }, half[3];
    CHECK_OK(&t.cx, adaptive_new(&t.cx, &e, &(AdaptiveOptions){ .gamma = 0.05 }, &a));
    adaptive_observe(&a, (float[]){ 100 }); /* nothing was issued: nothing to settle */
    CHECK_NEAR(a.alpha[0], 0.1, 1e-12);
    for (size_t row = 0; row < 3; row++) {
        adaptive_issue(&a, zero, half);
        CHECK_NEAR(half[row], 1, 0); /* step row + 1 is still what calibration said */
        adaptive_observe(&a, (float[]){ 100 });
        for (size_t h = 0; h < 3; h++) { /* steps 1 .. row + 1 have missed; step 1 row + 1 times */
            double missed = h <= row ? (double)(row - h + 1) : 0;
            CHECK((missed > 0) == (a.alpha[h] < 0.0999));
        }
    }
    test_ctx_done(&t);
}

/* Validation harder than test, as on ETTh1: the plain intervals cover too much, the adaptive ones come back. */
TEST(adaptive_covers_what_split_misses) {
    TestCtx t;
    test_ctx_init(&t);
    enum { ROWS = 4000, H = 6 };
    ForecastTable table = { .n_rows = ROWS,
                            .n_columns = 1,
                            .names = (Str[]){ S("x") },
                            .time_ms = arena_new_n(&t.arena, int64_t, ROWS),
                            .columns = (double *[]){ arena_new_n(&t.arena, double, ROWS) } };
    Rng rng;
    rng_seed(&rng, prop_seed(21));
    for (size_t i = 0; i < ROWS; i++)
        table.columns[0][i] = rng_normal(&rng) * (i < 1500 ? 2 : 1);
    ForecastDataOptions o = { .look_back = 8,
                              .horizon = H,
                              .split = { { { 0, 1000 }, { 1000, 1500 }, { 1500, ROWS } } } };
    ForecastData d;
    ErrorTable errors;
    IntervalScore s;
    CHECK_OK(&t.cx, data_new(&t.cx, &table, &o, &d));
    Forecaster *f = naive(&t.cx, &d);
    CHECK_OK(&t.cx, errors_measure(&t.cx, f, &d, &errors));
    CHECK_EQ(errors.n, data_windows(&d, PART_VAL));
    size_t used = t.arena.used;
    float before = errors.sorted[5];
    CHECK_OK(&t.cx, intervals_evaluate(&t.cx, f, &d, &errors, NULL, &s));
    CHECK_EQ(t.arena.used, used);
    CHECK(errors.sorted[5] == before); /* the caller's table stays as it was */
    CHECK(s.split.coverage > 0.97);
    CHECK_NEAR(s.adaptive.coverage, 0.9, 0.02);
    CHECK(s.adaptive.width < s.split.width && s.adaptive.pinball < s.split.pinball);
    CHECK_EQ(s.n, (int64_t)(data_windows(&d, PART_TEST) * H));
    test_ctx_done(&t);
}

/* Whatever comes behind the row just seen changes no interval up to it. */
TEST(no_interval_depends_on_a_later_row) {
    TestCtx t;
    test_ctx_init(&t);
    enum { H = 4, ROWS = 120 };
    float rows[2][ROWS], zero[H] = { 0 }, half[2][H];
    Rng rng;
    rng_seed(&rng, prop_seed(5));
    for (size_t i = 0; i < ROWS; i++) {
        rows[0][i] = (float)rng_normal(&rng);
        rows[1][i] = i <= 60 ? rows[0][i] : 1000;
    }
    Adaptive a[2];
    for (int k = 0; k < 2; k++) {
        ForecastData d = made_data(&t.cx, 200, 1, 8, H, 3);
        ErrorTable e;
        CHECK_OK(&t.cx, errors_measure(&t.cx, naive(&t.cx, &d), &d, &e));
        CHECK_OK(&t.cx, adaptive_new(&t.cx, &e, &(AdaptiveOptions){ 0.8, 0.05, 10 }, &a[k]));
    }
    for (size_t i = 0; i < ROWS; i++) {
        for (int k = 0; k < 2; k++) {
            adaptive_issue(&a[k], zero, half[k]);
            adaptive_observe(&a[k], &rows[k][i]);
        }
        CHECK(i > 61 || memcmp(half[0], half[1], sizeof half[0]) == 0); /* issued before row i was seen */
    }
    CHECK(memcmp(half[0], half[1], sizeof half[0]) != 0);
    test_ctx_done(&t);
}

TEST(without_validation_there_are_no_intervals) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = made_table(&t.arena, 100, 1, 1);
    ForecastDataOptions o = { .look_back = 8, .horizon = 4, .split = { { { 0, 60 }, { 60, 60 }, { 60, 100 } } } };
    ForecastData d;
    ErrorTable e;
    CHECK_OK(&t.cx, data_new(&t.cx, &table, &o, &d));
    CHECK_EQ(errors_measure(&t.cx, naive(&t.cx, &d), &d, &e), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(split_takes_the_conformal_quantile), T(the_window_of_errors_keeps_the_latest),
      T(a_step_is_settled_when_its_row_is_seen), T(adaptive_covers_what_split_misses),
      T(no_interval_depends_on_a_later_row), T(without_validation_there_are_no_intervals))
