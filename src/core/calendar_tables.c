/* core/calendar_tables.c - the calendars; see calendar.h.
 *
 * Sources: NYSE Rule 7.2 and the exchange's list of holidays and early closings; Eurex's trading calendar; the decrees
 * of Vietnam's government as HOSE published them. Rules give every year; what was decided once is a row. */

#include "core/calendar.h"

/* clang-format off */
static const CalendarSession always[] = { { 0, MINUTES_PER_WEEK } };

/* The interbank week as quoted by retail feeds: Sunday 22:00 to Friday 22:00 UTC, the New York close in winter. */
static const CalendarSession forex_week_utc[] = {
    { 0, 4 * MINUTES_PER_DAY + 22 * 60 },
    { 6 * MINUTES_PER_DAY + 22 * 60, MINUTES_PER_WEEK },
};
/* The same by New York's own clock: 17:00 to 17:00 all the year. */
static const CalendarSession forex_week[] = {
    { 0, 4 * MINUTES_PER_DAY + 17 * 60 },
    { 6 * MINUTES_PER_DAY + 17 * 60, MINUTES_PER_WEEK },
};

#define WEEKDAY(d, from, to) { (d) * MINUTES_PER_DAY + (from), (d) * MINUTES_PER_DAY + (to) }
#define CLOCK(h, m)          ((h) * 60 + (m))

static const CalendarSession us_hours[] = {
    WEEKDAY(0, CLOCK(9, 30), CLOCK(16, 0)), WEEKDAY(1, CLOCK(9, 30), CLOCK(16, 0)), WEEKDAY(2, CLOCK(9, 30), CLOCK(16, 0)),
    WEEKDAY(3, CLOCK(9, 30), CLOCK(16, 0)), WEEKDAY(4, CLOCK(9, 30), CLOCK(16, 0)),
};
static const CalendarSession eurex_hours[] = {
    WEEKDAY(0, CLOCK(1, 10), CLOCK(22, 0)), WEEKDAY(1, CLOCK(1, 10), CLOCK(22, 0)), WEEKDAY(2, CLOCK(1, 10), CLOCK(22, 0)),
    WEEKDAY(3, CLOCK(1, 10), CLOCK(22, 0)), WEEKDAY(4, CLOCK(1, 10), CLOCK(22, 0)),
};
static const CalendarSession hose_hours[] = {
    WEEKDAY(0, CLOCK(9, 0), CLOCK(11, 30)), WEEKDAY(0, CLOCK(13, 0), CLOCK(15, 0)),
    WEEKDAY(1, CLOCK(9, 0), CLOCK(11, 30)), WEEKDAY(1, CLOCK(13, 0), CLOCK(15, 0)),
    WEEKDAY(2, CLOCK(9, 0), CLOCK(11, 30)), WEEKDAY(2, CLOCK(13, 0), CLOCK(15, 0)),
    WEEKDAY(3, CLOCK(9, 0), CLOCK(11, 30)), WEEKDAY(3, CLOCK(13, 0), CLOCK(15, 0)),
    WEEKDAY(4, CLOCK(9, 0), CLOCK(11, 30)), WEEKDAY(4, CLOCK(13, 0), CLOCK(15, 0)),
};
/* clang-format on */

/* --- days by rule --- */

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

typedef struct Day {
    int year, month, day, weekday;
    int64_t number;
} Day;

static Day day_of(int64_t number) {
    Day d = { .weekday = weekday_of_days(number), .number = number };
    civil_from_days(number, &d.year, &d.month, &d.day);
    return d;
}

static bool is_date(const Day *d, int month, int day) {
    return d->month == month && d->day == day;
}

/* The nth such weekday of the month, counted from 1; 0 = the last. */
static bool is_nth(const Day *d, int month, int weekday, int n) {
    if (d->month != month || d->weekday != weekday)
        return false;
    return n ? (d->day - 1) / 7 + 1 == n : d->day + 7 > days_in_month(d->year, month);
}

/* Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher). */
static int64_t easter(int year) {
    int a = year % 19, b = year / 100, c = year % 100, d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
    int h = (19 * a + b - d - g + 15) % 30, i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
    int m = (a + 11 * h + 22 * l) / 451, rest = h + l - 7 * m + 114;
    return civil_to_days(year, rest / 31, rest % 31 + 1);
}

/* A fixed date whose Saturday is kept on Friday and whose Sunday on Monday. */
static bool is_observed(const Day *d, int month, int day, bool saturday_too) {
    int64_t on = civil_to_days(d->year, month, day);
    int weekday = weekday_of_days(on);
    if (weekday == SAT)
        return saturday_too && d->number == on - 1;
    return d->number == on + (weekday == SUN);
}

static bool us_holiday(const Day *d) {
    return is_observed(d, 1, 1, false) || /* the Friday before would be the old year's last day: Rule 7.2 */
           (d->year >= 1998 && is_nth(d, 1, MON, 3)) || is_nth(d, 2, MON, 3) || d->number == easter(d->year) - 2 ||
           is_nth(d, 5, MON, 0) || (d->year >= 2022 && is_observed(d, 6, 19, true)) || is_observed(d, 7, 4, true) ||
           is_nth(d, 9, MON, 1) || is_nth(d, 11, THU, 4) || is_observed(d, 12, 25, true);
}

static bool us_early(const Day *d) {
    bool before_july_4 = d->year >= 2013 ? d->weekday <= THU : d->weekday <= THU && d->weekday != WED;
    if (is_date(d, 7, 3))
        return before_july_4 && d->year >= 1995;
    if (is_date(d, 12, 24))
        return d->weekday <= THU && d->year >= 1999;
    return d->year >= 1993 && d->month == 11 &&
           is_nth(&(Day){ .year = d->year, .month = 11, .day = d->day - 1, .weekday = d->weekday - 1 }, 11, THU, 4);
}

static int us_closes(int64_t number) {
    Day d = day_of(number);
    return us_holiday(&d) ? 0 : us_early(&d) ? CLOCK(13, 0) : MINUTES_PER_DAY;
}

static int eurex_closes(int64_t number) {
    Day d = day_of(number);
    int64_t sunday = easter(d.year);
    bool closed = is_date(&d, 1, 1) || number == sunday - 2 || number == sunday + 1 || is_date(&d, 5, 1) ||
                  is_date(&d, 12, 24) || is_date(&d, 12, 25) || is_date(&d, 12, 26) || is_date(&d, 12, 31);
    return closed ? 0 : MINUTES_PER_DAY;
}

/* 24 hours on all weekdays but these two. */
static int forex_closes(int64_t number) {
    Day d = day_of(number);
    return is_date(&d, 1, 1) || is_date(&d, 12, 25) ? 0 : MINUTES_PER_DAY;
}

/* --- days once decided: days since 1970-01-01 --- */

