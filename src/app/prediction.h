#pragma once

/* app/prediction.h - the role prediction of one process (TOP-07): the registry of models, what serves them, and whom it
 * asks for candles and news. */

#include "api/prediction/prediction_api.h"
#include "app/candle_remote.h"
#include "app/candle_source.h"
#include "app/model_source.h"
#include "app/roles.h"
#include "ports/object_store.h"

struct Platform;

typedef struct PredictionRoles { /* NULLs where the role is not hosted */
    Arena keep;
    ObjectStore *files;      /* models/ */
    ModelRegistry *registry; /* models.db */
    Models *models;
    RegisteredModels source;
    MarketSource candles;
    RemoteCandles remote_candles;
    NewsSentiment sentiment;
    Lane *lane;     /* where news are asked while candles are read */
    Cache *answers; /* forecasts told, by version */
    Serving *serving;
    PredictionRole role;
    JobStore *training_store; /* training.db; NULL: the store is in memory, and nothing is taught */
    Lane *training_lane;
    JobKind kind;
    atomic_bool stopping;
    void (*wake)(void *arg); /* the trainings want a tick; NULL in a process that makes none */
    void *wake_arg;
} PredictionRoles;

/* The market and the news of this process are made before, where it hosts them. */
int platform_open_prediction(struct Platform *p, Ctx *cx);
void platform_make_prediction(struct Platform *p, Ctx *cx);
void platform_close_prediction(struct Platform *p);
int models_snapshot(void *registry, Ctx *cx, SnapshotPiece *piece, void *arg);

/* Where the instances of a role elsewhere are: the first that the configuration names, else its own port here. */
Str role_elsewhere(Ctx *cx, const AppCfg *cfg, RoleId role);
