#pragma once

/* api/batch/batch_api.h - several readings asked together (GWY-33). The gateway answers it itself: gateway/batch.c. */

#include "api/op.h"

enum { BATCH_MAX = 32 };

typedef struct BatchItem {
    Str name; /* of the answer in `results` */
    Str path; /* with its query */
} BatchItem;

typedef struct BatchIn {
    List requests; /* of BatchItem */
    int64_t timeout_ms;
} BatchIn;

typedef struct BatchFailure {
    Str name;
    int64_t status;
    Str code, message, stage;
} BatchFailure;

typedef struct BatchOut {
    bool complete;
    RawJson results;
    List errors; /* of BatchFailure */
    int64_t elapsed_ms;
} BatchOut;

extern const Shape batch_in_shape, batch_out_shape;
extern const Op op_gateway_batch;
extern const OpTable batch_api;
