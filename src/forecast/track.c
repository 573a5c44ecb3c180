/* forecast/track.c - see track.h. */

#include "forecast/track.h"

enum { BATCH = 32 };

struct Tracker {
    Arena arena; /* of `state`: emptied when it begins anew */
    ForecastShape shape;
    double level;
    int64_t known_to_ms;
    Adaptive state;
    bool begun;
    int64_t last_ms; /* row of the last origin */
    size_t n_settled;
    float errors[TRACK_CALIBRATION + TRACK_FOLLOW + 1];
    size_t n_errors;
};

int tracker_new(Ctx *cx, const Artifact *a, double level, Tracker **out) {
    if (!(level > 0 && level < 1))
        return err_set_at(cx, ERR_INVALID, S("level"), "the level of an interval lies between 0 and 1");
    Tracker *t = mem_new(Tracker);
    *t = (Tracker){ .shape = a->shape, .level = level, .known_to_ms = a->known_to_ms };
    *out = t;
    return 0;
}

Tracker *tracker_free(Tracker *t) {
    if (!t)
        return NULL;
    arena_done(&t->arena);
    return mem_free(t);
}

size_t tracker_rows(const Artifact *a) {
    return a->shape.look_back + TRACK_CALIBRATION + a->shape.horizon + TRACK_FOLLOW;
}

size_t tracker_errors(const Tracker *t, const float **out) {
    *out = t->errors;
    return t->n_errors;
}

size_t tracker_settled(const Tracker *t) {
    return t->n_settled;
}

size_t tracker_bytes(const Tracker *t) {
    return sizeof *t + t->arena.used;
}

/* --- forecasts of many origins --- */

typedef struct Run { /* one tracker_follow */
    Tracker *t;
    const TrackRows *rows;
    TrackPredict *predict;
    void *arg;
} Run;

static size_t n_cells(const Tracker *t) {
    return t->shape.horizon * t->shape.n_targets;
}

/* Forecasts of n origins from row `from` on. */
static int forecast_rows(const Run *r, Ctx *cx, size_t from, size_t n, float *out) {
    const ForecastShape *s = &r->t->shape;
    int e = 0;
    for (size_t at = 0; at < n && e == 0; at += BATCH) {
        const float *x[BATCH];
        WindowBatch b = { x, s->n_channels, MIN(n - at, (size_t)BATCH) };
        for (size_t i = 0; i < b.n; i++)
            x[i] = r->rows->x + (from + at + i + 1 - s->look_back) * s->n_channels;
        e = r->predict(r->arg, cx, &b, out + at * n_cells(r->t));
    }
    return e;
}

static const float *row_of(const Run *r, size_t i) {
    return r->rows->x + i * r->t->shape.n_channels;
}

/* --- beginning --- */

/* Origins to calibrate on, the first of them, and the first that is issued: all of the former are settled by then. */
typedef struct Plan {
    size_t first, n, issue;
} Plan;

static bool make_plan(const Run *r, Plan *out) {
    const Tracker *t = r->t;
    const TrackRows *rows = r->rows;
    size_t h = t->shape.horizon, first = t->shape.look_back - 1;
    if (t->known_to_ms == 0 || rows->n == 0)
        return false;
    while (first < rows->n && rows->time_ms[first] < t->known_to_ms) /* step 1 of it comes behind what was learned */
        first++;
    size_t left = rows->n > first ? rows->n - first : 0; /* origins */
    if (left < TRACK_LEAST + h)
        return false;
    size_t n = MIN((size_t)TRACK_CALIBRATION, MAX((size_t)TRACK_LEAST, (left - h) / 2));
    size_t issue = first + n - 1 + h;
    if (rows->n - issue > TRACK_FOLLOW) /* more than is wanted: the latest */
        first += rows->n - issue - TRACK_FOLLOW;
    *out = (Plan){ first, n, first + n - 1 + h };
    return true;
}

