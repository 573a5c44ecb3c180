/* Every figure against a few values worked out by hand, and naive beside each (PRD-18). */

#include "base/rng.h"
#include "forecast/metrics.h"
#include "test.h"

/* Seven rows of one channel with mean 0 and deviation 1 given: scaled values are the values. */
static ForecastData small(TestCtx *t, double *values, size_t n) {
    static int64_t times[16];
    ForecastTable table = { .n_rows = n,
                            .n_columns = 1,
                            .names = arena_new_n(&t->arena, Str, 1),
                            .time_ms = times,
                            .columns = arena_new_n(&t->arena, double *, 1) };
    table.columns[0] = values;
    table.names[0] = S("x");
    static const double zero = 0, one = 1;
    ForecastDataOptions o = {
        .look_back = 2, .horizon = 2, .mean = &zero, .std = &one, .split = { { { 0, 5 }, { 5, 5 }, { 5, n } } }
    };
    ForecastData d;
    CHECK_OK_PLAIN(&t->cx, data_new(&t->cx, &table, &o, &d));
    return d;
}

TEST(figures_by_hand) {
    TestCtx t;
    test_ctx_init(&t);
    double x[] = { 1, 2, 4, 3, 2, 4, 0, 0 }; /* training 1 2 4 3 2: mean |difference| (1+2+1+1)/4 = 1.25 */
    ForecastData d = small(&t, x, 7);
    ForecastJudge j;
    ForecastScore s;
    judge_init(&j, &t.arena, &d, 1, 4);
    judge_add(&j, 3, (float[]){ 3, 1 }); /* last known 2; came 4 and 0 */
    judge_end(&j, &s);
    CHECK_EQ(s.model.n, 2);
    CHECK_NEAR(s.model.mse, (1.0 + 1) / 2, 1e-12);
    CHECK_NEAR(s.model.mae, 1, 1e-12);
    CHECK_NEAR(s.model.rmse, 1, 1e-12);
    CHECK_NEAR(s.model.mape, 25, 1e-12); /* the zero is left out */
    CHECK_EQ(s.model.n_zero, 1);
    CHECK_NEAR(s.model.smape, 200 * (1.0 / 7 + 1) / 2, 1e-12);
    CHECK_NEAR(s.model.mase, 1 / 1.25, 1e-12);
    CHECK_NEAR(s.model.directional_accuracy, 1, 1e-12);
    CHECK_NEAR(s.naive.mse, (4.0 + 4) / 2, 1e-12);
    CHECK_NEAR(s.naive.mae, 2, 1e-12);
    CHECK_NEAR(s.naive.directional_accuracy, 0, 0);
    CHECK_NEAR(s.vs_naive, 0.25, 1e-12);
    test_ctx_done(&t);
}

TEST(still_steps_and_nothing_at_all) {
    TestCtx t;
    test_ctx_init(&t);
    double x[] = { 1, 2, 4, 3, 2, 2, 2 };
    ForecastData d = small(&t, x, 7);
    ForecastJudge j;
    ForecastScore s;
    judge_init(&j, &t.arena, &d, 1, 4);
    judge_end(&j, &s);
    CHECK(isnan(s.model.mse) && isnan(s.naive.mae) && isnan(s.vs_naive));
    judge_add(&j, 3, (float[]){ 3, 1 });
    judge_end(&j, &s);
    CHECK_EQ(s.model.n_still, 2);
    CHECK(isnan(s.model.directional_accuracy));
    test_ctx_done(&t);
}

/* A mean of correlated gains is less certain than its number of windows says. */
TEST(luck_is_told_from_skill) {
    UNUSED(state_);
    double gains[4] = { 1, 3, 1, 3 };
    CHECK_NEAR(diebold_mariano(gains, 4, 0), 2 / sqrt(1.0 / 4), 1e-12);
    CHECK_NEAR(diebold_mariano(gains, 4, 1), 2 / sqrt((1 - 0.75) / 4), 1e-12); /* they alternate: surer */
    double same[4] = { 0.5, 0.5, 0.5, 0.5 };
    CHECK_NEAR(diebold_mariano(same, 4, 1), 0, 0);
    Rng rng;
    rng_seed(&rng, prop_seed(8));
    int sure[2] = { 0 };
    for (int round = 0; round < 400; round++) { /* no skill, but windows that share 19 of 20 values */
        double v[300], noise[320];
        for (size_t i = 0; i < 320; i++)
            noise[i] = rng_normal(&rng);
        for (size_t i = 0; i < 300; i++) {
            v[i] = 0;
            for (size_t k = 0; k < 20; k++)
                v[i] += noise[i + k];
        }
        sure[0] += diebold_mariano(v, 300, 0) > 1.645;
        sure[1] += diebold_mariano(v, 300, 20) > 1.645;
    }
    CHECK(sure[0] > 100);               /* blind to that, it would be sure a third of the time */
    CHECK(sure[1] > 4 && sure[1] < 60); /* 5 % wanted, small samples take a little more */
}

