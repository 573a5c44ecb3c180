/* DLinear and NLinear against the definition, written out; gradients by finite differences; losses; training to a line. */

#include "base/rng.h"
#include "nn/model.h"

#include "test.h"

static Nn nn;
static TestCtx t;

static int setup(void **state) {
    UNUSED(state);
    test_ctx_init(&t);
    nn_init(&nn, NULL, 1);
    return 0;
}

static int teardown(void **state) {
    UNUSED(state);
    nn_done(&nn);
    test_ctx_done(&t);
    return 0;
}

enum { LOOKBACK = 11, HORIZON = 3, CHANNELS = 2, WINDOWS = 5 };

/* A series with all windows of it as a batch. */
typedef struct Series {
    float v[(LOOKBACK + HORIZON + WINDOWS) * CHANNELS];
    const float *x[WINDOWS], *y[WINDOWS];
    ModelBatch batch;
} Series;

static void series_draw(Series *s) {
    Rng rng;
    rng_seed(&rng, 3);
    for (size_t i = 0; i < ARRAY_LEN(s->v); i++)
        s->v[i] = (float)rng_normal(&rng);
    for (size_t b = 0; b < WINDOWS; b++) {
        s->x[b] = s->v + b * CHANNELS;
        s->y[b] = s->x[b] + LOOKBACK * CHANNELS;
    }
    s->batch = (ModelBatch){ .n = WINDOWS, .x = s->x, .x_stride = CHANNELS, .y = s->y, .y_stride = CHANNELS };
}

static Model *model(ModelKind kind, int kernel, int targets) {
    ModelSettings s = model_defaults(kind, LOOKBACK, HORIZON, CHANNELS);
    s.kernel = kernel;
    s.targets = targets;
    Model *m = NULL;
    CHECK_OK_PLAIN(&t.cx, model_new(&t.cx, &s, &nn, &m));
    return m;
}

static double weight(Model *m, const char *name, size_t i) {
    const Param *p = param_find(model_params(m), str_c(name));
    return p ? model_params(m)->value[p->from + i] : 0;
}

/* One output by the definition: a centred moving average with the ends repeated, and the rest. */
static double dlinear_by_hand(Model *m, const float *x, int kernel, size_t h, size_t c) {
    double y = weight(m, "Linear_Seasonal.bias", h) + weight(m, "Linear_Trend.bias", h);
    for (int i = 0; i < LOOKBACK; i++) {
        double trend = 0;
        for (int d = -kernel / 2; d <= kernel / 2; d++)
            trend += x[CLAMP(i + d, 0, LOOKBACK - 1) * CHANNELS + (int)c] / (double)kernel;
        size_t w = h * LOOKBACK + (size_t)i;
        y += weight(m, "Linear_Seasonal.weight", w) * (x[i * CHANNELS + (int)c] - trend) +
             weight(m, "Linear_Trend.weight", w) * trend;
    }
    return y;
}

TEST(dlinear_is_its_definition) {
    static const struct {
        const char *name;
        int kernel, targets;
    } rows[] = {
        { "no average", 1, 2 },
        { "narrow", 3, 2 },
        { "as wide as the window", 11, 2 },
        { "wider than twice it", 25, 1 },
    };
    Series s;
    series_draw(&s);
    EACH_ROW (r, rows) {
        Model *m = model(MODEL_DLINEAR, r->kernel, r->targets);
        float out[WINDOWS * HORIZON * CHANNELS];
        model_forward(m, &s.batch, out);
        for (size_t b = 0; b < WINDOWS; b++)
            for (size_t h = 0; h < HORIZON; h++)
                for (size_t c = 0; c < (size_t)r->targets; c++)
                    CHECK_NEAR(out[(b * HORIZON + h) * (size_t)r->targets + c],
                               dlinear_by_hand(m, s.x[b], r->kernel, h, c), 2e-6);
        model_free(m);
    }
}

TEST(nlinear_repeats_the_last_value_when_its_weights_are_zero) {
    Series s;
    series_draw(&s);
    Model *m = model(MODEL_NLINEAR, 1, CHANNELS);
    memset(model_params(m)->value, 0, model_params(m)->n * sizeof(float));
    float out[WINDOWS * HORIZON * CHANNELS];
    model_forward(m, &s.batch, out);
    for (size_t i = 0; i < ARRAY_LEN(out); i++)
        CHECK_NEAR(out[i], s.x[i / (HORIZON * CHANNELS)][(LOOKBACK - 1) * CHANNELS + i % CHANNELS], 0);
    model_free(m);
}

/* Central differences of the loss: weights are floats, so the step is large and the models are linear in them. */
static void check_slopes(Model *m, const ModelBatch *batch, const Loss *loss, double tol) {
    double value = model_backward(m, batch, loss, 0);
    if (!(fabs(value - model_loss(m, batch, loss)) <= 1e-7)) /* no dropout: training and evaluation agree */
        FAIL("%s: the loss is %.9g in training, %.9g in evaluation", loss_kind_name(loss->kind), value,
             model_loss(m, batch, loss));
    Params *p = model_params(m);
    for (size_t i = 0; i < p->n; i++) {
        float was = p->value[i], step = 1e-2f;
        p->value[i] = was + step;
        double up = model_loss(m, batch, loss);
        p->value[i] = was - step;
        double down = model_loss(m, batch, loss);
        p->value[i] = was;
        if (!(fabs((up - down) / (2 * (double)step) - p->grad[i]) <= tol))
            FAIL("%s: slope %zu is %.7g, not %.7g", loss_kind_name(loss->kind), i, p->grad[i],
                 (up - down) / (2 * (double)step));
    }
}

