#pragma once

/* forecast/data.h - a table cut for learning: splits, scaler, windows.
 *
 *     rows    |======== train ========|===== val =====|===== test =====|  (rest not used)
 *     window i of a part    |-- look-back L --|-- horizon H --|     its targets lie wholly in the part
 *
 * A part begins L rows before its first target, as the papers' loaders do, so that the first target of val follows
 * directly on training; a part of n rows with these has n - L - H + 1 windows. Published borders (months of 30 days):
 *     etth   train 8640, val to 11520, test to 14400 (hours; the rest is not used)
 *     ettm   the same times four (quarters of an hour)
 *     0.7,0.1,0.2   shares: train = floor(0.7 n), test = floor(0.2 n) from the end, val what lies between
 *     5000,6000,7000   the row before which each part ends
 *
 * The scaler is each channel's mean and population deviation over the training rows alone; nothing of a window depends
 * on a row behind it. Values are kept once, scaled, as floats, row by row: a window is a pointer, and windows overlap.
 *
 * The first n_targets channels are forecast and judged, the others are only looked at. Pure; read-only once made, then
 * any thread. */

#include "forecast/table.h"

typedef enum ForecastPart { PART_TRAIN, PART_VAL, PART_TEST, FORECAST_PARTS } ForecastPart;
const char *forecast_part_name(ForecastPart p); /* "train", "validation", "test" */

/* Rows [from, to) whose targets belong to the part; the look-back may reach before from. */
typedef struct ForecastRows {
    size_t from, to;
} ForecastRows;

typedef struct ForecastSplit {
    ForecastRows parts[FORECAST_PARTS];
} ForecastSplit;

/* Reads a split as above for n_rows rows. ERR_INVALID with the reason: too few rows, parts that do not ascend. */
int split_parse(Ctx *cx, Str text, size_t n_rows, ForecastSplit *out);

typedef struct ForecastData {
    size_t n_rows, n_channels, n_targets;
    const Str *names;       /* (n_channels) */
    const int64_t *time_ms; /* (n_rows) */
    float *x;               /* (n_rows, n_channels) scaled */
    double *mean, *std;     /* (n_channels) of the training rows */
    size_t look_back, horizon;
    ForecastSplit split;
} ForecastData;

typedef struct ForecastDataOptions {
    size_t look_back, horizon;
    size_t n_targets; /* 0: all channels */
    ForecastSplit split;
    const double *mean, *std; /* of a trained model; NULL: measured here */
} ForecastDataOptions;

/* Everything in cx->arena. ERR_INVALID: a part without a window (says how many rows it lacks), a channel that does not
 * change in training (named); ERR_LIMIT: past the arena's limit. */
int data_new(Ctx *cx, const ForecastTable *t, const ForecastDataOptions *o, ForecastData *out);

/* Windows of the part; 0 where it is empty. */
size_t data_windows(const ForecastData *d, ForecastPart part);
/* First row of the look-back of the part's window i; its targets begin look_back rows later. */
size_t data_window(const ForecastData *d, ForecastPart part, size_t i);

static inline const float *data_at(const ForecastData *d, size_t channel, size_t row) {
    return d->x + row * d->n_channels + channel;
}
static inline double data_unscale(const ForecastData *d, size_t channel, double v) {
    return v * d->std[channel] + d->mean[channel];
}
