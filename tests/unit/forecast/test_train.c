/* Training: the same seed gives the same weights, however often it was interrupted (PRI-12), and what is kept is refused
 * when it was changed (PRD-08). */

#include "base/sha256.h"
#include "forecast/artifact.h"
#include "forecast/learned.h"
#include "forecast/preset.h"
#include "forecast/sealed.h"
#include "made.h"

enum { ROWS = 600, L = 48, H = 12, CHANNELS = 3 };

static TrainSettings settings(ModelKind kind, uint64_t seed) {
    TrainSettings s;
    ForecastShape shape = { L, H, CHANNELS, CHANNELS, 24 };
    preset_train(preset_find(S("etth")), kind, &shape, seed, &s);
    s.epochs = 4;
    s.batch = 16;
    s.patience = 0;
    s.model.kernel = 9;
    return s;
}

static void hash_of(Model *m, char out[static SHA256_HEX + 1]) {
    const Params *p = model_params(m);
    sha256_hex(str_n((const char *)p->value, p->n * sizeof *p->value), out);
}

typedef struct Cut { /* ends a run after some steps, keeping the last checkpoint */
    size_t after, seen;
    Buf kept;
    size_t n_kept;
} Cut;

static int count_steps(void *arg, Ctx *cx, const TrainProgress *p) {
    Cut *c = arg;
    CHECK_OK_PLAIN(cx, p->step <= p->steps && p->epoch <= p->epochs ? 0 : ERR_INTERNAL);
    return ++c->seen == c->after ? err_set(cx, ERR_CANCELLED, "cut off by the test") : 0;
}

static int keep(void *arg, Ctx *cx, Str bytes) {
    Cut *c = arg;
    UNUSED(cx);
    buf_clear(&c->kept);
    buf_put_str(&c->kept, bytes);
    c->n_kept++;
    return 0;
}

/* Trains to the end, cut off after every `after` steps (0: never), each time a new Training from the checkpoint alone. */
static void train_in_pieces(TestCtx *t, const TrainSettings *s, const ForecastData *d, const Nn *nn, size_t after,
                            char hex[static SHA256_HEX + 1], TrainResult *result) {
    Cut cut = { .after = after };
    buf_init(&cut.kept, 64 << 20);
    for (int piece = 0; piece < 1000; piece++) {
        TrainHooks hooks = { .progress = count_steps, .keep = keep, .arg = &cut };
        Training *training;
        CHECK_OK_PLAIN(&t->cx, training_new(&t->cx, s, d, nn, &training));
        if (piece > 0)
            CHECK_OK_PLAIN(&t->cx, training_resume(training, &t->cx, buf_str(&cut.kept)));
        cut.seen = 0;
        int r = training_run(training, &t->cx, &hooks);
        if (r == 0) {
            training_end(training, &t->cx, result);
            hash_of(training_model(training), hex);
        } else if (r != ERR_CANCELLED) {
            FAIL("%d %s", r, t->cx.err.text);
        }
        training_free(training);
        if (r == 0)
            break;
    }
    buf_done(&cut.kept);
}

TEST(a_run_in_pieces_ends_with_the_same_weights) {
    TestCtx t;
    Nn nn, two;
    test_ctx_init(&t);
    nn_init(&nn, NULL, 1);
    nn_init(&two, NULL, 2);
    ForecastData d = made_data(&t.cx, ROWS, CHANNELS, L, H, 1);
    static const struct {
        const char *name;
        ModelKind kind;
    } rows[] = { { "dlinear", MODEL_DLINEAR }, { "nlinear", MODEL_NLINEAR } };
    EACH_ROW (r, rows) {
        char whole[SHA256_HEX + 1], cut[SHA256_HEX + 1], threads[SHA256_HEX + 1], other[SHA256_HEX + 1];
        TrainResult a, b;
        TrainSettings s = settings(r->kind, 5);
        train_in_pieces(&t, &s, &d, &nn, 0, whole, &a);
        train_in_pieces(&t, &s, &d, &nn, 7, cut, &b);
        CHECK_STR(str_c(cut), str_c(whole));
        CHECK(a.n_epochs == b.n_epochs && a.best_epoch == b.best_epoch && a.best_val == b.best_val);
        CHECK(memcmp(a.epochs, b.epochs, a.n_epochs * sizeof *a.epochs) == 0);
        train_in_pieces(&t, &s, &d, &two, 0, threads, &b);
        CHECK_STR(str_c(threads), str_c(whole));
        s.model.seed = 6;
        train_in_pieces(&t, &s, &d, &nn, 0, other, &b);
        CHECK(!str_eq(str_c(other), str_c(whole)));
    }
    nn_done(&two);
    nn_done(&nn);
    test_ctx_done(&t);
}