TEST(gradients_are_the_slopes_of_the_loss) {
    UNUSED(state_);
    static const struct {
        const char *name;
        ModelKind kind;
        ModelNorm norm;
        Loss loss;
    } rows[] = {
        { "dlinear mse", MODEL_DLINEAR, MODEL_NORM_NONE, { LOSS_MSE, 0 } },
        { "nlinear mse", MODEL_NLINEAR, MODEL_NORM_LAST, { LOSS_MSE, 0 } },
        { "nlinear revin", MODEL_NLINEAR, MODEL_NORM_REVIN, { LOSS_MSE, 0 } },
        { "dlinear huber", MODEL_DLINEAR, MODEL_NORM_REVIN, { LOSS_HUBER, 3 } },
    };
    Series s;
    series_draw(&s);
    EACH_ROW (r, rows) {
        ModelSettings settings = model_defaults(r->kind, LOOKBACK, HORIZON, CHANNELS);
        settings.kernel = 5;
        settings.norm = r->norm;
        Model *m = NULL;
        CHECK_OK_PLAIN(&t.cx, model_new(&t.cx, &settings, &nn, &m));
        check_slopes(m, &s.batch, &r->loss, 2e-4);
        model_free(m);
    }
}

TEST(losses_have_the_values_and_slopes_of_their_definitions) {
    static const struct {
        const char *name;
        Loss loss;
        double forecast, wanted, value, slope;
    } rows[] = {
        { "mse", { LOSS_MSE, 0 }, 3, 1, 4, 4 },
        { "mae over", { LOSS_MAE, 0 }, 3, 1, 2, 1 },
        { "mae under", { LOSS_MAE, 0 }, 1, 3, 2, -1 },
        { "huber inside", { LOSS_HUBER, 1 }, 1.5, 1, .125, .5 },
        { "huber at its edge", { LOSS_HUBER, 1 }, 2, 1, .5, 1 },
        { "huber outside", { LOSS_HUBER, 1 }, 4, 1, 2.5, 1 },
        { "pinball under", { LOSS_PINBALL, .9 }, 1, 3, 1.8, -.9 },
        { "pinball over", { LOSS_PINBALL, .9 }, 3, 1, .2, .1 },
        { "pinball exact", { LOSS_PINBALL, .9 }, 1, 1, 0, 0 },
    };
    EACH_ROW (r, rows) {
        CHECK_NEAR(loss_one(&r->loss, r->forecast, r->wanted), r->value, 1e-12);
        CHECK_NEAR(loss_slope(&r->loss, r->forecast, r->wanted), r->slope, 1e-12);
    }
}

TEST(settings_outside_their_bounds_are_refused_by_name) {
    static const struct {
        const char *name;
        ModelSettings s;
        const char *field;
    } rows[] = {
        { "no rows", { .kind = MODEL_NLINEAR, .horizon = 1, .channels = 1, .targets = 1 }, "lookback" },
        { "more targets than channels",
          { .kind = MODEL_NLINEAR, .lookback = 4, .horizon = 1, .channels = 1, .targets = 2 },
          "targets" },
        { "even average",
          { .kind = MODEL_DLINEAR, .lookback = 4, .horizon = 1, .channels = 1, .targets = 1, .kernel = 4 },
          "kernel" },
        { "unknown model", { .kind = MODEL_KINDS, .lookback = 4, .horizon = 1, .channels = 1, .targets = 1 }, "kind" },
    };
    EACH_ROW (r, rows) {
        Model *m = NULL;
        CHECK_EQ(model_new(&t.cx, &r->s, &nn, &m), ERR_INVALID);
        CHECK_STR(str_c(t.cx.err.field), str_c(r->field));
        CHECK(!m);
    }
}

TEST(training_finds_a_line) {
    static float v[60 * CHANNELS];
    const float *x[40], *y[40];
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        v[i] = (float)(i / CHANNELS) * .1f;
    for (size_t b = 0; b < 40; b++)
        y[b] = (x[b] = v + b * CHANNELS) + LOOKBACK * CHANNELS;
    ModelBatch batch = { .n = 40, .x = x, .x_stride = CHANNELS, .y = y, .y_stride = CHANNELS };
    Model *m = model(MODEL_NLINEAR, 1, CHANNELS);
    Adam adam;
    adam_init(&adam, model_params(m)->n);
    const Loss mse = { LOSS_MSE, 0 };
    for (uint64_t step = 0; step < 400; step++) {
        model_backward(m, &batch, &mse, step);
        adam_step(&adam, &nn, model_params(m), 1e-2);
    }
    CHECK(model_loss(m, &batch, &mse) < 1e-6);
    adam_done(&adam);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(dlinear_is_its_definition),
        T(nlinear_repeats_the_last_value_when_its_weights_are_zero),
        T(gradients_are_the_slopes_of_the_loss),
        T(losses_have_the_values_and_slopes_of_their_definitions),
        T(settings_outside_their_bounds_are_refused_by_name),
        T(training_finds_a_line),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
