#pragma once

/* forecast/learned.h - networks of nn/ as forecasters: dlinear, nlinear, lstm, patchtst.
 *
 * fit is a training run (train.h) with the options' settings, hooks and checkpoint; load takes what save gave. Options
 * must name nn; train may be NULL for one that is only loaded. */

#include "forecast/train.h"

/* How the training went; NULL where f was loaded, not fitted, or learns otherwise. In the arena of fit. */
const TrainResult *learned_result(const Forecaster *f);
/* The network; NULL before fit and load, and where f is none. */
Model *learned_model(Forecaster *f);
/* Is it one of these? */
bool forecaster_is_learned(const ForecasterKind *kind, ModelKind *out);
