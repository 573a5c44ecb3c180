/* services/jobs/jobs.c - the service: recovery, and the tick that makes time pass. */

#include "services/jobs/internal.h"

enum { TICK_MAX_MS = 60 * 1000 };

JobService *jobs_service_new(const JobsOptions *o) {
    assert(o->store && o->lane && o->clock && o->ids);
    JobService *s = mem_new(JobService);
    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->change, NULL);
    return s;
}

JobService *jobs_service_free(JobService *s) {
    if (!s)
        return NULL;
    assert(!s->tasks);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->change);
    return mem_free(s);
}

void jobs_wake(JobService *s) {
    if (s->o.wake)
        s->o.wake(s->o.wake_arg);
}

bool jobs_idle(JobService *s) {
    pthread_mutex_lock(&s->lock);
    bool idle = !s->tasks;
    pthread_mutex_unlock(&s->lock);
    return idle;
}

void jobs_shutdown(JobService *s) {
    pthread_mutex_lock(&s->lock);
    s->shutdown = true;
    for (JobTask *t = s->tasks; t; t = t->next)
        atomic_store(&t->cancel, true);
    pthread_mutex_unlock(&s->lock);
}

/* --- recovery --- */

/* A run without its process: queued again, to go on at its checkpoint. One that was told to stop has stopped. */
static int recover_one(JobService *s, Ctx *cx, Job *job) {
    JobRun run;
    JobState was = job->state;
    if (job_next(job->state, JOB_RESUME, job->armed, &job->state) != 0)
        return 0;
    int r = job_store_run(s->o.store, cx, job->run, &run);
    if (r < 0)
        return r;
    if (r == JOB_NONE) { /* removed by hand; the job itself is well */
        job->state = job->armed ? JOB_SCHEDULED : JOB_STOPPED;
        return jobs_save(s, cx, job, NULL);
    }
    if (job->state == JOB_STOPPED) {
        run.state = RUN_STOPPED;
        run.ended_at = clock_wall(cx->clock);
    } else if (job->state == JOB_QUEUED) {
        run.state = RUN_QUEUED;
        run.resumed += was == JOB_RUNNING;
    }
    if (was == JOB_RUNNING)
        LOG_WARNING(s->o.log, cx, S("job resumes"), F_STR("job", job->id), F_STR("run", run.id),
                    F_I64("done", run.done), F_I64("total", run.total));
    return jobs_save(s, cx, job, &run);
}

