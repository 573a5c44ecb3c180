/* core/job.c - see job.h. */

#include "core/job.h"

static const char *const state_names[] = { "stopped", "scheduled", "queued", "running", "retrying", "stopping" };
static const char *const event_names[] = {
    "start", "stop", "run", "fire", "claim", "done", "fail", "give_up", "resume"
};
static const char *const run_names[] = { "queued", "running", "waiting", "succeeded", "failed", "stopped" };
static const char *const missed_names[] = { "once", "skip", "all" };

_Static_assert(ARRAY_LEN(state_names) == JOB_STATES && ARRAY_LEN(event_names) == JOB_EVENTS, "a name each");

/* What a cell may say besides a state. REST: scheduled where the schedule is armed, else stopped. NEVER: no caller can
 * get there; asked nonetheless, nothing happens. */
enum { REFUSE = -1, IGNORE = -2, REST = -3, NEVER = -4 };

/* clang-format off */
static const int16_t table[JOB_STATES][JOB_EVENTS] = {
    /*                  START          STOP          RUN         FIRE        CLAIM        DONE   FAIL          GIVE_UP RESUME */
    [JOB_STOPPED]   = { JOB_SCHEDULED, REFUSE,       JOB_QUEUED, IGNORE,     NEVER,       NEVER, NEVER,        NEVER,  NEVER },
    [JOB_SCHEDULED] = { REFUSE,        JOB_STOPPED,  JOB_QUEUED, JOB_QUEUED, NEVER,       NEVER, NEVER,        NEVER,  NEVER },
    [JOB_QUEUED]    = { REFUSE,        JOB_STOPPED,  REFUSE,     IGNORE,     JOB_RUNNING, NEVER, NEVER,        REST,   JOB_QUEUED },
    [JOB_RUNNING]   = { REFUSE,        JOB_STOPPING, REFUSE,     IGNORE,     NEVER,       REST,  JOB_RETRYING, REST,   JOB_QUEUED },
    [JOB_RETRYING]  = { REFUSE,        JOB_STOPPED,  REFUSE,     IGNORE,     JOB_RUNNING, NEVER, NEVER,        REST,   JOB_RETRYING },
    [JOB_STOPPING]  = { REFUSE,        REFUSE,       REFUSE,     IGNORE,     NEVER,       JOB_STOPPED, JOB_STOPPED, JOB_STOPPED, JOB_STOPPED },
};
/* clang-format on */

int job_next(JobState state, JobEvent event, bool armed, JobState *out) {
    assert((unsigned)state < JOB_STATES && (unsigned)event < JOB_EVENTS);
    int to = table[state][event];
    if (to == REFUSE)
        return JOB_REFUSED;
    if (to == IGNORE || to == NEVER)
        return JOB_IGNORED;
    *out = to == REST ? (armed ? JOB_SCHEDULED : JOB_STOPPED) : (JobState)to;
    return 0;
}

static bool parse(Str text, const char *const *names, size_t n, int *out) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(text, str_c(names[i]))) {
            *out = (int)i;
            return true;
        }
    return false;
}

const char *job_state_name(JobState state) {
    assert((size_t)state < ARRAY_LEN(state_names));
    return state_names[state];
}

bool job_state_parse(Str text, JobState *out) {
    int i;
    if (!parse(text, state_names, ARRAY_LEN(state_names), &i))
        return false;
    *out = (JobState)i;
    return true;
}

const char *job_event_name(JobEvent event) {
    assert((size_t)event < ARRAY_LEN(event_names));
    return event_names[event];
}

const char *run_state_name(RunState state) {
    assert((size_t)state < ARRAY_LEN(run_names));
    return run_names[state];
}

const char *job_missed_name(JobMissed missed) {
    assert((size_t)missed < ARRAY_LEN(missed_names));
    return missed_names[missed];
}

bool job_missed_parse(Str text, JobMissed *out) {
    int i;
    if (!parse(text, missed_names, ARRAY_LEN(missed_names), &i))
        return false;
    *out = (JobMissed)i;
    return true;
}

int64_t job_backoff_ms(int64_t base_ms, int retry) {
    int64_t ms = base_ms;
    for (int i = 1; i < retry && ms < MS_PER_HOUR; i++)
        ms *= 2;
    return MIN(ms, (int64_t)MS_PER_HOUR);
}
