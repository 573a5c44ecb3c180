#pragma once

/* nn/param.h - named tensors in one piece of memory.
 *
 * All values of a model lie one behind the other, all gradients likewise, so that an optimiser, a copy of the best
 * weights or a comparison is one loop over n floats. A Param is a view of its part. Made in two passes: param_add for each
 * tensor, then params_seal, which allocates. Names are those of the papers' own code, so that their checkpoints load. */

#include "base/str.h"

enum { PARAM_RANK_MAX = 4, PARAM_NAME_MAX = 96 };

typedef struct Param {
    char name[PARAM_NAME_MAX];
    int rank;
    size_t shape[PARAM_RANK_MAX];
    size_t n;    /* product of the shape */
    size_t from; /* of the first element within Params.value */
} Param;

typedef struct Params {
    Param *v;
    size_t n_params;
    size_t n;     /* floats of all together */
    float *value; /* n, after params_seal */
    float *grad;  /* n; NULL until params_need_grad */
    /* private */
    size_t cap;
} Params;

void params_done(Params *p);
/* Index of the new tensor. shape ends with 0. The name is shortened by nobody: it must fit. */
size_t param_add(Params *p, const size_t *shape, const char *name_fmt, ...) PRINTF_LIKE(3, 4);
void params_seal(Params *p); /* values are zero */
void params_need_grad(Params *p);

static inline float *param_value(const Params *p, size_t i) {
    return p->value + p->v[i].from;
}
static inline float *param_grad(const Params *p, size_t i) {
    return p->grad + p->v[i].from;
}
/* NULL when there is none of that name. */
const Param *param_find(const Params *p, Str name);
