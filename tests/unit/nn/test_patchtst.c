/* PatchTST: the official model's own tensors, on every instruction set; the same bits from any number of threads; saved and
 * restored. */

#include "base/rng.h"

#include "golden.h"

static TestCtx t;

static const char *source_root(void) {
    const char *root = getenv("FINSIGHT_SOURCE");
    return root ? root : ".";
}

static int setup(void **state) {
    UNUSED(state);
    test_ctx_init(&t);
    return 0;
}

static int teardown(void **state) {
    UNUSED(state);
    test_ctx_done(&t);
    return 0;
}

/* What the golden files' metadata says. */
static ModelSettings golden_settings(Golden *g) {
    const Tensor *x = tensors_find(&g->file, S("x")), *y = tensors_find(&g->file, S("y"));
    ModelSettings s = model_defaults(MODEL_PATCHTST, (int)x->shape[1], (int)y->shape[1], (int)x->shape[2]);
    static const struct {
        const char *name;
        size_t at;
    } fields[] = {
        { "d_model", offsetof(ModelSettings, d_model) }, { "n_heads", offsetof(ModelSettings, heads) },
        { "d_ff", offsetof(ModelSettings, d_ff) },       { "e_layers", offsetof(ModelSettings, layers) },
        { "patch_len", offsetof(ModelSettings, patch) }, { "stride", offsetof(ModelSettings, stride) },
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        Str word;
        int64_t v = 0;
        if (!tensors_note(&g->file, str_c(fields[i].name), &word) || !str_to_i64(word, &v))
            FAIL("the golden file does not tell %s", fields[i].name);
        *(int *)(void *)((char *)&s + fields[i].at) = (int)v;
    }
    s.dropout = 0;
    return s;
}

static uint32_t hash32(uint32_t x) {
    x = (x ^ x >> 16) * 0x7FEB352Du;
    x = (x ^ x >> 15) * 0x846CA68Bu;
    return x ^ x >> 16;
}

/* The weights of tests/golden/make_nn_golden.py: they follow from the tensor's name. */
static void set_named_weights(Model *m) {
    Params *p = model_params(m);
    for (size_t i = 0; i < p->n_params; i++) {
        uint32_t seed = 2166136261u;
        const char *name = p->v[i].name;
        for (const char *c = name; *c; c++)
            seed = (seed ^ (uint8_t)*c) * 16777619u;
        bool gain = strstr(name, "norm") && str_ends(str_c(name), S("weight"));
        for (size_t e = 0; e < p->v[i].n; e++) {
            double u = hash32(seed + (uint32_t)e) / 4294967296.0 - .5;
            param_value(p, i)[e] = (float)(gain ? 1 + u / 2 : u * .3);
        }
    }
}

static void check_golden(Golden *g, const NnKernels *kernels, bool with_weights) {
    Nn nn;
    Model *m = NULL;
    nn_init(&nn, kernels, 2);
    ModelSettings s = golden_settings(g);
    CHECK_OK_PLAIN(&t.cx, model_new(&t.cx, &s, &nn, &m));
    if (with_weights)
        golden_set_params(g, m, "param.");
    else
        set_named_weights(m);
    golden_check(g, m, "grad.", kernels->name);
    float *out = arena_new_n(&t.arena, float, g->outputs);
    model_forward(m, &g->batch, out);
    golden_check_floats(kernels->name, "forecast with running moments", out,
                        golden_floats(g, "pred_eval_after_one_train_forward", g->outputs), g->outputs, 1e-5);
    const Params *b = model_buffers(m);
    for (size_t i = 0; i < b->n_params; i++) {
        Str name = str_fmt(&t.arena, "buffer.%s", b->v[i].name);
        golden_check_floats(kernels->name, b->v[i].name, param_value(b, i),
                            golden_floats(g, str_cz(&t.arena, name), b->v[i].n), b->v[i].n, 1e-5);
    }
    model_free(m);
    nn_done(&nn);
}