static MonoNs mono_by_reading(Clock *c) { /* a millisecond passes with each look at it */
    clock_manual_advance_ms((ClockManual *)c, 1);
    return (MonoNs){ atomic_load(&((ClockManual *)c)->mono_ns) };
}

/* A deadline may pass anywhere, in the middle of the validation too: after the last step, before the epoch counts. */
TEST(a_run_cut_by_the_clock_anywhere_ends_with_the_same_weights) {
    TestCtx t;
    Nn nn;
    test_ctx_init(&t);
    nn_init(&nn, NULL, 1);
    ForecastData d = made_data(&t.cx, ROWS, CHANNELS, L, H, 1);
    TrainSettings s = settings(MODEL_DLINEAR, 5);
    char whole[SHA256_HEX + 1], hex[SHA256_HEX + 1] = "";
    TrainResult result;
    train_in_pieces(&t, &s, &d, &nn, 0, whole, &result);
    t.clock.clock.mono = mono_by_reading;
    for (int64_t reads = 30; reads < 60; reads++) {
        Cut cut = { 0 };
        bool ended = false;
        buf_init(&cut.kept, 64 << 20);
        for (int piece = 0; piece < 1000 && !ended; piece++) {
            Training *training;
            t.cx.deadline = (MonoNs){ 0 };
            CHECK_OK(&t.cx, training_new(&t.cx, &s, &d, &nn, &training));
            if (piece > 0)
                CHECK_OK(&t.cx, training_resume(training, &t.cx, buf_str(&cut.kept)));
            t.cx.deadline = (MonoNs){ clock_mono(t.cx.clock).ns + reads * 1000000 };
            int r = training_run(training, &t.cx, &(TrainHooks){ .keep = keep, .arg = &cut });
            CHECK(r == 0 || r == ERR_TIMEOUT);
            ended = r == 0;
            if (ended) {
                training_end(training, &t.cx, &result);
                hash_of(training_model(training), hex);
            }
            training_free(training);
        }
        buf_done(&cut.kept);
        CHECK(ended);
        CHECK_STR(str_c(hex), str_c(whole));
    }
    nn_done(&nn);
    test_ctx_done(&t);
}

TEST(it_learns_and_stops) {
    TestCtx t;
    Nn nn;
    test_ctx_init(&t);
    nn_init(&nn, NULL, 1);
    ForecastData d = made_data(&t.cx, ROWS, CHANNELS, L, H, 2);
    TrainSettings s = settings(MODEL_DLINEAR, 5);
    ForecasterOptions o = { .nn = &nn, .train = &s };
    ForecastShape shape = { L, H, CHANNELS, CHANNELS, 24 };
    Forecaster *f, *again;
    ForecastScore score;
    s.epochs = 30;
    s.patience = 2;
    CHECK_OK(&t.cx, forecaster_new(&t.cx, forecaster_find(S("dlinear"), NULL), &shape, &o, &f));
    CHECK_OK(&t.cx, forecaster_fit(f, &t.cx, &d));
    const TrainResult *result = learned_result(f);
    CHECK(result->stop == TRAIN_PATIENCE && result->n_epochs == result->best_epoch + 2);
    CHECK_OK(&t.cx, forecast_evaluate(&t.cx, f, &d, PART_VAL, &(EvaluateOptions){ 0 }, &score));
    CHECK_NEAR(score.model.mse, result->best_val, 1e-5 * result->best_val); /* the best epoch's weights came back */
    CHECK_OK(&t.cx, forecast_evaluate(&t.cx, f, &d, PART_TEST, &(EvaluateOptions){ 0 }, &score));
    CHECK(score.vs_naive < 0.6);
    Buf b;
    buf_init(&b, 8 << 20);
    CHECK_OK(&t.cx, forecaster_save(f, &t.cx, &b));
    CHECK_OK(&t.cx, forecaster_new(&t.cx, forecaster_find(S("dlinear"), NULL), &shape, &o, &again));
    CHECK_EQ(forecaster_load(again, &t.cx, S("no weights")), ERR_CORRUPT);
    CHECK_OK(&t.cx, forecaster_load(again, &t.cx, buf_str(&b)));
    ForecastScore second;
    CHECK_OK(&t.cx, forecast_evaluate(&t.cx, again, &d, PART_TEST, &(EvaluateOptions){ 0 }, &second));
    CHECK(second.model.mse == score.model.mse);
    forecaster_free(again);
    CHECK_OK(&t.cx, forecaster_new(&t.cx, forecaster_find(S("nlinear"), NULL), &shape, &o, &again));
    CHECK_EQ(forecaster_load(again, &t.cx, buf_str(&b)), ERR_CORRUPT); /* weights of another model */
    forecaster_free(again);
    forecaster_free(f);
    buf_done(&b);
    nn_done(&nn);
    test_ctx_done(&t);
}

