#pragma once

/* services/forecast/forecast.h - from a table to a trained forecaster and from that to forecasts.
 *
 * Everything is bytes in and bytes out: who calls reads the files, or the candle store, and keeps what comes back. A model
 * is named as in forecast/forecaster.h; several with '+' between them ("dlinear+nlinear+theta") make an ensemble, in which
 * the last value is always one more member.
 *
 * Every score comes with that of repeating the last value on the same windows (PRD-18). Threads: one a call. */

#include "base/sha256.h"
#include "forecast/artifact.h"
#include "forecast/learned.h"
#include "forecast/preset.h"

typedef struct TrainRequest {
    const ForecastTable *table;
    Str data, data_sha256; /* name and hash of what the table was read from, for the card */
    Str model, preset;     /* preset empty: "price" */
    size_t horizon;
    size_t look_back; /* 0: the preset's; likewise below */
    size_t season;
    Str split;
    Str columns; /* those to look at; empty: all */
    Str target;  /* forecast this one alone, and only look at the others; empty: all */
    uint64_t seed;
    size_t epochs, batch; /* 0: the preset's */
    int64_t patience;     /* -1: the preset's; 0: never stop early */
    double rate, max_minutes;
    size_t memory_max; /* bytes; 0 = no limit */
    int threads;       /* 1 unless told */
    bool drop_last;    /* judge as the papers' loaders did, beside the whole test part */
    const TrainHooks *hooks;
    Str resume; /* a checkpoint of the same run; empty: begin. Not with ensembles */
    const ForecasterKind *const *extra;
} TrainRequest;

typedef struct TrainReport {
    Artifact artifact;
    ForecastScore val, test;
    ForecastScore test_drop_last;           /* n_windows 0 where not asked for */
    IntervalScore interval;                 /* level .9 */
    TrainResult training;                   /* of the one network; n_epochs 0 where there is none */
    double member_errors[ARTIFACT_MEMBERS]; /* validation mse of each; of ensembles */
    double seconds;                         /* of everything */
    const char *isa;                        /* the kernels used */
    char weights_sha256[SHA256_HEX + 1];    /* of all members' bytes */
} TrainReport;

/* Trains, measures on validation and test, and writes the artifact to out. ERR_INVALID with the field or column;
 * ERR_CANCELLED; see forecast/train.h. */
int forecast_train(Ctx *cx, const TrainRequest *q, Buf *out, TrainReport *report);

typedef struct EvaluateRequest {
    const ForecastTable *table; /* must have the artifact's columns */
    Str split;                  /* empty: the artifact's; judged is the test part */
    bool drop_last;
    int threads;
    const ForecasterKind *const *extra;
} EvaluateRequest;

typedef struct EvaluateReport {
    ForecastScore val, test;
    IntervalScore interval;
} EvaluateReport;

int forecast_judge(Ctx *cx, const Artifact *a, const EvaluateRequest *q, EvaluateReport *out);

typedef struct PredictRequest {
    const ForecastTable *table; /* forecasts begin behind its last row */
    double level;               /* of artifact_levels; 0: 0.9 */
    int threads;
    const ForecasterKind *const *extra;
} PredictRequest;

typedef struct Prediction { /* (horizon, n_targets) each, in the data's own units */
    int64_t *time_ms;       /* (horizon) */
    double *value, *low, *high;
    double *naive; /* (n_targets) the last value */
    double level;  /* NaN: the artifact has no intervals; low and high are NaN then */
} Prediction;

/* ERR_INVALID: too few rows, a column that is missing. */
int forecast_predict(Ctx *cx, const Artifact *a, const PredictRequest *q, Prediction *out);

/* The most common distance of neighbouring rows. */
int64_t table_step_ms(Arena *scratch, const ForecastTable *t);
