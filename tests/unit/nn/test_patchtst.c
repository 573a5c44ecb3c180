/* PatchTST: the official model's own tensors, on every instruction set; the same bits from any number of threads; saved and
 * restored. */

#include "golden.h"

static TestCtx t;

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

static void check_golden(Golden *g, const NnKernels *kernels) {
    Nn nn;
    Model *m = NULL;
    nn_init(&nn, kernels, 2);
    ModelSettings s = golden_settings(g);
    CHECK_OK_PLAIN(&t.cx, model_new(&t.cx, &s, &nn, &m));
    golden_set_params(g, m, "param.");
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
        check_golden(&g, nn_kernels_at(i));
    golden_close(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(prd_09_equals_the_official_model_on_every_instruction_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
