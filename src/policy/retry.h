#pragma once

/* policy/retry.h - whether to try again, when, and how much of it the traffic may hold.
 *
 * What may be tried again (wire-platform 0): what never left (RETRY_UNSENT: connect refused or timed out), whoever asks;
 * and, if the call is idempotent or carries an idempotency key, a connection cut after sending, a timeout, and the
 * statuses 429, 502, 503, 504. Everything else is final (U31: the seed repeated what could never succeed).
 *
 * Waiting is max(Retry-After, backoff); backoff is base * factor^(n-1), at most max_ms, jittered as the profile says. A
 * Retry-After beyond what is left of the deadline ends the trying: waiting less would break the server's word.
 *
 * The budget keeps retries a share of the traffic (U05: 10 %), so that an upstream that fails does not get a multiple of
 * its load: each first attempt pays `percent` hundredths of a retry in, each retry takes a whole one out.
 *
 * Threads: profiles are constants; RetryBudget is any thread's, without locks; an Rng is one thread's. */

#include "base/rng.h"

#include <stdatomic.h>

typedef enum RetryJitter {
    RETRY_EXACT, /* the backoff itself */
    RETRY_FULL,  /* uniform in [0, backoff] */
    RETRY_ADDED, /* uniform in [backoff, backoff * (1 + jitter)] */
} RetryJitter;

typedef struct RetryProfile {
    const char *name;
    int attempts; /* the first one included; >= 1, or RETRY_ENDLESS */
    int64_t base_ms, max_ms;
    double factor;
    RetryJitter how;
    double jitter; /* of RETRY_ADDED */
} RetryProfile;

enum { RETRY_ENDLESS = 0 };

extern const RetryProfile retry_handler;    /* "handler": 4 attempts, 1 2 4 s (RES-06) */
extern const RetryProfile retry_collection; /* "collection": 4 attempts, 2 4 8 s (RES-07) */
extern const RetryProfile retry_strategy;   /* "strategy": 3 attempts, 1 s x 2, at most 60 s, full jitter (RES-08) */
extern const RetryProfile retry_python;     /* "python": 3 attempts, 1 s x 1.5, 0-10 % added (RES-09) */
extern const RetryProfile retry_hop;     /* "hop": 3 attempts, 10 ms x 2, at most 250 ms, full jitter: one hop inside */
extern const RetryProfile retry_endless; /* "endless": heartbeats (U14): 1 s x 2, at most 30 s, full jitter */
extern const RetryProfile
    retry_callback; /* "callback": 8 attempts, 2 6 18 … 1458 s, 0-10 % added: 36 min in all (MSG-38) */
extern const RetryProfile retry_none;        /* "none": one attempt */
const RetryProfile *retry_profile(Str name); /* NULL if there is none of that name */
extern const RetryProfile *const retry_profiles[];

/* How an attempt ended. */
typedef enum RetryCause {
    RETRY_FINAL,  /* an answer, good or bad, that trying again would not change */
    RETRY_UNSENT, /* nothing of the call left this process */
    RETRY_CUT,    /* sent, and no (whole) answer came: reset, closed, timeout */
    RETRY_ASKED,  /* the server answered 429, 502, 503 or 504 */
} RetryCause;
/* err: ErrCode of the attempt or 0; sent: did a byte of it leave; status: of the answer, 0 = none. */
RetryCause retry_cause(int err, bool sent, int status);
/* repeatable: idempotent by method or operation, or with an idempotency key. */
bool retry_allowed(RetryCause cause, bool repeatable);

/* ms to wait after the n-th failed attempt (n = 1 is the first), or RETRY_NO_MORE. retry_after_ms: what the server told,
 * 0 = nothing; left_ms: until the deadline, INT64_MAX = none. */
enum { RETRY_NO_MORE = -1 };
int64_t retry_wait_ms(const RetryProfile *p, int n, int64_t retry_after_ms, int64_t left_ms, Rng *rng);

/* The value of a Retry-After header: seconds (a fraction is read, rounded up) or an HTTP date, which needs the wall time.
 * false for anything else; a date that has passed is 0. At most a day. */
bool retry_after_parse(Str value, Time now, int64_t *out_ms);

typedef struct RetryBudget {
    int percent;   /* of first attempts that may be retries in the long run */
    int64_t burst; /* retries at most in one go; as many are there at the start */
    _Atomic uint64_t refused;
    /* private */
    _Atomic int64_t cents; /* hundredths of a retry */
} RetryBudget;

enum { RETRY_BUDGET_PERCENT = 10, RETRY_BUDGET_BURST = 10 };
void retry_budget_init(RetryBudget *b, int percent, int64_t burst);
void retry_budget_first(RetryBudget *b); /* a first attempt is made */
bool retry_budget_take(RetryBudget *b);  /* may a retry be made? */
