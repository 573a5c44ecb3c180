/* api/jobs/handlers.c - records into calls of the JobService, and back. */

#include "api/jobs/handlers.h"

#include "services/jobs/jobs.h"

static JobRow row_of(Ctx *cx, JobService *s, const Job *j) {
    JobRow row = { .job = j->id,
                   .kind = j->kind,
                   .schedule = j->schedule,
                   .zone = j->zone,
                   .state = str_c(job_state_name(j->state)),
                   .armed = j->armed,
                   .next_fire = j->next_fire,
                   .missed = str_c(job_missed_name(j->missed)),
                   .retries = j->retries,
                   .backoff_ms = j->backoff_ms,
                   .timeout_ms = j->timeout_ms,
                   .memory_max = j->memory_max,
                   .skipped = j->n_skipped,
                   .missed_fires = j->n_missed,
                   .params = { j->params },
                   .run = j->run };
    JobRun run;
    if (!j->run.n || job_store_run(jobs_store(s), cx, j->run, &run) != 0)
        return row; /* never ran, or long ago */
    row.last_state = str_c(run_state_name(run.state));
    row.last_message = run.message;
    row.last_error = run.error;
    row.last_started = run.started_at;
    row.last_ended = run.ended_at;
    row.done = run.done;
    row.total = run.total;
    row.success = run.n_success;
    row.failed = run.n_failed;
    return row;
}

static RunRow run_row(const JobRun *r) {
    return (RunRow){ .run = r->id,
                     .job = r->job,
                     .kind = r->kind,
                     .trigger = r->by_schedule ? S("schedule") : S("manual"),
                     .state = str_c(run_state_name(r->state)),
                     .scheduled_for = r->scheduled_for,
                     .queued = r->queued_at,
                     .started = r->started_at,
                     .ended = r->ended_at,
                     .next_try = r->next_try,
                     .attempt = r->attempt,
                     .resumed = r->resumed,
                     .done = r->done,
                     .total = r->total,
                     .success = r->n_success,
                     .failed = r->n_failed,
                     .message = r->message,
                     .error = r->error };
}

/* Who did what to which job, kept beside the jobs. A failure to write it is the caller's failure. */
static int audited(Ctx *cx, JobService *s, const char *action, Str job, int r) {
    return job_store_record(jobs_store(s), cx, &(AuditRow){ .action = str_c(action), .subject = job }, r);
}

static int answer(Ctx *cx, void *role, const Job *job, const char *what, JobOperationResponse *out) {
    out->success = true;
    out->message =
        str_fmt(cx->arena, "job '" STR_FMT "' %s; it is %s", STR_ARG(job->id), what, job_state_name(job->state));
    out->job = row_of(cx, role, job);
    return 0;
}

