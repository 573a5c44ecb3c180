#pragma once

/* cli/models.h - what train and models share: a file that becomes a version. */

#include "api/models/models_api.h"
#include "cli/internal.h"

/* q without weights: they are `bytes`. */
int cli_register(Cli *c, ApiCaller *api, ModelRegisterRequest *q, Str bytes, ModelRegisterResponse *out);
