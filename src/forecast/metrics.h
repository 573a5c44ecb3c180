#pragma once

/* forecast/metrics.h - how far forecasts were off, and how far the last value would have been.
 *
 * y is what came, f the forecast, z the last value known when it was made; sums run over windows, channels and steps.
 *
 *     mse    mean of (y - f)^2                  on the scaled values, as the papers' tables
 *     mae    mean of |y - f|                    scaled
 *     rmse   root of mse                        scaled
 *     mape   100 mean |y - f| / |y|             on the data's own scale; steps with y = 0 are left out and counted
 *     smape  200 mean |y - f| / (|y| + |f|)     own scale, 0 to 200 (Makridakis, M4); 0 where both are 0
 *     mase   mean of |y - f| / q_c              q_c: mean |y_t - y_(t-m)| of channel c in training, m the season
 *                                               (Hyndman and Koehler, IJF 22, 2006)
 *     directional_accuracy   share of steps whose sign of y - z is that of f - z; steps with y = z are left out, a
 *                            forecast of no change is wrong: repeating the last value scores 0
 *
 * Whether a model beats the last value or was lucky: dm, the statistic of Diebold and Mariano (JBES 13, 1995) on the
 * windows' differences of squared errors, naive less model. Neighbouring windows share most of their targets: the
 * variance of the mean is Newey and West's with a horizon of lags. It is about normal where nothing differs.
 *
 * What has no value (no step counted) is NaN. Naive stands beside every figure: the same sums for f = z. Pure. */

#include "forecast/forecaster.h"

typedef struct ForecastFigures {
    double mse, mae, rmse, mape, smape, mase, directional_accuracy;
    int64_t n;       /* values judged */
    int64_t n_zero;  /* left out of mape */
    int64_t n_still; /* left out of directional_accuracy */
} ForecastFigures;

typedef struct ForecastScore {
    ForecastFigures model, naive;
    double vs_naive; /* model.mse / naive.mse: below 1 it is better than repeating the last value */
    double dm;       /* above 0 likewise; from 1.645 on, one time in twenty by luck */
    size_t n_windows;
} ForecastScore;

typedef struct ForecastSums { /* private */
    long double square, absolute, percent, symmetric, scaled;
    int64_t n, n_zero, n_still, right;
} ForecastSums;

typedef struct ForecastJudge {
    const ForecastData *data;
    const double *season_error; /* (n_targets) q_c of mase */
    ForecastSums model, naive;
    size_t n_windows, most;
    double *gains; /* (most) of each window: squared error of naive less that of the model, mean over its values */
} ForecastJudge;

/* season as in ForecastShape; the sums start at 0. For at most `most` windows, in the order of time. In the arena. */
void judge_init(ForecastJudge *j, Arena *arena, const ForecastData *data, size_t season, size_t most);
/* forecasts (horizon, n_targets) of the window whose look-back starts at row `start`. */
void judge_add(ForecastJudge *j, size_t start, const float *forecasts);
void judge_end(const ForecastJudge *j, ForecastScore *out);

/* Mean over its standard error, which allows for `lags` of autocorrelation (Bartlett's weights); 0 where there is none. */
double diebold_mariano(const double *gains, size_t n, size_t lags);

/* Pinball loss of the forecast q of the quantile `level`: level (y - q) where y >= q, (level - 1)(y - q) elsewhere. */
static inline double pinball(double y, double q, double level) {
    return (y >= q ? level : level - 1) * (y - q);
}

typedef struct EvaluateOptions {
    size_t season;
    size_t batch;   /* windows a call; 0 = 128 */
    bool drop_last; /* leave out the last partial batch, as the papers' test loaders did */
    size_t step;    /* every step-th window; 0 or 1: all */
    /* Sees every batch with its forecasts, in order; NULL = none. */
    int (*each)(void *arg, Ctx *cx, const WindowBatch *b, const float *forecasts);
    void *arg;
} EvaluateOptions;

/* The forecaster over the windows of a part. ERR_INVALID: it has none. */
int forecast_evaluate(Ctx *cx, Forecaster *f, const ForecastData *data, ForecastPart part, const EvaluateOptions *o,
                      ForecastScore *out);
