/* tests/unit/nn/golden.c - see golden.h. */

#include "golden.h"

void golden_open(Golden *g, const char *path) {
    test_ctx_init(&g->t);
    CHECK_OK_PLAIN(&g->t.cx, tensors_read(&g->t.cx, test_read_file(&g->t.arena, path), &g->file));
    const Tensor *x = tensors_find(&g->file, S("x")), *y = tensors_find(&g->file, S("y"));
    if (!x || !y || x->rank != 3 || y->rank < 2)
        FAIL("%s has no x and y", path);
    size_t n = x->shape[0], channels = x->shape[2], targets = y->rank == 3 ? y->shape[2] : 1;
    const float *xs = golden_floats(g, "x", x->n), *ys = golden_floats(g, "y", y->n);
    const float **px = arena_new_n(&g->t.arena, const float *, n), **py = arena_new_n(&g->t.arena, const float *, n);
    for (size_t b = 0; b < n; b++) {
        px[b] = xs + b * (x->n / n);
        py[b] = ys + b * (y->n / n);
    }
    g->batch = (ModelBatch){ .n = n, .x = px, .x_stride = channels, .y = py, .y_stride = targets };
    g->outputs = y->n;
}

void golden_close(Golden *g) {
    test_ctx_done(&g->t);
}

const float *golden_floats(Golden *g, const char *name, size_t n) {
    const Tensor *v = tensors_find(&g->file, str_c(name));
    if (!v)
        FAIL("no tensor %s", name);
    float *out = arena_alloc(&g->t.arena, (n + 1) * sizeof *out);
    CHECK_OK_PLAIN(&g->t.cx, tensor_floats(&g->t.cx, v, n, out));
    return out;
}

static const float *named(Golden *g, const char *prefix, const Param *p) {
    char name[2 * PARAM_NAME_MAX];
    snprintf(name, sizeof name, "%s%s", prefix, p->name);
    return golden_floats(g, name, p->n);
}

void golden_set_params(Golden *g, Model *m, const char *prefix) {
    Params *p = model_params(m);
    for (size_t i = 0; i < p->n_params; i++)
        memcpy(param_value(p, i), named(g, prefix, &p->v[i]), p->v[i].n * sizeof(float));
}

void golden_check_floats(const char *what, const char *name, const float *got, const float *want, size_t n,
                         double tol) {
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
    if (!(worst <= tol)) /* a NaN is refused too: fmax drops it, so look again */
        FAIL("%s: %s is off by %.3g, more than %.3g", what, name, worst, tol);
    for (size_t i = 0; i < n; i++)
        if (isnan(got[i]))
            FAIL("%s: %s has a NaN at %zu", what, name, i);
}

void golden_check(Golden *g, Model *m, const char *prefix_grad, const char *what) {
    const Loss mse = { LOSS_MSE, 0 };
    double want = (double)golden_floats(g, "loss", 1)[0], loss = model_backward(m, &g->batch, &mse, 0);
    if (!(fabs(loss - want) <= 1e-6 * want))
        FAIL("%s: loss %.9g, not %.9g", what, loss, want);
    const Params *p = model_params(m);
    for (size_t i = 0; i < p->n_params; i++) {
        const float *grad = named(g, prefix_grad, &p->v[i]);
        double largest = 0;
        for (size_t e = 0; e < p->v[i].n; e++)
            largest = fmax(largest, fabs((double)grad[e]));
        golden_check_floats(what, p->v[i].name, param_grad(p, i), grad, p->v[i].n, 3e-5 * largest + 1e-6);
    }
}
