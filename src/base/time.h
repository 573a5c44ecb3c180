#pragma once

/* base/time.h - two kinds of time that cannot be mixed.
 *
 * Time   { int64_t ms }  a point in time: Unix epoch milliseconds UTC, may be negative (before 1970).
 *                        Used for data and on the wire.
 * MonoNs { int64_t ns }  a point of the monotonic clock. Used for durations and deadlines.
 *
 * Durations are plain int64_t with the unit at the end of the name. The calendar is the proleptic
 * Gregorian one; no leap seconds (as POSIX). Nothing here reads a clock: see base/clock.h. */

#include "base/str.h"

typedef struct Time {
    int64_t ms;
} Time;

typedef struct MonoNs {
    int64_t ns;
} MonoNs;

#define TIME_MIN ((Time){ INT64_MIN })
#define TIME_MAX ((Time){ INT64_MAX })
/* The range that ISO-8601 with four-digit years can say: 0001-01-01 .. 9999-12-31T23:59:59.999. */
#define TIME_ISO_MIN ((Time){ INT64_C(-62135596800000) })
#define TIME_ISO_MAX ((Time){ INT64_C(253402300799999) })

enum {
    MS_PER_SECOND = 1000,
    MS_PER_MINUTE = 60 * 1000,
    MS_PER_HOUR = 3600 * 1000,
    MS_PER_DAY = 24 * 3600 * 1000,
};
#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_SECOND INT64_C(1000000000)

static inline Time time_ms(int64_t ms) {
    return (Time){ ms };
}
static inline int time_cmp(Time a, Time b) {
    return (a.ms > b.ms) - (a.ms < b.ms);
}
static inline bool time_before(Time a, Time b) {
    return a.ms < b.ms;
}
static inline Time time_add_ms(Time t, int64_t ms) { /* saturates */
    int64_t sum;
    if (__builtin_add_overflow(t.ms, ms, &sum))
        sum = ms > 0 ? INT64_MAX : INT64_MIN;
    return (Time){ sum };
}
static inline int64_t mono_ms_between(MonoNs from, MonoNs to) {
    return (to.ns - from.ns) / NS_PER_MS;
}
static inline MonoNs mono_add_ms(MonoNs t, int64_t ms) {
    return (MonoNs){ t.ns + ms * NS_PER_MS };
}

/* Floor division and its remainder (0 <= rest < b), right for negative times; b > 0. */
static inline int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}
static inline int64_t floor_mod(int64_t a, int64_t b) {
    int64_t r = a % b;
    return r < 0 ? r + b : r;
}

/* --- civil dates --- */

typedef struct Civil {
    int year;  /* astronomical: 0 is 1 BC */
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hour, minute, second, ms;
} Civil;

int64_t civil_to_days(int year, int month, int day); /* days since 1970-01-01 */
void civil_from_days(int64_t days, int *year, int *month, int *day);
int days_in_month(int year, int month);
int weekday_of_days(int64_t days); /* 0 = Monday .. 6 = Sunday */
Time time_from_civil(const Civil *c);
Civil time_to_civil(Time t);
/* Every field in its range (second 60 is not: Unix time has none). */
bool civil_valid(const Civil *c);

/* --- text --- */

enum { TIME_TEXT_MAX = 32 };
/* "2024-03-01T12:34:56Z", with ".123" only when ms are not 0; outside TIME_ISO_* the plain number of
 * ms. Writes at most TIME_TEXT_MAX bytes without a terminator; returns the length. */
size_t time_format_iso(Time t, char *out);
Str time_iso(Arena *a, Time t);
/* "Fri, 01 Mar 2024 12:34:56 GMT" (RFC 9110 IMF-fixdate), 29 bytes; times outside TIME_ISO_* become its ends. */
size_t time_format_http(Time t, char *out);

/* ISO-8601 / RFC 3339: date, or date and time ('T', 't' or ' '), optional seconds and fraction (digits
 * past ms are cut), optional zone behind a time (Z, ±hh, ±hh:mm, ±hhmm). *has_zone says whether one was
 * given; without one the text is read as UTC. has_zone may be NULL. The whole text must be it; 24:00 and
 * second 60 are refused, as is a result outside TIME_ISO_*. */
bool time_parse_iso(Str s, Time *out, bool *has_zone);
/* What people and programs send in queries: ISO-8601 as above, or an integer epoch in seconds, ms, µs or
 * ns, told apart by magnitude (|v| < 1e11 s, < 1e14 ms, < 1e17 µs, else ns). */
bool time_parse_any(Str s, Time *out);
/* "250ms", "90s", "15m", "36h", "7d", "2w" -> ms; a bare number, a sign and an overflow are refused. */
bool duration_parse_ms(Str s, int64_t *out);
