/* Gradient boosting behind the forecaster's interface; skipped where the library is not installed. */

#include "adapters/model/xgboost.h"
#include "base/rng.h"
#include "forecast/metrics.h"
#include "test.h"

enum { ROWS = 700, L = 48, H = 6 };

static ForecastData made(Ctx *cx) {
    ForecastTable t = { .n_rows = ROWS,
                        .n_columns = 2,
                        .names = arena_new_n(cx->arena, Str, 2),
                        .time_ms = arena_new_n(cx->arena, int64_t, ROWS),
                        .columns = arena_new_n(cx->arena, double *, 2) };
    ForecastDataOptions o = { .look_back = L, .horizon = H, .split = { { { 0, 400 }, { 400, 550 }, { 550, ROWS } } } };
    ForecastData d;
    Rng rng;
    rng_seed(&rng, 4);
    for (size_t c = 0; c < 2; c++) {
        t.names[c] = c ? S("b") : S("a");
        t.columns[c] = arena_new_n(cx->arena, double, ROWS);
        for (size_t i = 0; i < ROWS; i++)
            t.columns[c][i] = sin((double)i * 6.283185307179586 / 12 + (double)c) + 0.2 * rng_normal(&rng);
    }
    CHECK_OK_PLAIN(cx, data_new(cx, &t, &o, &d));
    return d;
}

static Forecaster *fitted(TestCtx *t, const ForecastData *d, uint64_t seed) {
    ForecastShape shape = { L, H, 2, 2, 12 };
    Forecaster *f;
    CHECK_OK_PLAIN(&t->cx, forecaster_new(&t->cx, &xgboost_kind, &shape, &(ForecasterOptions){ .seed = seed }, &f));
    xgboost_options(f, &(XgboostOptions){ .seed = seed, .rounds = 60, .depth = 4, .rate = 0.1, .samples = 4000 });
    CHECK_OK_PLAIN(&t->cx, forecaster_fit(f, &t->cx, d));
    return f;
}

TEST(trees_learn_keep_and_repeat_themselves) {
    if (!xgboost_available())
        SKIP("libxgboost is not installed");
    TestCtx t;
    test_ctx_init(&t);
    ForecastData d = made(&t.cx);
    Forecaster *f = fitted(&t, &d, 1), *same = fitted(&t, &d, 1), *other = fitted(&t, &d, 2), *back;
    ForecastScore s, again;
    float a[H * 2], b[H * 2], cut[L * 2];
    Buf bytes;
    CHECK_OK(&t.cx, forecast_evaluate(&t.cx, f, &d, PART_TEST, &(EvaluateOptions){ .season = 12 }, &s));
    CHECK(s.vs_naive < 0.3);
    const float *window = data_at(&d, 0, 500);
    WindowBatch batch = { &window, 2, 1 };
    CHECK_OK(&t.cx, forecaster_predict(f, &t.cx, &batch, a));
    CHECK_OK(&t.cx, forecaster_predict(same, &t.cx, &batch, b));
    CHECK(memcmp(a, b, sizeof a) == 0); /* the same seed, the same trees */
    CHECK_OK(&t.cx, forecaster_predict(other, &t.cx, &batch, b));
    CHECK(memcmp(a, b, sizeof a) != 0);
    memcpy(cut, window, sizeof cut); /* the window alone: nothing behind it is read */
    window = cut;
    CHECK_OK(&t.cx, forecaster_predict(f, &t.cx, &batch, b));
    CHECK(memcmp(a, b, sizeof a) == 0);
    buf_init(&bytes, 16 << 20);
    CHECK_OK(&t.cx, forecaster_save(f, &t.cx, &bytes));
    CHECK_OK(&t.cx, forecaster_new(&t.cx, &xgboost_kind, &f->shape, NULL, &back));
    CHECK_EQ(forecaster_predict(back, &t.cx, &batch, b), ERR_CONFLICT); /* nothing was learned yet */
    CHECK_EQ(forecaster_load(back, &t.cx, S("")), ERR_CORRUPT);
    CHECK_OK(&t.cx, forecaster_load(back, &t.cx, buf_str(&bytes)));
    CHECK_OK(&t.cx, forecast_evaluate(&t.cx, back, &d, PART_TEST, &(EvaluateOptions){ .season = 12 }, &again));
    CHECK(again.model.mse == s.model.mse);
    buf_done(&bytes);
    forecaster_free(back);
    forecaster_free(other);
    forecaster_free(same);
    forecaster_free(f);
    test_ctx_done(&t);
}

TESTS(T(trees_learn_keep_and_repeat_themselves))
