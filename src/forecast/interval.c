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

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

typedef struct Measure {
    const ForecastData *d;
    ErrorTable *e;
    size_t at;   /* window of the part */
    size_t skip; /* windows older than those kept */
} Measure;

static int measure(void *arg, Ctx *cx, const WindowBatch *b, const float *forecasts) {
    Measure *m = arg;
    size_t targets = m->d->n_targets;
    UNUSED(cx);
    for (size_t i = 0; i < b->n; i++, m->at++) {
        if (m->at < m->skip)
            continue;
        for (size_t h = 0; h < m->d->horizon; h++) {
            const float *y = b->x[i] + (m->d->look_back + h) * b->stride;
            const float *f = forecasts + (i * m->d->horizon + h) * targets;
            for (size_t c = 0; c < targets; c++)
                m->e->told[(h * targets + c) * m->e->n + m->at - m->skip] = fabsf(y[c] - f[c]);
        }
    }
    return 0;
}

int errors_measure(Ctx *cx, Forecaster *f, const ForecastData *d, ErrorTable *out) {
    size_t windows = data_windows(d, PART_VAL), cells = d->horizon * d->n_targets;
    ErrorTable e = { .horizon = d->horizon, .n_targets = d->n_targets, .n = MIN(windows, (size_t)ERRORS_MAX) };
    Measure m = { d, &e, 0, windows - e.n };
    ForecastScore score;
    if (windows == 0)
        return err_set(cx, ERR_INVALID, "intervals need a validation part: its errors are their measure");
    size_t bytes = mem_mul(mem_mul(cells, e.n), sizeof(float));
    e.told = arena_try(cx->arena, bytes);
    e.sorted = e.told ? arena_try(cx->arena, bytes) : NULL;
    if (!e.sorted)
        return err_set(cx, ERR_LIMIT, "the errors of %zu forecasts do not fit into the memory allowed", e.n);
    int r = forecast_evaluate(cx, f, d, PART_VAL, &(EvaluateOptions){ .each = measure, .arg = &m }, &score);
    if (r)
        return r;
    memcpy(e.sorted, e.told, bytes);
    for (size_t i = 0; i < cells; i++)
        qsort(e.sorted + i * e.n, e.n, sizeof(float), compare_floats);
    *out = e;
    return 0;
}

/* The ceil((n + 1) level)-th smallest of n, from 1. */
static float quantile(const float *sorted, size_t n, double level) {
    double k = ceil((double)(n + 1) * level);
    return sorted[k < 1 ? 0 : k > (double)n ? n - 1 : (size_t)k - 1];
}

void errors_half_widths(const ErrorTable *e, double level, float *half) {
    assert(e->n > 0);
    for (size_t i = 0; i < e->horizon * e->n_targets; i++)
        half[i] = quantile(e->sorted + i * e->n, e->n, level);
}

/* --- adaptive --- */

static const double standard_gamma = 0.01, standard_level = 0.9;

static size_t n_cells(const Adaptive *a) {
    return a->horizon * a->n_targets;
}

int adaptive_new(Ctx *cx, const ErrorTable *e, const AdaptiveOptions *o, Adaptive *out) {
    Adaptive a = { .horizon = e->horizon, .n_targets = e->n_targets };
    a.level = o && o->level > 0 ? o->level : standard_level;
    a.gamma = o && o->gamma > 0 ? o->gamma : standard_gamma;
    a.window = MIN(e->n, o && o->window ? o->window : (size_t)ADAPTIVE_WINDOW);
    size_t cells = n_cells(&a), kept = mem_mul(mem_mul(cells, a.window), sizeof(float));
    size_t issued = mem_mul(mem_mul(a.horizon, cells), sizeof(float));
    float **places[] = { &a.sorted, &a.ring, &a.forecasts, &a.half };
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (!(*places[i] = arena_try(cx->arena, i < 2 ? kept : issued)))
            return err_set(cx, ERR_LIMIT, "adaptive intervals over %zu steps do not fit into the memory allowed",
                           a.horizon);
    a.at = arena_new_n(cx->arena, size_t, cells);
    a.alpha = arena_new_n(cx->arena, double, cells);
    for (size_t i = 0; i < cells; i++) {
        a.alpha[i] = 1 - a.level;
        memcpy(a.ring + i * a.window, e->told + (i + 1) * e->n - a.window, a.window * sizeof(float));
        memcpy(a.sorted + i * a.window, a.ring + i * a.window, a.window * sizeof(float));
        qsort(a.sorted + i * a.window, a.window, sizeof(float), compare_floats);
    }
    *out = a;
    return 0;
}

/* An error takes the place of the oldest of its cell. */
static void put_error(Adaptive *a, size_t i, float error) {
    float *sorted = a->sorted + i * a->window, *ring = a->ring + i * a->window;
    size_t n = a->window, gone = lower_bound(sorted, n, ring[a->at[i]]), to = lower_bound(sorted, n, error);
    if (to > gone) {
        to--;
        memmove(sorted + gone, sorted + gone + 1, (to - gone) * sizeof *sorted);
    } else {
        memmove(sorted + to + 1, sorted + to, (gone - to) * sizeof *sorted);
    }
    sorted[to] = error;
    ring[a->at[i]] = error;
    a->at[i] = a->at[i] + 1 == n ? 0 : a->at[i] + 1;
}

void adaptive_issue(Adaptive *a, const float *forecasts, float *half) {
    size_t cells = n_cells(a), slot = a->n_issued++ % a->horizon;
    for (size_t i = 0; i < cells; i++)
        half[i] = quantile(a->sorted + i * a->window, a->window, 1 - a->alpha[i]);
    memcpy(a->forecasts + slot * cells, forecasts, cells * sizeof *forecasts);
    memcpy(a->half + slot * cells, half, cells * sizeof *half);
}

void adaptive_observe(Adaptive *a, const float *row) {
    size_t cells = n_cells(a);
    for (size_t h = 0; h < MIN(a->horizon, a->n_issued); h++) { /* step h + 1 of the origin h before the last */
        size_t slot = (a->n_issued - 1 - h) % a->horizon;
        for (size_t c = 0; c < a->n_targets; c++) {
            size_t i = h * a->n_targets + c;
            float error = fabsf(row[c] - a->forecasts[slot * cells + i]);
            bool missed = error > a->half[slot * cells + i];
            a->alpha[i] = CLAMP(a->alpha[i] + a->gamma * (1 - a->level - missed), 0, 1);
            put_error(a, i, error);
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

int intervals_evaluate(Ctx *cx, Forecaster *f, const ForecastData *d, const ErrorTable *errors,
                       const AdaptiveOptions *o, IntervalScore *out) {
    Adaptive a;
    ForecastScore score;
    ArenaMark mark = arena_mark(cx->arena);
    int r = adaptive_new(cx, errors, o, &a);
    if (r == 0) {
        float *fixed = arena_new_n(cx->arena, float, n_cells(&a));
        Trial t = { .d = d, .a = &a, .fixed = fixed, .half = arena_new_n(cx->arena, float, n_cells(&a)) };
        errors_half_widths(errors, a.level, fixed);
        r = forecast_evaluate(cx, f, d, PART_TEST, &(EvaluateOptions){ .each = try_batch, .arg = &t }, &score);
        if (r == 0)
            *out = (IntervalScore){ a.level, figures(&t.split, t.n), figures(&t.adaptive, t.n), t.n };
    }
    arena_rewind(cx->arena, mark);
    return r;
}
