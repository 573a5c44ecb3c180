/* ta/ta.c - see ta.h. */

#include "ta/kernel.h"

#include <string.h>

struct TaState {
    const TaIndicator *ta;
    max_align_t state[];
};

static const TaTable *const TABLES[] = {
    &ta_averages,   &ta_momenta,      &ta_directions,   &ta_ranges,         &ta_stochastics,   &ta_volumes,
    &ta_windows,    &ta_statistics,   &ta_maths,        &ta_cycles,         &ta_trends,        &ta_exact,
    &ta_backtrader, &ta_patterns_one, &ta_patterns_two, &ta_patterns_three, &ta_patterns_more,
};

int ta_lookback_none(const double *p) {
    UNUSED(p);
    return 0;
}

int ta_lookback_one(const double *p) {
    UNUSED(p);
    return 1;
}

int ta_lookback_period(const double *p) {
    return (int)p[0];
}

int ta_lookback_period_less_1(const double *p) {
    return (int)p[0] - 1;
}

size_t ta_n_inputs(const TaIndicator *ta) {
    size_t n = 0;
    while (ta->inputs[n] != TA_END)
        n++;
    return n;
}

size_t ta_n_params(const TaIndicator *ta) {
    size_t n = 0;
    while (ta->params[n].name)
        n++;
    return n;
}

size_t ta_n_outputs(const TaIndicator *ta) {
    size_t n = 0;
    while (ta->outputs[n])
        n++;
    return n;
}

size_t ta_count(void) {
    size_t n = 0;
    for (size_t t = 0; t < ARRAY_LEN(TABLES); t++)
        n += TABLES[t]->n;
    return n;
}

const TaIndicator *ta_at(size_t i) {
    size_t t = 0;
    while (i >= TABLES[t]->n) {
        i -= TABLES[t++]->n;
        assert(t < ARRAY_LEN(TABLES));
    }
    return &TABLES[t]->rows[i];
}

const TaIndicator *ta_find(Str name) {
    for (size_t t = 0; t < ARRAY_LEN(TABLES); t++)
        for (size_t i = 0; i < TABLES[t]->n; i++)
            if (str_eq_nocase(name, str_c(TABLES[t]->rows[i].name)))
                return &TABLES[t]->rows[i];
    return NULL;
}

int ta_bad_param(const TaIndicator *ta, const double *params) {
    for (int i = 0; ta->params[i].name; i++) {
        const TaParam *p = &ta->params[i];
        bool whole = p->kind == TA_REAL || params[i] == floor(params[i]);
        if (!(params[i] >= p->min && params[i] <= p->max && whole))
            return i;
    }
    return -1;
}

void ta_standard_params(const TaIndicator *ta, double *out) {
    for (int i = 0; ta->params[i].name; i++)
        out[i] = ta->params[i].standard;
}

TaState *ta_open(Arena *arena, const TaIndicator *ta, const double *params) {
    double standard[TA_PARAMS_MAX];
    if (!params) {
        ta_standard_params(ta, standard);
        params = standard;
    }
    assert(ta_bad_param(ta, params) < 0);
    TaState *s = arena_zalloc(arena, sizeof *s + ta->state_size);
    s->ta = ta;
    ta->init(s->state, arena, params);
    return s;
}

void ta_run(TaState *s, const double *const *in, size_t n, double *const *out) {
    s->ta->run(s->state, in, n, out);
}

void ta_compute(const TaIndicator *ta, const double *params, const double *const *in, size_t n, double *const *out) {
    Arena arena = { 0 };
    ta_run(ta_open(&arena, ta, params), in, n, out);
    arena_done(&arena);
}
