#pragma once

/* api/models/handlers.h - handlers of the model operations; inside this folder only. */

#include "api/models/models_api.h"

#define HANDLER(name) int name(void *role, Ctx *cx, const void *in, void *out)
HANDLER(models_api_list);
HANDLER(models_api_get);
HANDLER(models_api_versions);
HANDLER(models_api_card);
HANDLER(models_api_compare);
HANDLER(models_api_stage);
HANDLER(models_api_alias);
HANDLER(models_api_register);
HANDLER(models_api_weights);
HANDLER(models_api_delete);
HANDLER(models_api_version_delete);
HANDLER(models_api_clear);
