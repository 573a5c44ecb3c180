#pragma once

/* api/prediction/internal.h - shared by the files of this folder only. */

#include "api/prediction/prediction_api.h"

/* The run of training.list. */
int training_api_list(void *role, Ctx *cx, const void *in, void *out);
