#pragma once

/* app/model_registry.h - who keeps experiments and models: this platform, or an MLflow server. */

#include "app/config.h"
#include "base/rng.h"
#include "ports/model_registry.h"
#include "ports/object_store.h"

/* *files: where the files of models lie, or NULL where the MLflow server keeps them; it outlives the registry, and is the
 * caller's also after a failure. ids outlive both. */
int app_model_registry_open(Ctx *cx, const AppCfg *cfg, Ids *ids, ObjectStore **files, ModelRegistry **out);
