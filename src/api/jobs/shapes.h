#pragma once

/* api/jobs/shapes.h - the records of the job operations and their field tables. */

#include "api/op.h"

typedef struct JobRef { /* JobStartRequest, JobStopRequest */
    Str job;
} JobRef;

typedef struct JobDefineRequest {
    Str job, kind, schedule, zone;
    RawJson params;
    Str missed;
    int64_t retries, backoff_ms, timeout_ms, memory_max;
    bool start;
} JobDefineRequest;

typedef struct JobRow {
    Str job, kind, schedule, zone, state;
    bool armed;
    Time next_fire;
    Str missed;
    int64_t retries, backoff_ms, timeout_ms, memory_max, skipped, missed_fires;
    RawJson params;
    Str run, last_state, last_message, last_error;
    Time last_started, last_ended;
    int64_t done, total, success, failed;
} JobRow;

typedef struct JobList {
    int64_t count;
    List jobs; /* JobRow */
} JobList;

typedef struct JobOperationResponse {
    bool success;
    Str message;
    JobRow job;
} JobOperationResponse;

typedef struct ManualJobRequest {
    Str job;
    RawJson params;
} ManualJobRequest;

typedef struct RunRow {
    Str run, job, kind, trigger, state;
    Time scheduled_for, queued, started, ended, next_try;
    int64_t attempt, resumed, done, total, success, failed;
    Str message, error;
} RunRow;

typedef struct ManualJobResponse {
    bool success;
    Str message;
    RunRow run;
} ManualJobResponse;

typedef struct RunsQuery {
    Str job;
    int64_t limit;
} RunsQuery;
typedef struct RunList {
    int64_t count;
    List runs; /* RunRow */
} RunList;
typedef struct RunRef {
    Str run;
} RunRef;

typedef struct KindRow {
    Str kind, doc;
    bool retries;
} KindRow;
typedef struct KindList {
    List kinds; /* KindRow */
} KindList;

typedef struct JobsHealthResponse {
    Str status;
    int64_t jobs, armed, running, waiting, failed_last;
    Time next_fire, last_tick;
} JobsHealthResponse;

typedef struct QueuePutRequest {
    Str queue;
    List items; /* Str */
} QueuePutRequest;
typedef struct QueueRef {
    Str queue;
} QueueRef;
typedef struct QueueStatus {
    Str queue;
    int64_t waiting, claimed, done, failed;
} QueueStatus;
typedef struct QueueClaimRequest {
    Str queue, worker;
    int64_t limit, lease_ms;
} QueueClaimRequest;
typedef struct QueueRow {
    int64_t id, tries;
    Str payload;
} QueueRow;
typedef struct QueueClaimResponse {
    int64_t count;
    List items; /* QueueRow */
} QueueClaimResponse;
typedef struct QueueResult {
    int64_t id;
    bool failed;
    Str result;
} QueueResult;
typedef struct QueueDoneRequest {
    Str worker;
    List items; /* QueueResult */
} QueueDoneRequest;
typedef struct QueueDoneResponse {
    int64_t taken, late;
} QueueDoneResponse;

extern const Shape job_ref_shape, job_define_shape, job_row_shape, job_list_shape, job_operation_shape,
    manual_job_request_shape, manual_job_response_shape, runs_query_shape, run_list_shape, run_ref_shape, run_row_shape,
    kind_list_shape, jobs_health_shape, queue_put_shape, queue_ref_shape, queue_status_shape, queue_claim_shape,
    queue_claim_response_shape, queue_done_shape, queue_done_response_shape;
