#pragma once

/* core/timeframe.h - the length of a candle, calendar-aware.
 *
 * 1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M, and any other n of these units up to the bounds
 * below. Case matters: 1m is a minute, 1M a month. All boundaries are UTC: days start at 00:00, weeks on
 * Monday, months on the 1st; n-day candles count from 1970-01-01, n-week ones from Monday 1970-01-05,
 * n-month ones from January of year 0.
 * The grid of a timeframe is the set of its open times. */

#include "base/time.h"

typedef enum TimeUnit {
    UNIT_SECOND = 1, /* 1..59 */
    UNIT_MINUTE,     /* 1..59 */
    UNIT_HOUR,       /* 1..23 */
    UNIT_DAY,        /* 1..6 */
    UNIT_WEEK,       /* 1..52 */
    UNIT_MONTH,      /* 1..12 */
} TimeUnit;

typedef struct Timeframe { /* all-zero is "none" */
    uint8_t unit;          /* TimeUnit */
    uint8_t n;
} Timeframe;

enum { TIMEFRAME_TEXT_MAX = 8 };

bool timeframe_parse(Str text, Timeframe *out);
Str timeframe_text(Timeframe tf, char out[static TIMEFRAME_TEXT_MAX]); /* borrows `out`; "none" if not valid */
/* Unit and n within the bounds above. Every function below asserts it. */
bool timeframe_valid(Timeframe tf);
static inline bool timeframe_eq(Timeframe a, Timeframe b) {
    return a.unit == b.unit && a.n == b.n;
}
/* The common ones, shortest first. */
extern const Timeframe TIMEFRAMES[16];

/* Length in ms; for months the nominal 30.436875 days. Exact for all else. */
int64_t timeframe_ms(Timeframe tf);
static inline bool timeframe_is_fixed(Timeframe tf) {
    return tf.unit != UNIT_MONTH;
}
/* The last grid time <= t. */
Time timeframe_floor(Timeframe tf, Time t);
/* The grid time n steps after the grid time `open` (n may be negative). Saturates at TIME_MIN and TIME_MAX. */
Time timeframe_step(Timeframe tf, Time open, int64_t n);
/* Open of the next candle: timeframe_step(tf, timeframe_floor(tf, t), 1). */
Time timeframe_next(Timeframe tf, Time t);
/* Number of grid times in [from, to): 0 when to <= from. */
int64_t timeframe_count(Timeframe tf, Time from, Time to);
static inline bool timeframe_on_grid(Timeframe tf, Time t) {
    return timeframe_floor(tf, t).ms == t.ms;
}
/* The timeframe whose steps the times show: the most common distance of neighbours, in either order of time; months
 * by their 28 to 31 days. false when that is not a timeframe, or with fewer than two times. Sorts ms in place. */
bool timeframe_infer(int64_t *ms, size_t n, Timeframe *out);