TEST(prd_09_equals_the_official_model_on_every_instruction_set) {
    const char *path = test_shared_file("golden/patchtst/patchtst_tiny.safetensors");
    if (!path)
        SKIP("golden/patchtst is not in ../shared");
    UNUSED(state_);
    Golden g;
    golden_open(&g, path);
    for (size_t i = 0; nn_kernels_at(i); i++)
        check_golden(&g, nn_kernels_at(i), true);
    golden_close(&g);
}

TEST(prd_09_equals_torch_with_64_features) {
    UNUSED(state_);
    Golden g;
    golden_open(&g, str_cz(&t.arena, str_fmt(&t.arena, "%s/tests/golden/patchtst_d64.safetensors", source_root())));
    for (size_t i = 0; nn_kernels_at(i); i++)
        check_golden(&g, nn_kernels_at(i), false);
    golden_close(&g);
}

/* --- a small one, with dropout --- */

enum { LOOKBACK = 24, HORIZON = 2, CHANNELS = 3, WINDOWS = 5 };

static ModelSettings small_settings(void) {
    ModelSettings s = model_defaults(MODEL_PATCHTST, LOOKBACK, HORIZON, CHANNELS);
    s.d_model = 6;
    s.heads = 2;
    s.d_ff = 5; /* narrower than d_model: the other way to gather gradients */
    s.layers = 2;
    s.patch = 5;
    s.stride = 3;
    s.targets = 2;
    s.dropout = .3;
    return s;
}

typedef struct Windows {
    float v[(LOOKBACK + HORIZON + WINDOWS) * CHANNELS];
    const float *x[WINDOWS], *y[WINDOWS];
    ModelBatch batch;
} Windows;

static void windows_draw(Windows *w) {
    Rng rng;
    rng_seed(&rng, 5);
    for (size_t i = 0; i < ARRAY_LEN(w->v); i++)
        w->v[i] = (float)rng_normal(&rng);
    for (size_t b = 0; b < WINDOWS; b++)
        w->y[b] = (w->x[b] = w->v + b * CHANNELS) + LOOKBACK * CHANNELS;
    w->batch = (ModelBatch){ .n = WINDOWS, .x = w->x, .x_stride = CHANNELS, .y = w->y, .y_stride = CHANNELS };
}

static const Loss mse = { LOSS_MSE, 0 };

/* The masks follow from the step, so the training loss is a function of the weights, dropout and all: its differences are
 * its gradients. The plain kernels sum in double; what is left is the rounding of floats between layers. */
TEST(gradients_are_differences_of_the_loss_with_dropout_on) {
    UNUSED(state_);
    Windows w;
    Nn nn;
    Model *m = NULL;
    ModelSettings s = small_settings();
    windows_draw(&w);
    nn_init(&nn, &nn_kernels_plain, 1);
    CHECK_OK(&t.cx, model_new(&t.cx, &s, &nn, &m));
    Params *p = model_params(m);
    float *grad = arena_new_n(&t.arena, float, p->n);
    model_backward(m, &w.batch, &mse, 7);
    memcpy(grad, p->grad, p->n * sizeof *grad);
    for (size_t i = 0; i < p->n_params; i++)
        for (size_t e = 0; e < p->v[i].n; e += 1 + p->v[i].n / 12) {
            float *at = param_value(p, i) + e, was = *at, h = 4e-3f;
            *at = was + h;
            double up = model_backward(m, &w.batch, &mse, 7);
            *at = was - h;
            double down = model_backward(m, &w.batch, &mse, 7);
            *at = was;
            double slope = (up - down) / (2 * (double)h), got = (double)grad[p->v[i].from + e];
            if (!(fabs(slope - got) <= 2e-3 + .02 * fabs(slope)))
                FAIL("%s[%zu]: %.6g, not %.6g", p->v[i].name, e, got, slope);
        }
    model_free(m);
    nn_done(&nn);
}

/* Twelve steps of training; the weights' bits. */
static void train(Model *m, const Nn *nn, const Windows *w, int from, int to, Adam *adam) {
    for (int step = from; step < to; step++) {
        model_backward(m, &w->batch, &mse, (uint64_t)step);
        adam_step(adam, nn, model_params(m), 1e-2);
    }
}

