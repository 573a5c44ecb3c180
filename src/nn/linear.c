/* nn/linear.c - DLinear and NLinear (Zeng et al. 2023): a forecast is one matrix times the window.
 *
 * DLinear splits a window into a moving average and the rest and gives each a matrix of its own:
 *     y = S (x - A x) + T A x + s + t = (S + (T - S) A) x + s + t
 * A, the average over `kernel` rows with the ends repeated, is linear, so both matrices fold into one before the product,
 * and the gradient of that one unfolds into both after it: a step costs what NLinear's does. A applied to a row of
 * weights is a running sum. The order of the official code's parameters is kept. */

#include "nn/model_internal.h"

#include <math.h>

typedef struct LinearModel {
    size_t seasonal, seasonal_bias, trend, trend_bias; /* in params; NLinear has the first two alone */
    float *weight, *dweight;                           /* (horizon, lookback): folded, and its gradient */
    float *bias;                                       /* horizon */
    float *row;                                        /* lookback: scratch */
    float *xt;                                         /* the panel transposed, for the gradient */
} LinearModel;

static void linear_layout(Model *m) {
    LinearModel *l = m->self = arena_new(&m->own, LinearModel);
    const size_t weight[] = { (size_t)m->s.horizon, (size_t)m->s.lookback, 0 }, bias[] = { (size_t)m->s.horizon, 0 };
    bool two = m->s.kind == MODEL_DLINEAR;
    l->seasonal = param_add(&m->params, weight, two ? "Linear_Seasonal.weight" : "Linear.weight");
    l->seasonal_bias = param_add(&m->params, bias, two ? "Linear_Seasonal.bias" : "Linear.bias");
    if (two) {
        l->trend = param_add(&m->params, weight, "Linear_Trend.weight");
        l->trend_bias = param_add(&m->params, bias, "Linear_Trend.bias");
    }
}

static void linear_init(Model *m) {
    for (size_t i = 0; i < m->params.n_params; i++) /* torch's nn.Linear */
        model_draw_uniform(m, i, 1 / sqrt((double)m->s.lookback));
}

static void linear_plan(Model *m) {
    LinearModel *l = m->self;
    size_t weights = (size_t)m->s.horizon * (size_t)m->s.lookback;
    l->weight = nn_floats(&m->work, weights);
    l->bias = nn_floats(&m->work, (size_t)m->s.horizon);
    l->row = nn_floats(&m->work, (size_t)m->s.lookback);
    l->dweight = m->room_training ? nn_floats(&m->work, weights) : NULL;
    l->xt = m->room_training ? nn_floats(&m->work, (size_t)m->s.targets * m->n * nn_ld((size_t)m->s.lookback)) : NULL;
}

/* out = w A for one row of weights: out[j] = 1/kernel of the sum over i of w[i] times how often x[j] stands in the average
 * at i. Inside, that is the plain average of w around j; the ends gather what their repetitions get. */
static void fold_row(const float *w, size_t n, size_t kernel, float *out) {
    ptrdiff_t half = (ptrdiff_t)kernel / 2, last = (ptrdiff_t)n - 1;
    double window = 0;
    for (ptrdiff_t i = 0; i < MIN(half, last + 1); i++)
        window += w[i];
    for (ptrdiff_t j = 0; j <= last; j++) {
        if (j + half <= last)
            window += w[j + half];
        if (j - half - 1 >= 0)
            window -= w[j - half - 1];
        out[j] = (float)(window / (double)kernel);
    }
    double first = 0, end = 0; /* row i repeats x[0] half - i times, and x[last] half - (last - i) times */
    for (ptrdiff_t i = 0; i < MIN(half, last + 1); i++) {
        first += w[i] * (double)(half - i);
        end += w[last - i] * (double)(half - i);
    }
    out[0] += (float)(first / (double)kernel);
    out[last] += (float)(end / (double)kernel);
}