int jobs_recover(JobService *s, Ctx *cx) {
    Job *v;
    size_t n;
    pthread_mutex_lock(&s->change);
    int r = job_store_jobs(s->o.store, cx, &v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = recover_one(s, cx, &v[i]);
    pthread_mutex_unlock(&s->change);
    return r;
}

/* --- fires --- */

/* Fires in (the first due one, now]: *n of them, the `keep` newest in fires[], oldest first. */
static int due_fires(JobService *s, Ctx *cx, const Job *job, Time now, Time *fires, size_t keep, int64_t *n) {
    Cron cron;
    const Tz *tz;
    enum { MOST = 100000 }; /* a year of five-minute fires; the rest is counted by its interval */
    *n = 0;
    int r = jobs_schedule(s, cx, job, &cron, &tz);
    if (r != 0)
        return r;
    for (Time t = job->next_fire; time_cmp(t, now) <= 0 && *n < MOST; t = cron_next(&cron, tz, t)) {
        if (*n >= (int64_t)keep)
            memmove(fires, fires + 1, (keep - 1) * sizeof *fires);
        fires[MIN(*n, (int64_t)keep - 1)] = t;
        ++*n;
    }
    return 0;
}

/* What the missed-fire policy makes of the fires that are due. Late by less than a minute is not missed. */
static bool choose_fire(Job *job, Time now, const Time *fires, int64_t n, Time *out) {
    enum { LATE_MS = 60 * 1000 };
    size_t kept = (size_t)MIN(n, JOB_MISSED_MAX);
    Time newest = fires[kept - 1];
    bool on_time = now.ms - newest.ms < LATE_MS;
    *out = newest;
    switch (job->missed) {
    case MISSED_SKIP:
        job->n_missed += n - on_time;
        return on_time;
    case MISSED_ALL:
        *out = fires[0]; /* the others stay due, one after the other */
        job->n_missed += n - (int64_t)kept;
        return true;
    default:
        job->n_missed += n - 1;
        return true;
    }
}

static int fire(JobService *s, Ctx *cx, Job *job, Time now) {
    Time fires[JOB_MISSED_MAX], chosen;
    int64_t n;
    int r = due_fires(s, cx, job, now, fires, JOB_MISSED_MAX, &n);
    if (r != 0 || n == 0)
        return r < 0 ? r : 0;
    if (job->missed == MISSED_ALL && job_state_busy(job->state))
        return 0; /* waits for its turn */
    JobState to = job->state;
    bool wanted = choose_fire(job, now, fires, n, &chosen);
    bool begins = wanted && job_next(job->state, JOB_FIRE, job->armed, &to) == 0;
    job->n_skipped += wanted && !begins;
    r = jobs_next_fire(s, cx, job, job->missed == MISSED_ALL ? chosen : now, &job->next_fire);
    if (r != 0)
        return r;
    if (!begins)
        return jobs_save(s, cx, job, NULL);
    JobRun run = jobs_new_run(s, cx, job, true, chosen, (Str){ 0 });
    job->state = to;
    r = jobs_save(s, cx, job, &run);
    if (r == JOB_DUPLICATE) { /* a clock that was set back: that fire has been answered */
        Job again;
        r = jobs_load(s, cx, job->id, &again);
        if (r == 0) {
            again.next_fire = job->next_fire;
            *job = again;
            r = jobs_save(s, cx, job, NULL);
        }
    }
    return r;
}

/* --- the tick --- */

static void earlier(Time *next, Time t) {
    if (t.ms && time_before(t, *next))
        *next = t;
}

/* A run that the store calls running and nobody here works on: its end could not be written. */
static bool is_orphan(JobService *s, const Job *job) {
    bool found = false;
    pthread_mutex_lock(&s->lock);
    for (JobTask *t = s->tasks; t && !found; t = t->next)
        found = str_eq(t->id, job->id);
    pthread_mutex_unlock(&s->lock);
    return !found && (job->state == JOB_RUNNING || job->state == JOB_STOPPING);
}

/* *post: its run waits for a thread. */
static int tick_job(JobService *s, Ctx *cx, Job *job, Time now, Time *next, bool *post) {
    int r = is_orphan(s, job) ? recover_one(s, cx, job) : 0;
    if (r == 0 && job->armed && job->next_fire.ms && time_cmp(job->next_fire, now) <= 0)
        r = fire(s, cx, job, now);
    if (r == 0 && job->armed)
        earlier(next, job->next_fire);
    if (r != 0 || (job->state != JOB_QUEUED && job->state != JOB_RETRYING))
        return r;
    JobRun run;
    r = job_store_run(s->o.store, cx, job->run, &run);
    if (r != 0)
        return r < 0 ? r : 0;
    if (job->state == JOB_RETRYING && time_before(now, run.next_try)) {
        earlier(next, run.next_try);
        return 0;
    }
    *post = true;
    return 0;
}

int jobs_tick(JobService *s, Ctx *cx, Time *next) {
    Job *v;
    size_t n;
    Time now = clock_wall(cx->clock), soonest = time_add_ms(now, TICK_MAX_MS);
    int worst = 0;
    pthread_mutex_lock(&s->lock);
    bool over = s->shutdown;
    s->last_tick = now;
    pthread_mutex_unlock(&s->lock);
    *next = soonest;
    if (over)
        return 0;
    pthread_mutex_lock(&s->change);
    int r = job_store_jobs(s->o.store, cx, &v, &n);
    bool *post = arena_new_n(cx->arena, bool, r == 0 ? n : 0);
    for (size_t i = 0; r == 0 && i < n; i++) {
        int one = tick_job(s, cx, &v[i], now, &soonest, &post[i]);
        if (one < 0) { /* one job's bad schedule or zone must not hold up the others */
            log_failure(s->o.log, cx, S("job not ticked"));
            worst = one;
        }
    }
    pthread_mutex_unlock(&s->change);
    for (size_t i = 0; r == 0 && i < n; i++) /* outside of the lock: a lane may work at once */
        if (post[i] && jobs_post(s, &v[i]) == ERR_BUSY)
            earlier(&soonest, time_add_ms(now, 1000));
    *next = soonest;
    return r ? r : worst;
}
