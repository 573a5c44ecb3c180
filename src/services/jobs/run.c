/* services/jobs/run.c - a run on its thread: claim, work, and what becomes of it. */

#include "services/jobs/internal.h"

#include <stdio.h>

enum { PROGRESS_MS = 500, RUNS_KEPT = 100 };

/* --- what a kind may do --- */

Str job_task_params(const JobTask *t) {
    return t->run.params;
}

Str job_task_checkpoint(const JobTask *t) {
    return t->run.checkpoint;
}

const Job *job_task_job(const JobTask *t) {
    return &t->job;
}

void job_count(JobTask *t, int64_t success, int64_t failed) {
    t->run.n_success += success;
    t->run.n_failed += failed;
}

void job_message(JobTask *t, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(t->message, sizeof t->message, fmt, args);
    va_end(args);
    t->run.message = str_c(t->message);
}

int job_progress(JobTask *t, Ctx *cx, int64_t done, int64_t total) {
    t->run.done = MAX(t->run.done, done);
    t->run.total = MAX(total, t->run.done);
    MonoNs now = clock_mono(cx->clock);
    if (t->written.ns && mono_ms_between(t->written, now) < PROGRESS_MS)
        return ctx_check(cx);
    t->written = now;
    int r = job_store_progress(t->s->o.store, cx, &t->run);
    return r ? r : ctx_check(cx);
}

int job_checkpoint(JobTask *t, Ctx *cx, Str checkpoint) {
    JobRun run = t->run;
    run.checkpoint = checkpoint;
    int r = job_store_progress(t->s->o.store, cx, &run);
    if (r != 0)
        return r;
    t->run.checkpoint = str_dup(&t->arena, checkpoint);
    t->written = clock_mono(cx->clock);
    return ctx_check(cx);
}

/* --- the thread's side --- */

static void unlink_task(JobTask *t) {
    JobService *s = t->s;
    pthread_mutex_lock(&s->lock);
    JobTask **at = &s->tasks;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    pthread_mutex_unlock(&s->lock);
    arena_done(&t->arena);
    mem_free(t);
}

/* Reads job and run again under the change lock: somebody may have stopped it since it was posted. */
static bool is_over(JobService *s) {
    pthread_mutex_lock(&s->lock);
    bool over = s->shutdown;
    pthread_mutex_unlock(&s->lock);
    return over;
}

static bool claim(JobTask *t, Ctx *cx) {
    JobService *s = t->s;
    if (is_over(s))
        return false;
    pthread_mutex_lock(&s->change);
    int r = job_store_job(s->o.store, cx, t->id, &t->job);
    bool mine =
        r == 0 && str_eq(t->job.run, t->run.id) && job_next(t->job.state, JOB_CLAIM, t->job.armed, &t->job.state) == 0;
    if (mine)
        mine = job_store_run(s->o.store, cx, t->run.id, &t->run) == 0;
    if (mine) {
        t->run.attempt += t->run.state == RUN_WAITING;
        t->run.state = RUN_RUNNING;
        t->run.next_try = time_ms(0);
        if (t->run.started_at.ms == 0)
            t->run.started_at = clock_wall(cx->clock);
        r = jobs_save(s, cx, &t->job, &t->run);
        mine = r == 0;
        if (r < 0)
            log_failure(s->o.log, cx, S("job not claimed"));
    }
    pthread_mutex_unlock(&s->change);
    return mine;
}

/* The event that the outcome is, and the run's new state. */
static JobEvent judge(JobTask *t, Ctx *cx, int r, bool shutdown) {
    JobRun *run = &t->run;
    run->error = (Str){ 0 };
    run->ended_at = clock_wall(cx->clock);
    if (r == 0) {
        run->state = RUN_SUCCEEDED;
        run->done = MAX(run->done, run->total);
        return JOB_DONE;
    }
    run->error = str_dup(&t->arena, str_c(cx->err.text));
    if (shutdown) { /* the next process goes on */
        run->state = RUN_QUEUED;
        run->ended_at = time_ms(0);
        return JOB_RESUME;
    }
    if (t->job.state == JOB_STOPPING) {
        run->state = RUN_STOPPED;
        return JOB_GIVE_UP;
    }
    bool final = r == ERR_INVALID || r == ERR_CANCELLED || r == ERR_DENIED || r == ERR_UNSUPPORTED || r == ERR_USAGE;
    if (final || run->attempt > t->job.retries) {
        run->state = RUN_FAILED;
        return JOB_GIVE_UP;
    }
    int64_t delay_ms = job_backoff_ms(t->job.backoff_ms, (int)run->attempt);
    run->state = RUN_WAITING;
    run->next_try = time_add_ms(run->ended_at, delay_ms);
    run->ended_at = time_ms(0);
    LOG_WARNING(t->s->o.log, cx, S("job will be tried again"), F_STR("job", t->job.id), F_I64("attempt", run->attempt),
                F_I64("delay_ms", delay_ms), F_STR("reason", run->error));
    return JOB_FAIL;
}

