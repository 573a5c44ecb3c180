/* services/jobs/define.c - what people do with jobs: define, remove, start, stop, run, look. */

#include "services/jobs/internal.h"

#include "base/json.h"

const JobKind *jobs_kind(const JobService *s, Str name) {
    for (size_t i = 0; i < s->o.n_kinds; i++)
        if (str_eq(name, str_c(s->o.kinds[i].name)))
            return &s->o.kinds[i];
    return NULL;
}

size_t jobs_kinds(const JobService *s, const JobKind **out) {
    *out = s->o.kinds;
    return s->o.n_kinds;
}

JobStore *jobs_store(JobService *s) {
    return s->o.store;
}

int jobs_load(JobService *s, Ctx *cx, Str id, Job *out) {
    int r = id.n ? job_store_job(s->o.store, cx, id, out) : JOB_NONE;
    return r == JOB_NONE
               ? err_set_at(cx, ERR_NOT_FOUND, S("job"), "there is no job '" STR_FMT "'; `jobs list` shows all",
                            STR_ARG(str_first(id, 64)))
               : r;
}

int jobs_save(JobService *s, Ctx *cx, Job *job, const JobRun *run) {
    int r = job_store_change(s->o.store, cx, &(JobChange){ job, run });
    if (r == 0)
        job->revision++;
    return r == JOB_STALE
               ? err_set(cx, ERR_CONFLICT, "job '" STR_FMT "' was changed by somebody else just now; look again",
                         STR_ARG(job->id))
               : r;
}

/* --- schedules --- */

int jobs_schedule(JobService *s, Ctx *cx, const Job *job, Cron *cron, const Tz **tz) {
    *tz = tz_utc();
    if (job->schedule.n == 0)
        return 1;
    int r = cron_parse(cx, job->schedule, cron);
    if (r == 0 && job->zone.n)
        r = tz_load(cx, s->o.zone_dir ? s->o.zone_dir : TZ_DIR, job->zone, tz);
    return r == ERR_NOT_FOUND ? err_set_at(cx, ERR_INVALID, S("zone"), "%s", str_cz(cx->arena, str_c(cx->err.text)))
                              : r;
}

int jobs_next_fire(JobService *s, Ctx *cx, const Job *job, Time after, Time *out) {
    Cron cron;
    const Tz *tz;
    int r = jobs_schedule(s, cx, job, &cron, &tz);
    *out = time_ms(0);
    if (r != 0)
        return r > 0 ? 0 : r;
    Time next = cron_next(&cron, tz, after);
    if (next.ms != INT64_MAX)
        *out = next;
    return 0;
}

/* --- define and remove --- */

static int check_params(Ctx *cx, Str params) {
    JsonReader r;
    Str raw;
    json_reader_init(&r, params, cx->arena, 16);
    if (json_peek(&r) != JSON_OBJECT || json_skip_raw(&r, &raw) != 0 || json_finish(&r) != 0)
        return err_set_at(cx, ERR_INVALID, S("params"), "the parameters of a job are a JSON object: {\"name\": value}");
    return 0;
}

static int check_definition(JobService *s, Ctx *cx, const JobDefinition *d, Job *job) {
    const JobKind *kind = jobs_kind(s, d->kind);
    Str kinds = { 0 };
    for (size_t i = 0; i < s->o.n_kinds; i++)
        kinds = str_fmt(cx->arena, STR_FMT "%s%s", STR_ARG(kinds), i ? ", " : "", s->o.kinds[i].name);
    if (!kind)
        return err_set_at(cx, ERR_INVALID, S("kind"), "there is no kind of job '" STR_FMT "'; there are " STR_FMT,
                          STR_ARG(str_first(d->kind, 40)), STR_ARG(kinds));
    if (d->missed.n && !job_missed_parse(d->missed, &job->missed))
        return err_set_at(cx, ERR_INVALID, S("missed"), "'" STR_FMT "' is not once, skip or all",
                          STR_ARG(str_first(d->missed, 20)));
    job->kind = d->kind;
    job->schedule = str_trim(d->schedule);
    job->zone = d->zone;
    job->params = d->params.n ? d->params : S("{}");
    job->retries = d->retries >= 0 ? d->retries : !kind->retries ? 0 : s->o.retries ? s->o.retries : 3;
    job->backoff_ms = d->backoff_ms > 0 ? d->backoff_ms : s->o.backoff_ms ? s->o.backoff_ms : 2000;
    job->timeout_ms = d->timeout_ms;
    job->memory_max = d->memory_max;
    int r = check_params(cx, job->params);
    if (r == 0 && kind->check)
        r = kind->check(kind->arg, cx, job->params);
    Time unused;
    return r == 0 ? jobs_next_fire(s, cx, job, clock_wall(cx->clock), &unused) : r;
}

