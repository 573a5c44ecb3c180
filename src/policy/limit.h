#pragma once

/* policy/limit.h - so many requests a window for each client, in memory that does not grow with the clients.
 *
 * A Limiter holds one rule (60 a minute, say) and counts for each key apart. Three ways of counting:
 *   LIMIT_SLIDING  never more than `most` in any window ending now: the times of the last `most` requests are kept,
 *                  4 bytes each. What SEC-03 and GWY-09 ask for.
 *   LIMIT_FIXED    windows on a grid from the start of the limiter; twice `most` may meet at a border.
 *   LIMIT_BUCKET   a bucket of `most` tokens that refills evenly (GCRA, ITU-T I.371): 8 bytes, smooth, no window.
 *
 * Memory: a table of max_keys places, taken at once and touched only where used; it never grows (U31: the seed's map
 * did). A new key in a full set of 8 takes the place of a key whose window is over, else of the one with the fewest
 * requests in its window, the oldest of equals: ten million new addresses wash out each other, not the client that is
 * over its limit. A key that lost its place starts at zero, which errs towards letting pass. Keys are 64-bit hashes
 * under a secret seed, so nobody can aim at another's place.
 *
 * Time is monotonic and passed in. Threads: any; each set of 8 places has a spin lock of some 50 ns.
 *
 * A refused request is not counted: who keeps asking is served again as soon as the window allows. */

#include "base/arena.h"
#include "base/str.h"
#include "base/time.h"

typedef enum LimitKind { LIMIT_SLIDING, LIMIT_FIXED, LIMIT_BUCKET } LimitKind;

typedef struct LimitRule {
    const char *name; /* in headers and metrics: "ip", "key", "route" */
    LimitKind kind;
    int64_t most;      /* requests a window; SLIDING: at most LIMIT_SLIDING_MAX */
    int64_t window_ms; /* 1 ms .. 1 day */
} LimitRule;

enum { LIMIT_SLIDING_MAX = 10000 };

extern const LimitRule limit_anonymous; /* "ip": 60 a minute, sliding (SEC-03, U03) */
extern const LimitRule limit_keyed;     /* "key": 100 a minute, sliding (GWY-09, U03) */

#define LIMIT_TEXT "Rate limit exceeded" /* GWY-12, SEC-03 */

typedef struct Limiter Limiter;

/* The rule is copied. max_keys is rounded up to a power of two, at least 64; seed: from Ids, not guessable. */
Limiter *limiter_new(const LimitRule *rule, size_t max_keys, uint64_t seed);
Limiter *limiter_free(Limiter *l);

typedef struct LimitVerdict {
    bool ok;
    const LimitRule *rule;  /* the limiter's */
    int64_t most;           /* requests a window that hold for this key */
    int64_t remaining;      /* requests left in the window after this one */
    int64_t reset_ms;       /* until all of the window is there again */
    int64_t retry_after_ms; /* not ok: until the next request would pass; else 0 */
} LimitVerdict;

/* Counts one request of `key` if it may pass. most > 0 overrides the rule's number for this key (per-client settings);
 * a SLIDING limiter keeps no more times than its rule says, so it may only lower it. */
bool limiter_take(Limiter *l, uint64_t key, int64_t most, MonoNs now, LimitVerdict *out);
/* What take would say, counting nothing. */
bool limiter_peek(Limiter *l, uint64_t key, int64_t most, MonoNs now, LimitVerdict *out);

/* Keys. An IPv6 client is its /64: it has 2^64 addresses of its own. Text in any form inet_pton reads; others are
 * hashed as they are. limit_key joins any parts (client, route): each combination counts apart (GWY-10). */
uint64_t limit_key_ip(const Limiter *l, Str address);
uint64_t limit_key(const Limiter *l, const Str *parts, size_t n);

typedef struct LimiterStats {
    uint64_t passed, refused;
    uint64_t displaced; /* keys that lost their place while their window still ran */
    size_t keys;        /* in the table, also those whose window is over */
    size_t bytes;       /* of the table */
} LimiterStats;
void limiter_stats(const Limiter *l, LimiterStats *out);

/* Values for the fields RateLimit-Limit, -Remaining, -Reset (draft-ietf-httpapi-ratelimit-headers-06), RateLimit-Policy
 * ("60;w=60") and Retry-After: whole seconds, rounded up; Retry-After is empty when ok. In the arena. */
typedef struct LimitHeaders {
    Str limit, remaining, reset, policy, retry_after;
} LimitHeaders;
void limit_headers(Arena *a, const LimitVerdict *v, LimitHeaders *out);
/* Of two verdicts on one request the one its client should hear of: the refusal, else the one with less left. */
const LimitVerdict *limit_tighter(const LimitVerdict *a, const LimitVerdict *b);
