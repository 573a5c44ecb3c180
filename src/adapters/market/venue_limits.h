#pragma once

/* adapters/market/venue_limits.h - how much may be asked of a venue, and when. Pure: time is passed in.
 *
 * A venue that counts does it in windows of its own clock, per address, and tells limits and counts in its answers
 * (Binance: exchangeInfo and headers). We stop at 80 % of a limit until the next window begins. Nothing here knows a
 * number of a venue's: as long as no limit was told, nothing is held back.
 * A venue that tells nothing until it refuses has a pace instead, which its documents tell: so many requests at once,
 * then one every interval.
 *
 * Three things make the count right although our clock is not the venue's and requests take time:
 *  - The venue's clock is known as an interval [lo, hi] around ours, from when a request left and its answer came. A
 *    window counts as begun when lo has reached it: then it has begun for certain.
 *  - A request still under way when a window begins may be counted in it, so it is.
 *  - So is one that was answered while hi, but not yet lo, had reached the window.
 * Hence each request is counted in at least every window the venue may count it in.
 *
 * All times are ms of our monotonic clock unless called server times. The caller holds a lock. */

#include "base/time.h"

typedef enum LimitCount { LIMIT_WEIGHT, LIMIT_REQUESTS } LimitCount;

typedef struct LimitWindow {
    LimitCount count;
    int64_t length_ms;
    int64_t limit; /* 0 = not told */
    int64_t used;  /* of the running window, never less than what the venue counts of ours */
    /* private */
    int64_t index; /* of the running window: server time / length */
    int64_t early; /* answered when the next window may have begun already */
} LimitWindow;

enum { LIMIT_WINDOWS_MAX = 8, LIMIT_HEADROOM_PERCENT = 80 };

typedef struct VenuePace { /* a token bucket that begins full */
    int64_t interval_ms;   /* one more request; 0 = no pace */
    int64_t burst;         /* at once; at least 1 where there is an interval */
    int64_t free_at;       /* private */
} VenuePace;

typedef struct VenueLimits {
    VenuePace pace;
    LimitWindow windows[LIMIT_WINDOWS_MAX];
    int n_windows;
    int64_t under_way[2]; /* weight and requests sent and not answered, by LimitCount */
    bool clock_known;
    int64_t offset_lo, offset_hi; /* server clock - our clock lies between the two */
    int64_t blocked_until;        /* by a 429 or a ban; 0 = none was met yet */
    bool banned;                  /* the block is a ban (418) */
} VenueLimits;                    /* all-zero is valid: nothing known */

/* Admits one request of that weight and counts it; or false and *wait_ms: ask again then. */
bool venue_limits_take(VenueLimits *l, int64_t now, int64_t weight, int64_t *wait_ms);
/* Its answer, or its failure, came. Exactly once for each take. */
void venue_limits_done(VenueLimits *l, int64_t now, int64_t weight);

/* What answers tell. `sent` and `now` are when the request left and its answer came. */
void venue_limits_server_time(VenueLimits *l, int64_t sent, int64_t now, Time least, Time most);
void venue_limits_told(VenueLimits *l, int64_t now, LimitCount count, int64_t length_ms, int64_t limit);
void venue_limits_used(VenueLimits *l, int64_t sent, int64_t now, int64_t length_ms, int64_t weight);
/* Nothing is admitted before `until`. A block never gets shorter. */
void venue_limits_block(VenueLimits *l, int64_t until, bool ban);

/* The venue's clock: what it shows at least. false while unknown. */
bool venue_limits_clock(const VenueLimits *l, int64_t now, Time *out);
/* Our time when the next window of weight begins; now + fallback_ms when none is known. */
int64_t venue_limits_next_window(const VenueLimits *l, int64_t now, int64_t fallback_ms);
/* The shortest window of weight; NULL when none is known. */
const LimitWindow *venue_limits_weight(const VenueLimits *l);