TEST(what_cannot_be_trained_is_refused) {
    TestCtx t;
    Nn nn;
    Training *training = NULL;
    test_ctx_init(&t);
    nn_init(&nn, NULL, 1);
    ForecastData d = made_data(&t.cx, ROWS, CHANNELS, L, H, 2);
    TrainSettings s = settings(MODEL_DLINEAR, 5), bad = s;
    bad.memory_max = 1000;
    CHECK_EQ(training_new(&t.cx, &bad, &d, &nn, &training), ERR_LIMIT);
    CHECK(strstr(t.cx.err.text, "are allowed") != NULL);
    bad = s;
    bad.epochs = 0;
    CHECK_EQ(training_new(&t.cx, &bad, &d, &nn, &training), ERR_INVALID);
    bad = s;
    bad.schedule.rate = 1e30; /* the weights fly away */
    bad.epochs = 50;
    CHECK_OK(&t.cx, training_new(&t.cx, &bad, &d, &nn, &training));
    CHECK_EQ(training_run(training, &t.cx, NULL), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "smaller learning rate") != NULL);
    training_free(training);
    nn_done(&nn);
    test_ctx_done(&t);
}

TEST(a_checkpoint_of_something_else_is_refused) {
    TestCtx t;
    Nn nn;
    Cut cut = { .after = 40 };
    Training *a, *b;
    test_ctx_init(&t);
    nn_init(&nn, NULL, 1);
    buf_init(&cut.kept, 64 << 20);
    ForecastData d = made_data(&t.cx, ROWS, CHANNELS, L, H, 2), other = made_data(&t.cx, ROWS, CHANNELS, L, H, 3);
    TrainSettings s = settings(MODEL_DLINEAR, 5), slower = s;
    TrainHooks hooks = { .progress = count_steps, .keep = keep, .arg = &cut };
    CHECK_OK(&t.cx, training_new(&t.cx, &s, &d, &nn, &a));
    CHECK_EQ(training_run(a, &t.cx, &hooks), ERR_CANCELLED);
    CHECK(cut.n_kept >= 2); /* an epoch's end, and the cut */
    training_free(a);
    slower.schedule.rate /= 2;
    CHECK_OK(&t.cx, training_new(&t.cx, &slower, &d, &nn, &b));
    CHECK_EQ(training_resume(b, &t.cx, buf_str(&cut.kept)), ERR_CONFLICT);
    training_free(b);
    CHECK_OK(&t.cx, training_new(&t.cx, &s, &other, &nn, &b));
    CHECK_EQ(training_resume(b, &t.cx, buf_str(&cut.kept)), ERR_CONFLICT);
    training_free(b);
    CHECK_OK(&t.cx, training_new(&t.cx, &s, &d, &nn, &b));
    Rng rng;
    rng_seed(&rng, prop_seed(4));
    for (int i = 0; i < 60; i++) { /* one byte changed anywhere, or the end cut off */
        size_t at = rng_below(&rng, cut.kept.n);
        cut.kept.p[at] ^= 1;
        CHECK(training_resume(b, &t.cx, buf_str(&cut.kept)) < 0);
        cut.kept.p[at] ^= 1;
        CHECK(training_resume(b, &t.cx, str_n(cut.kept.p, at)) < 0);
    }
    CHECK_OK(&t.cx, training_resume(b, &t.cx, buf_str(&cut.kept)));
    training_free(b);
    buf_done(&cut.kept);
    nn_done(&nn);
    test_ctx_done(&t);
}

