/* nn/model_data.c - between windows of a series and panels: gather, level off, level on, loss. */

#include "nn/model_internal.h"

#include <math.h>

/* The variance's floor, as RevIN has it. */
static const double REVIN_EPS = 1e-5;

static void gather(Model *m, const ModelBatch *batch) {
    size_t channels = (size_t)m->s.channels, n = batch->n;
    for (size_t t = 0; t < (size_t)m->s.lookback; t++) {
        float *row = m->x + t * m->ldx;
        for (size_t b = 0; b < n; b++) {
            const float *x = batch->x[b] + t * batch->x_stride;
            for (size_t c = 0; c < channels; c++)
                row[c * n + b] = x[c];
        }
    }
}

static void measure_last(Model *m) {
    size_t columns = (size_t)m->s.channels * m->n;
    memcpy(m->level, m->x + (size_t)(m->s.lookback - 1) * m->ldx, columns * sizeof(float));
    for (size_t i = 0; i < columns; i++)
        m->scale[i] = 1;
}

/* Mean and biased deviation of each window. Two passes, in double: a price of 60,000 that moves by cents must keep its
 * cents. */
static void measure_revin(Model *m) {
    size_t columns = (size_t)m->s.channels * m->n, rows = (size_t)m->s.lookback;
    enum { BLOCK = 256 };
    for (size_t from = 0; from < columns; from += BLOCK) {
        size_t n = MIN((size_t)BLOCK, columns - from);
        double sum[BLOCK] = { 0 }, square[BLOCK] = { 0 };
        for (size_t t = 0; t < rows; t++)
            for (size_t i = 0; i < n; i++)
                sum[i] += m->x[t * m->ldx + from + i];
        for (size_t i = 0; i < n; i++)
            sum[i] /= (double)rows;
        for (size_t t = 0; t < rows; t++)
            for (size_t i = 0; i < n; i++) {
                double e = m->x[t * m->ldx + from + i] - sum[i];
                square[i] += e * e;
            }
        for (size_t i = 0; i < n; i++) {
            m->level[from + i] = (float)sum[i];
            m->scale[from + i] = (float)sqrt(square[i] / (double)rows + REVIN_EPS);
        }
    }
}

void batch_read(Model *m, const ModelBatch *batch) {
    assert(batch->n > 0);
    gather(m, batch);
    if (m->s.norm == MODEL_NORM_NONE)
        return;
    if (m->s.norm == MODEL_NORM_LAST)
        measure_last(m);
    else
        measure_revin(m);
    size_t columns = (size_t)m->s.channels * m->n;
    for (size_t t = 0; t < (size_t)m->s.lookback; t++)
        for (size_t i = 0; i < columns; i++)
            m->x[t * m->ldx + i] = (m->x[t * m->ldx + i] - m->level[i]) / m->scale[i];
}

/* The forecast's element in the scale of the data. */
static inline float restored(const Model *m, size_t h, size_t column) {
    float y = m->y[h * m->ldy + column];
    return m->s.norm == MODEL_NORM_NONE ? y : y * m->scale[column] + m->level[column];
}

void batch_write(const Model *m, float *out) {
    size_t targets = (size_t)m->s.targets, horizon = (size_t)m->s.horizon;
    for (size_t h = 0; h < horizon; h++)
        for (size_t c = 0; c < targets; c++)
            for (size_t b = 0; b < m->n; b++)
                out[(b * horizon + h) * targets + c] = restored(m, h, c * m->n + b);
}

double batch_loss(const Model *m, const ModelBatch *batch, const Loss *loss, float *dy) {
    size_t targets = (size_t)m->s.targets, horizon = (size_t)m->s.horizon;
    double sum = 0, share = 1 / ((double)m->n * (double)horizon * (double)targets);
    bool scaled = m->s.norm != MODEL_NORM_NONE;
    for (size_t h = 0; h < horizon; h++)
        for (size_t c = 0; c < targets; c++)
            for (size_t b = 0; b < m->n; b++) {
                size_t column = c * m->n + b;
                double forecast = restored(m, h, column), wanted = batch->y[b][h * batch->y_stride + c];
                sum += loss_one(loss, forecast, wanted);
                if (dy)
                    dy[h * m->ldy + column] =
                        (float)(loss_slope(loss, forecast, wanted) * share * (scaled ? m->scale[column] : 1));
            }
    return sum * share;
}