TEST(pri_12_any_number_of_threads_and_a_resumed_run_give_the_same_bits) {
    UNUSED(state_);
    Windows w;
    windows_draw(&w);
    float *first = NULL;
    for (ModelKind kind = 0; kind < MODEL_KINDS; kind++) {
        ModelSettings s = small_settings();
        s.kind = kind;
        s.kernel = 5;
        s.hidden = 7;
        for (int threads = 1; threads <= 5; threads++) {
            Nn nn;
            Model *m = NULL;
            Adam adam;
            Buf kept;
            nn_init(&nn, NULL, threads);
            buf_init(&kept, 1 << 24);
            CHECK_OK(&t.cx, model_new(&t.cx, &s, &nn, &m));
            adam_init(&adam, model_params(m)->n);
            train(m, &nn, &w, 0, threads, &adam);
            CHECK_EQ(model_save(m, &adam, NULL, 0, &kept), 0); /* stopped and begun again, at another place each time */
            model_free(m);
            adam_done(&adam);
            CHECK_OK(&t.cx, model_load(&t.cx, buf_str(&kept), &nn, &m, &adam));
            train(m, &nn, &w, threads, 12, &adam);
            size_t bytes = model_params(m)->n * sizeof(float);
            if (threads == 1)
                first = memcpy(arena_alloc(&t.arena, bytes), model_params(m)->value, bytes);
            else if (memcmp(first, model_params(m)->value, bytes) != 0)
                FAIL("%s: %d threads give other weights than one", model_kind_name(kind), threads);
            buf_done(&kept);
            adam_done(&adam);
            model_free(m);
            nn_done(&nn);
        }
    }
}

TEST(dropout_follows_the_step_and_forecasts_have_none) {
    Windows w;
    Nn nn;
    Model *m = NULL;
    ModelSettings s = small_settings();
    float out[2][WINDOWS * HORIZON * CHANNELS];
    windows_draw(&w);
    nn_init(&nn, NULL, 1);
    CHECK_OK(&t.cx, model_new(&t.cx, &s, &nn, &m));
    double loss = model_backward(m, &w.batch, &mse, 1);
    CHECK(model_backward(m, &w.batch, &mse, 2) != loss);
    CHECK(model_backward(m, &w.batch, &mse, 1) == loss);
    model_forward(m, &w.batch, out[0]);
    model_forward(m, &w.batch, out[1]);
    CHECK_EQ(memcmp(out[0], out[1], WINDOWS * HORIZON * 2 * sizeof(float)), 0);
    model_free(m);
    nn_done(&nn);
}

/* One window at a time or all at once: forecasts do not depend on what else is in the batch. */
TEST(a_forecast_does_not_depend_on_its_batch) {
    UNUSED(state_);
    Windows w;
    windows_draw(&w);
    for (ModelKind kind = 0; kind < MODEL_KINDS; kind++) {
        ModelSettings s = small_settings();
        Nn nn;
        Model *m = NULL;
        float all[WINDOWS * HORIZON * 2], one[HORIZON * 2];
        s.kind = kind;
        s.kernel = 5;
        s.hidden = 7;
        nn_init(&nn, NULL, 2);
        CHECK_OK(&t.cx, model_new(&t.cx, &s, &nn, &m));
        model_backward(m, &w.batch, &mse, 0);
        model_forward(m, &w.batch, all);
        for (size_t b = 0; b < WINDOWS; b++) {
            ModelBatch single = { .n = 1, .x = &w.x[b], .x_stride = CHANNELS };
            model_forward(m, &single, one);
            golden_check_floats(model_kind_name(kind), "one window", one, all + b * HORIZON * 2, HORIZON * 2, 1e-5);
        }
        model_free(m);
        nn_done(&nn);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(prd_09_equals_the_official_model_on_every_instruction_set),
        T(prd_09_equals_torch_with_64_features),
        T(gradients_are_differences_of_the_loss_with_dropout_on),
        T(pri_12_any_number_of_threads_and_a_resumed_run_give_the_same_bits),
        T(dropout_follows_the_step_and_forecasts_have_none),
        T(a_forecast_does_not_depend_on_its_batch),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