/* The errors of the plan's forecasts, by step and channel, in order of time. */
static int calibrate(const Run *r, Ctx *cx, const Plan *p, ErrorTable *out) {
    const ForecastShape *s = &r->t->shape;
    size_t cells = n_cells(r->t);
    float *forecasts = arena_new_n(cx->arena, float, mem_mul(p->n, cells));
    ErrorTable e = { .horizon = s->horizon, .n_targets = s->n_targets, .n = p->n };
    e.told = arena_new_n(cx->arena, float, mem_mul(cells, p->n));
    e.sorted = e.told; /* adaptive_new sorts a copy of its own */
    int code = forecast_rows(r, cx, p->first, p->n, forecasts);
    for (size_t i = 0; i < p->n && code == 0; i++)
        for (size_t k = 0; k < cells; k++) {
            float y = row_of(r, p->first + i + 1 + k / s->n_targets)[k % s->n_targets], f = forecasts[i * cells + k];
            e.told[k * p->n + i] = y > f ? y - f : f - y;
            if (k == 0)
                r->t->errors[r->t->n_errors++] = e.told[i];
        }
    *out = e;
    return code;
}

/* Issues the origins [from, n rows), each after its row was observed: the first one only where an origin came before it. */
static int issue(const Run *r, Ctx *cx, size_t from, bool observe_first, float *forecast, float *half) {
    Tracker *t = r->t;
    size_t n = r->rows->n - from, cells = n_cells(t);
    float *forecasts = arena_new_n(cx->arena, float, mem_mul(n, cells));
    int code = forecast_rows(r, cx, from, n, forecasts);
    if (code)
        return code;
    for (size_t i = 0; i < n; i++) {
        const float *row = row_of(r, from + i);
        if (i > 0 || observe_first) {
            float f = adaptive_next(&t->state), e = row[0] > f ? row[0] - f : f - row[0]; /* of the origin before */
            if (t->n_errors < ARRAY_LEN(t->errors))
                t->errors[t->n_errors++] = e;
            adaptive_observe(&t->state, row);
            t->n_settled++;
        }
        adaptive_issue(&t->state, forecasts + i * cells, half);
    }
    memcpy(forecast, forecasts + (n - 1) * cells, cells * sizeof *forecast);
    t->last_ms = r->rows->time_ms[r->rows->n - 1];
    return 0;
}

static int begin(const Run *r, Ctx *cx, float *forecast, float *half) {
    Tracker *t = r->t;
    Plan p;
    ErrorTable errors;
    t->begun = false;
    arena_reset(&t->arena);
    if (!make_plan(r, &p))
        return TRACK_SPLIT;
    int code = calibrate(r, cx, &p, &errors);
    if (code)
        return code;
    Ctx own = *cx;
    own.arena = &t->arena;
    code = adaptive_new(&own, &errors, &(AdaptiveOptions){ .level = t->level, .window = TRACK_CALIBRATION }, &t->state);
    t->n_settled = p.n;
    if (code == 0)
        code = issue(r, cx, p.issue, false, forecast, half);
    else
        cx->err = own.err;
    t->begun = code == 0;
    return code;
}

/* --- going on --- */

/* The row of the last origin, if it is there and not too far back. */
static bool find_last(const Run *r, size_t *out) {
    const TrackRows *rows = r->rows;
    size_t i = rows->n;
    while (i > 0 && rows->time_ms[i - 1] > r->t->last_ms)
        i--;
    if (i == 0 || rows->time_ms[i - 1] != r->t->last_ms || rows->n - i > TRACK_FOLLOW)
        return false;
    *out = i - 1;
    return *out + 1 >= r->t->shape.look_back;
}

int tracker_follow(Tracker *t, Ctx *cx, const TrackRows *rows, TrackPredict *predict, void *arg, float *forecast,
                   float *half) {
    Run r = { t, rows, predict, arg };
    size_t last;
    ArenaMark mark = arena_mark(cx->arena);
    int code;
    t->n_errors = 0;
    if (rows->n < t->shape.look_back)
        return err_set_at(cx, ERR_INVALID, S("rows"), "the model looks at %zu rows, the data have %zu",
                          t->shape.look_back, rows->n);
    bool known = t->begun && find_last(&r, &last);
    if (known && last + 1 == rows->n) { /* nothing has come */
        adaptive_last(&t->state, forecast, half);
        return 0;
    }
    if (known)
        code = issue(&r, cx, last + 1, true, forecast, half);
    else
        code = begin(&r, cx, forecast, half);
    if (code == TRACK_SPLIT) {
        int e = forecast_rows(&r, cx, rows->n - 1, 1, forecast);
        code = e ? e : code;
    }
    arena_rewind(cx->arena, mark);
    return code;
}
