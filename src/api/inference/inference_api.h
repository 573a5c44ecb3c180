#pragma once

/* api/inference/inference_api.h - the open inference protocol, version 2, over REST (KServe, Triton): any of its clients
 * can ask a registered model. The role object is that of prediction_api.h.
 *
 *     input   "x"         [n, look_back, columns]   FP64, FP32 or INT64, in the data's own units
 *     output  "forecast"  [n, horizon, targets]     of the input's type, FP64 for INT64
 *             "low", "high"  likewise, where the parameter "level" asks for intervals
 *
 * Its errors are {"error":"words"}. */

#include "api/op.h"

enum { INFER_WINDOWS_MAX = 4096 };

typedef struct InferModelRef {
    Str model, version;
} InferModelRef;

typedef struct InferIndexIn {
    bool ready;
} InferIndexIn;

typedef struct InferLoadIn {
    Str model;
    RawJson parameters;
} InferLoadIn;

typedef struct InferIn {
    Str model, version, id;
    RawJson parameters, inputs, outputs;
} InferIn;

typedef struct InferOut {
    Str model_name, model_version, id;
    RawJson parameters, outputs;
} InferOut;

typedef struct InferServer {
    Str name, version;
    List extensions; /* Str */
} InferServer;

typedef struct InferHealth {
    bool live, ready;
} InferHealth;

typedef struct InferReady {
    Str name;
    bool ready;
} InferReady;

typedef struct InferModel {
    Str name;
    List versions; /* Str */
    Str platform;
    RawJson inputs, outputs;
} InferModel;

extern const OpTable inference_api;
extern const Op op_infer;
