/* core/calendar.c - see calendar.h. The tables are in calendar_tables.c.
 *
 * Everything is asked of one walk: calendar_span goes from local day to local day and turns what is open of each
 * into time. A local time that clocks skip or show twice is read as tz_from_civil reads it. */

#include "core/calendar.h"

enum { SEARCH_DAYS = 400 };

static const struct {
    const char *name, *means;
} aliases[] = {
    { "", "24x7" },
    { "nyse", "us-equities" },
    { "xnys", "us-equities" },
    { "nasdaq", "us-equities" },
    { "xnas", "us-equities" },
    { "xeur", "eurex" },
    { "xstc", "hose" },
    { "hnx", "hose" },
    { "upcom", "hose" },
};

const Calendar *calendar_find(Str name) {
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (str_eq_nocase(name, str_c(aliases[i].name)))
            name = str_c(aliases[i].means);
    for (size_t i = 0; i < N_CALENDARS; i++)
        if (str_eq_nocase(name, str_c(CALENDARS[i].name)))
            return &CALENDARS[i];
    return NULL;
}

Calendar calendar_bind(const Calendar *cal, const Tz *tz) {
    Calendar bound = *cal;
    bound.tz = cal->zone ? tz : NULL;
    return bound;
}

/* --- local time --- */

static int64_t local_ms(const Calendar *cal, Time t) {
    assert(!cal->zone || cal->tz);
    int64_t offset_ms =
        cal->tz ? tz_offset_at(cal->tz, t).offset_s * INT64_C(1000) : cal->offset_minutes * INT64_C(60000);
    return t.ms + offset_ms;
}

static Time from_local(const Calendar *cal, int64_t ms) {
    if (!cal->tz)
        return time_ms(ms - cal->offset_minutes * INT64_C(60000));
    Civil local = time_to_civil(time_ms(ms));
    return tz_from_civil(cal->tz, &local, NULL);
}

static bool is_holiday(const Calendar *cal, int64_t day) {
    size_t lo = 0, hi = cal->n_holidays;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cal->holidays[mid] < day)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < cal->n_holidays && cal->holidays[lo] == day;
}

/* --- the walk --- */

/* The first part of a session on the local day `day` that ends after t. */
static bool day_span(const Calendar *cal, int64_t day, Time t, CalendarSpan *out) {
    int closes = is_holiday(cal, day) ? 0 : cal->closes ? cal->closes(day) : MINUTES_PER_DAY;
    int64_t day_ms = day * MS_PER_DAY, end_ms = day_ms + closes * INT64_C(60000);
    int64_t week_ms = day_ms - weekday_of_days(day) * (int64_t)MS_PER_DAY;
    for (size_t i = 0; i < cal->n_sessions; i++) {
        int64_t from = MAX(week_ms + cal->sessions[i].from_minute * INT64_C(60000), day_ms);
        int64_t to = MIN(week_ms + cal->sessions[i].to_minute * INT64_C(60000), end_ms);
        if (from >= to)
            continue;
        CalendarSpan span = { from_local(cal, from), from_local(cal, to) };
        if (time_before(t, span.close) && time_before(span.open, span.close)) {
            *out = span;
            return true;
        }
    }
    return false;
}

bool calendar_span(const Calendar *cal, Time t, CalendarSpan *out) {
    if (time_before(t, TIME_ISO_MIN))
        t = TIME_ISO_MIN;
    if (time_before(TIME_ISO_MAX, time_add_ms(t, (SEARCH_DAYS + 2) * (int64_t)MS_PER_DAY)))
        return false;
    int64_t day = floor_div(local_ms(cal, t), MS_PER_DAY);
    for (int64_t last = day + SEARCH_DAYS; day <= last; day++)
        if (day_span(cal, day, t, out))
            return true;
    return false;
}

Time calendar_next_open(const Calendar *cal, Time t) {
    CalendarSpan span;
    if (!calendar_span(cal, t, &span))
        return TIME_MAX;
    return time_before(t, span.open) ? span.open : t;
}

bool calendar_is_open(const Calendar *cal, Time t) {
    return calendar_next_open(cal, t).ms == t.ms;
}

bool calendar_open_between(const Calendar *cal, Time from, Time to) {
    return time_before(from, to) && time_before(calendar_next_open(cal, from), to);
}

/* --- what is to be expected --- */

static bool always_open(const Calendar *cal) {
    return cal->n_sessions == 1 && cal->sessions[0].from_minute == 0 &&
           cal->sessions[0].to_minute == MINUTES_PER_WEEK && cal->n_holidays == 0 && !cal->closes;
}

int64_t calendar_count(const Calendar *cal, Timeframe tf, Time from, Time to) {
    if (always_open(cal))
        return timeframe_count(tf, from, to);
    int64_t n = 0;
    CalendarSpan span;
    for (Time at = from; time_before(at, to) && calendar_span(cal, at, &span) && time_before(span.open, to);) {
        Time first = timeframe_floor(tf, time_before(at, span.open) ? span.open : at);
        Time begin = time_before(first, from) ? from : first;
        Time end = time_before(to, span.close) ? to : span.close;
        n += timeframe_count(tf, begin, end);
        /* The candle that the span ends in is counted: the next look begins behind it. */
        Time behind = timeframe_next(tf, time_ms(span.close.ms - 1));
        at = behind;
    }
    return n;
}

int64_t calendar_day(const Calendar *cal, Time t) {
    return floor_div(local_ms(cal, t) + cal->day_begins * INT64_C(60000), MS_PER_DAY);
}

int64_t calendar_day_count(const Calendar *cal, Timeframe tf, int64_t day) {
    int64_t begin = day * MS_PER_DAY - cal->day_begins * INT64_C(60000);
    Time from = from_local(cal, begin), to = from_local(cal, begin + MS_PER_DAY);
    return calendar_count(cal, tf, timeframe_floor(tf, from), to);
}
