#pragma once

/* tests/unit/nn/golden.h - a model against a file of tensors that PyTorch left: x, y, pred, loss, param.*, grad.*, buffer.*.
 * Bounds are those of requirement PRD-10 and the golden files: loss to a relative 1e-6, forecasts to 1e-5, gradients to
 * 3e-5 of the tensor's largest and 1e-6. */

#include "nn/model.h"
#include "nn/safetensors.h"

#include "test.h"

typedef struct Golden {
    TestCtx t;
    Tensors file;
    ModelBatch batch;
    size_t outputs; /* floats of y */
} Golden;

/* path: found by test_shared_file or in the tree. */
void golden_open(Golden *g, const char *path);
void golden_close(Golden *g);
/* Floats of a tensor; the test fails when it is not there. */
const float *golden_floats(Golden *g, const char *name, size_t n);
/* Sets every parameter from prefix + its name. */
void golden_set_params(Golden *g, Model *m, const char *prefix);
/* Loss, gradients, forecast. prefix_grad + name. */
void golden_check(Golden *g, Model *m, const char *prefix_grad, const char *what);
void golden_check_floats(const char *what, const char *name, const float *got, const float *want, size_t n, double tol);
