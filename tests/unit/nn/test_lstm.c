/* LSTM: torch.nn.LSTM's own tensors on every instruction set. */

#include "golden.h"

static void check_golden(Golden *g, const NnKernels *kernels) {
    Nn nn;
    Model *m = NULL;
    nn_init(&nn, kernels, 2);
    ModelSettings s = model_defaults(MODEL_LSTM, 30, 4, 6);
    s.targets = 1;
    s.hidden = 20;
    CHECK_OK_PLAIN(&g->t.cx, model_new(&g->t.cx, &s, &nn, &m));
    golden_set_params(g, m, "param.");
    float *out = arena_new_n(&g->t.arena, float, g->outputs);
    model_forward(m, &g->batch, out);
    golden_check_floats(kernels->name, "pred", out, golden_floats(g, "pred", g->outputs), g->outputs, 1e-5);
    golden_check(g, m, "grad.", kernels->name);
    model_forward(m, &g->batch, out); /* with the buffers that training left */
    golden_check_floats(kernels->name, "pred", out, golden_floats(g, "pred", g->outputs), g->outputs, 1e-5);
    model_free(m);
    nn_done(&nn);
}

TEST(prd_10_equals_torch_on_every_instruction_set) {
    const char *path = test_shared_file("golden/lstm/lstm_tiny.safetensors");
    if (!path)
        SKIP("golden/lstm is not in ../shared");
    UNUSED(state_);
    Golden g;
    golden_open(&g, path);
    for (size_t i = 0; nn_kernels_at(i); i++)
        check_golden(&g, nn_kernels_at(i));
    golden_close(&g);
}

TESTS(T(prd_10_equals_torch_on_every_instruction_set))