/* --- ensembles --- */

TEST(weights_of_a_simplex_are_the_least) {
    UNUSED(state_);
    double w[3];
    const double apart[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 2 }; /* independent errors: weights as 1 : 1 : 1/2 */
    simplex_least(apart, 3, w);
    CHECK_NEAR(w[0], 0.4, 1e-6);
    CHECK_NEAR(w[2], 0.2, 1e-6);
    const double useless[4] = { 1, 1.2, 1.2, 4 }; /* the second adds nothing to the first */
    simplex_least(useless, 2, w);
    CHECK(w[0] == 1 && w[1] == 0);
}

TEST(an_ensemble_is_never_worse_than_its_best_member) { /* PRD-11, on validation */
    TestCtx t;
    test_ctx_init(&t);
    ForecastShape shape = { L, H, CHANNELS, CHANNELS, 24 };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        ForecastData d = made_data(&t.cx, ROWS, CHANNELS, L, H, seed);
        Forecaster *members[4], *whole;
        double weights[4], errors[4], sum = 0, best = INFINITY;
        ForecastScore score;
        static const char *const names[] = { "naive", "seasonal_naive", "drift", "theta" };
        for (size_t i = 0; i < 4; i++)
            CHECK_OK(&t.cx, forecaster_new(&t.cx, forecaster_find(str_c(names[i]), NULL), &shape, NULL, &members[i]));
        CHECK_OK(&t.cx, ensemble_weigh(&t.cx, members, 4, &d, weights, errors));
        CHECK_OK(&t.cx, ensemble_new(&t.cx, members, weights, 4, &whole));
        CHECK_OK(&t.cx, forecast_evaluate(&t.cx, whole, &d, PART_VAL, &(EvaluateOptions){ 0 }, &score));
        for (size_t i = 0; i < 4; i++) {
            CHECK(weights[i] >= 0);
            sum += weights[i];
            best = fmin(best, errors[i]);
        }
        CHECK_NEAR(sum, 1, 1e-9);
        CHECK(score.model.mse <= best * (1 + 1e-6));
    }
    test_ctx_done(&t);
}

/* --- artifacts --- */

static Artifact made_artifact(TestCtx *t) {
    static const ArtifactColumn columns[2] = { { STR_INIT("a"), 1.5, 2 }, { STR_INIT("b"), -3, 0.25 } };
    float *half = arena_new_n(&t->arena, float, ARTIFACT_LEVELS *H);
    for (size_t i = 0; i < ARTIFACT_LEVELS * H; i++)
        half[i] = (float)i;
    return (Artifact){ .model = S("ensemble"),
                       .preset = S("etth"),
                       .split = S("0.7,0.1,0.2"),
                       .shape = { L, H, 2, 1, 24 },
                       .seed = 7,
                       .step_ms = 3600000,
                       .columns = columns,
                       .data = S("x.csv"),
                       .data_sha256 = S("00ff"),
                       .val = { 0.5, 0.4, 0.6, 0.5, 2.5, 10 },
                       .test = { 0.7, 0.6, NAN, 0.5, 0, 20 },
                       .n_members = 2,
                       .members = { S("naive"), S("theta") },
                       .weights = { 0.25, 0.75 },
                       .half = half };
}

