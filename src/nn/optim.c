/* nn/optim.c - see optim.h. */

#include "nn/optim.h"

#include <math.h>

void adam_init(Adam *a, size_t n) {
    *a = (Adam){ .beta1 = .9, .beta2 = .999, .eps = 1e-8, .n = n };
    a->m = mem_new_n(float, n);
    a->v = mem_new_n(float, n);
}

void adam_done(Adam *a) {
    mem_free(a->m);
    mem_free(a->v);
    *a = (Adam){ 0 };
}

typedef struct AdamCall {
    const Adam *a;
    const Nn *nn;
    Params *p;
    NnAdam c;
} AdamCall;

static void adam_shard(void *arg, int shard) {
    const AdamCall *call = arg;
    NnRange r = nn_part(call->a->n, shard);
    call->nn->k->adam(r.to - r.from, call->p->grad + r.from, call->p->value + r.from, call->a->m + r.from,
                      call->a->v + r.from, &call->c);
}

void adam_step(Adam *a, const Nn *nn, Params *p, double rate) {
    assert(a->n == p->n && p->grad);
    a->step++;
    double bias1 = 1 - pow(a->beta1, (double)a->step), bias2 = 1 - pow(a->beta2, (double)a->step);
    AdamCall call = { a,
                      nn,
                      p,
                      { .beta1 = (float)a->beta1,
                        .beta2 = (float)a->beta2,
                        .eps = (float)a->eps,
                        .rate = (float)(rate / bias1),
                        .scale2 = (float)(1 / sqrt(bias2)),
                        .keep = (float)(1 - rate * a->weight_decay) } };
    nn_shards(nn, adam_shard, &call);
}

double params_clip(Params *p, double most) {
    double square = 0;
    for (size_t i = 0; i < p->n; i++)
        square += (double)p->grad[i] * p->grad[i];
    double norm = sqrt(square);
    if (norm > most) /* a norm that is not a number leaves the gradients as they are, for the caller to see */
        for (size_t i = 0; i < p->n; i++)
            p->grad[i] *= (float)(most / norm);
    return norm;
}
