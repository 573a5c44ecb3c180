/* services/serving/watch.c - has a series become another one than its model was taught with? See forecast/drift.h.
 *
 * Inputs: the population stability index of the latest DRIFT_ROWS rows of each column over the tenths of its training
 * values. A price that has left the range it was taught in is drift by that word, and said.
 * Errors: of the first step, as they are settled. ADWIN hears each; KS compares the latest DRIFT_ERRORS with those before.
 * Neighbouring errors of one step ahead are close to independent, so its chances mean something. */

#include "services/serving/internal.h"

#include <math.h>
#include <stdlib.h>

static const double psi_alarm = 0.25, ks_alarm = 0.001, adwin_delta = 0.002;

void watch_init(Watch *w) {
    *w = (Watch){ .psi = NAN, .ks = NAN, .ks_p = NAN };
    adwin_init(&w->adwin, adwin_delta);
}

bool watch_inputs(const Watch *w) {
    return w->psi > psi_alarm;
}

/* A cut that is older than the window of errors is history: the model has lived with it. */
bool watch_errors(const Watch *w) {
    return w->ks_p < ks_alarm || (w->adwin.n_cuts > 0 && w->adwin.n < 2 * DRIFT_ERRORS);
}

static void see_rows(Watch *w, const Artifact *card, const TrackRows *rows) {
    float v[DRIFT_ROWS];
    size_t n = MIN(rows->n, (size_t)DRIFT_ROWS), channels = card->shape.n_channels;
    w->psi = NAN;
    if (n < DRIFT_ROWS)
        return;
    for (size_t c = 0; c < channels; c++) {
        if (isnan(card->columns[c].deciles[0]))
            continue;
        for (size_t i = 0; i < n; i++)
            v[i] = rows->x[(rows->n - n + i) * channels + c];
        double psi = drift_psi(card->columns[c].deciles, v, n);
        if (isnan(w->psi) || psi > w->psi) {
            w->psi = psi;
            w->psi_column = c;
        }
    }
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The latest half of the ring against the one before. */
static void compare_halves(Watch *w) {
    float half[2][DRIFT_ERRORS];
    if (w->n_errors < 2 * DRIFT_ERRORS)
        return;
    for (size_t i = 0; i < 2 * DRIFT_ERRORS; i++)
        half[i / DRIFT_ERRORS][i % DRIFT_ERRORS] = w->told[((size_t)w->n_errors + i) % (2 * DRIFT_ERRORS)];
    for (size_t k = 0; k < 2; k++)
        qsort(half[k], DRIFT_ERRORS, sizeof half[k][0], compare_floats);
    w->ks = drift_ks(half[0], DRIFT_ERRORS, half[1], DRIFT_ERRORS, &w->ks_p);
}

/* ADWIN wants values up to 1: an error of `scale`, four times the mean of the first ones, is 1, and a larger one, too. */
static void see_error(Watch *w, float error, Time at) {
    enum { BEFORE = 20 };
    w->told[(size_t)w->n_errors++ % (2 * DRIFT_ERRORS)] = error;
    if (w->scale == 0 && w->n_errors == BEFORE) {
        for (size_t i = 0; i < BEFORE; i++)
            w->scale += 4 * (double)w->told[i] / BEFORE;
        w->scale = MAX(w->scale, 1e-30);
    } else if (w->scale > 0 && adwin_add(&w->adwin, MIN(1.0, (double)error / w->scale))) {
        w->cut_at = at;
    }
}

void watch_see(Watch *w, const Artifact *card, const TrackRows *rows, const float *errors, size_t n_errors) {
    if (n_errors == 0 && w->n_rows > 0)
        return; /* nothing has come */
    w->n_rows += (int64_t)(w->n_rows ? n_errors : rows->n);
    see_rows(w, card, rows);
    for (size_t i = 0; i < n_errors; i++)
        see_error(w, errors[i], time_ms(rows->time_ms[rows->n - 1]));
    if (n_errors)
        compare_halves(w);
}
