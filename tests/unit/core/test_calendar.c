/* core/calendar: when a market is open. */

#include "core/calendar.h"
#include "lib/test.h"

static Time at(const char *iso) {
    Time t = { 0 };
    if (!time_parse_iso(str_c(iso), &t, NULL))
        FAIL("%s is not a time", iso);
    return t;
}

TEST(calendars_are_found_by_name) {
    CHECK_STR(str_c(calendar_find(S("24x7"))->name), S("24x7"));
    CHECK(calendar_find(S("")) == calendar_find(S("24x7")));
    CHECK(calendar_find(S("moon")) == NULL);
}

TEST(the_forex_week_runs_from_sunday_to_friday_22_utc) {
    static const struct {
        const char *name, *t;
        bool open;
        const char *next;
    } rows[] = {
        { "midweek", "2024-03-06T12:00:00", true, "2024-03-06T12:00:00" },
        { "last moment of Friday", "2024-03-08T21:59:59.999", true, "2024-03-08T21:59:59.999" },
        { "Friday's close", "2024-03-08T22:00:00", false, "2024-03-10T22:00:00" },
        { "Saturday", "2024-03-09T12:00:00", false, "2024-03-10T22:00:00" },
        { "Sunday's open", "2024-03-10T22:00:00", true, "2024-03-10T22:00:00" },
        { "Monday midnight", "2024-03-11T00:00:00", true, "2024-03-11T00:00:00" },
        { "before 1970", "1969-12-27T12:00:00", false, "1969-12-28T22:00:00" },
    };
    const Calendar *cal = calendar_find(S("24x5"));
    EACH_ROW (r, rows) {
        CHECK_EQ(calendar_is_open(cal, at(r->t)), r->open);
        CHECK_EQ(calendar_next_open(cal, at(r->t)).ms, at(r->next).ms);
    }
    CHECK(!calendar_open_between(cal, at("2024-03-08T22:00:00"), at("2024-03-10T22:00:00")));
    CHECK(calendar_open_between(cal, at("2024-03-08T21:59:00"), at("2024-03-10T22:00:00")));
    CHECK(calendar_open_between(cal, at("2024-03-09"), at("2024-03-10T22:01:00")));
    CHECK(!calendar_open_between(cal, at("2024-03-06"), at("2024-03-06"))); /* an empty range */
}

TEST(sessions_and_holidays_are_local_days) {
    /* A share market at UTC+7, Monday to Friday 09:00-11:30 and 13:00-15:00, closed on 2024-02-08 and -09. */
    static const CalendarSession sessions[] = {
        { 540, 690 },   { 780, 900 },   { 1980, 2130 }, { 2220, 2340 }, { 3420, 3570 },
        { 3660, 3780 }, { 4860, 5010 }, { 5100, 5220 }, { 6300, 6450 }, { 6540, 6660 },
    };
    static const int32_t holidays[] = { 19761, 19762 };
    const Calendar cal = { "test", "", 420, sessions, ARRAY_LEN(sessions), holidays, ARRAY_LEN(holidays) };
    CHECK_EQ(civil_to_days(2024, 2, 8), holidays[0]);
    CHECK(calendar_is_open(&cal, at("2024-02-07T02:00:00"))); /* 09:00 local */
    CHECK(!calendar_is_open(&cal, at("2024-02-07T04:30:00")));
    CHECK_EQ(calendar_next_open(&cal, at("2024-02-07T04:30:00")).ms, at("2024-02-07T06:00:00").ms);
    CHECK_EQ(calendar_next_open(&cal, at("2024-02-07T08:00:00")).ms, at("2024-02-12T02:00:00").ms);
    CHECK(!calendar_open_between(&cal, at("2024-02-07T08:00:00"), at("2024-02-12T02:00:00")));
}

TEST(a_market_that_never_opens_ends_the_search) {
    const Calendar cal = { .name = "never" };
    CHECK_EQ(calendar_next_open(&cal, at("2024-01-01")).ms, INT64_MAX);
    CHECK_EQ(calendar_next_open(calendar_find(S("24x7")), TIME_MAX).ms, INT64_MAX);
    CHECK(calendar_next_open(calendar_find(S("24x7")), TIME_MIN).ms == TIME_ISO_MIN.ms);
}

TESTS(T(calendars_are_found_by_name), T(the_forex_week_runs_from_sunday_to_friday_22_utc),
      T(sessions_and_holidays_are_local_days), T(a_market_that_never_opens_ends_the_search))
