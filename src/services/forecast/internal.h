#pragma once

/* services/forecast/internal.h - shared by the files of this folder only. */

#include "services/forecast/forecast.h"

/* The artifact's columns of the table, in its order, as scaled data. */
int data_of_artifact(Ctx *cx, const Artifact *a, const ForecastTable *t, const ForecastSplit *split, ForecastData *out);
