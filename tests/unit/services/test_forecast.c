/* Training, judging, forecasting, walking and tuning as a service: bytes in, bytes out (PRD-05, PRD-18). */

#include "base/rng.h"
#include "services/forecast/forecast.h"
#include "test.h"

enum { ROWS = 900 };

static ForecastTable made_table(Arena *a, size_t columns) {
    ForecastTable t = { .n_rows = ROWS,
                        .n_columns = columns,
                        .names = arena_new_n(a, Str, columns),
                        .time_ms = arena_new_n(a, int64_t, ROWS),
                        .columns = arena_new_n(a, double *, columns) };
    Rng rng;
    rng_seed(&rng, 12);
    for (size_t i = 0; i < ROWS; i++)
        t.time_ms[i] = (int64_t)i * MS_PER_HOUR + (i > 500 ? MS_PER_DAY : 0); /* one day is missing */
    for (size_t c = 0; c < columns; c++) {
        t.names[c] = str_fmt(a, "c%zu", c);
        t.columns[c] = arena_new_n(a, double, ROWS);
        for (size_t i = 0; i < ROWS; i++)
            t.columns[c][i] = 50 + 5 * sin((double)i * 6.283185307179586 / 24) + rng_normal(&rng);
    }
    return t;
}

static TrainRequest request(const ForecastTable *t, const char *model) {
    return (TrainRequest){ .table = t,
                           .data = S("made"),
                           .data_sha256 = S("00"),
                           .model = str_c(model),
                           .preset = S("etth"),
                           .horizon = 12,
                           .look_back = 72,
                           .season = 24,
                           .split = S("0.6,0.2,0.2"),
                           .seed = 3,
                           .epochs = 3,
                           .patience = -1 };
}

TEST(a_trained_model_comes_back_and_forecasts_the_same) {
    static const struct { const char *name; } rows[] = { { "naive" }, { "ets" }, { "dlinear" }, { "nlinear+theta" } };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        ForecastTable table = made_table(&t.arena, 2);
        TrainRequest q = request(&table, r->name);
        TrainReport report;
        EvaluateReport judged;
        Prediction p;
        Artifact a;
        Buf b;
        buf_init(&b, 8 << 20);
        CHECK_OK(&t.cx, forecast_train(&t.cx, &q, &b, &report));
        CHECK(report.test.naive.mse > 0 && report.interval.n > 0 && report.seconds >= 0);
        CHECK(strcmp(r->name, "naive") == 0 ? !artifact_beats_naive(&report.artifact) : report.val.vs_naive < 0.95);
        CHECK_OK(&t.cx, artifact_read(&t.cx, buf_str(&b), &a));
        CHECK_EQ(a.step_ms, MS_PER_HOUR); /* the most common distance, whatever is missing */
        CHECK_OK(&t.cx, forecast_judge(&t.cx, &a, &(EvaluateRequest){ .table = &table }, &judged));
        CHECK(judged.test.model.mse == report.test.model.mse &&
              judged.interval.adaptive.coverage == report.interval.adaptive.coverage);
        CHECK_OK(&t.cx, forecast_predict(&t.cx, &a, &(PredictRequest){ .table = &table }, &p));
        CHECK_EQ(p.time_ms[0], table.time_ms[ROWS - 1] + MS_PER_HOUR);
        CHECK_EQ(p.time_ms[11], table.time_ms[ROWS - 1] + 12 * MS_PER_HOUR);
        for (size_t i = 0; i < 24; i++) {
            CHECK(p.low[i] < p.value[i] && p.value[i] < p.high[i]);
            CHECK(p.value[i] > 35 && p.value[i] < 65); /* in the data's own units */
        }
        CHECK_NEAR(p.naive[1], table.columns[1][ROWS - 1], 1e-4);
        CHECK_EQ(forecast_predict(&t.cx, &a, &(PredictRequest){ .table = &table, .level = 0.77 }, &p), ERR_INVALID);
        table.n_rows = 40;
        CHECK_EQ(forecast_predict(&t.cx, &a, &(PredictRequest){ .table = &table }, &p), ERR_INVALID);
        CHECK(strstr(t.cx.err.text, "the model looks at 72 rows, the data have 40") != NULL);
        buf_done(&b);
        test_ctx_done(&t);
    }
}