/* clang-format off */
/* Gloria, 11 September, Reagan, Ford, Sandy, Bush, Carter. */
static const int32_t us_closings[] = {
    5748,                       /* 1985-09-27 */
    11576, 11577, 11578, 11579, /* 2001-09-11 .. -14 */
    12580,                      /* 2004-06-11 */
    13515,                      /* 2007-01-02 */
    15642, 15643,               /* 2012-10-29, -30 */
    17870,                      /* 2018-12-05 */
    20097,                      /* 2025-01-09 */
};
/* New Year, Tet, the Hung Kings, 30 April and 1 May, 2 September, with the days given for those on weekends. */
static const int32_t hose_holidays[] = {
    16436, 16437, 16482, 16483, 16484, 16485, 16486, 16489, 16553, 16554, 16555, 16556, 16680, /* 2015: 01-01, 01-02, 02-16..02-20, 02-23, 04-28..05-01, 09-02 */
    16801, 16839, 16840, 16841, 16842, 16843, 16909, 16923, 16924, 17046, /* 2016: 01-01, 02-08..02-12, 04-18, 05-02, 05-03, 09-02 */
    17168, 17192, 17193, 17196, 17197, 17198, 17262, 17287, 17288, 17413, /* 2017: 01-02, 01-26..02-01, 04-06, 05-01, 05-02, 09-04 */
    17532, 17576, 17577, 17578, 17581, 17582, 17646, 17651, 17652, 17777, 17896, /* 2018: 01-01, 02-14..02-20, 04-25, 04-30, 05-01, 09-03, 12-31 */
    17897, 17931, 17932, 17933, 17934, 17935, 18001, 18015, 18016, 18017, 18141, /* 2019: 01-01, 02-04..02-08, 04-15, 04-29..05-01, 09-02 */
    18262, 18284, 18285, 18288, 18289, 18290, 18354, 18382, 18383, 18507, /* 2020: 01-01, 01-23..01-29, 04-02, 04-30, 05-01, 09-02 */
    18628, 18668, 18669, 18670, 18673, 18674, 18738, 18747, 18750, 18872, 18873, /* 2021: 01-01, 02-10..02-16, 04-21, 04-30, 05-03, 09-02, 09-03 */
    18995, 19023, 19024, 19025, 19026, 19027, 19093, 19114, 19115, 19236, 19237, /* 2022: 01-03, 01-31..02-04, 04-11, 05-02, 05-03, 09-01, 09-02 */
    19359, 19377, 19380, 19381, 19382, 19383, 19478, 19479, 19480, 19601, 19604, /* 2023: 01-02, 01-20..01-26, 05-01..05-03, 09-01, 09-04 */
    19723, 19761, 19762, 19765, 19766, 19767, 19831, 19842, 19843, 19844, 19968, 19969, /* 2024: 01-01, 02-08..02-14, 04-18, 04-29..05-01, 09-02, 09-03 */
    20089, 20115, 20116, 20117, 20118, 20119, 20185, 20208, 20209, 20210, 20332, 20333, /* 2025: 01-01, 01-27..01-31, 04-07, 04-30..05-02, 09-01, 09-02 */
};
/* clang-format on */

const Calendar CALENDARS[] = {
    { .name = "24x7", .doc = "always open", .sessions = always, .n_sessions = ARRAY_LEN(always) },
    { .name = "24x5",
      .doc = "forex week: Sunday 22:00 to Friday 22:00 UTC",
      .sessions = forex_week_utc,
      .n_sessions = ARRAY_LEN(forex_week_utc) },
    { .name = "forex",
      .doc = "Sunday 17:00 to Friday 17:00 New York; not on Christmas and New Year's Day",
      .zone = "America/New_York",
      .sessions = forex_week,
      .n_sessions = ARRAY_LEN(forex_week),
      .closes = forex_closes,
      .day_begins = CLOCK(7, 0) },
    { .name = "us-equities",
      .doc = "NYSE and Nasdaq: 09:30 to 16:00 New York, holidays and early closings by rule",
      .zone = "America/New_York",
      .sessions = us_hours,
      .n_sessions = ARRAY_LEN(us_hours),
      .holidays = us_closings,
      .n_holidays = ARRAY_LEN(us_closings),
      .closes = us_closes },
    { .name = "eurex",
      .doc = "Eurex index futures: 01:10 to 22:00 Frankfurt",
      .zone = "Europe/Berlin",
      .sessions = eurex_hours,
      .n_sessions = ARRAY_LEN(eurex_hours),
      .closes = eurex_closes },
    { .name = "hose",
      .doc = "Ho Chi Minh City: 09:00 to 11:30 and 13:00 to 15:00; holidays of 2015 to 2025",
      .offset_minutes = 7 * 60,
      .sessions = hose_hours,
      .n_sessions = ARRAY_LEN(hose_hours),
      .holidays = hose_holidays,
      .n_holidays = ARRAY_LEN(hose_holidays),
      .known_from = 2015,
      .known_to = 2025 },
};
const size_t N_CALENDARS = ARRAY_LEN(CALENDARS);
