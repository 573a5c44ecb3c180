#pragma once

/* policy/breaker.h - a circuit breaker: stops calling what keeps failing, and asks again with one call.
 *
 * CLOSED lets every call pass and counts failures in a row; a success sets the count to 0. At the threshold it is OPEN
 * and refuses. When recovery_ms have passed, the next caller becomes the one probe (HALF_OPEN) and all others are still
 * refused: its success closes the breaker, its failure opens it anew. A probe that never reports loses its place after
 * probe_ms, so that a lost caller cannot keep the breaker shut for ever.
 *
 *     BreakerTicket t;
 *     if (!breaker_admit(&b, now, &t))
 *         return err_set(cx, ERR_UNAVAILABLE, BREAKER_OPEN_TEXT);
 *     ... the call ...
 *     breaker_report(&b, t, breaker_is_success(b.profile, err, status), now);
 *
 * A report counts only in the period its ticket is of: a call admitted before the breaker opened says nothing about
 * afterwards. Time is monotonic and passed in, so a step of the wall clock moves nothing (U31).
 *
 * Threads: any, without locks; the whole state is one atomic word, and of any number of callers at half-open exactly one
 * passes (RES-05). */

#include "base/time.h"

#include <stdatomic.h>

#define BREAKER_OPEN_TEXT "Circuit breaker is OPEN"

typedef enum BreakerState { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN } BreakerState;

typedef struct BreakerProfile {
    const char *name;
    int failures;        /* in a row, that open it; 1 .. BREAKER_FAILURES_MAX */
    int64_t recovery_ms; /* from the failure that opened it to the probe */
    int64_t probe_ms;    /* what a probe may take before its place is given to another */
    int64_t call_ms;     /* deadline of a call under this profile; 0 = the caller's own */
    bool only_200;       /* every status but 200 is a failure (RES-03); else 5xx and 429 are */
} BreakerProfile;

enum { BREAKER_FAILURES_MAX = 10000 };

extern const BreakerProfile breaker_standard;  /* "standard": 5 failures, 60 s (RES-01) */
extern const BreakerProfile breaker_resilient; /* "resilient": 3 failures, 30 s, only 200 is a success (RES-03) */
extern const BreakerProfile breaker_python;    /* "python": 5 failures, calls of 30 s, 60 s (RES-04) */
extern const BreakerProfile breaker_fast;      /* "fast": 3 failures, 1 s: within one host, where a restart is quick */
/* By name, or NULL. breaker_profiles lists all, NULL at the end. */
const BreakerProfile *breaker_profile(Str name);
extern const BreakerProfile *const breaker_profiles[];

typedef struct Breaker {
    const BreakerProfile *profile; /* borrowed */
    _Atomic uint64_t opened;       /* times it opened, for metrics */
    _Atomic uint64_t refused;      /* calls it refused */
    /* private */
    _Atomic uint64_t word; /* state, failures, ms of the last change: breaker.c */
} Breaker;

typedef struct BreakerTicket {
    uint64_t period;
} BreakerTicket;

void breaker_init(Breaker *b, const BreakerProfile *p, MonoNs now); /* closed */
/* May a call be made? true: make it and report it, exactly once. */
bool breaker_admit(Breaker *b, MonoNs now, BreakerTicket *out);
void breaker_report(Breaker *b, BreakerTicket t, bool success, MonoNs now);
/* The admitted call was not made after all (no connection to be had, the client went away): no verdict. */
void breaker_abandon(Breaker *b, BreakerTicket t, MonoNs now);
/* err: 0 or what the call failed with; status: of the reply, 0 if there was none or it is not HTTP. A failure that is
 * the caller's own (ERR_CANCELLED, 4xx under a profile without only_200) does not count against the upstream. */
bool breaker_is_success(const BreakerProfile *p, int err, int status);

BreakerState breaker_state(const Breaker *b);                 /* OPEN also when the next call would be the probe */
int breaker_failures(const Breaker *b);                       /* in a row, while CLOSED */
int64_t breaker_retry_after_ms(const Breaker *b, MonoNs now); /* until a probe is allowed; 0 when calls pass */
const char *breaker_state_name(BreakerState s);               /* "CLOSED", "OPEN", "HALF_OPEN" */
void breaker_force(Breaker *b, BreakerState s, MonoNs now);   /* by an operator: CLOSED or OPEN */