int jobs_api_list(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    JobList *out = out_;
    Job *v;
    size_t n;
    int r = jobs_list(role, cx, &v, &n);
    if (r != 0)
        return r;
    JobRow *rows = arena_new_n(cx->arena, JobRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = row_of(cx, role, &v[i]);
    *out = (JobList){ (int64_t)n, { rows, n } };
    return 0;
}

int jobs_api_get(void *role, Ctx *cx, const void *in_, void *out) {
    Job job;
    int r = jobs_get(role, cx, ((const JobRef *)in_)->job, &job);
    if (r == 0)
        *(JobRow *)out = row_of(cx, role, &job);
    return r;
}

int jobs_api_define(void *role, Ctx *cx, const void *in_, void *out) {
    const JobDefineRequest *in = in_;
    Job job;
    JobDefinition d = { .id = in->job,
                        .kind = in->kind,
                        .schedule = in->schedule,
                        .zone = in->zone,
                        .params = in->params.json,
                        .missed = in->missed,
                        .retries = in->retries,
                        .backoff_ms = in->backoff_ms,
                        .timeout_ms = in->timeout_ms,
                        .memory_max = in->memory_max };
    int r = jobs_define(role, cx, &d, &job);
    if (r == 0 && in->start && job.state == JOB_STOPPED)
        r = jobs_start(role, cx, in->job, &job);
    r = audited(cx, role, "job.define", in->job, r);
    return r == 0 ? answer(cx, role, &job, in->start ? "defined and started" : "defined", out) : r;
}

int jobs_api_remove(void *role, Ctx *cx, const void *in_, void *out_) {
    const JobRef *in = in_;
    JobOperationResponse *out = out_;
    int r = audited(cx, role, "job.remove", in->job, jobs_remove(role, cx, in->job));
    if (r != 0)
        return r;
    *out = (JobOperationResponse){
        .success = true,
        .message = str_fmt(cx->arena, "job '" STR_FMT "' removed", STR_ARG(in->job)),
        .job = { .job = in->job, .state = S("stopped"), .missed = S("once"), .params = { S("{}") } }
    };
    return 0;
}

int jobs_api_start(void *role, Ctx *cx, const void *in_, void *out) {
    const JobRef *in = in_;
    Job job;
    int r = audited(cx, role, "job.start", in->job, jobs_start(role, cx, in->job, &job));
    return r == 0 ? answer(cx, role, &job, "started", out) : r;
}

int jobs_api_stop(void *role, Ctx *cx, const void *in_, void *out) {
    const JobRef *in = in_;
    Job job;
    int r = audited(cx, role, "job.stop", in->job, jobs_stop(role, cx, in->job, &job));
    return r == 0 ? answer(cx, role, &job, "told to stop", out) : r;
}

int jobs_api_run(void *role, Ctx *cx, const void *in_, void *out_) {
    const ManualJobRequest *in = in_;
    ManualJobResponse *out = out_;
    JobRun run;
    int r = audited(cx, role, "job.run", in->job, jobs_run_now(role, cx, in->job, in->params.json, &run));
    if (r != 0)
        return r;
    *out = (ManualJobResponse){ .success = true,
                                .message = str_fmt(cx->arena, "run " STR_FMT " of job '" STR_FMT "' waits for a thread",
                                                   STR_ARG(run.id), STR_ARG(run.job)),
                                .run = run_row(&run) };
    return 0;
}

int jobs_api_runs(void *role, Ctx *cx, const void *in_, void *out_) {
    const RunsQuery *in = in_;
    RunList *out = out_;
    JobRun *v;
    size_t n;
    int r = jobs_runs(role, cx, in->job, (size_t)in->limit, &v, &n);
    if (r != 0)
        return r;
    RunRow *rows = arena_new_n(cx->arena, RunRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = run_row(&v[i]);
    *out = (RunList){ (int64_t)n, { rows, n } };
    return 0;
}

int jobs_api_run_get(void *role, Ctx *cx, const void *in_, void *out) {
    JobRun run;
    int r = jobs_run(role, cx, ((const RunRef *)in_)->run, &run);
    if (r == 0)
        *(RunRow *)out = run_row(&run);
    return r;
}

int jobs_api_kinds(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    const JobKind *v;
    size_t n = jobs_kinds(role, &v);
    KindRow *rows = arena_new_n(cx->arena, KindRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (KindRow){ str_c(v[i].name), str_c(v[i].doc), v[i].retries };
    ((KindList *)out)->kinds = (List){ rows, n };
    return 0;
}

int jobs_api_health(void *role, Ctx *cx, const void *in, void *out) {
    UNUSED(in);
    JobsHealth h;
    int r = jobs_health(role, cx, &h);
    if (r == 0)
        *(JobsHealthResponse *)out = (JobsHealthResponse){ .status = h.failed_last ? S("degraded") : S("healthy"),
                                                           .jobs = h.jobs,
                                                           .armed = h.armed,
                                                           .running = h.running,
                                                           .waiting = h.waiting,
                                                           .failed_last = h.failed_last,
                                                           .next_fire = h.next_fire,
                                                           .last_tick = h.last_tick };
    return r;
}

/* --- queues --- */

static int queue_status(void *role, Ctx *cx, Str queue, QueueStatus *out) {
    QueueStats st;
    int r = job_store_queue_stats(jobs_store(role), cx, queue, &st);
    if (r == 0)
        *out = (QueueStatus){ queue, st.waiting, st.claimed, st.done, st.failed };
    return r;
}

int jobs_api_queue_put(void *role, Ctx *cx, const void *in_, void *out) {
    const QueuePutRequest *in = in_;
    int r = job_store_queue_put(jobs_store(role), cx, in->queue, in->items.v, in->items.n);
    return r == 0 ? queue_status(role, cx, in->queue, out) : r;
}

int jobs_api_queue_status(void *role, Ctx *cx, const void *in, void *out) {
    return queue_status(role, cx, ((const QueueRef *)in)->queue, out);
}

int jobs_api_queue_drop(void *role, Ctx *cx, const void *in_, void *out) {
    const QueueRef *in = in_;
    int r = audited(cx, role, "queue.drop", in->queue, job_store_queue_drop(jobs_store(role), cx, in->queue));
    return r == 0 ? queue_status(role, cx, in->queue, out) : r;
}

int jobs_api_queue_claim(void *role, Ctx *cx, const void *in_, void *out_) {
    const QueueClaimRequest *in = in_;
    QueueClaimResponse *out = out_;
    QueueItem *v;
    size_t n;
    int r = job_store_queue_claim(jobs_store(role), cx, in->queue, in->worker, in->lease_ms, (size_t)in->limit, &v, &n);
    if (r != 0)
        return r;
    QueueRow *rows = arena_new_n(cx->arena, QueueRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (QueueRow){ v[i].id, v[i].tries, v[i].payload };
    *out = (QueueClaimResponse){ (int64_t)n, { rows, n } };
    return 0;
}

int jobs_api_queue_done(void *role, Ctx *cx, const void *in_, void *out_) {
    const QueueDoneRequest *in = in_;
    QueueDoneResponse *out = out_;
    const QueueResult *v = in->items.v;
    QueueItem *items = arena_new_n(cx->arena, QueueItem, in->items.n);
    size_t taken;
    for (size_t i = 0; i < in->items.n; i++)
        items[i] = (QueueItem){ .id = v[i].id, .failed = v[i].failed, .result = v[i].result };
    int r = job_store_queue_done(jobs_store(role), cx, in->worker, items, in->items.n, &taken);
    if (r == 0)
        *out = (QueueDoneResponse){ (int64_t)taken, (int64_t)(in->items.n - taken) };
    return r;
}
