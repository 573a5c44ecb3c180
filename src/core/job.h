#pragma once

/* core/job.h - the states of a job and what leads from one to the next (MDS-41). Pure. */

#include "base/time.h"

typedef enum JobState {
    JOB_STOPPED,   /* its schedule is off and nothing runs */
    JOB_SCHEDULED, /* waits for its time */
    JOB_QUEUED,    /* a run waits for a thread */
    JOB_RUNNING,
    JOB_RETRYING, /* the run failed and waits for its next try */
    JOB_STOPPING, /* told to stop, still running */
    JOB_STATES,
} JobState;

typedef enum JobEvent {
    JOB_START,   /* somebody puts the job to work: its schedule is armed, or without one a run begins */
    JOB_STOP,    /* somebody stops it: schedule off, a run is cancelled */
    JOB_RUN,     /* somebody wants a run now */
    JOB_FIRE,    /* its time has come */
    JOB_CLAIM,   /* a thread takes the run */
    JOB_DONE,    /* the run ended well */
    JOB_FAIL,    /* the run failed and has tries left */
    JOB_GIVE_UP, /* the run failed for good, or was cancelled */
    JOB_RESUME,  /* a new process found a run that nobody works on */
    JOB_EVENTS,
} JobEvent;

enum { JOB_REFUSED = 1, JOB_IGNORED = 2 };
/* 0 and the next state; JOB_REFUSED: a person is told 409; JOB_IGNORED: nothing happens (a fire while a run is under
 * way is skipped and counted). armed: whether the schedule is on, where a run ends. */
int job_next(JobState state, JobEvent event, bool armed, JobState *out);

const char *job_state_name(JobState state); /* "stopped", "scheduled", ... */
bool job_state_parse(Str text, JobState *out);
const char *job_event_name(JobEvent event); /* "start", ... */
static inline bool job_state_busy(JobState s) {
    return s >= JOB_QUEUED;
}

typedef enum RunState {
    RUN_QUEUED,
    RUN_RUNNING,
    RUN_WAITING,
    RUN_SUCCEEDED,
    RUN_FAILED,
    RUN_STOPPED,
    RUN_STATES
} RunState;
const char *run_state_name(RunState state); /* "queued", ... */
static inline bool run_state_over(RunState s) {
    return s >= RUN_SUCCEEDED;
}

/* What to do about fires that were missed while nobody was there to see them. */
typedef enum JobMissed {
    MISSED_ONCE, /* one run for all of them, at once */
    MISSED_SKIP, /* none; wait for the next */
    MISSED_ALL,  /* one run after the other, at most JOB_MISSED_MAX, the newest */
} JobMissed;
enum { JOB_MISSED_MAX = 24 };
const char *job_missed_name(JobMissed missed); /* "once", "skip", "all" */
bool job_missed_parse(Str text, JobMissed *out);

/* ms before retry nr `retry` (1-based): base * 2^(retry - 1), at most an hour (RES-07: 2, 4, 8 s). */
int64_t job_backoff_ms(int64_t base_ms, int retry);
