/* api/jobs/shapes.c - field tables of the job records; see shapes.h. */

#include "api/jobs/shapes.h"

#include "ports/job_store.h"

static const char *const missed_choices[] = { "once", "skip", "all", NULL };
static const char *const state_choices[] = {
    "stopped", "scheduled", "queued", "running", "retrying", "stopping", NULL
};
static const char *const run_choices[] = { "queued", "running", "waiting", "succeeded", "failed", "stopped", NULL };
static const char *const trigger_choices[] = { "schedule", "manual", NULL };

/* clang-format off */
#define JOB_ID(T) FIELD(T, job, .flags = F_REQUIRED, .pattern = "id", .rename = "job_id", .doc = "The job's name.", .example = "collect-hourly")

static const Field job_ref_f[] = { JOB_ID(JobRef) };
SHAPE(job_ref_shape, JobRef, job_ref_f, .doc = "A job (the documents' JobStartRequest and JobStopRequest).");

static const Field job_define_f[] = {
    JOB_ID(JobDefineRequest),
    FIELD(JobDefineRequest, kind, .flags = F_REQUIRED, .rename = "job_type", .pattern = "id", .doc = "What it does; `kinds` lists them.", .example = "collect"),
    FIELD(JobDefineRequest, schedule, .rename = "cron", .max = 200, .doc = "Five cron fields, @daily and its like, or @every 5m. Left out: by hand only.", .example = "0 * * * *"),
    FIELD(JobDefineRequest, zone, .rename = "timezone", .max = 64, .doc = "Time zone of the schedule; UTC when left out.", .example = "Europe/Berlin"),
    FIELD(JobDefineRequest, params, .doc = "Parameters of the kind, a JSON object.", .example = "{\"symbols\":[\"BTCUSDT\"],\"timeframes\":[\"1h\"]}"),
    FIELD(JobDefineRequest, missed, .def = "once", .choices = missed_choices, .doc = "What to do about fires nobody was there to answer: one run for all, none, or each."),
    FIELD(JobDefineRequest, retries, .def = "-1", .has_min = true, .min = -1, .max = 100, .doc = "Tries after a failed one; -1 = the kind's own (3)."),
    FIELD(JobDefineRequest, backoff_ms, .def = "2000", .min = 1, .max = 3600000, .doc = "Wait before the first retry; doubles each time."),
    FIELD(JobDefineRequest, timeout_ms, .has_min = true, .min = 0, .max = 864000000, .doc = "A run may take so long; 0 = no limit."),
    FIELD(JobDefineRequest, memory_max, .has_min = true, .min = 0, .max = 1e15, .doc = "Bytes a child process may use; 0 = no cap."),
    FIELD(JobDefineRequest, start, .doc = "Start it at once."),
};
SHAPE(job_define_shape, JobDefineRequest, job_define_f, .doc = "What a job does and when.");

static const Field job_row_f[] = {
    FIELD(JobRow, job, .doc = "The job's name."),
    FIELD(JobRow, kind, .doc = "What it does."),
    FIELD(JobRow, schedule, .flags = F_OMIT_EMPTY, .doc = "When."),
    FIELD(JobRow, zone, .flags = F_OMIT_EMPTY, .doc = "Time zone of the schedule."),
    FIELD(JobRow, state, .choices = state_choices, .doc = "Where it is."),
    FIELD(JobRow, armed, .doc = "Its schedule counts."),
    FIELD(JobRow, next_fire, .flags = F_NULLABLE, .doc = "When it runs next."),
    FIELD(JobRow, missed, .doc = "What happens to missed fires."),
    FIELD(JobRow, retries, .doc = "Tries after a failed one."),
    FIELD(JobRow, backoff_ms, .doc = "Wait before the first retry."),
    FIELD(JobRow, timeout_ms, .doc = "A run may take so long."),
    FIELD(JobRow, memory_max, .doc = "Bytes a child process may use."),
    FIELD(JobRow, skipped, .doc = "Fires left out because a run was under way."),
    FIELD(JobRow, missed_fires, .doc = "Fires nobody was there to answer."),
    FIELD(JobRow, params, .doc = "Parameters of the kind."),
    FIELD(JobRow, run, .flags = F_OMIT_EMPTY, .doc = "The run at work, or the last one."),
    FIELD(JobRow, last_state, .flags = F_OMIT_EMPTY, .doc = "State of that run."),
    FIELD(JobRow, last_message, .flags = F_OMIT_EMPTY, .doc = "What it says of itself."),
    FIELD(JobRow, last_error, .flags = F_OMIT_EMPTY, .doc = "Why it failed."),
    FIELD(JobRow, last_started, .flags = F_NULLABLE, .doc = "When it began."),
    FIELD(JobRow, last_ended, .flags = F_NULLABLE, .doc = "When it ended."),
    FIELD(JobRow, done, .doc = "Progress of that run."),
    FIELD(JobRow, total, .doc = "Of so much; 0 = not known."),
    FIELD(JobRow, success, .doc = "Items that went well."),
    FIELD(JobRow, failed, .doc = "Items that failed without stopping the others."),
};
SHAPE(job_row_shape, JobRow, job_row_f, .doc = "A job and its last run.");

