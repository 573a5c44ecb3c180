/* core/calendar.c - see calendar.h. */

#include "core/calendar.h"

enum { MINUTES_PER_DAY = 1440, MINUTES_PER_WEEK = 7 * 1440, SEARCH_DAYS = 400 };

/* clang-format off */
static const CalendarSession always[] = { { 0, MINUTES_PER_WEEK } };
/* The interbank week as quoted by retail feeds: Sunday 22:00 to Friday 22:00 UTC, the New York close in winter. */
static const CalendarSession forex_week[] = {
    { 0, 4 * MINUTES_PER_DAY + 22 * 60 },
    { 6 * MINUTES_PER_DAY + 22 * 60, MINUTES_PER_WEEK },
};

static const Calendar calendars[] = {
    { "24x7", "always open", 0, always, ARRAY_LEN(always), NULL, 0 },
    { "24x5", "forex week: Sunday 22:00 to Friday 22:00 UTC", 0, forex_week, ARRAY_LEN(forex_week), NULL, 0 },
};
/* clang-format on */

const Calendar *calendar_find(Str name) {
    if (name.n == 0)
        return &calendars[0];
    for (size_t i = 0; i < ARRAY_LEN(calendars); i++)
        if (str_eq(name, str_c(calendars[i].name)))
            return &calendars[i];
    return NULL;
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

/* First open moment >= t on the local day `day`, in local ms; false when that day has none left. */
static bool day_next_open(const Calendar *cal, int64_t day, int64_t t, int64_t *out) {
    if (is_holiday(cal, day))
        return false;
    int64_t day_ms = day * MS_PER_DAY;
    int64_t week_ms = day_ms - weekday_of_days(day) * (int64_t)MS_PER_DAY;
    for (size_t i = 0; i < cal->n_sessions; i++) {
        int64_t from = MAX(week_ms + cal->sessions[i].from_minute * INT64_C(60000), day_ms);
        int64_t to = MIN(week_ms + cal->sessions[i].to_minute * INT64_C(60000), day_ms + MS_PER_DAY);
        if (MAX(from, t) < to) {
            *out = MAX(from, t);
            return true;
        }
    }
    return false;
}

Time calendar_next_open(const Calendar *cal, Time t) {
    if (time_before(t, TIME_ISO_MIN))
        t = TIME_ISO_MIN;
    if (time_before(TIME_ISO_MAX, t))
        return TIME_MAX;
    int64_t offset_ms = cal->offset_minutes * INT64_C(60000), local = t.ms + offset_ms, open;
    int64_t day = floor_div(local, MS_PER_DAY);
    for (int64_t last = day + SEARCH_DAYS; day <= last; day++)
        if (day_next_open(cal, day, local, &open))
            return time_ms(open - offset_ms);
    return TIME_MAX;
}

bool calendar_is_open(const Calendar *cal, Time t) {
    return calendar_next_open(cal, t).ms == t.ms;
}

bool calendar_open_between(const Calendar *cal, Time from, Time to) {
    return time_before(from, to) && time_before(calendar_next_open(cal, from), to);
}
