/* forecast/metrics.c - see metrics.h. */

#include "forecast/metrics.h"

#include <math.h>

void judge_init(ForecastJudge *j, Arena *arena, const ForecastData *d, size_t season, size_t most) {
    size_t from = d->split.parts[PART_TRAIN].from, n = d->split.parts[PART_TRAIN].to - from,
           m = season && season < n ? season : 1;
    double *q = arena_new_n(arena, double, d->n_targets);
    for (size_t c = 0; c < d->n_targets; c++) {
        long double sum = 0;
        for (size_t t = m; t < n; t++)
            sum += fabs((double)*data_at(d, c, from + t) - (double)*data_at(d, c, from + t - m));
        q[c] = n > m ? (double)(sum / (long double)(n - m)) : NAN;
    }
    *j = (ForecastJudge){ .data = d, .season_error = q, .most = most, .gains = arena_new_n(arena, double, most) };
}

/* y, f, z scaled; Y, F on the data's own scale. */
static inline void add(ForecastSums *s, double y, double f, double z, double Y, double F, double q) {
    double off = fabs(y - f), off_own = fabs(Y - F), size = fabs(Y) + fabs(F);
    s->n++;
    s->square += off * off;
    s->absolute += off;
    s->scaled += off / q;
    if (Y == 0)
        s->n_zero++;
    else
        s->percent += off_own / fabs(Y);
    if (size > 0)
        s->symmetric += off_own / size;
    if (y == z)
        s->n_still++;
    else
        s->right += (y > z && f > z) || (y < z && f < z);
}

void judge_add(ForecastJudge *j, size_t start, const float *forecasts) {
    const ForecastData *d = j->data;
    long double before = j->naive.square - j->model.square;
    assert(j->n_windows < j->most);
    for (size_t c = 0; c < d->n_targets; c++) {
        size_t last = start + d->look_back - 1;
        double z = *data_at(d, c, last), Z = data_unscale(d, c, z), q = j->season_error[c];
        for (size_t h = 0; h < d->horizon; h++) {
            double y = *data_at(d, c, last + 1 + h), f = forecasts[h * d->n_targets + c], Y = data_unscale(d, c, y);
            add(&j->model, y, f, z, Y, data_unscale(d, c, f), q);
            add(&j->naive, y, z, z, Y, Z, q);
        }
    }
    j->gains[j->n_windows++] =
        (double)((j->naive.square - j->model.square - before) / (long double)(d->n_targets * d->horizon));
}

static double ratio(long double sum, int64_t n) {
    return n > 0 ? (double)(sum / (long double)n) : NAN;
}

static ForecastFigures figures(const ForecastSums *s) {
    double mse = ratio(s->square, s->n);
    return (ForecastFigures){ .mse = mse,
                              .mae = ratio(s->absolute, s->n),
                              .rmse = sqrt(mse),
                              .mape = 100 * ratio(s->percent, s->n - s->n_zero),
                              .smape = 200 * ratio(s->symmetric, s->n),
                              .mase = ratio(s->scaled, s->n),
                              .directional_accuracy = ratio((long double)s->right, s->n - s->n_still),
                              .n = s->n,
                              .n_zero = s->n_zero,
                              .n_still = s->n_still };
}

void judge_end(const ForecastJudge *j, ForecastScore *out) {
    *out = (ForecastScore){ .model = figures(&j->model), .naive = figures(&j->naive), .n_windows = j->n_windows };
    out->vs_naive = out->model.mse / out->naive.mse;
    out->dm = diebold_mariano(j->gains, j->n_windows, j->data->horizon);
}

double diebold_mariano(const double *gains, size_t n, size_t lags) {
    double mean = 0, variance = 0;
    for (size_t i = 0; i < n; i++)
        mean += gains[i] / (double)n;
    for (size_t lag = 0; lag <= lags && lag < n; lag++) {
        double sum = 0;
        for (size_t i = lag; i < n; i++)
            sum += (gains[i] - mean) * (gains[i - lag] - mean);
        variance += (lag ? 2 * (1 - (double)lag / ((double)lags + 1)) : 1) * sum / (double)n;
    }
    return variance > 0 ? mean / sqrt(variance / (double)n) : 0;
}

/* --- a whole part --- */

enum { EVALUATE_BATCH = 128 };

int forecast_evaluate(Ctx *cx, Forecaster *f, const ForecastData *d, ForecastPart part, const EvaluateOptions *o,
                      ForecastScore *out) {
    size_t step = MAX(1, o->step), batch = o->batch ? o->batch : EVALUATE_BATCH;
    size_t n = (data_windows(d, part) + step - 1) / step;
    if (o->drop_last)
        n -= n % batch;
    if (n == 0)
        return err_set(cx, ERR_INVALID, "the %s part has no %s", forecast_part_name(part),
                       o->drop_last ? "whole batch of windows" : "window");
    ArenaMark mark = arena_mark(cx->arena);
    const float **windows = arena_new_n(cx->arena, const float *, batch);
    float *forecasts = arena_new_n(cx->arena, float, mem_mul(batch, d->n_targets * d->horizon));
    ForecastJudge judge;
    judge_init(&judge, cx->arena, d, o->season, n);
    int r = 0;
    for (size_t at = 0; r == 0 && at < n; at += batch) {
        WindowBatch b = { .x = windows, .stride = d->n_channels, .n = MIN(batch, n - at) };
        for (size_t i = 0; i < b.n; i++)
            windows[i] = data_at(d, 0, data_window(d, part, (at + i) * step));
        r = forecaster_predict(f, cx, &b, forecasts);
        for (size_t i = 0; r == 0 && i < b.n; i++)
            judge_add(&judge, data_window(d, part, (at + i) * step), forecasts + i * d->horizon * d->n_targets);
        if (r == 0 && o->each)
            r = o->each(o->arg, cx, &b, forecasts);
    }
    if (r == 0)
        judge_end(&judge, out);
    arena_rewind(cx->arena, mark);
    return r;
}
