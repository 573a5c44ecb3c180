#pragma once

/* services/serving/serving.h - forecasts on demand: from trained models that are kept ready, and an answer also when
 * something of it is missing.
 *
 *     request -> candles and news at the same time -> the model asked for, or the best of the series -> its weights ->
 *     forecast, or the next rung of the ladder -> answer (FLW-08, FLW-12)
 *
 * The ladder (PRD-12): the version asked for, other versions of the model (newest first), other models of the series (best
 * on validation first), the last value repeated. Every rung that was tried is in the answer with what became of it, and
 * `fallback` names the one that answered:
 *
 *     none               what was asked for, of everything that was asked for
 *     without_sentiment  the news could not be asked; no model here needs them
 *     kept_model         the registry could not be asked: the version that was ready answered
 *     kept_candles       the market could not be asked: the candles seen last were taken; as_of says of when
 *     version, model     another version, another model
 *     naive              the last value, with the width its own errors had
 *
 * Without candles, given, stored or kept, there is no answer: ERR_UNAVAILABLE.
 *
 * A model is loaded once, its weights checked by their hash, run once, and then shared by all who ask (served.c). Requests
 * that come while it works are computed together in its next pass. An answer is of one version, which it names: who asks
 * keeps the version it began with until it is done, whatever is promoted meanwhile; a version nobody holds goes when
 * memory is short, the longest unused first.
 *
 * Intervals follow the errors on the rows behind training where there are enough of them ("adaptive", forecast/track.h),
 * else they are those of validation ("split").
 *
 * Threads: any. Blocks for stores: never from a loop. */

#include "base/lane.h"
#include "base/log.h"
#include "base/metrics.h"
#include "forecast/artifact.h"
#include "ports/cache.h"
#include "ports/candle_source.h"
#include "ports/model_source.h"
#include "ports/sentiment_source.h"

typedef struct Serving Serving;

typedef struct ServingOptions {
    ModelSource *models;        /* borrowed, as all of these */
    CandleSource *candles;      /* NULL: only what callers give */
    SentimentSource *sentiment; /* NULL = none */
    Lane *lane;                 /* where the news are asked meanwhile; NULL: one after the other */
    Cache *cache;               /* of answers, by version; NULL = none */
    Clock *clock;
    Logger *log;                        /* NULL = silent */
    Metrics *metrics;                   /* NULL = none */
    const ForecasterKind *const *kinds; /* of adapters; NULL-terminated, may be NULL */
    size_t memory_max;                  /* of loaded models; 0 = 1 GiB. The one in use always stays */
    size_t batch_max;                   /* windows of one pass; 0 = 32 */
    size_t queue_max;                   /* windows that wait for a model; 0 = 1024. Then ERR_BUSY */
    int64_t batch_delay_ms;             /* a pass that is not full waits so long for others; 0 = not */
    int64_t resolve_ms; /* what the registry said is believed so long; 0 = 1,000. serving_changed ends it */
    int64_t answer_ms;  /* how long an answer is kept; 0 = a minute */
} ServingOptions;

Serving *serving_new(const ServingOptions *o);
Serving *serving_free(Serving *s); /* NULL is fine; returns NULL */

/* --- forecasts of series --- */

typedef struct PredictAsk {
    SeriesKey key;       /* venue and provider may be empty */
    Str model;           /* "NAME", "NAME/VERSION", "NAME@ALIAS"; empty: the best of the series */
    const Candles *rows; /* given: these, ascending, instead of the market's; NULL */
    double level;        /* of artifact_levels; 0: 0.9 */
    bool strict;         /* the first rung or an error */
} PredictAsk;

typedef struct LadderRung {
    Str rung;           /* as above: "none", "version", … */
    Str model, version; /* empty for naive */
    Str outcome;        /* "answered", or why it did not */
} LadderRung;