static const Field job_list_f[] = {
    FIELD(JobList, count, .doc = "Jobs."),
    FIELD(JobList, jobs, .of = &job_row_shape, .doc = "By name."),
};
SHAPE(job_list_shape, JobList, job_list_f, .doc = "The jobs.");

static const Field job_operation_f[] = {
    FIELD(JobOperationResponse, success, .doc = "It was done."),
    FIELD(JobOperationResponse, message, .doc = "What, in words."),
    FIELD(JobOperationResponse, job, .of = &job_row_shape, .doc = "The job afterwards."),
};
SHAPE(job_operation_shape, JobOperationResponse, job_operation_f, .doc = "What became of a job.");

static const Field manual_request_f[] = {
    JOB_ID(ManualJobRequest),
    FIELD(ManualJobRequest, params, .doc = "Other parameters for this run alone."),
};
SHAPE(manual_job_request_shape, ManualJobRequest, manual_request_f, .doc = "A run now.");

static const Field run_row_f[] = {
    FIELD(RunRow, run, .doc = "Id of the run."),
    FIELD(RunRow, job, .doc = "The job."),
    FIELD(RunRow, kind, .doc = "What it does."),
    FIELD(RunRow, trigger, .choices = trigger_choices, .doc = "What began it."),
    FIELD(RunRow, state, .choices = run_choices, .doc = "Where it is."),
    FIELD(RunRow, scheduled_for, .doc = "The fire it answers, or when it was asked for."),
    FIELD(RunRow, queued, .flags = F_NULLABLE, .doc = "When it was put in the queue."),
    FIELD(RunRow, started, .flags = F_NULLABLE, .doc = "When work began."),
    FIELD(RunRow, ended, .flags = F_NULLABLE, .doc = "When it was over."),
    FIELD(RunRow, next_try, .flags = F_NULLABLE, .doc = "When it is tried again."),
    FIELD(RunRow, attempt, .doc = "Which try this is."),
    FIELD(RunRow, resumed, .doc = "Times it went on after its process was gone."),
    FIELD(RunRow, done, .doc = "Progress; never goes back."),
    FIELD(RunRow, total, .doc = "Of so much; 0 = not known."),
    FIELD(RunRow, success, .doc = "Items that went well."),
    FIELD(RunRow, failed, .doc = "Items that failed without stopping the others."),
    FIELD(RunRow, message, .flags = F_OMIT_EMPTY, .doc = "What it says of itself."),
    FIELD(RunRow, error, .flags = F_OMIT_EMPTY, .doc = "Why it failed."),
};
SHAPE(run_row_shape, RunRow, run_row_f, .doc = "A run of a job.");

static const Field manual_response_f[] = {
    FIELD(ManualJobResponse, success, .doc = "The run waits for a thread."),
    FIELD(ManualJobResponse, message, .doc = "In words."),
    FIELD(ManualJobResponse, run, .of = &run_row_shape, .doc = "The run."),
};
SHAPE(manual_job_response_shape, ManualJobResponse, manual_response_f, .doc = "A run that was asked for.");

static const Field runs_query_f[] = {
    FIELD(RunsQuery, job, .pattern = "id", .rename = "job_id", .doc = "Of this job; left out: of all."),
    FIELD(RunsQuery, limit, .def = "20", .min = 1, .max = 1000, .doc = "Most runs to list."),
};
SHAPE(runs_query_shape, RunsQuery, runs_query_f, .doc = "Which runs.");
static const Field run_list_f[] = {
    FIELD(RunList, count, .doc = "Runs listed."),
    FIELD(RunList, runs, .of = &run_row_shape, .doc = "Newest first."),
};
SHAPE(run_list_shape, RunList, run_list_f, .doc = "Runs.");
static const Field run_ref_f[] = {
    FIELD(RunRef, run, .flags = F_REQUIRED, .pattern = "id", .rename = "run_id", .doc = "Id of the run."),
};
SHAPE(run_ref_shape, RunRef, run_ref_f, .doc = "A run.");

static const Field kind_row_f[] = {
    FIELD(KindRow, kind, .doc = "Its name."),
    FIELD(KindRow, doc, .doc = "What it does, and its parameters."),
    FIELD(KindRow, retries, .doc = "A failed run is tried again."),
};
static SHAPE(kind_row_shape, KindRow, kind_row_f, .doc = "A kind of job.");
static const Field kind_list_f[] = { FIELD(KindList, kinds, .of = &kind_row_shape, .doc = "What jobs can do here.") };
SHAPE(kind_list_shape, KindList, kind_list_f, .doc = "Kinds of jobs.");

