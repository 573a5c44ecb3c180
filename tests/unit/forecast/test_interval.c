/* Conformal intervals: what they cover, and that nothing is settled before it could be known (PRD-18). */

#include "forecast/interval.h"
#include "made.h"

#include <math.h>
#include <stdlib.h>

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

/* Adaptive intervals as their definition says them: every forecast kept, every window sorted anew. */
enum { PLAIN_H = 7, PLAIN_C = 2, PLAIN_W = 20, PLAIN_ROWS = 150, PLAIN_CELLS = PLAIN_H * PLAIN_C };
typedef struct Plain {
    float errors[PLAIN_CELLS][PLAIN_W + PLAIN_ROWS]; /* all there ever were, in order */
    size_t n[PLAIN_CELLS];
    double alpha[PLAIN_CELLS];
    float forecasts[PLAIN_ROWS][PLAIN_CELLS], half[PLAIN_ROWS][PLAIN_CELLS];
} Plain;

static int ascending(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void plain_issue(Plain *p, size_t origin, const float *forecasts) {
    memcpy(p->forecasts[origin], forecasts, sizeof p->forecasts[origin]);
    for (size_t i = 0; i < PLAIN_CELLS; i++) {
        float sorted[PLAIN_W];
        memcpy(sorted, p->errors[i] + p->n[i] - PLAIN_W, sizeof sorted);
        qsort(sorted, PLAIN_W, sizeof *sorted, ascending);
        double k = ceil((PLAIN_W + 1) * (1 - p->alpha[i]));
        p->half[origin][i] = sorted[k < 1 ? 0 : k > PLAIN_W ? PLAIN_W - 1 : (size_t)k - 1];
    }
}

static void plain_observe(Plain *p, size_t last, const float *row) {
    for (size_t h = 0; h < PLAIN_H && h <= last; h++)
        for (size_t c = 0; c < PLAIN_C; c++) {
            size_t i = h * PLAIN_C + c;
            float error = fabsf(row[c] - p->forecasts[last - h][i]);
            bool missed = error > p->half[last - h][i];
            p->alpha[i] = CLAMP(p->alpha[i] + 0.05 * (1 - 0.8 - missed), 0, 1);
            p->errors[i][p->n[i]++] = error;
        }
}

/* Rows of few values, so that errors are often equal. */
TEST(adaptive_is_its_definition_bit_by_bit) {
    static Plain p;
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    Adaptive a;
    rng_seed(&rng, prop_seed(8));
    ErrorTable e = { .horizon = PLAIN_H, .n_targets = PLAIN_C, .n = PLAIN_W };
    e.told = e.sorted = arena_new_n(&t.arena, float, (size_t)PLAIN_CELLS *PLAIN_W);
    for (size_t i = 0; i < PLAIN_CELLS; i++) {
        p.n[i] = PLAIN_W;
        p.alpha[i] = 1 - 0.8;
        for (size_t k = 0; k < PLAIN_W; k++)
            e.told[i * PLAIN_W + k] = p.errors[i][k] = (float)rng_below(&rng, 5);
    }
    CHECK_OK(&t.cx, adaptive_new(&t.cx, &e, &(AdaptiveOptions){ 0.8, 0.05, PLAIN_W }, &a));
    for (size_t row = 0; row < PLAIN_ROWS; row++) {
        float f[PLAIN_CELLS], half[PLAIN_CELLS], last[2][PLAIN_CELLS], seen[PLAIN_C];
        for (size_t i = 0; i < PLAIN_CELLS; i++)
            f[i] = (float)rng_below(&rng, 6);
        adaptive_issue(&a, f, half);
        plain_issue(&p, row, f);
        CHECK(memcmp(half, p.half[row], sizeof half) == 0);
        adaptive_last(&a, last[0], last[1]);
        CHECK(memcmp(last[0], f, sizeof f) == 0);
        CHECK(memcmp(last[1], half, sizeof half) == 0);
        CHECK(adaptive_next(&a) == f[0]);
        for (size_t c = 0; c < PLAIN_C; c++)
            seen[c] = (float)rng_below(&rng, row < 100 ? 6 : 12);
        adaptive_observe(&a, seen);
        plain_observe(&p, row, seen);
    }
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

TESTS(T(split_takes_the_conformal_quantile), T(a_step_is_settled_when_its_row_is_seen),
      T(adaptive_covers_what_split_misses), T(no_interval_depends_on_a_later_row),
      T(adaptive_is_its_definition_bit_by_bit), T(without_validation_there_are_no_intervals))