TEST(one_target_of_many_columns) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = made_table(&t.arena, 4);
    TrainRequest q = request(&table, "dlinear");
    TrainReport report;
    Prediction p;
    Buf b;
    buf_init(&b, 8 << 20);
    q.target = S("c2");
    q.columns = S("c1,c2,c3");
    CHECK_OK(&t.cx, forecast_train(&t.cx, &q, &b, &report));
    CHECK(report.artifact.shape.n_targets == 1 && report.artifact.shape.n_channels == 3);
    CHECK_STR(report.artifact.columns[0].name, S("c2"));
    CHECK_OK(&t.cx, forecast_predict(&t.cx, &report.artifact, &(PredictRequest){ .table = &table, .level = 0.5 }, &p));
    CHECK_NEAR(p.naive[0], table.columns[2][ROWS - 1], 1e-4);
    q.target = S("c0");
    CHECK_EQ(forecast_train(&t.cx, &q, &b, &report), ERR_INVALID);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(what_cannot_be_asked_for_is_said) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = made_table(&t.arena, 1);
    TrainReport report;
    Buf b;
    buf_init(&b, 1 << 20);
    TrainRequest q = request(&table, "oracle");
    CHECK_EQ(forecast_train(&t.cx, &q, &b, &report), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "no model \"oracle\"; there are naive") != NULL);
    q = request(&table, "naive");
    q.preset = S("moon");
    CHECK_EQ(forecast_train(&t.cx, &q, &b, &report), ERR_INVALID);
    q = request(&table, "dlinear+nlinear");
    q.resume = S("x");
    CHECK_EQ(forecast_train(&t.cx, &q, &b, &report), ERR_INVALID);
    atomic_bool cancel = true;
    t.cx.cancel = &cancel;
    q = request(&table, "dlinear");
    CHECK_EQ(forecast_train(&t.cx, &q, &b, &report), ERR_CANCELLED);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(no_fold_is_judged_on_rows_it_learned_from) {
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    rng_seed(&rng, prop_seed(31));
    for (int round = 0; round < 300; round++) {
        ForecastSplit v[WALK_FOLDS_MAX];
        size_t n = 200 + rng_below(&rng, 5000);
        WalkRequest w = { 1 + rng_below(&rng, 10), rng_below(&rng, n / 8), rng_chance(&rng, 0.5) };
        CHECK_OK(&t.cx, walk_splits(&t.cx, n, &w, v));
        for (size_t k = 0; k < w.folds; k++) {
            const ForecastRows *p = v[k].parts;
            CHECK(p[PART_TRAIN].from < p[PART_TRAIN].to);
            CHECK_EQ(p[PART_VAL].from, p[PART_TRAIN].to + w.purge);
            CHECK_EQ(p[PART_TEST].from, p[PART_VAL].to + w.purge);
            CHECK_EQ(p[PART_TEST].from, k ? v[k - 1].parts[PART_TEST].to : n / 2); /* pieces touch, none twice */
            CHECK(w.rolling
                      ? p[PART_TRAIN].to - p[PART_TRAIN].from == v[0].parts[PART_TRAIN].to - v[0].parts[PART_TRAIN].from
                      : p[PART_TRAIN].from == 0);
        }
        CHECK_EQ(v[w.folds - 1].parts[PART_TEST].to, n);
    }
    ForecastSplit v[WALK_FOLDS_MAX];
    CHECK_EQ(walk_splits(&t.cx, 100, &(WalkRequest){ 0, 0, false }, v), ERR_INVALID);
    CHECK_EQ(walk_splits(&t.cx, 100, &(WalkRequest){ 2, 30, false }, v), ERR_INVALID);
    test_ctx_done(&t);
}

TEST(a_walk_pools_its_folds) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = made_table(&t.arena, 1);
    TrainRequest q = request(&table, "nlinear");
    WalkReport w;
    CHECK_OK(&t.cx, forecast_walk(&t.cx, &q, &(WalkRequest){ 3, 12, true }, &w));
    double sum = 0, n = 0;
    CHECK_EQ(w.n, 3);
    for (size_t k = 0; k < 3; k++) {
        sum += w.folds[k].test.model.mse * (double)w.folds[k].test.n_windows;
        n += (double)w.folds[k].test.n_windows;
    }
    CHECK_NEAR(w.mse, sum / n, 1e-12);
    CHECK(w.mse < w.naive_mse && w.n_better == 3);
    test_ctx_done(&t);
}

static int count_trials(void *arg, Ctx *cx, size_t trial, size_t epochs, double rate, size_t batch, double val_mse) {
    UNUSED(cx);
    size_t *seen = arg;
    if (trial >= 8 || epochs < 1 || epochs > 9 || rate < 1e-5 || batch < 8 || isnan(val_mse))
        return ERR_INTERNAL;
    seen[0]++;
    seen[1] = MAX(seen[1], epochs);
    return 0;
}

TEST(tuning_finds_a_rate_that_learns) {
    TestCtx t;
    test_ctx_init(&t);
    ForecastTable table = made_table(&t.arena, 1);
    TrainRequest q = request(&table, "nlinear");
    TuneReport a, b;
    size_t seen[2] = { 0 };
    q.epochs = 9;
    TuneRequest tune = { .trials = 8, .tell = count_trials, .arg = seen };
    CHECK_OK(&t.cx, forecast_tune(&t.cx, &q, &tune, &a));
    CHECK_EQ(a.trials, 8);
    CHECK(seen[0] > 8);
    CHECK(seen[1] >= 3); /* the better ones went on */
    tune.tell = NULL;
    CHECK_OK(&t.cx, forecast_tune(&t.cx, &q, &tune, &b));
    CHECK(a.val_mse == b.val_mse && a.rate == b.rate && a.epochs == b.epochs);
    q.model = S("theta");
    CHECK_EQ(forecast_tune(&t.cx, &q, &tune, &b), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(a_trained_model_comes_back_and_forecasts_the_same), T(one_target_of_many_columns),
      T(what_cannot_be_asked_for_is_said), T(no_fold_is_judged_on_rows_it_learned_from), T(a_walk_pools_its_folds),
      T(tuning_finds_a_rate_that_learns))