static const Field jobs_health_f[] = {
    FIELD(JobsHealthResponse, status, .doc = "healthy, or degraded when the last run of a job failed.", .example = "healthy"),
    FIELD(JobsHealthResponse, jobs, .doc = "Jobs defined."),
    FIELD(JobsHealthResponse, armed, .doc = "Of them with a schedule that counts."),
    FIELD(JobsHealthResponse, running, .doc = "Runs under way."),
    FIELD(JobsHealthResponse, waiting, .doc = "Runs that wait for a thread or their next try."),
    FIELD(JobsHealthResponse, failed_last, .doc = "Jobs whose last run failed."),
    FIELD(JobsHealthResponse, next_fire, .flags = F_NULLABLE, .doc = "The next scheduled run of all."),
    FIELD(JobsHealthResponse, last_tick, .flags = F_NULLABLE, .doc = "When the scheduler last looked at the clock; null in a process without one."),
};
SHAPE(jobs_health_shape, JobsHealthResponse, jobs_health_f, .doc = "How the jobs are.");

#define QUEUE(T) FIELD(T, queue, .flags = F_REQUIRED, .pattern = "id", .doc = "Name of the queue.", .example = "backfill")
static const Field queue_put_f[] = {
    QUEUE(QueuePutRequest),
    FIELD(QueuePutRequest, items, .flags = F_REQUIRED, .min = 1, .max = 10000, .doc = "Pieces of work, as text or JSON."),
};
SHAPE(queue_put_shape, QueuePutRequest, queue_put_f, .doc = "Work for a queue.");
static const Field queue_ref_f[] = { QUEUE(QueueRef) };
SHAPE(queue_ref_shape, QueueRef, queue_ref_f, .doc = "A queue.");
static const Field queue_status_f[] = {
    QUEUE(QueueStatus),
    FIELD(QueueStatus, waiting, .doc = "Items nobody has."),
    FIELD(QueueStatus, claimed, .doc = "Items a worker has."),
    FIELD(QueueStatus, done, .doc = "Items that went well."),
    FIELD(QueueStatus, failed, .doc = "Items that did not."),
};
SHAPE(queue_status_shape, QueueStatus, queue_status_f, .doc = "How far a queue is.");
static const Field queue_claim_f[] = {
    QUEUE(QueueClaimRequest),
    FIELD(QueueClaimRequest, worker, .flags = F_REQUIRED, .pattern = "id", .doc = "Who takes them."),
    FIELD(QueueClaimRequest, limit, .def = "1", .min = 1, .max = QUEUE_CLAIM_MAX, .doc = "Most items."),
    FIELD(QueueClaimRequest, lease_ms, .def = "60000", .min = 1000, .max = 86400000, .doc = "They come back when they are not done by then."),
};
SHAPE(queue_claim_shape, QueueClaimRequest, queue_claim_f, .doc = "A worker asks for work.");
static const Field queue_row_f[] = {
    FIELD(QueueRow, id, .doc = "Of the item."),
    FIELD(QueueRow, tries, .doc = "How often it was taken, this time included."),
    FIELD(QueueRow, payload, .max = JOB_TEXT_MAX, .doc = "The work."),
};
static SHAPE(queue_row_shape, QueueRow, queue_row_f, .doc = "A piece of work.");
static const Field queue_claim_response_f[] = {
    FIELD(QueueClaimResponse, count, .doc = "Items taken; 0 = there is nothing to do."),
    FIELD(QueueClaimResponse, items, .of = &queue_row_shape, .doc = "Oldest first."),
};
SHAPE(queue_claim_response_shape, QueueClaimResponse, queue_claim_response_f, .doc = "Work for a worker.");
static const Field queue_result_f[] = {
    FIELD(QueueResult, id, .flags = F_REQUIRED, .has_min = true, .min = 1, .max = 9e18, .doc = "Of the item."),
    FIELD(QueueResult, failed, .doc = "It did not work."),
    FIELD(QueueResult, result, .doc = "What came of it."),
};
static SHAPE(queue_result_shape, QueueResult, queue_result_f, .doc = "What became of a piece of work.");
static const Field queue_done_f[] = {
    FIELD(QueueDoneRequest, worker, .flags = F_REQUIRED, .pattern = "id", .doc = "Who did it."),
    FIELD(QueueDoneRequest, items, .of = &queue_result_shape, .flags = F_REQUIRED, .min = 1, .max = QUEUE_CLAIM_MAX, .doc = "What was done."),
};
SHAPE(queue_done_shape, QueueDoneRequest, queue_done_f, .doc = "A worker reports.");
static const Field queue_done_response_f[] = {
    FIELD(QueueDoneResponse, taken, .doc = "Items that were the worker's and are over now."),
    FIELD(QueueDoneResponse, late, .doc = "Items whose lease was over: somebody else has them, or has done them."),
};
SHAPE(queue_done_response_shape, QueueDoneResponse, queue_done_response_f, .doc = "What was taken of a report.");
/* clang-format on */