int jobs_define(JobService *s, Ctx *cx, const JobDefinition *d, Job *out) {
    Job job = { .id = d->id };
    pthread_mutex_lock(&s->change);
    int r = job_store_job(s->o.store, cx, d->id, &job);
    if (r == 0 && job_state_busy(job.state))
        r = err_set_at(cx, ERR_CONFLICT, S("job"), "job '" STR_FMT "' is %s; stop it first", STR_ARG(d->id),
                       job_state_name(job.state));
    else if (r == JOB_NONE)
        r = 0;
    if (r == 0)
        r = check_definition(s, cx, d, &job);
    if (r == 0 && job.state == JOB_SCHEDULED)
        r = jobs_next_fire(s, cx, &job, clock_wall(cx->clock), &job.next_fire);
    if (r == 0 && job.state == JOB_SCHEDULED && job.next_fire.ms == 0) { /* it lost its schedule */
        job.state = JOB_STOPPED;
        job.armed = false;
    }
    if (r == 0)
        r = jobs_save(s, cx, &job, NULL);
    pthread_mutex_unlock(&s->change);
    if (r == 0) {
        *out = job;
        jobs_wake(s);
    }
    return r;
}

int jobs_remove(JobService *s, Ctx *cx, Str id) {
    Job job;
    pthread_mutex_lock(&s->change);
    int r = jobs_load(s, cx, id, &job);
    if (r == 0 && job_state_busy(job.state))
        r = err_set_at(cx, ERR_CONFLICT, S("job"), "job '" STR_FMT "' is %s; stop it first", STR_ARG(id),
                       job_state_name(job.state));
    if (r == 0)
        r = job_store_drop(s->o.store, cx, id);
    pthread_mutex_unlock(&s->change);
    return r;
}

/* --- start, stop, run --- */

static int refused(Ctx *cx, const Job *job, JobEvent event) {
    static const char *const advice[JOB_STATES] = {
        [JOB_STOPPED] = "it is not at work",
        [JOB_SCHEDULED] = "it is at work already",
        [JOB_QUEUED] = "a run is waiting already",
        [JOB_RUNNING] = "a run is under way already",
        [JOB_RETRYING] = "a run waits for its next try",
        [JOB_STOPPING] = "it is stopping; wait a moment",
    };
    return err_set_at(cx, ERR_CONFLICT, S("job"), "cannot %s job '" STR_FMT "': it is %s (%s)", job_event_name(event),
                      STR_ARG(job->id), job_state_name(job->state), advice[job->state]);
}

JobRun jobs_new_run(JobService *s, Ctx *cx, Job *job, bool by_schedule, Time scheduled_for, Str params) {
    JobRun run = { .id = ids_uuid4(s->o.ids, cx->arena),
                   .job = job->id,
                   .kind = job->kind,
                   .params = params.n ? params : job->params,
                   .by_schedule = by_schedule,
                   .scheduled_for = scheduled_for,
                   .attempt = 1,
                   .queued_at = clock_wall(cx->clock) };
    job->run = run.id;
    return run;
}

static int start_locked(JobService *s, Ctx *cx, Job *job) {
    Time now = clock_wall(cx->clock);
    JobRun run;
    JobEvent event = job->schedule.n ? JOB_START : JOB_RUN;
    if (job_next(job->state, event, job->armed, &job->state) != 0)
        return refused(cx, job, JOB_START);
    if (event == JOB_RUN) {
        run = jobs_new_run(s, cx, job, false, now, (Str){ 0 });
        return jobs_save(s, cx, job, &run);
    }
    job->armed = true;
    int r = jobs_next_fire(s, cx, job, now, &job->next_fire);
    return r == 0 ? jobs_save(s, cx, job, NULL) : r;
}

int jobs_start(JobService *s, Ctx *cx, Str id, Job *out) {
    Job job;
    pthread_mutex_lock(&s->change);
    int r = jobs_load(s, cx, id, &job);
    if (r == 0)
        r = start_locked(s, cx, &job);
    pthread_mutex_unlock(&s->change);
    if (r == 0) {
        LOG_INFO(s->o.log, cx, S("job started"), F_STR("job", id));
        *out = job;
        jobs_wake(s);
    }
    return r;
}

