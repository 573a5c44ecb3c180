/* forecast/ets.c - see ets.h.
 *
 * The recursion is the same for both kinds of error (with y the value, q = level + phi trend, s the season's state):
 *     fitted = q, q + s or q s;   level' = q + alpha (p - q) with p = y, y - s or y / s;
 *     trend' = phi trend + beta (p - q);   s' = s + gamma (y - q - s) or s + gamma (y / q - s)
 * the errors of multiplicative models are relative, which changes their likelihood alone. */

#include "forecast/ets.h"

#include "base/num.h"
#include "forecast/kinds_internal.h"
#include "forecast/minimise.h"
#include "forecast/theta.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WEIGHTS = 4, CALLS_LINEAR = 600, CALLS_SEARCH = 6000 };
static const double alpha_lo = 1e-4, alpha_hi = 0.9999, phi_lo = 0.8, phi_hi = 0.98;

typedef struct Weights {
    double alpha, beta, gamma, phi;
} Weights;

typedef struct States { /* level, trend, then the seasons */
    double level, trend;
    double *seasonal; /* (m) */
} States;

/* --- the recursion --- */

static inline bool has_trend(EtsSpec s) {
    return s.trend != 'N';
}
static inline bool has_season(EtsSpec s) {
    return s.season != 'N';
}

/* Runs over x (NULL: all zero), leaves the states at its end, writes the errors y - fitted (e may be NULL) and adds
 * what the likelihood of relative errors needs. Returns the sum of squared errors, relative ones where the error is M. */
static double run(EtsSpec spec, size_t m, const Weights *w, const double *x, size_t n, States *s, double *e,
                  double *logs) {
    double sum = 0, phi = has_trend(spec) ? w->phi : 0;
    size_t k = 0;
    for (size_t t = 0; t < n; t++, k = k + 1 == m ? 0 : k + 1) {
        double y = x ? x[t] : 0, q = s->level + phi * s->trend, season = has_season(spec) ? s->seasonal[k] : 0;
        double fitted = spec.season == 'M' ? q * season : q + season, error = y - fitted;
        double p = spec.season == 'M' ? y / season : y - season, r = p - q;
        if (e)
            e[t] = error;
        if (spec.error == 'M') {
            error /= fitted;
            *logs += log(fabs(fitted));
            if (fitted <= 0)
                return INFINITY;
        }
        sum += error * error;
        s->level = q + w->alpha * r;
        s->trend = phi * s->trend + w->beta * r;
        if (has_season(spec))
            s->seasonal[k] += w->gamma * ((spec.season == 'M' ? y / q : y - q) - season);
    }
    return sum;
}

/* --- weights from search coordinates --- */

static size_t n_weights(EtsSpec s) {
    return 1 + has_trend(s) + has_season(s) + (s.trend == 'D');
}

/* false outside of the bounds. */
static bool read_weights(EtsSpec s, const double *v, Weights *w) {
    size_t i = 0;
    w->alpha = v[i++];
    w->beta = has_trend(s) ? v[i++] : 0;
    w->gamma = has_season(s) ? v[i++] : 0;
    w->phi = s.trend == 'D' ? v[i++] : 1;
    bool ok = w->alpha >= alpha_lo && w->alpha <= alpha_hi;
    if (has_trend(s))
        ok &= w->beta >= 1e-4 && w->beta <= w->alpha;
    if (has_season(s))
        ok &= w->gamma >= 1e-4 && w->gamma <= 1 - w->alpha;
    return ok && (s.trend != 'D' || (w->phi >= phi_lo && w->phi <= phi_hi));
}

static void write_weights(EtsSpec s, const Weights *w, double *v) {
    size_t i = 0;
    v[i++] = w->alpha;
    if (has_trend(s))
        v[i++] = w->beta;
    if (has_season(s))
        v[i++] = w->gamma;
    if (s.trend == 'D')
        v[i++] = w->phi;
}

/* --- first states by least squares: additive seasons only --- */

typedef struct Fit {
    EtsSpec spec;
    const double *x;
    size_t n, m, n_states;
    States s;        /* the first states of the best call, later the last ones */
    double *columns; /* (n_states)(n) errors that a first state of one makes */
    double *e;       /* (n) errors without first states */
    double *normal;  /* (n_states)(n_states) */
    double *right;   /* (n_states) */
    double *first;   /* (n_states) level, trend, all seasons but the last, which is minus their sum or m less it */
    double *work;    /* (m) */
} Fit;

static size_t n_states(EtsSpec s, size_t m) {
    return 1 + has_trend(s) + (has_season(s) ? m - 1 : 0);
}

