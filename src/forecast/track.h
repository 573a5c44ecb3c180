#pragma once

/* forecast/track.h - intervals that follow what a forecaster got wrong lately, on rows that come one by one.
 *
 * A Tracker replays the forecasts that a model would have made of the rows behind its training, in order, and settles
 * each step of each of them when its row has come (interval.h: adaptive conformal). So what it says now rests on errors
 * that could be seen by now, and on none that the model was taught with.
 *
 *     tracker_new(cx, &artifact, level, &t)
 *     tracker_follow(t, cx, &rows, forecast, half)       the latest row is the origin; again when rows have come
 *
 * Calibrated on TRACK_CALIBRATION settled forecasts, less where there are less, TRACK_LEAST at least; then followed over
 * at most TRACK_FOLLOW more. Memory: of its own. Threads: one. */

#include "forecast/artifact.h"

enum { TRACK_CALIBRATION = 200, TRACK_FOLLOW = 200, TRACK_LEAST = 50 };
enum { TRACK_SPLIT = 1 }; /* > 0: too few rows behind training */

typedef struct Tracker Tracker;

typedef struct TrackRows { /* scaled, all channels, in order */
    const float *x;        /* (n, n_channels) */
    const int64_t *time_ms;
    size_t n;
} TrackRows;

/* The model: forecasts for a batch of windows. Whose it is says arg. */
typedef int TrackPredict(void *arg, Ctx *cx, const WindowBatch *batch, float *out);

/* ERR_INVALID: a level out of (0, 1). The artifact is only looked at. */
int tracker_new(Ctx *cx, const Artifact *a, double level, Tracker **out);
Tracker *tracker_free(Tracker *t); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Tracker *, tracker_free)

/* Rows that are wanted for a first call: with fewer than tracker_rows_least the answer is TRACK_SPLIT. */
size_t tracker_rows(const Artifact *a);

/* Goes on from the row it saw last, or begins anew where that row is not among these or too far back. forecast, half:
 * (horizon, n_targets), scaled, for the origin of the last row. 0; TRACK_SPLIT: there is a forecast and half is as it was;
 * ErrCode. */
int tracker_follow(Tracker *t, Ctx *cx, const TrackRows *rows, TrackPredict *predict, void *arg, float *forecast,
                   float *half);

/* The absolute error of step 1 of every forecast settled in the last tracker_follow, of the first target, scaled: for who
 * watches for drift. */
size_t tracker_errors(const Tracker *t, const float **out);
/* Forecasts settled so far; 0: none. */
size_t tracker_settled(const Tracker *t);
size_t tracker_bytes(const Tracker *t);