/* out = A w, the transpose of fold_row: the moving average of a row, ends repeated. */
static void unfold_row(const float *w, size_t n, size_t kernel, float *out) {
    ptrdiff_t half = (ptrdiff_t)kernel / 2, last = (ptrdiff_t)n - 1;
    double window = 0;
    for (ptrdiff_t i = -half; i < half; i++)
        window += w[CLAMP(i, 0, last)];
    for (ptrdiff_t j = 0; j <= last; j++) {
        window += w[MIN(j + half, last)];
        out[j] = (float)(window / (double)kernel);
        window -= w[MAX(j - half, 0)];
    }
}

static const float *folded_weight(Model *m) {
    LinearModel *l = m->self;
    const float *seasonal = param_value(&m->params, l->seasonal), *trend = param_value(&m->params, l->trend);
    size_t n = (size_t)m->s.lookback;
    if (m->s.kind == MODEL_NLINEAR)
        return seasonal;
    for (size_t h = 0; h < (size_t)m->s.horizon; h++) {
        float *row = l->weight + h * n;
        for (size_t i = 0; i < n; i++)
            l->row[i] = trend[h * n + i] - seasonal[h * n + i];
        fold_row(l->row, n, (size_t)m->s.kernel, row);
        for (size_t i = 0; i < n; i++)
            row[i] += seasonal[h * n + i];
    }
    return l->weight;
}

static void linear_forward(Model *m, bool training, uint64_t step) {
    UNUSED(training);
    UNUSED(step);
    LinearModel *l = m->self;
    size_t horizon = (size_t)m->s.horizon;
    const float *bias = param_value(&m->params, l->seasonal_bias), *more = param_value(&m->params, l->trend_bias);
    for (size_t h = 0; h < horizon; h++)
        l->bias[h] = bias[h] + (m->s.kind == MODEL_DLINEAR ? more[h] : 0);
    nn_gemm(m->nn, &(Gemm){ .m = horizon,
                            .n = (size_t)m->s.targets * m->n,
                            .k = (size_t)m->s.lookback,
                            .a = folded_weight(m),
                            .a_row = (size_t)m->s.lookback,
                            .a_col = 1,
                            .b = m->x,
                            .ldb = m->ldx,
                            .c = m->y,
                            .ldc = m->ldy,
                            .bias = l->bias });
}

static void linear_backward(Model *m, uint64_t step) {
    UNUSED(step);
    LinearModel *l = m->self;
    bool two = m->s.kind == MODEL_DLINEAR;
    size_t horizon = (size_t)m->s.horizon, lookback = (size_t)m->s.lookback, columns = (size_t)m->s.targets * m->n;
    float *seasonal = param_grad(&m->params, l->seasonal), *trend = param_grad(&m->params, l->trend);
    float *bias = param_grad(&m->params, l->seasonal_bias);
    m->nn->k->transpose(lookback, columns, m->x, m->ldx, l->xt, nn_ld(lookback));
    nn_gemm(m->nn, &(Gemm){ .m = horizon,
                            .n = lookback,
                            .k = columns,
                            .a = m->dy,
                            .a_row = m->ldy,
                            .a_col = 1,
                            .b = l->xt,
                            .ldb = nn_ld(lookback),
                            .c = two ? l->dweight : seasonal,
                            .ldc = lookback });
    memset(bias, 0, horizon * sizeof *bias);
    m->nn->k->row_sums(horizon, columns, m->dy, m->ldy, bias);
    if (!two)
        return;
    memcpy(param_grad(&m->params, l->trend_bias), bias, horizon * sizeof *bias);
    for (size_t h = 0; h < horizon; h++) {
        const float *row = l->dweight + h * lookback;
        unfold_row(row, lookback, (size_t)m->s.kernel, trend + h * lookback);
        for (size_t i = 0; i < lookback; i++)
            seasonal[h * lookback + i] = row[i] - trend[h * lookback + i];
    }
}

const ModelOps model_linear_ops = { linear_layout, linear_init, linear_plan, linear_forward, linear_backward };