TEST(pinball_weighs_the_two_sides) {
    UNUSED(state_);
    CHECK_NEAR(pinball(3, 1, 0.9), 1.8, 1e-12);
    CHECK_NEAR(pinball(1, 3, 0.9), 0.2, 1e-12);
    CHECK_NEAR(pinball(1, 1, 0.9), 0, 0);
}

static int count(void *arg, Ctx *cx, const WindowBatch *b, const float *forecasts) {
    UNUSED(cx);
    UNUSED(forecasts);
    *(size_t *)arg += b->n;
    return 0;
}

TEST(a_part_is_judged_window_by_window) {
    TestCtx t;
    test_ctx_init(&t);
    double x[16];
    for (size_t i = 0; i < 16; i++)
        x[i] = (double)i;
    ForecastData d = small(&t, x, 15); /* test rows 5..14: look-back from 3: 12 - 4 + 1 = 9 windows */
    Forecaster *f;
    ForecastScore s;
    size_t seen = 0;
    CHECK_OK(&t.cx,
             forecaster_new(&t.cx, forecaster_find(S("drift"), NULL), &(ForecastShape){ 2, 2, 1, 1, 1 }, NULL, &f));
    size_t used = t.arena.used;
    CHECK_OK(&t.cx, forecast_evaluate(&t.cx, f, &d, PART_TEST,
                                      &(EvaluateOptions){ .batch = 4, .each = count, .arg = &seen }, &s));
    CHECK_EQ(t.arena.used, used);
    CHECK_EQ(s.n_windows, 9);
    CHECK_EQ(seen, 9);
    CHECK_NEAR(s.model.mse, 0, 1e-12);
    CHECK_NEAR(s.naive.mse, (1.0 + 4) / 2, 1e-12);
    CHECK_NEAR(s.model.directional_accuracy, 1, 0);
    CHECK_OK(&t.cx,
             forecast_evaluate(&t.cx, f, &d, PART_TEST, &(EvaluateOptions){ .batch = 4, .drop_last = true }, &s));
    CHECK_EQ(s.n_windows, 8);
    CHECK_OK(&t.cx, forecast_evaluate(&t.cx, f, &d, PART_TEST, &(EvaluateOptions){ .step = 4 }, &s));
    CHECK_EQ(s.n_windows, 3);
    CHECK_EQ(forecast_evaluate(&t.cx, f, &d, PART_VAL, &(EvaluateOptions){ 0 }, &s), ERR_INVALID);
    test_ctx_done(&t);
}

static int predict_nan(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    UNUSED(f);
    UNUSED(cx);
    for (size_t i = 0; i < b->n * 2; i++)
        out[i] = i == 3 ? NAN : 0;
    return 0;
}

TEST(a_forecast_that_is_no_number_is_never_passed_on) {
    TestCtx t;
    test_ctx_init(&t);
    float x[4] = { 1, 2, 3, 4 }, out[4];
    const ForecasterOps ops = { .predict = predict_nan };
    const ForecasterKind kind = { "broken", "", sizeof(Forecaster), 1, &ops, NULL };
    Forecaster f = { &kind, { 2, 2, 1, 1, 1 } };
    WindowBatch b = { (const float *const[]){ x, x + 1 }, 1, 2 };
    CHECK_EQ(forecaster_predict(&f, &t.cx, &b, out), ERR_INTERNAL);
    CHECK(strstr(t.cx.err.text, "broken forecast no number for window 1, step 2, channel 0") != NULL);
    test_ctx_done(&t);
}

TESTS(T(figures_by_hand), T(still_steps_and_nothing_at_all), T(luck_is_told_from_skill),
      T(pinball_weighs_the_two_sides), T(a_part_is_judged_window_by_window),
      T(a_forecast_that_is_no_number_is_never_passed_on))
