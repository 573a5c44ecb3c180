/* nn/param.c - see param.h. */

#include "nn/param.h"

#include <stdarg.h>
#include <stdio.h>

void params_done(Params *p) {
    mem_free(p->v);
    mem_free(p->value);
    mem_free(p->grad);
    *p = (Params){ 0 };
}

size_t param_add(Params *p, const size_t *shape, const char *name_fmt, ...) {
    assert(!p->value && "the tensors are named before the memory is taken");
    if (p->n_params == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 32;
        p->v = mem_realloc(p->v, mem_mul(p->cap, sizeof *p->v));
    }
    Param *q = &p->v[p->n_params];
    *q = (Param){ .n = 1, .from = p->n };
    va_list args;
    va_start(args, name_fmt);
    int length = vsnprintf(q->name, sizeof q->name, name_fmt, args);
    va_end(args);
    assert(length > 0 && length < (int)sizeof q->name);
    for (; shape[q->rank]; q->rank++) {
        assert(q->rank < PARAM_RANK_MAX);
        q->shape[q->rank] = shape[q->rank];
        q->n = mem_mul(q->n, shape[q->rank]);
    }
    p->n += q->n;
    return p->n_params++;
}

void params_seal(Params *p) {
    p->value = mem_new_n(float, p->n);
}

void params_need_grad(Params *p) {
    if (!p->grad)
        p->grad = mem_new_n(float, p->n);
}

const Param *param_find(const Params *p, Str name) {
    for (size_t i = 0; i < p->n_params; i++)
        if (str_eq(str_c(p->v[i].name), name))
            return &p->v[i];
    return NULL;
}
