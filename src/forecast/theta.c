/* forecast/theta.c - see theta.h. */

#include "forecast/theta.h"

#include "forecast/kinds_internal.h"
#include "forecast/minimise.h"

#include <math.h>
#include <string.h>

/* --- seasons --- */

bool season_shows(const double *x, size_t n, size_t season) {
    if (season < 2 || n < 3 * season)
        return false;
    double mean = 0, variance = 0, squares = 0, r = 0;
    for (size_t t = 0; t < n; t++)
        mean += x[t] / (double)n;
    for (size_t t = 0; t < n; t++)
        variance += (x[t] - mean) * (x[t] - mean);
    if (variance == 0)
        return false;
    for (size_t lag = 1; lag <= season; lag++) {
        r = 0;
        for (size_t t = lag; t < n; t++)
            r += (x[t] - mean) * (x[t - lag] - mean);
        r /= variance;
        squares += lag < season ? r * r : 0;
    }
    return fabs(r) > 1.6448536269514722 * sqrt((1 + 2 * squares) / (double)n);
}

/* The centred moving average over a season; an even season weighs its two ends by half. Valid on [half, n - half). */
static void centred(const double *x, size_t n, size_t season, double *out) {
    size_t half = season / 2;
    for (size_t t = half; t + half < n; t++) {
        double sum = 0;
        for (size_t k = t - half; k <= t + half; k++)
            sum += x[k];
        if (season % 2 == 0)
            sum -= (x[t - half] + x[t + half]) / 2;
        out[t] = sum / (double)season;
    }
}

void season_additive(Arena *scratch, const double *x, size_t n, size_t season, double *seasonal) {
    assert(season > 0 && n >= 2 * season);
    ArenaMark mark = arena_mark(scratch);
    double *trend = arena_new_n(scratch, double, n), mean = 0;
    size_t half = season / 2, *count = arena_new_n(scratch, size_t, season);
    centred(x, n, season, trend);
    for (size_t k = 0; k < season; k++)
        seasonal[k] = 0;
    for (size_t t = half; t + half < n; t++) {
        seasonal[t % season] += x[t] - trend[t];
        count[t % season]++;
    }
    for (size_t k = 0; k < season; k++) {
        seasonal[k] /= (double)MAX(1, count[k]);
        mean += seasonal[k] / (double)season;
    }
    for (size_t k = 0; k < season; k++)
        seasonal[k] -= mean;
    arena_rewind(scratch, mark);
}

/* --- smoothing --- */

typedef struct Smoothing {
    const double *x; /* without its season */
    size_t n;
    double level0, level; /* of the last call */
} Smoothing;

/* Squared one-step errors for a weight, at the first level that makes them least: the errors are e_t - (1-a)^t l0,
 * a line in l0. */
static double smoothing_error(void *arg, const double *alpha_) {
    Smoothing *s = arg;
    double alpha = *alpha_, level = 0, decay = 1, xx = 0, xg = 0, gg = 0;
    for (size_t t = 0; t < s->n; t++) {
        double e = s->x[t] - level;
        xx += e * e;
        xg += e * decay;
        gg += decay * decay;
        level += alpha * e;
        decay *= 1 - alpha;
    }
    s->level0 = xg / gg;
    s->level = level + decay * s->level0;
    return xx - xg * xg / gg;
}

static double line_slope(const double *x, size_t n) {
    double mid = (double)(n - 1) / 2, xy = 0, xx = 0;
    for (size_t t = 0; t < n; t++) {
        xy += ((double)t - mid) * x[t];
        xx += ((double)t - mid) * ((double)t - mid);
    }
    return xy / xx;
}

void theta_fit(Arena *scratch, const double *x, size_t n, size_t season, double *seasonal, ThetaFit *out) {
    assert(n >= 3);
    ArenaMark mark = arena_mark(scratch);
    double *rest = arena_new_n(scratch, double, n);
    bool shows = season_shows(x, n, season);
    if (shows)
        season_additive(scratch, x, n, season, seasonal);
    else
        memset(seasonal, 0, MAX(1, season) * sizeof *seasonal);
    for (size_t t = 0; t < n; t++)
        rest[t] = x[t] - seasonal[t % MAX(1, season)];
    Smoothing s = { .x = rest, .n = n };
    double alpha = minimise_line(smoothing_error, &s, 1e-4, 0.9999, 1e-4);
    smoothing_error(&s, &alpha);
    *out = (ThetaFit){ .alpha = alpha, .level = s.level, .slope = line_slope(rest, n), .seasonal = shows, .n = n };
    arena_rewind(scratch, mark);
}

void theta_forecast(const ThetaFit *f, const double *seasonal, size_t season, size_t h, double *out) {
    double begun = (1 - pow(1 - f->alpha, (double)f->n)) / f->alpha;
    for (size_t i = 0; i < h; i++)
        out[i] = f->level + f->slope / 2 * ((double)i + begun) + seasonal[(f->n + i) % MAX(1, season)];
}

/* --- as a forecaster --- */

static void one_theta(const Forecaster *f, Arena *scratch, size_t c, const double *x, double *out) {
    UNUSED(c);
    ThetaFit fit;
    double *seasonal = arena_new_n(scratch, double, f->shape.season);
    theta_fit(scratch, x, f->shape.look_back, f->shape.season, seasonal, &fit);
    theta_forecast(&fit, seasonal, f->shape.season, f->shape.horizon, out);
}

static int predict_theta(Forecaster *f, Ctx *cx, const WindowBatch *b, float *out) {
    return classical_predict(f, cx, b, one_theta, out);
}

static const ForecasterOps theta_ops = { .predict = predict_theta };
const ForecasterKind theta_kind = {
    "theta", "smoothing with half the trend (Assimakopoulos and Nikolopoulos)", sizeof(Forecaster), 3, &theta_ops, NULL
};
