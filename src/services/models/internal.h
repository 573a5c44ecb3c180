#pragma once

/* services/models/internal.h - shared by the files of this folder only. */

#include "services/models/registry.h"

#include <pthread.h>

struct Models {
    ModelsOptions o;
    pthread_mutex_t cache_lock; /* of the folder's clearing */
};

/* The run's figures, "val" or "test"; NaN where it has none. */
void models_figures(const MlRun *run, const char *part, ArtifactFigures *out);
/* Takes a version of the port over; asks for its run. */
int models_take(Models *m, Ctx *cx, const MlVersion *v, ModelVersion *out);
/* A path among the version's files. */
int models_path(Models *m, Ctx *cx, const MlVersion *v, Str rel, Str *out);
/* What is said of a model before it has a version: its own card, as a file of its run. */
void models_first_card(const Artifact *a, const ModelRegister *q, Str sha256, Buf *json, Buf *markdown);
