/* forecast/interval.c - see interval.h. */

#include "forecast/interval.h"

#include <math.h>
#include <stdlib.h>

/* --- errors --- */

static size_t lower_bound(const float *v, size_t n, float x) {
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Cell i's error joins the n there are; the oldest leaves where the window is full. */
static void put_error(ErrorTable *e, size_t i, size_t n, float error) {
    float *sorted = e->sorted + i * e->window, *ring = e->ring + i * e->window;
    if (n == e->window) {
        size_t gone = lower_bound(sorted, n, ring[e->at[i]]);
        memmove(sorted + gone, sorted + gone + 1, (n - gone - 1) * sizeof *sorted);
        n--;
    }
    size_t to = lower_bound(sorted, n, error);
    memmove(sorted + to + 1, sorted + to, (n - to) * sizeof *sorted);
    sorted[to] = error;
    ring[e->at[i]] = error;
    e->at[i] = e->at[i] + 1 == e->window ? 0 : e->at[i] + 1;
}

static size_t n_cells(const ErrorTable *e) {
    return e->horizon * e->n_targets;
}

static int table_new(Ctx *cx, const ForecastData *d, size_t window, ErrorTable *out) {
    ErrorTable e = { .horizon = d->horizon, .n_targets = d->n_targets, .window = window };
    size_t bytes = mem_mul(mem_mul(n_cells(&e), window), sizeof(float));
    e.sorted = arena_try(cx->arena, bytes);
    e.ring = e.sorted ? arena_try(cx->arena, bytes) : NULL;
    if (!e.ring)
        return err_set(cx, ERR_LIMIT, "the errors of %zu forecasts do not fit into the memory allowed", window);
    e.at = arena_new_n(cx->arena, size_t, n_cells(&e));
    *out = e;
    return 0;
}

typedef struct Measure {
    const ForecastData *d;
    ErrorTable *e;
    size_t at;   /* window of the part */
    size_t skip; /* windows older than those kept */
} Measure;

static int measure(void *arg, Ctx *cx, const WindowBatch *b, const float *forecasts) {
    Measure *m = arg;
    UNUSED(cx);
    for (size_t i = 0; i < b->n; i++, m->at++) {
        if (m->at < m->skip)
            continue;
        for (size_t h = 0; h < m->d->horizon; h++) {
            const float *y = b->x[i] + (m->d->look_back + h) * b->stride;
            const float *f = forecasts + (i * m->d->horizon + h) * m->d->n_targets;
            for (size_t c = 0; c < m->d->n_targets; c++)
                put_error(m->e, h * m->d->n_targets + c, m->e->n, fabsf(y[c] - f[c]));
        }
        m->e->n = MIN(m->e->n + 1, m->e->window);
    }
    return 0;
}

int errors_measure(Ctx *cx, Forecaster *f, const ForecastData *d, size_t window, ErrorTable *out) {
    size_t n = data_windows(d, PART_VAL);
    if (n == 0)
        return err_set(cx, ERR_INVALID, "intervals need a validation part: its errors are their measure");
    ErrorTable e;
    ForecastScore score;
    window = window && window < n ? window : n;
    int r = table_new(cx, d, window, &e);
    Measure m = { d, &e, 0, n - window };
    if (r == 0)
        r = forecast_evaluate(cx, f, d, PART_VAL, &(EvaluateOptions){ .each = measure, .arg = &m }, &score);
    if (r == 0)
        *out = e;
    return r;
}

/* The ceil((n + 1) level)-th smallest, from 1. */
static float error_quantile(const ErrorTable *e, size_t cell, double level) {
    double k = ceil((double)(e->n + 1) * level);
    return e->sorted[cell * e->window + (k < 1 ? 0 : k > (double)e->n ? e->n - 1 : (size_t)k - 1)];
}

void errors_half_widths(const ErrorTable *e, double level, float *half) {
    assert(e->n > 0);
    for (size_t i = 0; i < n_cells(e); i++)
        half[i] = error_quantile(e, i, level);
}

/* --- adaptive --- */

static const double standard_gamma = 0.01;

int adaptive_new(Ctx *cx, const ErrorTable *errors, double level, double gamma, Adaptive *out) {
    Adaptive a = { .errors = *errors, .level = level, .gamma = gamma > 0 ? gamma : standard_gamma };
    size_t cells = n_cells(errors), bytes = mem_mul(mem_mul(a.errors.horizon, cells), sizeof(float));
    a.forecasts = arena_try(cx->arena, bytes);
    a.half = a.forecasts ? arena_try(cx->arena, bytes) : NULL;
    if (!a.half)
        return err_set(cx, ERR_LIMIT, "the forecasts of %zu origins do not fit into the memory allowed",
                       errors->horizon);
    a.alpha = arena_new_n(cx->arena, double, cells);
    for (size_t i = 0; i < cells; i++)
        a.alpha[i] = 1 - level;
    *out = a;
    return 0;
}

void adaptive_issue(Adaptive *a, const float *forecasts, float *half) {
    size_t cells = n_cells(&a->errors), slot = a->n_issued++ % a->errors.horizon;
    for (size_t i = 0; i < cells; i++)
        half[i] = error_quantile(&a->errors, i, 1 - a->alpha[i]);
    memcpy(a->forecasts + slot * cells, forecasts, cells * sizeof *forecasts);
    memcpy(a->half + slot * cells, half, cells * sizeof *half);
}

void adaptive_observe(Adaptive *a, const float *row) {
    ErrorTable *e = &a->errors;
    size_t cells = n_cells(e);
    for (size_t h = 0; h < MIN(e->horizon, a->n_issued); h++) { /* step h + 1 of the origin h before the last */
        size_t slot = (a->n_issued - 1 - h) % e->horizon;
        for (size_t c = 0; c < e->n_targets; c++) {
            size_t i = h * e->n_targets + c;
            float error = fabsf(row[c] - a->forecasts[slot * cells + i]);
            bool missed = error > a->half[slot * cells + i];
            a->alpha[i] = CLAMP(a->alpha[i] + a->gamma * (1 - a->level - missed), 0, 1);
            put_error(e, i, e->n, error);
        }
    }
}

/* --- both over the test part --- */

typedef struct Sums {
    int64_t inside;
    double width, pinball;
} Sums;

typedef struct Trial {
    const ForecastData *d;
    Adaptive *a;
    const float *fixed; /* half widths of split conformal */
    float *half;        /* of adaptive, this window's */
    Sums split, adaptive;
    int64_t n;
    bool begun;
} Trial;

static void tally(Sums *s, double level, double y, double f, double half) {
    s->inside += fabs(y - f) <= half;
    s->width += 2 * half;
    s->pinball += (pinball(y, f - half, (1 - level) / 2) + pinball(y, f + half, (1 + level) / 2)) / 2;
}

static int try_batch(void *arg, Ctx *cx, const WindowBatch *b, const float *forecasts) {
    Trial *t = arg;
    const ForecastData *d = t->d;
    UNUSED(cx);
    for (size_t i = 0; i < b->n; i++) {
        const float *f = forecasts + i * d->horizon * d->n_targets, *rows = b->x[i] + d->look_back * b->stride;
        if (t->begun) /* the window's last row became known since the one before */
            adaptive_observe(t->a, rows - b->stride);
        t->begun = true;
        adaptive_issue(t->a, f, t->half);
        for (size_t h = 0; h < d->horizon; h++)
            for (size_t c = 0; c < d->n_targets; c++) {
                size_t k = h * d->n_targets + c;
                /* compared as floats: as adaptive_observe will settle it */
                tally(&t->split, t->a->level, rows[h * b->stride + c], f[k], t->fixed[k]);
                tally(&t->adaptive, t->a->level, rows[h * b->stride + c], f[k], t->half[k]);
                t->n++;
            }
    }
    return 0;
}

static IntervalFigures figures(const Sums *s, int64_t n) {
    return (IntervalFigures){ (double)s->inside / (double)n, s->width / (double)n, s->pinball / (double)n };
}

int intervals_evaluate(Ctx *cx, Forecaster *f, const ForecastData *d, const ErrorTable *errors, double level,
                       double gamma, IntervalScore *out) {
    ErrorTable own = *errors;
    Adaptive a;
    ForecastScore score;
    ArenaMark mark = arena_mark(cx->arena);
    size_t bytes = n_cells(errors) * errors->window * sizeof(float);
    int r = table_new(cx, d, errors->window, &own); /* the caller's stay as they are */
    if (r == 0) {
        memcpy(own.sorted, errors->sorted, bytes);
        memcpy(own.ring, errors->ring, bytes);
        memcpy(own.at, errors->at, n_cells(errors) * sizeof *own.at);
        own.n = errors->n;
        r = adaptive_new(cx, &own, level, gamma, &a);
    }
    if (r == 0) {
        float *fixed = arena_new_n(cx->arena, float, n_cells(errors));
        Trial t = { .d = d, .a = &a, .fixed = fixed, .half = arena_new_n(cx->arena, float, n_cells(errors)) };
        errors_half_widths(errors, level, fixed);
        r = forecast_evaluate(cx, f, d, PART_TEST, &(EvaluateOptions){ .each = try_batch, .arg = &t }, &score);
        if (r == 0)
            *out = (IntervalScore){ level, figures(&t.split, t.n), figures(&t.adaptive, t.n), t.n };
    }
    arena_rewind(cx->arena, mark);
    return r;
}