static void unpack_states(const Fit *f, const double *v, States *s) {
    size_t i = 0;
    double left = f->spec.season == 'M' ? (double)f->m : 0;
    s->level = v[i++];
    s->trend = has_trend(f->spec) ? v[i++] : 0;
    if (!has_season(f->spec))
        return;
    for (size_t k = 0; k + 1 < f->m; k++) {
        s->seasonal[k] = v[i++];
        left -= s->seasonal[k];
    }
    s->seasonal[f->m - 1] = left;
}

/* Solves the symmetric positive a (k, k) x = b in place by Cholesky; a tiny ridge keeps a degenerate one solvable. */
static void solve(double *a, double *b, size_t k) {
    for (size_t i = 0; i < k; i++)
        a[i * k + i] *= 1 + 1e-12;
    for (size_t j = 0; j < k; j++) {
        for (size_t i = j; i < k; i++) {
            double sum = a[i * k + j];
            for (size_t p = 0; p < j; p++)
                sum -= a[i * k + p] * a[j * k + p];
            a[i * k + j] = i == j ? sqrt(MAX(sum, 1e-300)) : sum / a[j * k + j];
        }
    }
    for (size_t i = 0; i < k; i++) {
        for (size_t p = 0; p < i; p++)
            b[i] -= a[i * k + p] * b[p];
        b[i] /= a[i * k + i];
    }
    for (size_t i = k; i-- > 0;) {
        for (size_t p = i + 1; p < k; p++)
            b[i] -= a[p * k + i] * b[p];
        b[i] /= a[i * k + i];
    }
}

/* The best first states for the weights into f->first; the sum of squared errors they leave. */
static double first_states(Fit *f, const Weights *w) {
    size_t k = f->n_states;
    double none = 0, sum = 0;
    States s = { .seasonal = f->work };
    memset(f->work, 0, f->m * sizeof *f->work);
    double squares = run(f->spec, f->m, w, f->x, f->n, &s, f->e, &none);
    for (size_t i = 0; i < k; i++) {
        memset(f->first, 0, k * sizeof *f->first);
        f->first[i] = 1;
        unpack_states(f, f->first, &s);
        run(f->spec, f->m, w, NULL, f->n, &s, f->columns + i * f->n, &none);
    }
    for (size_t i = 0; i < k; i++) {
        const double *a = f->columns + i * f->n;
        for (size_t j = 0; j <= i; j++) {
            const double *b = f->columns + j * f->n;
            sum = 0;
            for (size_t t = 0; t < f->n; t++)
                sum += a[t] * b[t];
            f->normal[i * k + j] = f->normal[j * k + i] = sum;
        }
        sum = 0;
        for (size_t t = 0; t < f->n; t++)
            sum -= a[t] * f->e[t];
        f->first[i] = f->right[i] = sum;
    }
    memcpy(f->first, f->right, k * sizeof *f->first);
    solve(f->normal, f->first, k);
    for (size_t i = 0; i < k; i++)
        squares -= f->first[i] * f->right[i];
    return MAX(squares, 0);
}

static double linear_goal(void *arg, const double *v) {
    Fit *f = arg;
    Weights w;
    return read_weights(f->spec, v, &w) ? first_states(f, &w) : INFINITY;
}

/* --- everything by search: relative errors --- */

/* -2 log-likelihood but for constants; v: weights, then first states. */
static double full_goal(void *arg, const double *v) {
    Fit *f = arg;
    Weights w;
    States s = { .seasonal = f->work };
    double logs = 0;
    if (!read_weights(f->spec, v, &w))
        return INFINITY;
    unpack_states(f, v + n_weights(f->spec), &s);
    double squares = run(f->spec, f->m, &w, f->x, f->n, &s, NULL, &logs);
    return (double)f->n * log(squares) + 2 * logs;
}

/* Where the search for relative errors begins: classical decomposition. */
static void guess_states(Arena *a, const Fit *f, double *v) {
    size_t i = 0, n = MIN(f->n, MAX(10, 2 * f->m));
    double *seasonal = arena_new_n(a, double, f->m), *rest = arena_new_n(a, double, n), mean = 0, slope = 0;
    double mid = (double)(n - 1) / 2, xx = 0;
    if (has_season(f->spec))
        season_additive(a, f->x, f->n, f->m, seasonal);
    for (size_t t = 0; t < n; t++) {
        rest[t] = f->x[t] - seasonal[t % f->m];
        mean += rest[t] / (double)n;
    }
    for (size_t t = 0; t < n; t++) {
        slope += ((double)t - mid) * rest[t];
        xx += ((double)t - mid) * ((double)t - mid);
    }
    slope = has_trend(f->spec) ? slope / xx : 0;
    v[i++] = mean - slope * (mid + 1);
    if (has_trend(f->spec))
        v[i++] = slope;
    for (size_t k = 0; has_season(f->spec) && k + 1 < f->m; k++)
        v[i++] = f->spec.season == 'M' ? MAX(0.01, 1 + seasonal[k] / mean) : seasonal[k];
}

