/* core/cron: when schedules fire, over clock changes, leap days and month ends (MDS-42). */

#include "core/cron.h"
#include "lib/test.h"
#include "lib/zone.h"

static Cron cron(TestCtx *t, const char *text) {
    Cron c = { 0 };
    if (cron_parse(&t->cx, str_c(text), &c) != 0)
        FAIL("%s: %s", text, t->cx.err.text);
    return c;
}

TEST(the_next_fire_is_the_first_time_that_fits) {
    static const struct {
        const char *name, *text, *after, *next;
    } rows[] = {
        { "every minute", "* * * * *", "2024-03-01T10:00:00", "2024-03-01T10:01:00" },
        { "inside a minute", "* * * * *", "2024-03-01T10:00:30.5", "2024-03-01T10:01:00" },
        { "the time itself is over", "0 9 * * *", "2024-03-01T09:00:00", "2024-03-02T09:00:00" },
        { "a step", "*/20 * * * *", "2024-03-01T10:40:00", "2024-03-01T11:00:00" },
        { "a range with a step", "10-40/15 * * * *", "2024-03-01T10:26:00", "2024-03-01T10:40:00" },
        { "a list", "5,35 9,17 * * *", "2024-03-01T09:35:00", "2024-03-01T17:05:00" },
        { "names", "0 0 * FEB Mon", "2024-03-01", "2025-02-03" },
        { "working days", "30 9 * * mon-fri", "2024-03-01T12:00:00", "2024-03-04T09:30:00" },
        { "Sunday is 7", "0 0 * * 7", "2024-03-01", "2024-03-03" },
        { "Sunday is 0", "0 0 * * 0", "2024-03-01", "2024-03-03" },
        { "Friday to Sunday", "0 0 * * fri-sun", "2024-03-02", "2024-03-03" },
        { "month end: the 31st skips short months", "0 0 31 * *", "2024-03-31", "2024-05-31" },
        { "month end: 29 February of a leap year", "0 0 29 2 *", "2023-01-01", "2024-02-29" },
        { "no leap year in 2100", "0 0 29 2 *", "2096-02-29", "2104-02-29" },
        { "year end", "0 0 1 1 *", "2024-12-31T23:59:59.999", "2025-01-01" },
        { "either day where both are given", "0 0 13 * fri", "2024-03-01", "2024-03-08" },
        { "both days where one begins with *", "0 0 */2 * fri", "2024-03-02", "2024-03-15" },
        { "before 1970", "0 12 * * *", "1969-12-31T13:00:00", "1970-01-01T12:00:00" },
        { "yearly", "@yearly", "2024-03-01", "2025-01-01" },
        { "monthly", "@monthly", "2024-03-01", "2024-04-01" },
        { "weekly", "@weekly", "2024-03-01", "2024-03-03" },
        { "daily", "@Daily", "2024-03-01", "2024-03-02" },
        { "hourly", "@hourly", "2024-03-01", "2024-03-01T01:00:00" },
        { "every five minutes", "@every 300s", "2024-03-01T00:00:01", "2024-03-01T00:05:00" },
        { "every 90 minutes, from the epoch on", "@every 90m", "1970-01-01T01:30:00", "1970-01-01T03:00:00" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Cron c = cron(&t, r->text);
        CHECK_EQ(cron_next(&c, tz_utc(), test_time(r->after)).ms, test_time(r->next).ms);
    }
    test_ctx_done(&t);
}

/* Berlin 2024: 31 March 02:00 -> 03:00, 27 October 03:00 -> 02:00. */
TEST(named_times_fire_once_a_day_whatever_the_clock_does) {
    static const struct {
        const char *name, *text, *after, *next;
    } rows[] = {
        { "the day before spring", "30 2 * * *", "2024-03-29T12:00:00", "2024-03-30T01:30:00" },
        { "skipped: when the gap ends", "30 2 * * *", "2024-03-30T12:00:00", "2024-03-31T01:00:00" },
        { "and the day after as ever", "30 2 * * *", "2024-03-31T01:00:00", "2024-04-01T00:30:00" },
        { "two in the gap fire once", "0,30 2 * * *", "2024-03-31T01:00:00", "2024-04-01T00:00:00" },
        { "one behind the gap", "30 2,3 * * *", "2024-03-31T01:00:00", "2024-03-31T01:30:00" },
        { "twice: the first", "30 2 * * *", "2024-10-26T12:00:00", "2024-10-27T00:30:00" },
        { "twice: not the second", "30 2 * * *", "2024-10-27T00:30:00", "2024-10-28T01:30:00" },
        { "asked between the two", "30 2 * * *", "2024-10-27T00:45:00", "2024-10-28T01:30:00" },
        { "asked after the second", "30 2 * * *", "2024-10-27T01:45:00", "2024-10-28T01:30:00" },
    };
    TestCtx t;
    test_ctx_init(&t);
    const Tz *berlin = test_zone(&t.cx, "Berlin", "CET-1CEST,M3.5.0,M10.5.0/3");
    EACH_ROW (r, rows) {
        Cron c = cron(&t, r->text);
        CHECK_EQ(cron_next(&c, berlin, test_time(r->after)).ms, test_time(r->next).ms);
    }
    test_ctx_done(&t);
}

TEST(expressions_by_the_clock_follow_what_it_shows) {
    static const struct {
        const char *name, *text, *after, *next;
    } rows[] = {
        { "skipped minutes are not there", "*/30 2 * * *", "2024-03-30T12:00:00", "2024-04-01T00:00:00" },
        { "every half hour goes on over the gap", "*/30 * * * *", "2024-03-31T00:30:00", "2024-03-31T01:00:00" },
        { "both hours that come twice: first", "*/30 2 * * *", "2024-10-27T00:00:00", "2024-10-27T00:30:00" },
        { "both hours that come twice: second", "*/30 2 * * *", "2024-10-27T00:30:00", "2024-10-27T01:00:00" },
        { "a minute of every hour", "15 * * * *", "2024-10-27T00:15:00", "2024-10-27T01:15:00" },
    };
    TestCtx t;
    test_ctx_init(&t);
    const Tz *berlin = test_zone(&t.cx, "Berlin", "CET-1CEST,M3.5.0,M10.5.0/3");
    EACH_ROW (r, rows) {
        Cron c = cron(&t, r->text);
        CHECK_EQ(cron_next(&c, berlin, test_time(r->after)).ms, test_time(r->next).ms);
    }
    test_ctx_done(&t);
}

TEST(what_is_no_schedule_is_refused_with_the_field_at_fault) {
    static const struct {
        const char *name, *text, *words;
    } rows[] = {
        { "empty", "", "has 0 of the five fields" },
        { "four fields", "* * * *", "has 4 of the five fields" },
        { "six fields", "* * * * * root", "behind the five fields" },
        { "minute 60", "60 * * * *", "no minute" },
        { "hour 24", "* 24 * * *", "no hour" },
        { "day 0", "* * 0 * *", "no day of month" },
        { "month 13", "* * * 13 *", "no month" },
        { "weekday 8", "* * * * 8", "no day of week" },
        { "step 0", "*/0 * * * *", "no minute" },
        { "step without range", "5/10 * * * *", "no minute" },
        { "range backwards", "30-10 * * * *", "no minute" },
        { "empty item", "1,,2 * * * *", "no minute" },
        { "sign", "-5 * * * *", "no minute" },
        { "name of another field", "* * * mon *", "no month" },
        { "no such nickname", "@reboot", "is not known" },
        { "interval without unit", "@every 300", "no interval" },
        { "interval of less than a second", "@every 250ms", "no interval" },
        { "a day no month has", "0 0 31 2,4,6 *", "never fires" },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Cron c = { .every_ms = 7 };
        CHECK_EQ(cron_parse(&t.cx, str_c(r->text), &c), ERR_INVALID);
        if (!strstr(t.cx.err.text, r->words))
            FAIL("'%s' does not say '%s'", t.cx.err.text, r->words);
        CHECK_STR(str_c(t.cx.err.field), S("schedule"));
        CHECK_EQ(c.every_ms, 7);
    }
    test_ctx_done(&t);
}

TEST(the_ends_of_time_are_no_trap) {
    TestCtx t;
    test_ctx_init(&t);
    Cron c = cron(&t, "0 0 * * *");
    CHECK_EQ(cron_next(&c, tz_utc(), TIME_MAX).ms, INT64_MAX);
    CHECK_EQ(cron_next(&c, tz_utc(), TIME_MIN).ms, TIME_ISO_MIN.ms + MS_PER_DAY);
    test_ctx_done(&t);
}

TESTS(T(the_next_fire_is_the_first_time_that_fits), T(named_times_fire_once_a_day_whatever_the_clock_does),
      T(expressions_by_the_clock_follow_what_it_shows), T(what_is_no_schedule_is_refused_with_the_field_at_fault),
      T(the_ends_of_time_are_no_trap))
