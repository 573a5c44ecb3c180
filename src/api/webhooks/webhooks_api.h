#pragma once

/* api/webhooks/webhooks_api.h - long work that calls back (MSG-38), and what became of the callbacks. */

#include "api/op.h"
#include "services/jobs/jobs.h"
#include "services/webhooks/webhooks.h"

typedef struct WebhooksRole { /* the role object */
    JobService *jobs;
    Webhooks *webhooks;
} WebhooksRole;

typedef struct SubmitRequest {
    Str job;
    RawJson params;
    Str callback;
} SubmitRequest;

typedef struct SubmitResponse {
    Str run, status_url, delivery;
} SubmitResponse;

typedef struct CallbackQueryIn {
    Str state;
    int64_t limit;
} CallbackQueryIn;

typedef struct CallbackRef {
    Str id;
} CallbackRef;

typedef struct CallbackRow {
    Str id, run, url, state;
    int64_t attempts, last_status;
    Str last_error;
    Time created, next_try, ended;
} CallbackRow;

typedef struct CallbackList {
    int64_t count;
    List callbacks; /* CallbackRow */
} CallbackList;

extern const Shape submit_request_shape, submit_response_shape, callback_query_shape, callback_ref_shape,
    callback_row_shape, callback_list_shape;
extern const Op op_jobs_submit, op_webhooks_list, op_webhooks_get, op_webhooks_again;
extern const OpTable webhooks_api;