/* --- fitting --- */

static const Weights starts[] = { { 0.5, 0.1, 0.1, 0.97 }, { 0.1, 0.01, 0.05, 0.9 } };

static double fit_linear(Ctx *cx, Fit *f, double *v) {
    const double step[WEIGHTS] = { 0.2, 0.05, 0.1, -0.05 };
    double best = INFINITY, tried[WEIGHTS];
    size_t k = n_weights(f->spec);
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        double steps[WEIGHTS];
        Weights width = { step[0], step[1], step[2], step[3] };
        write_weights(f->spec, &starts[i], tried);
        write_weights(f->spec, &width, steps);
        double got = minimise(cx->arena, linear_goal, f, k, steps, 1e-9, CALLS_LINEAR, tried);
        if (got < best) {
            best = got;
            memcpy(v, tried, k * sizeof *v);
        }
    }
    linear_goal(f, v); /* leaves its first states in f->first */
    return (double)f->n * log(best);
}

static double fit_search(Ctx *cx, Fit *f, double *v) {
    size_t k = n_weights(f->spec), all = k + f->n_states;
    double *tried = arena_new_n(cx->arena, double, all), *step = arena_new_n(cx->arena, double, all), best = INFINITY;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        write_weights(f->spec, &starts[i], tried);
        write_weights(f->spec, &(Weights){ 0.2, 0.05, 0.1, -0.05 }, step);
        guess_states(cx->arena, f, tried + k);
        for (size_t d = k; d < all; d++)
            step[d] = 0.05 * (d == k ? fabs(tried[d]) : fabs(tried[d]) + 0.01);
        for (int again = 0; again < 2; again++) { /* a fresh simplex leaves the places where one has collapsed */
            double got = minimise(cx->arena, full_goal, f, all, step, 1e-10, CALLS_SEARCH, tried);
            if (got < best) {
                best = got;
                memcpy(v, tried, k * sizeof *v);
                memcpy(f->first, tried + k, f->n_states * sizeof *f->first);
            }
        }
    }
    return best;
}

static void score(EtsModel *m, double goal, double squares) {
    double n = (double)m->n, p = (double)m->n_parameters;
    m->log_likelihood = -goal / 2;
    m->aic = goal + 2 * p;
    m->aicc = n - p - 1 > 0 ? m->aic + 2 * p * (p + 1) / (n - p - 1) : INFINITY;
    m->bic = goal + log(n) * p;
    m->sigma = sqrt(squares / (n - (p - 1)));
}

static int check_fit(Ctx *cx, const double *x, size_t n, size_t season, EtsSpec spec) {
    size_t need = n_weights(spec) + n_states(spec, season) + 3;
    if (has_season(spec) && (season < 2 || season > ETS_SEASON_MAX))
        return err_set(cx, ERR_INVALID, "a season of %zu rows: 2 to %d are possible", season, ETS_SEASON_MAX);
    need = has_season(spec) ? MAX(need, 2 * season) : need;
    if (n < need)
        return err_set(cx, ERR_INVALID, "%zu values are too few for this model: %zu are needed", n, need);
    for (size_t t = 0; t < n; t++)
        if ((spec.error == 'M' || spec.season == 'M') && x[t] <= 0)
            return err_set(cx, ERR_INVALID, "value %zu is %g: a multiplicative model needs positive ones", t + 1, x[t]);
    return 0;
}

