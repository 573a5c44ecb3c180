#pragma once

/* app/training.h - models taught by the jobs of the role prediction (PRD-01, PRD-05, PRD-06).
 *
 * A training is a job of the kind "train" in training.db: its candles are read and written down once, then `finsight
 * train` learns from them in a child process of the lowest priority with a memory cap; what comes of it is registered whole
 * or not at all, and promoted if that was asked for and it is better than the last value. Killed anywhere it goes on:
 * with the candles that were written down, from the last checkpoint, to the same weights; and what was registered
 * before the kill is not registered twice. */

#include "app/platform.h"

/* Opens training.db and makes the service; nothing runs before its ticks. */
int training_open(Platform *p, Ctx *cx);
/* Runs end and stay queued for the next process; while there is a loop that they wake. */
void training_stop(Platform *p);
void training_close(Platform *p);
/* A PredictionRole.training_log. */
int training_log_read(void *platform, Ctx *cx, Str training, Str *out);
