#pragma once

/* services/serving/internal.h - shared by the files of this folder only. */

#include "forecast/drift.h"
#include "forecast/track.h"
#include "nn/nn.h"
#include "services/serving/serving.h"

#include <pthread.h>

enum { TRACKS_MAX = 16, DRIFT_ROWS = 200, DRIFT_ERRORS = 150 };

/* --- drift of one model on one series (watch.c) --- */

typedef struct Watch {
    int64_t n_rows, n_errors;
    double psi, ks, ks_p;
    size_t psi_column;
    float told[2 * DRIFT_ERRORS]; /* errors as they came, a ring */
    Adwin adwin;
    double scale; /* what an error of 1 is for adwin; 0 = not known yet */
    Time cut_at;
} Watch;

void watch_init(Watch *w);
/* rows: all that were read; errors: of step 1, settled since the last call. */
void watch_see(Watch *w, const Artifact *card, const TrackRows *rows, const float *errors, size_t n_errors);
bool watch_inputs(const Watch *w);
bool watch_errors(const Watch *w);

/* --- a model in memory (served.c) --- */

typedef struct Track { /* one model on one series at one level */
    char *series;      /* owned */
    size_t level;
    int64_t used;         /* these two under the model's track_lock */
    int n_holders;        /* one that is held stays */
    pthread_mutex_t lock; /* of what follows */
    Tracker *tracker;
    Watch watch;
} Track;

typedef struct Ticket Ticket;

typedef struct Served {
    Arena arena;
    ServableModel of;
    Artifact card; /* without bytes */
    Nn nn;
    Forecaster *f;
    size_t bytes; /* of all of it, about */
    double load_ms;
    Time loaded;
    atomic_int refs;         /* the pool's one included */
    _Atomic int64_t used_ns; /* mono */
    _Atomic int64_t n_forecasts, n_passes;
    size_t batch_max, queue_max;
    int64_t delay_ms;
    pthread_mutex_t lock; /* of the queue */
    pthread_cond_t turn;
    Ticket *first, **last;
    size_t n_waiting; /* windows */
    bool busy;
    pthread_mutex_t track_lock;
    Track *tracks[TRACKS_MAX];
    size_t n_tracks;
    int64_t track_turn;
} Served;

/* Checks the hash, opens, and runs it once. One reference, the caller's. */
int served_load(Ctx *cx, const ServingOptions *o, const ServableModel *of, Str bytes, Served **out);
Served *served_hold(Served *m);
Served *served_drop(Served *m); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Served *, served_drop)

/* Together with whoever asks meanwhile. ERR_BUSY, ERR_TIMEOUT. */
int served_predict(Served *m, Ctx *cx, const WindowBatch *batch, float *out);
/* The latest origin with its half widths: forecast, half (horizon, n_targets), scaled. 0 adaptive, TRACK_SPLIT. */
int served_follow(Served *m, Ctx *cx, Str series, size_t level, const TrackRows *rows, float *forecast, float *half,
                  bool *drifted);
/* Of rows that somebody sent along: what was made of others' is not looked at, and nothing of these is kept. */
int served_follow_once(Served *m, Ctx *cx, size_t level, const TrackRows *rows, float *forecast, float *half,
                       bool *drifted);
/* Did it follow the series before? Of a symbol: any series of it. */
bool served_follows(Served *m, Str series, size_t level);
bool served_follows_symbol(Served *m, Symbol symbol);
size_t served_drift(Served *m, Arena *a, DriftRow *out, size_t cap);
void served_info(const Served *m, ServedInfo *out);

/* --- the models that are ready (pool.c) --- */

typedef struct Pool Pool;

Pool *pool_new(const ServingOptions *o);
Pool *pool_free(Pool *p);
/* What the registry says of a ref, or said lately. "~SERIES": the best of the series. *kept: it could not be asked, and this is from before. */
int pool_resolve(Pool *p, Ctx *cx, Str ref, ServableModel *out, bool *kept);
/* Ready, loaded if need be; the caller drops it. */
int pool_get(Pool *p, Ctx *cx, const ServableModel *of, Served **out);
/* Every loaded one, each held for the caller. In the arena. */
size_t pool_all(Pool *p, Arena *a, Served ***out);
int pool_unload(Pool *p, Str name, Str version);
void pool_forget(Pool *p, Str name);

/* --- what a request is made of (inputs.c) --- */

typedef struct Inputs {
    SourceCandles market;
    bool kept; /* from before: the market could not be asked */
    bool has_sentiment, sentiment_failed;
    SentimentNow sentiment;
} Inputs;

typedef struct KeptCandles KeptCandles;
KeptCandles *kept_candles_new(void);
KeptCandles *kept_candles_free(KeptCandles *k);

struct Serving {
    ServingOptions o;
    Pool *pool;
    KeptCandles *kept;
    Counter *answers[8]; /* by rung */
    Histogram *took;
    Counter *cached;
    Gauge *drifted;
};

/* The last `most` closed candles: the market's, the caller's, or those kept. ERR_NOT_FOUND: there is no such series;
 * ERR_UNAVAILABLE: neither stored nor kept. Of out only market and kept are set. */
int inputs_read(Serving *s, Ctx *cx, const PredictAsk *ask, size_t most, Inputs *out);

/* Asks for the news of the symbol on the lane, and later waits for them. NULL: there are none to ask. */
typedef struct SentimentAsk SentimentAsk;
SentimentAsk *sentiment_begin(Serving *s, Ctx *cx, const PredictAsk *ask);
void sentiment_end(SentimentAsk *a, Inputs *out); /* NULL is fine; a is gone */
