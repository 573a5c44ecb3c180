#pragma once

/* nn/optim.h - Adam and AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019), with the arithmetic of torch.optim, and
 * clipping by the global norm. All state is plain: two moments and the number of steps, saved with a model. */

#include "nn/nn.h"
#include "nn/param.h"

typedef struct Adam {
    double beta1, beta2, eps;
    double weight_decay; /* times the rate, off the weights themselves (AdamW); 0: Adam */
    uint64_t step;       /* steps made */
    size_t n;
    float *m, *v; /* n each: means of the gradient and of its square */
} Adam;

/* beta .9 and .999, eps 1e-8, no decay. n: Params.n. */
void adam_init(Adam *a, size_t n);
void adam_done(Adam *a);
void adam_step(Adam *a, const Nn *nn, Params *p, double rate);

/* Scales all gradients so that their Euclidean norm is at most `most`; returns the norm they had. */
double params_clip(Params *p, double most);
