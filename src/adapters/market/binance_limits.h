#pragma once

/* adapters/market/binance_limits.h - how much may be asked of the venue, and when. Pure: time is passed in.
 *
 * The venue counts weight (and requests) in windows of its own clock, per address, and tells limits in exchangeInfo
 * and counts in headers. We stop at 80 % of a limit until the next window begins. Nothing here knows a number of
 * the venue's: as long as no limit was told, nothing is held back.
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

typedef enum BinanceCount { BINANCE_WEIGHT, BINANCE_REQUESTS } BinanceCount;

typedef struct BinanceWindow {
    BinanceCount count;
    int64_t length_ms;
    int64_t limit; /* 0 = not told */
    int64_t used;  /* of the running window, never less than what the venue counts of ours */
    /* private */
    int64_t index; /* of the running window: server time / length */
    int64_t early; /* answered when the next window may have begun already */
} BinanceWindow;

enum { BINANCE_WINDOWS_MAX = 8, BINANCE_HEADROOM_PERCENT = 80 };

typedef struct BinanceLimits {
    BinanceWindow windows[BINANCE_WINDOWS_MAX];
    int n_windows;
    int64_t under_way[2]; /* weight and requests sent and not answered, by BinanceCount */
    bool clock_known;
    int64_t offset_lo, offset_hi; /* server clock - our clock lies between the two */
    int64_t blocked_until;        /* by a 429 or a ban; 0 = none was met yet */
    bool banned;                  /* the block is a ban (418) */
} BinanceLimits;                  /* all-zero is valid: nothing known */

/* Admits one request of that weight and counts it; or false and *wait_ms: ask again then. */
bool binance_limits_take(BinanceLimits *l, int64_t now, int64_t weight, int64_t *wait_ms);
/* Its answer, or its failure, came. Exactly once for each take. */
void binance_limits_done(BinanceLimits *l, int64_t now, int64_t weight);

/* What answers tell. `sent` and `now` are when the request left and its answer came. */
void binance_limits_server_time(BinanceLimits *l, int64_t sent, int64_t now, Time least, Time most);
void binance_limits_told(BinanceLimits *l, int64_t now, BinanceCount count, int64_t length_ms, int64_t limit);
void binance_limits_used(BinanceLimits *l, int64_t sent, int64_t now, int64_t length_ms, int64_t weight);
/* Nothing is admitted before `until`. A block never gets shorter. */
void binance_limits_block(BinanceLimits *l, int64_t until, bool ban);

/* The venue's clock: what it shows at least. false while unknown. */
bool binance_limits_clock(const BinanceLimits *l, int64_t now, Time *out);
/* Our time when the next window of weight begins; now + fallback_ms when none is known. */
int64_t binance_limits_next_window(const BinanceLimits *l, int64_t now, int64_t fallback_ms);
/* The shortest window of weight; NULL when none is known. */
const BinanceWindow *binance_limits_weight(const BinanceLimits *l);

/* "x-mbx-used-weight-1m" -> 60,000; 0 for any other header. */
int64_t binance_used_header_ms(Str name);
/* "MINUTE", 5 -> 300,000; 0 for what is unknown. */
int64_t binance_interval_ms(Str unit, int64_t n);
