#pragma once

/* api/inference/internal.h - shared by the files of this folder, and the fuzzer of what they read. */

#include "api/inference/inference_api.h"
#include "forecast/forecaster.h"

typedef struct InferTensor {
    Str name, type;
    int64_t shape[3];
    size_t rank;
    double *data; /* row by row */
    size_t n, cap;
} InferTensor;

/* The one input "x", of the shape that the model wants: shape[0] windows. ERR_INVALID; ERR_UNSUPPORTED: its datatype. */
int infer_read_input(Ctx *cx, Str inputs, const ForecastShape *s, InferTensor *t);
/* "level" of the parameters; 0: there is none. */
int infer_read_level(Ctx *cx, Str parameters, double *level);
/* The outputs that are wanted, all where none is named. */
enum { INFER_FORECAST = 1, INFER_LOW = 2, INFER_HIGH = 4 };
int infer_read_wanted(Ctx *cx, Str outputs, unsigned *wanted);