/* Writes the end of the run. The job may have been stopped meanwhile, never changed: it was busy. */
static void finish(JobTask *t, Ctx *cx, int result) {
    JobService *s = t->s;
    Ctx quiet = *cx; /* without the run's deadline and cancel: the end is written whatever they say */
    quiet.deadline = (MonoNs){ 0 };
    quiet.cancel = NULL;
    bool shutdown = result != 0 && is_over(s);
    pthread_mutex_lock(&s->change);
    int r = job_store_job(s->o.store, &quiet, t->id, &t->job);
    if (r == 0) {
        quiet.err = cx->err;
        JobEvent event = judge(t, &quiet, result, shutdown && t->job.state != JOB_STOPPING);
        job_next(t->job.state, event, t->job.armed, &t->job.state);
        r = jobs_save(s, &quiet, &t->job, &t->run);
    }
    if (r == 0)
        r = job_store_prune(s->o.store, &quiet, t->job.id, (size_t)(s->o.runs_kept ? s->o.runs_kept : RUNS_KEPT));
    pthread_mutex_unlock(&s->change);
    if (r < 0) {
        log_failure(s->o.log, &quiet, S("end of a job not written"));
        return;
    }
    LOG_INFO(s->o.log, &quiet, S("job run ended"), F_STR("job", t->job.id), F_STR("run", t->run.id),
             F_STR("state", str_c(run_state_name(t->run.state))), F_I64("success", t->run.n_success),
             F_I64("failed", t->run.n_failed), F_STR("message", t->run.message));
}

static void work(void *arg, int err) {
    JobTask *t = arg;
    JobService *s = t->s;
    Arena scratch = { 0 };
    Ctx cx;
    ctx_init(&cx, &scratch, s->o.clock);
    cx.principal = (Principal){ ROLE_ADMIN, S("jobs") };
    cx.trace.correlation_id = t->run.id;
    cx.slow = s->o.slow;
    cx.operation = "jobs.run";
    Ctx store_cx = cx;
    store_cx.arena = &t->arena; /* job and run live as long as the task */
    if (err == 0 && claim(t, &store_cx)) {
        cx.cancel = &t->cancel;
        if (t->job.timeout_ms > 0)
            cx.deadline = mono_add_ms(clock_mono(s->o.clock), t->job.timeout_ms);
        int r = t->kind ? t->kind->run(t->kind->arg, &cx, t)
                        : err_set(&cx, ERR_UNSUPPORTED, "this program has no kind of job '" STR_FMT "'",
                                  STR_ARG(t->job.kind));
        assert(r <= 0);
        store_cx.err = cx.err;
        finish(t, &store_cx, r);
    }
    unlink_task(t);
    arena_done(&scratch);
    jobs_wake(s);
}

int jobs_post(JobService *s, const Job *job) {
    pthread_mutex_lock(&s->lock);
    bool there = s->shutdown;
    for (JobTask *t = s->tasks; t && !there; t = t->next)
        there = str_eq(t->id, job->id);
    JobTask *t = NULL;
    if (!there) {
        t = mem_new(JobTask);
        t->s = s;
        t->kind = jobs_kind(s, job->kind);
        t->id = t->job.id = str_dup(&t->arena, job->id);
        t->job.kind = str_dup(&t->arena, job->kind);
        t->run.id = str_dup(&t->arena, job->run);
        t->next = s->tasks;
        s->tasks = t;
    }
    pthread_mutex_unlock(&s->lock);
    if (!t)
        return 0;
    int r = lane_post(s->o.lane, &(LaneJob){ .run = work, .arg = t });
    if (r != 0)
        unlink_task(t);
    return r;
}
