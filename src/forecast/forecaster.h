#pragma once

/* forecast/forecaster.h - one interface for everything that forecasts, from the last value to a transformer.
 *
 *     forecaster_new(cx, forecaster_find(S("theta"), &options), &shape, &options, &f)
 *     forecaster_fit(f, cx, &data)                  learns from data's training part (and stops early by validation)
 *     forecaster_predict(f, cx, &batch, out)        (n, horizon, n_targets), scaled as the batch is
 *     forecaster_save(f, cx, &bytes)                what was learned; forecaster_load takes it back
 *
 * A batch is windows of a look-back each; nothing behind a window is reachable from it, so no forecaster can look into
 * the future. All channels may be read, the first n_targets are forecast.
 *
 * Memory: a forecaster lives in the arena of its making, and on the heap until forecaster_free; predict leaves no mark in
 * cx->arena. Threads: one forecaster, one thread at a time. */

#include "base/buf.h"
#include "forecast/data.h"

typedef struct ForecastShape {
    size_t look_back, horizon, n_channels, n_targets;
    size_t season; /* rows of a season: 24 for a day of hours; 1 = none */
} ForecastShape;

/* n windows of look_back rows: channel c of row t of window i is x[i][t * stride + c]. */
typedef struct WindowBatch {
    const float *const *x; /* (n) */
    size_t stride;         /* floats from one row to the next */
    size_t n;
} WindowBatch;

typedef struct Forecaster Forecaster;

typedef struct ForecasterOps {
    /* NULL: there is nothing to learn. 0 or ErrCode with words. */
    int (*fit)(Forecaster *f, Ctx *cx, const ForecastData *data);
    int (*predict)(Forecaster *f, Ctx *cx, const WindowBatch *batch, float *out);
    /* What was learned as bytes, and back into a new one. NULL with fit NULL. ERR_CORRUPT. */
    int (*save)(Forecaster *f, Ctx *cx, Buf *out);
    int (*load)(Forecaster *f, Ctx *cx, Str bytes);
    void (*rest)(Forecaster *f); /* NULL: nothing is kept between predictions */
    void (*free)(Forecaster *f); /* NULL: all of it is in the arena */
} ForecasterOps;

typedef struct ForecasterKind ForecasterKind;
typedef struct ForecasterOptions ForecasterOptions;

struct Forecaster { /* the first member of every model's own struct */
    const ForecasterKind *kind;
    ForecastShape shape;
};

struct ForecasterKind {
    const char *name;     /* "seasonal_naive" */
    const char *words;    /* one line: what it does, and whose it is */
    size_t size;          /* of its struct, which begins with a Forecaster */
    size_t look_back_min; /* rows it needs, besides one season */
    const ForecasterOps *ops;
    /* Takes over what it needs of the options; may be NULL. */
    int (*init)(Forecaster *f, Ctx *cx, const ForecasterOptions *o);
};

struct Nn;
struct TrainSettings;
struct TrainHooks;

struct ForecasterOptions {
    const struct Nn *nn; /* of networks: must outlive them */
    const struct TrainSettings *train;
    const struct TrainHooks *hooks;     /* NULL = none */
    uint64_t seed;                      /* of adapters' models; networks have theirs in train */
    Str resume;                         /* a checkpoint to go on from; empty = begin */
    const ForecasterKind *const *extra; /* kinds of adapters, beside our own; NULL-terminated, may be NULL */
};

/* NULL when there is none. options may be NULL. */
const ForecasterKind *forecaster_find(Str name, const ForecasterOptions *o);
const ForecasterKind *forecaster_at(size_t i); /* our own; NULL past the last */

/* In cx->arena. ERR_INVALID where the shape is not for it (a look-back shorter than a season). */
int forecaster_new(Ctx *cx, const ForecasterKind *kind, const ForecastShape *shape, const ForecasterOptions *o,
                   Forecaster **out);
Forecaster *forecaster_free(Forecaster *f); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Forecaster *, forecaster_free)

/* Callers use these: they check the shapes on the way in and, on the way out, that every forecast is a finite number
 * (ERR_INTERNAL names the window and channel where not). */
int forecaster_fit(Forecaster *f, Ctx *cx, const ForecastData *data);
int forecaster_predict(Forecaster *f, Ctx *cx, const WindowBatch *batch, float *out);
void forecaster_rest(Forecaster *f); /* gives back what predict keeps for the next one */
int forecaster_save(Forecaster *f, Ctx *cx, Buf *out);
int forecaster_load(Forecaster *f, Ctx *cx, Str bytes);

/* One window of one channel, in double: what the classical models are made of. x has n values; out gets h. */
void naive_forecast(const double *x, size_t n, size_t h, double *out);
void seasonal_naive_forecast(const double *x, size_t n, size_t season, size_t h, double *out); /* n >= season */
void drift_forecast(const double *x, size_t n, size_t h, double *out);                         /* n >= 2 */