int ets_fit(Ctx *cx, const double *x, size_t n, size_t season, EtsSpec spec, EtsModel *out) {
    size_t m = has_season(spec) ? season : 1, k = n_states(spec, m);
    int r = check_fit(cx, x, n, m, spec);
    if (r)
        return r;
    Arena *a = cx->arena;
    Fit f = { .spec = spec, .x = x, .n = n, .m = m, .n_states = k };
    EtsModel model = { .spec = spec, .m = m, .n = n, .seasonal = arena_new_n(a, double, m) };
    ArenaMark mark = arena_mark(a);
    double v[WEIGHTS] = { 0 }, none = 0; /* 0 is out of bounds: refused where no start of the search got anywhere */
    f.columns = arena_new_n(a, double, mem_mul(k, n));
    f.e = arena_new_n(a, double, n);
    f.normal = arena_new_n(a, double, k *k);
    f.right = arena_new_n(a, double, k);
    f.first = arena_new_n(a, double, k);
    f.work = arena_new_n(a, double, m);
    double goal = spec.error == 'A' ? fit_linear(cx, &f, v) : fit_search(cx, &f, v);
    Weights w = { 0 };
    if (isfinite(goal) && read_weights(spec, v, &w)) {
        States s = { .seasonal = model.seasonal };
        unpack_states(&f, f.first, &s);
        double squares = run(spec, m, &w, x, n, &s, NULL, &none);
        model.alpha = w.alpha, model.beta = w.beta, model.gamma = w.gamma, model.phi = w.phi;
        model.level = s.level, model.trend = s.trend;
        model.n_parameters = n_weights(spec) + k + 1;
        score(&model, goal, squares);
    }
    arena_rewind(a, mark);
    if (!isfinite(goal))
        return err_set(cx, ERR_INVALID, "no weights give this model a likelihood: is the series constant?");
    *out = model;
    return 0;
}

/* --- choosing --- */

static const EtsSpec fifteen[] = {
    { 'A', 'N', 'N' }, { 'A', 'A', 'N' }, { 'A', 'D', 'N' }, { 'A', 'N', 'A' }, { 'A', 'A', 'A' },
    { 'A', 'D', 'A' }, { 'M', 'N', 'N' }, { 'M', 'A', 'N' }, { 'M', 'D', 'N' }, { 'M', 'N', 'A' },
    { 'M', 'A', 'A' }, { 'M', 'D', 'A' }, { 'M', 'N', 'M' }, { 'M', 'A', 'M' }, { 'M', 'D', 'M' },
};

int ets_choose(Ctx *cx, const double *x, size_t n, size_t season, bool additive_only, EtsModel *out) {
    EtsModel best = { .aicc = INFINITY };
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(fifteen); i++) {
        EtsModel one;
        if ((additive_only && fifteen[i].error == 'M') || (has_season(fifteen[i]) && season < 2))
            continue;
        int r = ets_fit(cx, x, n, season, fifteen[i], &one);
        if (r == 0 && (!found || one.aicc < best.aicc))
            best = one, found = true;
        if ((r != 0 && r != ERR_INVALID) || (r = ctx_check(cx)) != 0)
            return r;
    }
    if (!found)
        return cx->err.code; /* what the last one lacked */
    err_clear(cx);
    *out = best;
    return 0;
}

bool ets_spec_parse(Str text, EtsSpec *out) {
    char v[4] = { 0 };
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < sizeof v; i++) {
        if (text.p[i] == 'd' && n == 2 && v[1] == 'A')
            v[1] = 'D';
        else if (text.p[i] != ',')
            v[n++] = text.p[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(fifteen); i++)
        if (n == 3 && fifteen[i].error == v[0] && fifteen[i].trend == v[1] && fifteen[i].season == v[2]) {
            *out = fifteen[i];
            return true;
        }
    return false;
}

Str ets_spec_text(EtsSpec s, char out[static 8]) {
    int n = snprintf(out, 8, "%c,%s,%c", s.error, s.trend == 'D' ? "Ad" : s.trend == 'A' ? "A" : "N", s.season);
    return str_n(out, (size_t)n);
}

/* --- using --- */

void ets_filter(Arena *scratch, EtsModel *m, const double *x, size_t n) {
    ArenaMark mark = arena_mark(scratch);
    Fit f = { .spec = m->spec, .x = x, .n = n, .m = m->m };
    double *first = arena_new_n(scratch, double, n_states(m->spec, m->m)), none = 0;
    States s = { .seasonal = m->seasonal };
    Weights w = { m->alpha, m->beta, m->gamma, m->phi };
    guess_states(scratch, &f, first);
    unpack_states(&f, first, &s);
    run(m->spec, m->m, &w, x, n, &s, NULL, &none);
    m->level = s.level, m->trend = s.trend, m->n = n;
    arena_rewind(scratch, mark);
}

void ets_forecast(const EtsModel *m, size_t h, double *out) {
    double damping = 1, drift = 0;
    assert(m->m > 0);
    for (size_t i = 0; i < h; i++) {
        damping *= m->phi;
        drift += has_trend(m->spec) ? damping : 0;
        double q = m->level + drift * m->trend, s = m->seasonal[(m->n + i) % m->m];
        out[i] = m->spec.season == 'M' ? q * s : m->spec.season == 'A' ? q + s : q;
    }
}

/* --- as a forecaster: weights from the end of training, states from each window --- */

enum { ETS_ROWS = 1000 }; /* the last rows of training: weights of a year ago say little of today's */