TEST(a_model_is_read_back_as_it_was_written) {
    TestCtx t;
    test_ctx_init(&t);
    Artifact a = made_artifact(&t), b;
    Buf bytes;
    Forecaster *f;
    buf_init(&bytes, 1 << 20);
    CHECK_OK(&t.cx, artifact_write(&a, &t.cx, &bytes));
    CHECK_OK(&t.cx, artifact_read(&t.cx, buf_str(&bytes), &b));
    CHECK_STR(b.model, a.model);
    CHECK_STR(b.members[1], S("theta"));
    CHECK_STR(b.columns[1].name, S("b"));
    CHECK(b.columns[1].std == 0.25 && b.weights[1] == 0.75 && b.seed == 7 && b.val.mse == 0.5 &&
          isnan(b.test.naive_mse));
    CHECK(memcmp(&b.shape, &a.shape, sizeof a.shape) == 0);
    CHECK(memcmp(b.half, a.half, ARTIFACT_LEVELS * H * sizeof(float)) == 0);
    CHECK(artifact_beats_naive(&b) && b.val.dm == 2.5);
    b.val.dm = 1.5; /* better, perhaps by luck */
    CHECK(!artifact_beats_naive(&b));
    CHECK_OK(&t.cx, artifact_open(&t.cx, &b, NULL, &f));
    forecaster_free(f);
    b.members[0] = S("oracle");
    CHECK_EQ(artifact_open(&t.cx, &b, NULL, &f), ERR_UNSUPPORTED);
    for (size_t at = 0; at < bytes.n; at++) { /* any byte changed, any end missing */
        bytes.p[at] ^= 4;
        CHECK(artifact_read(&t.cx, buf_str(&bytes), &b) < 0);
        bytes.p[at] ^= 4;
        CHECK(artifact_read(&t.cx, str_n(bytes.p, at), &b) < 0);
    }
    buf_done(&bytes);
    test_ctx_done(&t);
}

TEST(a_card_that_contradicts_itself_is_refused) {
    static const struct {
        const char *name, *card;
    } rows[] = {
        { "nothing", "{}" },
        { "no json", "hello" },
        { "weights", "{\"model\":\"naive\",\"look_back\":4,\"horizon\":2,\"targets\":1,\"step_ms\":1,\"columns\":[{"
                     "\"name\":\"a\",\"mean\":0,"
                     "\"std\":1}],\"members\":[{\"model\":\"naive\",\"weight\":0.5}]}" },
        { "targets", "{\"model\":\"naive\",\"look_back\":4,\"horizon\":2,\"targets\":2,\"step_ms\":1,\"columns\":[{"
                     "\"name\":\"a\",\"mean\":0,"
                     "\"std\":1}],\"members\":[{\"model\":\"naive\",\"weight\":1}]}" },
        { "std", "{\"model\":\"naive\",\"look_back\":4,\"horizon\":2,\"targets\":1,\"step_ms\":1,\"columns\":[{"
                 "\"name\":\"a\",\"mean\":0,"
                 "\"std\":0}],\"members\":[{\"model\":\"naive\",\"weight\":1}]}" },
        { "huge", "{\"model\":\"naive\",\"look_back\":4e9,\"horizon\":2,\"targets\":1,\"step_ms\":1,\"columns\":[],"
                  "\"members\":[]}" },
    };
    EACH_ROW (r, rows) {
        TestCtx t;
        test_ctx_init(&t);
        Str parts[2 + ARTIFACT_MEMBERS] = { str_c(r->card) };
        Artifact a;
        Buf b;
        buf_init(&b, 1 << 16);
        CHECK_EQ(sealed_write(S("forecaster"), parts, ARRAY_LEN(parts), &b), 0);
        CHECK_EQ(artifact_read(&t.cx, buf_str(&b), &a), ERR_CORRUPT);
        buf_done(&b);
        test_ctx_done(&t);
    }
}

TESTS(T(a_run_in_pieces_ends_with_the_same_weights), T(a_run_cut_by_the_clock_anywhere_ends_with_the_same_weights),
      T(it_learns_and_stops), T(what_cannot_be_trained_is_refused), T(a_checkpoint_of_something_else_is_refused),
      T(weights_of_a_simplex_are_the_least), T(an_ensemble_is_never_worse_than_its_best_member),
      T(a_model_is_read_back_as_it_was_written), T(a_card_that_contradicts_itself_is_refused))
