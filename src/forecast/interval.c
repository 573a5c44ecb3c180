/* forecast/interval.c - see interval.h. */

#include "forecast/interval.h"

#include <math.h>
#include <stdlib.h>

/* --- errors --- */

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

/* Of the ceil((n + 1) level)-th smallest of n: its index. */
static size_t quantile_place(size_t n, double level) {
    double k = ceil((double)(n + 1) * level);
    return k < 1 ? 0 : k > (double)n ? n - 1 : (size_t)k - 1;
}

void errors_half_widths(const ErrorTable *e, double level, float *half) {
    assert(e->n > 0);
    for (size_t i = 0; i < e->horizon * e->n_targets; i++)
        half[i] = e->sorted[i * e->n + quantile_place(e->n, level)];
}

/* --- adaptive --- */

static const double standard_gamma = 0.01, standard_level = 0.9;

static size_t n_cells(const Adaptive *a) {
    return a->horizon * a->n_targets;
}

/* The errors of cell i, and their places in ascending order. */
static float *ring_of(const Adaptive *a, size_t i) {
    return a->ring + i * a->window;
}
static uint16_t *order_of(const Adaptive *a, size_t i) {
    return a->order + i * a->window;
}

/* How many of the first n in order are less than x. */
static size_t lower_bound(const float *ring, const uint16_t *order, size_t n, float x) {
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ring[order[mid]] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The first errors of a cell, put in order one by one. */
static void fill_ring(Adaptive *a, size_t i, const float *errors) {
    float *ring = ring_of(a, i);
    uint16_t *order = order_of(a, i);
    for (size_t k = 0; k < a->window; k++) {
        size_t to = lower_bound(ring, order, k, errors[k]);
        memmove(order + to + 1, order + to, (k - to) * sizeof *order);
        order[to] = (uint16_t)k;
        ring[k] = errors[k];
    }
}

int adaptive_new(Ctx *cx, const ErrorTable *e, const AdaptiveOptions *o, Adaptive *out) {
    Adaptive a = { .horizon = e->horizon, .n_targets = e->n_targets };
    a.level = o && o->level > 0 ? o->level : standard_level;
    a.gamma = o && o->gamma > 0 ? o->gamma : standard_gamma;
    a.window = MIN(e->n, o && o->window ? o->window : (size_t)ADAPTIVE_WINDOW);
    assert(a.window > 0 && a.window <= UINT16_MAX);
    size_t cells = n_cells(&a), kept = mem_mul(cells, a.window);
    size_t open = mem_mul(mem_mul(a.horizon, a.horizon + 1) / 2, a.n_targets);
    size_t floats = mem_mul(kept + 2 * open, sizeof(float)), shorts = mem_mul(kept + cells, sizeof(uint16_t));
    a.alpha = arena_try(cx->arena, cells * sizeof(double) + floats + shorts); /* one piece: the widest first */
    if (!a.alpha)
        return err_set(cx, ERR_LIMIT, "adaptive intervals over %zu steps do not fit into the memory allowed",
                       a.horizon);
    a.ring = (float *)(a.alpha + cells);
    a.forecasts = a.ring + kept;
    a.half = a.forecasts + open;
    a.order = (uint16_t *)(a.half + open);
    a.at = a.order + kept;
    for (size_t i = 0; i < cells; i++) {
        a.alpha[i] = 1 - a.level;
        a.at[i] = 0;
        fill_ring(&a, i, e->told + (i + 1) * e->n - a.window);
    }
    *out = a;
    return 0;
}

/* An error takes the place of the oldest of its cell. */
static void put_error(Adaptive *a, size_t i, float error) {
    float *ring = ring_of(a, i);
    uint16_t *order = order_of(a, i), at = a->at[i];
    size_t n = a->window, gone = lower_bound(ring, order, n, ring[at]), to = lower_bound(ring, order, n, error);
    while (order[gone] != at) /* one of several that are equal */
        gone++;
    if (to > gone) {
        to--;
        memmove(order + gone, order + gone + 1, (to - gone) * sizeof *order);
    } else {
        memmove(order + to + 1, order + to, (gone - to) * sizeof *order);
    }
    order[to] = at;
    ring[at] = error;
    a->at[i] = at + 1U == n ? 0 : (uint16_t)(at + 1);
}

/* Where step h + 1 of an origin stands, its first channel. It is settled h + 1 rows later, so a ring of h + 1 places holds
 * all that are open. */
static size_t open_at(const Adaptive *a, size_t h, size_t origin) {
    return (h * (h + 1) / 2 + origin % (h + 1)) * a->n_targets;
}

void adaptive_issue(Adaptive *a, const float *forecasts, float *half) {
    size_t origin = a->n_issued++;
    for (size_t h = 0; h < a->horizon; h++) {
        size_t to = open_at(a, h, origin);
        for (size_t c = 0; c < a->n_targets; c++) {
            size_t i = h * a->n_targets + c;
            size_t k = quantile_place(a->window, 1 - a->alpha[i]);
            half[i] = a->half[to + c] = ring_of(a, i)[order_of(a, i)[k]];
            a->forecasts[to + c] = forecasts[i];
        }
    }
}

void adaptive_observe(Adaptive *a, const float *row) {
    for (size_t h = 0; h < MIN(a->horizon, a->n_issued); h++) { /* step h + 1 of the origin h before the last */
        size_t from = open_at(a, h, a->n_issued - 1 - h);
        for (size_t c = 0; c < a->n_targets; c++) {
            size_t i = h * a->n_targets + c;
            float error = fabsf(row[c] - a->forecasts[from + c]);
            bool missed = error > a->half[from + c];
            a->alpha[i] = CLAMP(a->alpha[i] + a->gamma * (1 - a->level - missed), 0, 1);
            put_error(a, i, error);
        }
    }
}

void adaptive_last(const Adaptive *a, float *forecasts, float *half) {
    assert(a->n_issued > 0);
    for (size_t h = 0; h < a->horizon; h++) {
        size_t from = open_at(a, h, a->n_issued - 1), bytes = a->n_targets * sizeof(float);
        memcpy(forecasts + h * a->n_targets, a->forecasts + from, bytes);
        memcpy(half + h * a->n_targets, a->half + from, bytes);
    }
}

float adaptive_next(const Adaptive *a) {
    assert(a->n_issued > 0);
    return a->forecasts[0]; /* a ring of one place */
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
