#pragma once

/* forecast/kinds_internal.h - the table of kinds, and what the models of one series at a time share. */

#include "forecast/forecaster.h"

/* One window (look_back values) of channel c -> horizon values. What it takes from scratch is given back for it. */
typedef void ClassicalFn(const Forecaster *f, Arena *scratch, size_t c, const double *x, double *out);

int classical_predict(const Forecaster *f, Ctx *cx, const WindowBatch *b, ClassicalFn *fn, float *out);

extern const ForecasterKind theta_kind, ets_kind, dlinear_kind, nlinear_kind, lstm_kind, patchtst_kind;
