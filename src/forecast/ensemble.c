/* forecast/ensemble.c - see ensemble.h. */

#include "forecast/ensemble.h"

#include <math.h>

typedef struct Ensemble {
    Forecaster f;
    Forecaster *members[ENSEMBLE_MAX];
    double weights[ENSEMBLE_MAX];
    size_t n;
    bool owner;
} Ensemble;

/* --- the weights --- */

/* The point of the simplex nearest to v (Held, Wolfe, Crowder 1974). */
static void project(double *v, size_t n) {
    double sorted[ENSEMBLE_MAX], sum = 0, shift = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        for (; k > 0 && sorted[k - 1] < v[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = v[i];
    }
    for (size_t i = 0; i < n; i++) {
        sum += sorted[i];
        if (sorted[i] - (sum - 1) / (double)(i + 1) > 0)
            shift = (sum - 1) / (double)(i + 1);
    }
    for (size_t i = 0; i < n; i++)
        v[i] = MAX(v[i] - shift, 0);
}

static double value(const double *E, size_t n, const double *w) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            sum += w[i] * E[i * n + j] * w[j];
    return sum;
}

/* Projected gradient with momentum (Nesterov), from the best member; what is kept is the best point seen, which is
 * therefore never worse than the start. */
void simplex_least(const double *E, size_t n, double *w) {
    enum { STEPS = 5000 };
    double at[ENSEMBLE_MAX] = { 0 }, ahead[ENSEMBLE_MAX] = { 0 }, trace = 0, momentum = 1;
    size_t best = 0;
    assert(n > 0 && n <= ENSEMBLE_MAX);
    for (size_t i = 0; i < n; i++) {
        trace += E[i * n + i];
        best = E[i * n + i] < E[best * n + best] ? i : best;
    }
    at[best] = ahead[best] = 1;
    memcpy(w, at, n * sizeof *w);
    double least = value(E, n, w);
    for (int step = 0; step < STEPS && trace > 0; step++) {
        double next[ENSEMBLE_MAX], faster = (1 + sqrt(1 + 4 * momentum * momentum)) / 2;
        for (size_t i = 0; i < n; i++) {
            double slope = 0;
            for (size_t j = 0; j < n; j++)
                slope += E[i * n + j] * ahead[j];
            next[i] = ahead[i] - slope / trace; /* the trace bounds the largest eigenvalue */
        }
        project(next, n);
        for (size_t i = 0; i < n; i++) {
            ahead[i] = next[i] + (momentum - 1) / faster * (next[i] - at[i]);
            at[i] = next[i];
        }
        momentum = faster;
        double v = value(E, n, at);
        if (v < least) {
            least = v;
            memcpy(w, at, n * sizeof *w);
        }
    }
}

typedef struct Weighing { /* the sums of e_i e_j over validation */
    const ForecastData *d;
    Forecaster *const *members;
    size_t n;
    float **forecasts; /* (n) of a batch */
    double *E;         /* (n, n) */
    int64_t values;
} Weighing;

/* Called with the batches and forecasts of member 0. */
static int weigh(void *arg, Ctx *cx, const WindowBatch *b, const float *first) {
    Weighing *w = arg;
    const ForecastData *d = w->d;
    size_t per_window = d->horizon * d->n_targets;
    memcpy(w->forecasts[0], first, b->n * per_window * sizeof *first);
    for (size_t m = 1; m < w->n; m++) {
        int r = forecaster_predict(w->members[m], cx, b, w->forecasts[m]);
        if (r)
            return r;
    }
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < per_window; k++) {
            double e[ENSEMBLE_MAX], y = b->x[i][(d->look_back + k / d->n_targets) * b->stride + k % d->n_targets];
            for (size_t m = 0; m < w->n; m++) {
                e[m] = w->forecasts[m][i * per_window + k] - y;
                for (size_t o = 0; o <= m; o++)
                    w->E[m * w->n + o] += e[m] * e[o];
            }
        }
    w->values += (int64_t)(b->n * per_window);
    return 0;
}

int ensemble_weigh(Ctx *cx, Forecaster *const *members, size_t n, const ForecastData *d, double *weights,
                   double *errors) {
    enum { BATCH = 64 };
    double E[ENSEMBLE_MAX * ENSEMBLE_MAX] = { 0 };
    float *forecasts[ENSEMBLE_MAX];
    ForecastScore score;
    assert(n > 0 && n <= ENSEMBLE_MAX);
    ArenaMark mark = arena_mark(cx->arena);
    for (size_t m = 0; m < n; m++)
        forecasts[m] = arena_new_n(cx->arena, float, mem_mul(BATCH, d->horizon * d->n_targets));
    Weighing w = { d, members, n, forecasts, E, 0 };
    int r = forecast_evaluate(cx, members[0], d, PART_VAL,
                              &(EvaluateOptions){ .batch = BATCH, .each = weigh, .arg = &w }, &score);
    arena_rewind(cx->arena, mark);
    if (r)
        return r;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            E[i * n + j] = E[j * n + i] = E[i * n + j] / (double)w.values;
    simplex_least(E, n, weights);
    for (size_t i = 0; errors && i < n; i++)
        errors[i] = E[i * n + i];
    return 0;
}

/* --- the forecaster --- */

static int predict(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    Ensemble *e = CONTAINER_OF(f, Ensemble, f);
    size_t values = b->n * f->shape.horizon * f->shape.n_targets;
    ArenaMark mark = arena_mark(cx->arena);
    float *one = arena_new_n(cx->arena, float, values);
    int r = 0;
    memset(out, 0, values * sizeof *out);
    for (size_t m = 0; m < e->n && r == 0; m++) {
        if (e->weights[m] == 0)
            continue;
        r = forecaster_predict(e->members[m], cx, b, one);
        for (size_t i = 0; i < values && r == 0; i++)
            out[i] += (float)e->weights[m] * one[i];
    }
    arena_rewind(cx->arena, mark);
    return r;
}

static void rest(Forecaster *f) {
    Ensemble *e = CONTAINER_OF(f, Ensemble, f);
    for (size_t m = 0; m < e->n; m++)
        forecaster_rest(e->members[m]);
}

static void free_ensemble(Forecaster *f) {
    Ensemble *e = CONTAINER_OF(f, Ensemble, f);
    for (size_t m = 0; e->owner && m < e->n; m++)
        forecaster_free(e->members[m]);
    e->n = 0;
}

void ensemble_own(Forecaster *f) {
    CONTAINER_OF(f, Ensemble, f)->owner = true;
}

static const ForecasterOps ops = { .predict = predict, .rest = rest, .free = free_ensemble };
const ForecasterKind ensemble_kind = {
    "ensemble", "several models, weighted by their errors on validation", sizeof(Ensemble), 1, &ops, NULL
};

int ensemble_new(Ctx *cx, Forecaster *const *members, const double *weights, size_t n, Forecaster **out) {
    assert(n > 0 && n <= ENSEMBLE_MAX);
    ForecastShape shape = members[0]->shape;
    shape.season = 1;
    int r = forecaster_new(cx, &ensemble_kind, &shape, NULL, out);
    if (r)
        return r;
    Ensemble *e = CONTAINER_OF(*out, Ensemble, f);
    e->n = n;
    for (size_t i = 0; i < n; i++) {
        e->members[i] = members[i];
        e->weights[i] = weights[i];
    }
    return 0;
}

size_t ensemble_members(const Forecaster *f, Forecaster *const **members, const double **weights) {
    const Ensemble *e = (const Ensemble *)f;
    assert(f->kind == &ensemble_kind);
    *members = e->members;
    *weights = e->weights;
    return e->n;
}