typedef struct EtsForecaster {
    Forecaster f;
    EtsModel *models; /* (n_targets) */
} EtsForecaster;

/* A season longer than a third of the look-back leaves nothing to tell it from the level. */
static size_t usable_season(const ForecastShape *s) {
    return s->season <= ETS_SEASON_MAX && 3 * s->season <= s->look_back ? s->season : 1;
}

static int fit_ets(Forecaster *f, Ctx *cx, const ForecastData *d) {
    EtsForecaster *e = CONTAINER_OF(f, EtsForecaster, f);
    size_t from = d->split.parts[PART_TRAIN].from, to = d->split.parts[PART_TRAIN].to;
    size_t n = MIN(to - from, (size_t)ETS_ROWS);
    double *x = arena_new_n(cx->arena, double, n);
    e->models = arena_new_n(cx->arena, EtsModel, d->n_targets);
    for (size_t c = 0; c < d->n_targets; c++) {
        for (size_t t = 0; t < n; t++)
            x[t] = *data_at(d, c, to - n + t);
        int r = ets_choose(cx, x, n, usable_season(&f->shape), true, &e->models[c]);
        if (r)
            return r;
    }
    return 0;
}

static void one_ets(const Forecaster *f, Arena *scratch, size_t c, const double *x, double *out) {
    const EtsForecaster *e = (const EtsForecaster *)f;
    EtsModel m = e->models[c];
    m.seasonal = arena_new_n(scratch, double, m.m);
    ets_filter(scratch, &m, x, f->shape.look_back);
    ets_forecast(&m, f->shape.horizon, out);
}

static int predict_ets(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    if (!((EtsForecaster *)f)->models)
        return err_set(cx, ERR_CONFLICT, "ets was not fitted");
    return classical_predict(f, cx, b, one_ets, out);
}

/* A line for each target: spec, season, alpha, beta, gamma, phi. */
static int save_ets(Forecaster *f, Ctx *cx, Buf *out) {
    const EtsForecaster *e = (const EtsForecaster *)f;
    char text[8], number[NUM_TEXT_MAX];
    UNUSED(cx);
    for (size_t c = 0; e->models && c < f->shape.n_targets; c++) {
        const EtsModel *m = &e->models[c];
        const double weights[WEIGHTS] = { m->alpha, m->beta, m->gamma, m->phi };
        buf_printf(out, STR_FMT " %zu", STR_ARG(ets_spec_text(m->spec, text)), m->m);
        for (size_t i = 0; i < WEIGHTS; i++) {
            buf_put_c(out, ' ');
            buf_put(out, number, num_format_f64(weights[i], number));
        }
        buf_put_c(out, '\n');
    }
    return buf_ok(out) ? 0 : ERR_LIMIT;
}

static bool read_model(Str line, size_t season_max, EtsModel *m) {
    Str word;
    uint64_t season;
    double v[WEIGHTS];
    if (!str_next(&line, ' ', &word) || !ets_spec_parse(word, &m->spec) || !str_next(&line, ' ', &word) ||
        !str_to_u64(word, &season) || season < 1 || season > season_max || (has_season(m->spec) && season < 2))
        return false;
    for (size_t i = 0; i < WEIGHTS; i++)
        if (!str_next(&line, ' ', &word) || !num_parse_f64(word, &v[i]) || !(v[i] >= 0 && v[i] <= 1))
            return false;
    m->m = (size_t)season;
    m->alpha = v[0], m->beta = v[1], m->gamma = v[2], m->phi = v[3];
    return line.n == 0;
}

static int load_ets(Forecaster *f, Ctx *cx, Str bytes) {
    EtsForecaster *e = CONTAINER_OF(f, EtsForecaster, f);
    EtsModel *models = arena_new_n(cx->arena, EtsModel, f->shape.n_targets);
    Str line;
    for (size_t c = 0; c < f->shape.n_targets; c++)
        if (!str_next(&bytes, '\n', &line) || !read_model(line, f->shape.look_back / 2, &models[c]))
            return err_set(cx, ERR_CORRUPT, "the weights of ets cannot be read (line %zu)", c + 1);
    if (bytes.n > 0)
        return err_set(cx, ERR_CORRUPT, "ets has weights for more than its %zu targets", f->shape.n_targets);
    e->models = models;
    return 0;
}

static const ForecasterOps ets_ops = { .fit = fit_ets, .predict = predict_ets, .save = save_ets, .load = load_ets };
const ForecasterKind ets_kind = {
    "ets", "exponential smoothing, the model chosen by AICc (Hyndman)", sizeof(EtsForecaster), 10, &ets_ops, NULL
};
