#pragma once

/* core/calendar.h - when a market is open.
 *
 * A calendar is a table: the sessions of a week in minutes from Monday 00:00 and the days without a session, both
 * in the calendar's fixed offset from UTC. Adding a venue is adding rows in calendar.c. Pure. */

#include "base/time.h"

typedef struct CalendarSession {
    int16_t from_minute, to_minute; /* [from, to) of the week, 0 = Monday 00:00, at most 7 * 1440; ascending */
} CalendarSession;

typedef struct Calendar {
    const char *name; /* as in Listing.calendar: "24x7" */
    const char *doc;
    int offset_minutes; /* local time - UTC */
    const CalendarSession *sessions;
    size_t n_sessions;
    const int32_t *holidays; /* local days since 1970-01-01 without any session; ascending */
    size_t n_holidays;
} Calendar;

/* NULL when unknown; the empty name is "24x7". */
const Calendar *calendar_find(Str name);

bool calendar_is_open(const Calendar *cal, Time t);
/* Start of the first open moment >= t, or TIME_MAX when there is none within 400 days. */
Time calendar_next_open(const Calendar *cal, Time t);
/* Does any session reach into [from, to)? */
bool calendar_open_between(const Calendar *cal, Time from, Time to);
