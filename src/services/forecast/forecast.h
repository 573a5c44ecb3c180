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
    Str features;          /* how the table was made of candles; empty: it was not */
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

enum { WALK_FOLDS_MAX = 100 };

/* Walk-forward (PRD-18): the second half of the rows is judged in `folds` pieces, each by models that were trained and
 * stopped on rows before it alone. Between training and validation, and between validation and the piece, `purge` rows
 * are left out: at least the horizon, where what was learned shall share no row with what is judged.
 *
 *     |======= train =======|purge|== val ==|purge|== test 1 ==|                    anchored
 *     |============= train ==============|purge|== val ==|purge|== test 2 ==|      rolling: train keeps its length */
typedef struct WalkRequest {
    size_t folds, purge;
    bool rolling;
} WalkRequest;

typedef struct WalkFold {
    ForecastSplit split;
    ForecastScore val, test;
} WalkFold;

typedef struct WalkReport {
    WalkFold *folds;                       /* (n) */
    size_t n, n_better;                    /* folds in which the model was better than the last value */
    double mse, mae, naive_mse, naive_mae; /* over all windows of all folds */
} WalkReport;

int forecast_walk(Ctx *cx, const TrainRequest *q, const WalkRequest *w, WalkReport *out);
/* The splits alone; out has room for w->folds. Pure. */
int walk_splits(Ctx *cx, size_t n_rows, const WalkRequest *w, ForecastSplit *out);

/* Learning rate and batch of one network, judged by validation alone (FUT-03). */
typedef struct TuneRequest {
    size_t trials;
    bool random; /* else TPE */
    bool whole;  /* every trial to its end; else ASHA: one epoch, and three times more for the best third */
    /* After each piece of work; NULL = none. Not 0 ends the search with that code. */
    int (*tell)(void *arg, Ctx *cx, size_t trial, size_t epochs, double rate, size_t batch, double val_mse);
    void *arg;
} TuneRequest;

typedef struct TuneReport {
    size_t trials, batch, best_epochs;
    double rate, val_mse;
    int64_t epochs; /* spent in all */
} TuneReport;

/* ERR_INVALID: not a network; no trial that could be trained. */
int forecast_tune(Ctx *cx, const TrainRequest *q, const TuneRequest *t, TuneReport *out);

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
    bool adaptive; /* they follow the errors on the rows behind training (forecast/track.h); else split conformal */
} Prediction;

/* ERR_INVALID: too few rows, a column that is missing. */
int forecast_predict(Ctx *cx, const Artifact *a, const PredictRequest *q, Prediction *out);

/* The most common distance of neighbouring rows. */
int64_t table_step_ms(Arena *scratch, const ForecastTable *t);
