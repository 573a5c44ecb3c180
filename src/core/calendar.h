#pragma once

/* core/calendar.h - when a market is open.
 *
 * A calendar is a table: the sessions of a week in local minutes from Monday 00:00, the days without a session, and
 * the days that end early. Local time is that of an IANA zone, which the caller loads and binds (calendar_bind), or a
 * fixed offset from UTC. Adding a market is adding rows in calendar_tables.c.
 *
 * Holidays that follow a rule are computed for every year; those that a government decrees (Tet) are a table, and
 * known_from..known_to says for which years. Outside of these years only weekends and hours close a market: what is
 * not known is never called closed. Pure. */

#include "base/tz.h"
#include "core/timeframe.h"

typedef struct CalendarSession {
    int16_t from_minute, to_minute; /* [from, to) of the week, 0 = Monday 00:00, at most 7 * 1440; ascending */
} CalendarSession;

typedef struct Calendar {
    const char *name; /* as in Listing.calendar: "24x7" */
    const char *doc;
    int offset_minutes; /* local time - UTC, where zone is NULL */
    const CalendarSession *sessions;
    size_t n_sessions;
    const int32_t *holidays; /* local days since 1970-01-01 without any session; ascending */
    size_t n_holidays;
    /* The minute of this local day at which trading ends: 0 = no session, MINUTES_PER_DAY = as the table says.
     * NULL = no rule. Asked after the holidays. */
    int (*closes)(int64_t day);
    const char *zone;         /* IANA name; NULL = offset_minutes */
    const Tz *tz;             /* of calendar_bind */
    int known_from, known_to; /* years, inclusive, for which `holidays` is whole; 0 = it is no list of decrees */
    int day_begins; /* minutes by which a trading day begins before its midnight: 420 = 17:00 the day before */
} Calendar;

enum { MINUTES_PER_DAY = 1440, MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY };

extern const Calendar CALENDARS[];
extern const size_t N_CALENDARS;

/* NULL when unknown; the empty name is "24x7". Other names of one market ("nyse", "xnys") find it. */
const Calendar *calendar_find(Str name);
/* A copy that can be asked: a calendar with a zone needs it loaded (tz_load of cal->zone). */
Calendar calendar_bind(const Calendar *cal, const Tz *tz);

typedef struct CalendarSpan { /* a session, or its part within one local day */
    Time open, close;         /* [open, close) */
} CalendarSpan;

/* The first span that ends after t; false when there is none within 400 days. */
bool calendar_span(const Calendar *cal, Time t, CalendarSpan *out);
bool calendar_is_open(const Calendar *cal, Time t);
/* Start of the first open moment >= t, or TIME_MAX when there is none within 400 days. */
Time calendar_next_open(const Calendar *cal, Time t);
/* Does any session reach into [from, to)? */
bool calendar_open_between(const Calendar *cal, Time from, Time to);

/* Grid times g of [from, to) whose candle [g, next g) has open time in it: where a candle is to be expected. */
int64_t calendar_count(const Calendar *cal, Timeframe tf, Time from, Time to);
/* The trading day that t belongs to, in days since 1970: the local date, from day_begins before its midnight on. */
int64_t calendar_day(const Calendar *cal, Time t);
/* Grid times of tf that hold open time of that trading day. */
int64_t calendar_day_count(const Calendar *cal, Timeframe tf, int64_t day);
