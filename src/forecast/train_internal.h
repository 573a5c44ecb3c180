#pragma once

/* forecast/train_internal.h - a training run as its loop and its checkpoints see it. */

#include "forecast/train.h"

enum { CHECKPOINT_MAX = 1 << 30 };

struct Training {
    TrainSettings s;
    const ForecastData *d;
    const Nn *nn;
    Model *model;
    Adam adam;
    size_t n_windows, steps; /* of an epoch */
    size_t epoch, step;      /* done: whole epochs, and batches of the one under way */
    double loss_sum;         /* of those batches */
    float *best;             /* parameters, then buffers, of the best epoch */
    double best_val;
    size_t best_epoch;   /* from 1 */
    TrainEpoch *history; /* (s.epochs) */
    TrainStop stop;
    double seconds; /* of all runs so far */
    /* of this run */
    uint32_t *order;      /* (n_windows) */
    size_t ordered_epoch; /* the epoch + 1 that order is of; 0 = none */
    const float **x, **y; /* (batch) */
    MonoNs begun, kept;
    double steps_before, seconds_before;
};

/* The whole state of the run; 0 or ERR_LIMIT. */
int checkpoint_write(Training *t, Ctx *cx, Buf *out);