/* The flag is what the work looks at; its thread then writes the end. */
static void cancel_task(JobService *s, Str job) {
    pthread_mutex_lock(&s->lock);
    for (JobTask *t = s->tasks; t; t = t->next)
        if (str_eq(t->id, job))
            atomic_store(&t->cancel, true);
    pthread_mutex_unlock(&s->lock);
}

static int stop_locked(JobService *s, Ctx *cx, Job *job) {
    JobRun run;
    bool waiting = job->state == JOB_QUEUED || job->state == JOB_RETRYING;
    if (job_next(job->state, JOB_STOP, job->armed, &job->state) != 0)
        return refused(cx, job, JOB_STOP);
    job->armed = false;
    job->next_fire = time_ms(0);
    if (!waiting)
        return jobs_save(s, cx, job, NULL);
    int r = job_store_run(s->o.store, cx, job->run, &run);
    if (r != 0)
        return r < 0 ? r : err_set(cx, ERR_CORRUPT, "the run of job '" STR_FMT "' is lost", STR_ARG(job->id));
    run.state = RUN_STOPPED;
    run.ended_at = clock_wall(cx->clock);
    return jobs_save(s, cx, job, &run);
}

int jobs_stop(JobService *s, Ctx *cx, Str id, Job *out) {
    Job job;
    pthread_mutex_lock(&s->change);
    int r = jobs_load(s, cx, id, &job);
    if (r == 0)
        r = stop_locked(s, cx, &job);
    if (r == 0)
        cancel_task(s, id);
    pthread_mutex_unlock(&s->change);
    if (r == 0) {
        LOG_INFO(s->o.log, cx, S("job stopped"), F_STR("job", id));
        *out = job;
    }
    return r;
}

int jobs_run_now(JobService *s, Ctx *cx, Str id, Str params, JobRun *out) {
    Job job;
    JobRun run;
    pthread_mutex_lock(&s->change);
    int r = jobs_load(s, cx, id, &job);
    const JobKind *kind = r == 0 ? jobs_kind(s, job.kind) : NULL;
    if (r == 0 && params.n)
        r = check_params(cx, params);
    if (r == 0 && params.n && kind && kind->check)
        r = kind->check(kind->arg, cx, params);
    if (r == 0 && job_next(job.state, JOB_RUN, job.armed, &job.state) != 0)
        r = refused(cx, &job, JOB_RUN);
    if (r == 0) {
        run = jobs_new_run(s, cx, &job, false, clock_wall(cx->clock), params);
        r = jobs_save(s, cx, &job, &run);
    }
    pthread_mutex_unlock(&s->change);
    if (r == 0) {
        *out = run;
        jobs_wake(s);
    }
    return r;
}

/* --- looking --- */

int jobs_list(JobService *s, Ctx *cx, Job **out, size_t *n) {
    return job_store_jobs(s->o.store, cx, out, n);
}

int jobs_get(JobService *s, Ctx *cx, Str id, Job *out) {
    return jobs_load(s, cx, id, out);
}

int jobs_runs(JobService *s, Ctx *cx, Str job, size_t limit, JobRun **out, size_t *n) {
    return job_store_runs(s->o.store, cx, job, limit, out, n);
}

int jobs_run(JobService *s, Ctx *cx, Str id, JobRun *out) {
    int r = job_store_run(s->o.store, cx, id, out);
    return r == JOB_NONE
               ? err_set_at(cx, ERR_NOT_FOUND, S("run"), "there is no run '" STR_FMT "'", STR_ARG(str_first(id, 64)))
               : r;
}

int jobs_health(JobService *s, Ctx *cx, JobsHealth *out) {
    Job *v;
    size_t n;
    JobsHealth h = { 0 };
    int r = job_store_jobs(s->o.store, cx, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        JobRun run;
        h.jobs++;
        h.armed += v[i].armed;
        h.running += v[i].state == JOB_RUNNING || v[i].state == JOB_STOPPING;
        h.waiting += v[i].state == JOB_QUEUED || v[i].state == JOB_RETRYING;
        if (v[i].next_fire.ms && (h.next_fire.ms == 0 || time_before(v[i].next_fire, h.next_fire)))
            h.next_fire = v[i].next_fire;
        if (v[i].run.n && (r = job_store_run(s->o.store, cx, v[i].run, &run)) == 0)
            h.failed_last += run.state == RUN_FAILED;
        r = r == JOB_NONE ? 0 : r; /* pruned */
    }
    pthread_mutex_lock(&s->lock);
    h.last_tick = s->last_tick;
    pthread_mutex_unlock(&s->lock);
    if (r == 0)
        *out = h;
    return r;
}