typedef struct ServedForecast {
    SeriesKey key; /* as stored */
    Str model, version, kind, sha256;
    Str fallback;
    LadderRung *ladder;
    size_t n_ladder;
    Str *missing; /* "market", "sentiment", "registry": what could not be asked */
    size_t n_missing;
    size_t horizon, n_targets;
    const Str *targets;         /* (n_targets) */
    int64_t *time_ms;           /* (horizon) open times of what is forecast */
    double *value, *low, *high; /* (horizon, n_targets); low and high NaN without intervals */
    double *last;               /* (n_targets) the last value: the forecast that costs nothing */
    double level;
    Str interval;        /* "adaptive", "split", "none" */
    Time as_of;          /* open time of the last candle looked at */
    double val_vs_naive; /* mse on validation over that of the last value; NaN: not known */
    bool beats_naive, simulated, cached;
    bool has_sentiment;
    SentimentNow sentiment;
    bool drifted; /* inputs or errors are no longer those of training: serving_drift says which */
    double took_ms;
} ServedForecast;

/* ERR_NOT_FOUND: no candles of the series; strict: no such model. ERR_INVALID: a level, candles that are none. ERR_UNAVAILABLE
 * as above. ERR_BUSY: too many wait. */
int serving_predict(Serving *s, Ctx *cx, const PredictAsk *ask, ServedForecast *out);

/* --- plain tensors (the open inference protocol) --- */

typedef struct ServedInfo {
    Str name, version, kind, sha256;
    ForecastShape shape;
    const ArtifactColumn *columns;
    int64_t step_ms;
    Str features;
} ServedInfo;

/* What a model is; it is loaded for that. 0, MODEL_NONE. */
int serving_info(Serving *s, Ctx *cx, Str ref, ServedInfo *out);

typedef struct InferAsk {
    Str ref;
    const double *x;  /* (n, look_back, n_channels) in the data's own units */
    size_t n, window; /* windows, and the numbers of each: look_back * n_channels of the model that was meant */
    double level;     /* 0: no intervals */
} InferAsk;

typedef struct InferAnswer {
    ServedInfo model;
    double *value, *low, *high; /* (n, horizon, n_targets); low and high NULL without a level */
} InferAnswer;

/* No ladder: this model or an error. 0, MODEL_NONE; ERR_INVALID: a value that is no number (its place is named);
 * ERR_CONFLICT: the model wants other windows by now. */
int serving_infer(Serving *s, Ctx *cx, const InferAsk *ask, InferAnswer *out);

/* --- what is loaded --- */

typedef struct ServedRow {
    Str name, version, kind, sha256;
    size_t bytes;
    int64_t n_forecasts, n_passes; /* windows; passes of the model over one or more of them */
    int64_t n_holders;             /* requests that use it now */
    double load_ms;
    Time loaded, used;
} ServedRow;
int serving_loaded(Serving *s, Ctx *cx, ServedRow **out, size_t *n);
/* Loads and warms it, so that the first request does not wait. 0, MODEL_NONE. */
int serving_warm(Serving *s, Ctx *cx, Str ref);
/* No new request gets it; it goes when those that use it are done. 0, MODEL_NONE: it is not loaded. version empty: all of
 * the name. */
int serving_unload(Serving *s, Ctx *cx, Str name, Str version);
/* The registry changed something of this name: what it said of it is forgotten (hot swap). Empty: of all. */
void serving_changed(Serving *s, Str name);

/* --- drift (FUT-10) --- */

typedef struct DriftRow {
    Str name, version, series;
    int64_t n_rows, n_errors; /* seen */
    double psi;               /* the largest of the inputs'; NaN: not enough rows */
    Str psi_column;
    double ks, ks_p;     /* errors of late against those before; NaN likewise */
    int64_t n_cuts;      /* times that ADWIN found the mean error changed */
    Time cut_at;         /* row of the last one; ms 0 = never */
    bool inputs, errors; /* alarms */
} DriftRow;
int serving_drift(Serving *s, Ctx *cx, DriftRow **out, size_t *n);
