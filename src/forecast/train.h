#pragma once

/* forecast/train.h - teaches a network of nn/ from the training windows, and stops by the validation ones.
 *
 *     training_new(cx, &settings, &data, &nn, &t)
 *     training_resume(t, cx, bytes)            where an earlier run was cut off; bytes of hooks.keep
 *     training_run(t, cx, &hooks)              0, or ERR_CANCELLED, ERR_INVALID (the loss is no number any more), …
 *     training_end(t, &result)                 the model with its best weights
 *
 * One epoch shows every training window once, in an order drawn from (seed, epoch), in whole batches (what is left over
 * waits for the next epoch's order, as torch's drop_last does). Then the error over all validation windows; the weights
 * of the best epoch are kept, and `patience` epochs without a better one end the run. Nothing depends on how often it was
 * interrupted: order and dropout are functions of seed and step, and a checkpoint holds weights, moments and sums to the
 * last bit. So a run that is killed and resumed ends with the same weights as one that is not (a limit of minutes
 * aside). Threads: one. */

#include "forecast/forecaster.h"
#include "nn/model.h"
#include "nn/schedule.h"

enum { TRAIN_EPOCHS_MAX = 10000 };

typedef struct TrainSettings {
    ModelSettings model;
    size_t batch, epochs;
    size_t patience;   /* epochs without a better validation error; 0: never stop early */
    Schedule schedule; /* steps_total is filled in */
    Loss loss;
    double clip;         /* the gradients' norm at most; 0 = as it is */
    double weight_decay; /* AdamW */
    double max_minutes;  /* 0 = no limit; the epoch under way is left unfinished */
    size_t memory_max;   /* bytes of the model and its work; 0 = no limit */
} TrainSettings;

typedef enum TrainStop { TRAIN_NOT_ENDED, TRAIN_EPOCHS, TRAIN_PATIENCE, TRAIN_MINUTES } TrainStop;
const char *train_stop_words(TrainStop s); /* "all epochs done", … */

typedef struct TrainEpoch {
    double train_loss; /* mean of the batches', dropout and all */
    double val_mse;
} TrainEpoch;

typedef struct TrainProgress {
    size_t epoch, epochs; /* epoch from 1 */
    size_t step, steps;   /* of the epoch; step == steps and epoch_ended: validated */
    bool epoch_ended;
    double train_loss; /* of the epoch so far */
    double val_mse;    /* of the last epoch validated; NaN before */
    double best_val;
    size_t best_epoch; /* from 1; 0 = none yet */
    double elapsed_s;  /* with earlier runs */
    double left_s;     /* if all epochs are needed; NaN while unknown */
} TrainProgress;

typedef struct TrainHooks {
    /* After every batch and epoch; NULL = none. Not 0 ends the run with that code. */
    int (*progress)(void *arg, Ctx *cx, const TrainProgress *p);
    /* A checkpoint to be kept all or nothing: after every epoch, when cancelled, and when keep_every_s have passed. */
    int (*keep)(void *arg, Ctx *cx, Str bytes);
    double keep_every_s; /* 0 = 30 */
    void *arg;
} TrainHooks;

typedef struct TrainResult {
    TrainEpoch *epochs;          /* (n_epochs) */
    size_t n_epochs, best_epoch; /* from 1 */
    double best_val;
    double seconds; /* of all runs */
    size_t n_weights;
    TrainStop stop;
} TrainResult;

typedef struct Training Training;

/* In cx->arena; data and nn must outlive it. ERR_INVALID: settings that do not fit; ERR_LIMIT: more than memory_max. */
int training_new(Ctx *cx, const TrainSettings *s, const ForecastData *data, const Nn *nn, Training **out);
Training *training_free(Training *t); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Training *, training_free)
/* ERR_CORRUPT: not a whole checkpoint; ERR_CONFLICT: of other data or settings (epochs, patience and limits may differ). */
int training_resume(Training *t, Ctx *cx, Str bytes);
int training_run(Training *t, Ctx *cx, const TrainHooks *hooks);
/* The best weights come back into the model. In cx->arena. */
void training_end(Training *t, Ctx *cx, TrainResult *out);
Model *training_model(Training *t); /* stays the training's */
Model *training_take(Training *t);  /* the caller's from now on; only training_free may follow */
