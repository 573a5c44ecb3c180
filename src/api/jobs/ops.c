/* api/jobs/ops.c - the table of job operations. */

#include "api/jobs/handlers.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Jobs"

/* clang-format off */

const Op op_jobs_list = {
    .name = "jobs.list", .method = "GET", .path = "/api/v1/jobs", .aliases = PATHS("/jobs", "/jobs/list"),
    .summary = "Every job, its state and its last run", .tag = TAG, .out = &job_list_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = jobs_api_list };

const Op op_jobs_get = {
    .name = "jobs.get", .method = "GET", .path = "/api/v1/jobs/{job}", .aliases = PATHS("/jobs/status/{job}", "/jobs/{job}"),
    .summary = "One job", .tag = TAG, .in = &job_ref_shape, .out = &job_row_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = jobs_api_get };

const Op op_jobs_define = {
    .name = "jobs.define", .method = "PUT", .path = "/api/v1/jobs/{job}",
    .summary = "Define a job, or change one that does not run", .tag = TAG,
    .doc = "Schedules follow crontab(5) in the job's time zone. Named times of day fire once a day over clock changes, expressions that begin "
           "with * follow what the clock shows.",
    .in = &job_define_shape, .out = &job_operation_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000,
    .max_body = 128u << 10, .idempotent = true, .run = jobs_api_define };

const Op op_jobs_remove = {
    .name = "jobs.remove", .method = "DELETE", .path = "/api/v1/jobs/{job}",
    .summary = "Remove a job and its runs", .tag = TAG, .in = &job_ref_shape, .out = &job_operation_shape,
    .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = jobs_api_remove };

const Op op_jobs_start = {
    .name = "jobs.start", .method = "POST", .path = "/api/v1/jobs/start", .aliases = PATHS("/jobs/start"),
    .summary = "Put a job to work", .tag = TAG,
    .doc = "Its schedule counts from now on; a job without one begins a run. A job that is at work already answers 409.",
    .in = &job_ref_shape, .out = &job_operation_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000,
    .max_body = 4096, .run = jobs_api_start };

const Op op_jobs_stop = {
    .name = "jobs.stop", .method = "POST", .path = "/api/v1/jobs/stop", .aliases = PATHS("/jobs/stop"),
    .summary = "Stop a job", .tag = TAG, .doc = "The schedule is off and a run under way is cancelled; it ends within a second.",
    .in = &job_ref_shape, .out = &job_operation_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000,
    .max_body = 4096, .run = jobs_api_stop };

const Op op_jobs_run = {
    .name = "jobs.run", .method = "POST", .path = "/api/v1/jobs/run", .aliases = PATHS("/jobs/run", "/jobs/run-manual"),
    .summary = "Run a job now", .tag = TAG, .in = &manual_job_request_shape, .out = &manual_job_response_shape,
    .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000, .max_body = 128u << 10, .run = jobs_api_run };

const Op op_jobs_runs = {
    .name = "jobs.runs", .method = "GET", .path = "/api/v1/jobs/runs", .aliases = PATHS("/jobs/runs"),
    .summary = "What ran, newest first", .tag = TAG, .in = &runs_query_shape, .out = &run_list_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = jobs_api_runs };

const Op op_jobs_run_get = {
    .name = "jobs.run.get", .method = "GET", .path = "/api/v1/jobs/runs/{run}", .aliases = PATHS("/jobs/runs/{run}"),
    .summary = "One run", .tag = TAG, .in = &run_ref_shape, .out = &run_row_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = jobs_api_run_get };

const Op op_jobs_kinds = {
    .name = "jobs.kinds", .method = "GET", .path = "/api/v1/jobs/kinds",
    .summary = "What jobs can do here", .tag = TAG, .out = &kind_list_shape, .role = ROLE_READ,
    .lane = LANE_CPU, .deadline_ms = 2000, .idempotent = true, .run = jobs_api_kinds };

const Op op_jobs_health = {
    .name = "jobs.health", .method = "GET", .path = "/api/v1/jobs/health", .aliases = PATHS("/jobs/health"),
    .summary = "How the jobs are", .tag = TAG, .out = &jobs_health_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = jobs_api_health };

const Op op_queue_put = {
    .name = "queue.put", .method = "POST", .path = "/api/v1/queues/put",
    .summary = "Put work into a queue", .tag = TAG, .in = &queue_put_shape, .out = &queue_status_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 30000, .max_body = 16u << 20, .run = jobs_api_queue_put };

const Op op_queue_claim = {
    .name = "queue.claim", .method = "POST", .path = "/api/v1/queues/claim",
    .summary = "Take work out of a queue", .tag = TAG,
    .doc = "An item is one worker's until its lease ends; an item of a worker that died comes back then.",
    .in = &queue_claim_shape, .out = &queue_claim_response_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 4096, .run = jobs_api_queue_claim };

const Op op_queue_done = {
    .name = "queue.done", .method = "POST", .path = "/api/v1/queues/done",
    .summary = "Report work as done", .tag = TAG, .in = &queue_done_shape, .out = &queue_done_response_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 16u << 20, .idempotent = true, .run = jobs_api_queue_done };

const Op op_queue_status = {
    .name = "queue.status", .method = "GET", .path = "/api/v1/queues/{queue}",
    .summary = "How far a queue is", .tag = TAG, .in = &queue_ref_shape, .out = &queue_status_shape, .role = ROLE_READ,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = jobs_api_queue_status };

const Op op_queue_drop = {
    .name = "queue.drop", .method = "DELETE", .path = "/api/v1/queues/{queue}",
    .summary = "Empty a queue", .tag = TAG, .in = &queue_ref_shape, .out = &queue_status_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = jobs_api_queue_drop };

static const Op *const ops[] = {
    &op_jobs_list, &op_jobs_get, &op_jobs_define, &op_jobs_remove, &op_jobs_start, &op_jobs_stop, &op_jobs_run, &op_jobs_runs,
    &op_jobs_run_get, &op_jobs_kinds, &op_jobs_health, &op_queue_put, &op_queue_claim, &op_queue_done, &op_queue_status,
    &op_queue_drop,
};

const OpTable jobs_api = { .role = "jobs", .ops = ops, .n_ops = ARRAY_LEN(ops) };
