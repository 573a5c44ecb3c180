/* base/time: the calendar, and times as text. */

#include "base/time.h"

#include "lib/test.h"

TEST(days_of_known_dates) {
    static const struct {
        const char *name;
        int year, month, day;
        int64_t days;
        int weekday;
    } rows[] = {
        { "the epoch, a Thursday", 1970, 1, 1, 0, 3 },
        { "the day before", 1969, 12, 31, -1, 2 },
        { "leap day of 2000", 2000, 2, 29, 11016, 1 },
        { "after the leap day", 2000, 3, 1, 11017, 2 },
        { "1900 had no leap day", 1900, 3, 1, -25508, 3 },
        { "first day ISO can write", 1, 1, 1, -719162, 0 },
        { "last day ISO can write", 9999, 12, 31, 2932896, 4 },
        { "leap day of year 0", 0, 2, 29, -719469, 1 },
        { "before year 0", -1, 12, 31, -719529, 4 },
        { "a far year", 292278994, 8, 17, INT64_C(106751991167), 6 },
    };
    EACH_ROW (r, rows) {
        int y, m, d;
        CHECK_EQ(civil_to_days(r->year, r->month, r->day), r->days);
        CHECK_EQ(weekday_of_days(r->days), r->weekday);
        civil_from_days(r->days, &y, &m, &d);
        CHECK(y == r->year && m == r->month && d == r->day);
    }
}

/* Walks every day of 1600..2400 by the rules of the calendar alone. */
TEST(days_follow_each_other) {
    int64_t days = civil_to_days(1600, 1, 1);
    int weekday = weekday_of_days(days);
    for (int y = 1600; y <= 2400; y++)
        for (int m = 1; m <= 12; m++)
            for (int d = 1; d <= days_in_month(y, m); d++, days++, weekday = (weekday + 1) % 7) {
                int y2, m2, d2;
                civil_from_days(days, &y2, &m2, &d2);
                if (civil_to_days(y, m, d) != days || y2 != y || m2 != m || d2 != d || weekday_of_days(days) != weekday)
                    FAIL("%d-%02d-%02d is not day %lld", y, m, d, (long long)days);
            }
    CHECK_EQ(days_in_month(2023, 2), 28);
    CHECK_EQ(days_in_month(2024, 2), 29);
    CHECK_EQ(days_in_month(2100, 2), 28);
    CHECK_EQ(days_in_month(2000, 2), 29);
}

TEST(iso_text) {
    static const struct {
        const char *name;
        int64_t ms;
    } rows[] = {
        { "2024-03-01T12:34:56Z", INT64_C(1709296496000) },
        { "2024-03-01T12:34:56.001Z", INT64_C(1709296496001) },
        { "1970-01-01T00:00:00Z", 0 },
        { "1969-12-31T23:59:59.999Z", -1 },
        { "0001-01-01T00:00:00Z", INT64_C(-62135596800000) },
        { "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
        { "-62135596800001", INT64_C(-62135596800001) },
        { "253402300800000", INT64_C(253402300800000) },
        { "-9223372036854775808", INT64_MIN },
    };
    Arena a = { 0 };
    EACH_ROW (r, rows) {
        CHECK_STR(time_iso(&a, time_ms(r->ms)), str_c(r->name));
        CHECK(str_c(r->name).n <= TIME_TEXT_MAX);
    }
    arena_done(&a);
}

TEST(iso_is_read) {
    static const struct {
        const char *name;
        int64_t ms;
        bool zone;
    } rows[] = {
        { "2024-03-01", INT64_C(1709251200000), false },
        { "2024-03-01T12:34", INT64_C(1709296440000), false },
        { "2024-03-01 12:34:56", INT64_C(1709296496000), false },
        { "2024-03-01t12:34:56z", INT64_C(1709296496000), true },
        { "2024-03-01T12:34:56.7Z", INT64_C(1709296496700), true },
        { "2024-03-01T12:34:56,789Z", INT64_C(1709296496789), true },
        { "2024-03-01T12:34:56.789999999Z", INT64_C(1709296496789), true },
        { "2024-03-01T19:34:56+07:00", INT64_C(1709296496000), true },
        { "2024-03-01T19:34:56+0700", INT64_C(1709296496000), true },
        { "2024-03-01T19:34:56+07", INT64_C(1709296496000), true },
        { "2024-03-01T07:04:56-05:30", INT64_C(1709296496000), true },
        { "2024-02-29", INT64_C(1709164800000), false },
        { "1969-12-31T23:59:59.9999Z", -1, true },
        { "0001-01-01", INT64_C(-62135596800000), false },
    };
    EACH_ROW (r, rows) {
        Time t = { 7 };
        bool zone = !r->zone;
        CHECK(time_parse_iso(str_c(r->name), &t, &zone));
        CHECK_EQ(t.ms, r->ms);
        CHECK_EQ(zone, r->zone);
        CHECK(time_parse_iso(str_c(r->name), &t, NULL));
    }
}

TEST(bad_iso_is_refused_and_changes_nothing) {
    static const struct {
        const char *name;
    } rows[] = {
        { "" },
        { "2023-02-29" },
        { "2024-00-01" },
        { "2024-13-01" },
        { "2024-04-31" },
        { "2024-1-1" },
        { "20240301" },
        { "2024-03-01T" },
        { "2024-03-01T12" },
        { "2024-03-01T24:00" },
        { "2024-03-01T12:60" },
        { "2024-03-01T23:59:60Z" },
        { "2024-03-01T12:34:56." },
        { "2024-03-01T12:34.5" },
        { "2024-03-01T12:34:56ZZ" },
        { "2024-03-01T12:34:56Z " },
        { " 2024-03-01" },
        { "2024-03-01Z" },
        { "2024-03-01T12:34+24:00" },
        { "2024-03-01T12:34+07:60" },
        { "2024-03-01T12:34+7" },
        { "2024-03-01T12:34+07:" },
        { "2024-03-01T12:34 07:00" },
        { "0000-12-31" },
        { "0001-01-01T00:00+00:01" },
        { "9999-12-31T23:59-00:01" },
        { "+2024-03-01" },
        { "2024-03-01T1a:00" },
    };
    EACH_ROW (r, rows) {
        Time t = { 7 };
        bool zone = true;
        CHECK(!time_parse_iso(str_c(r->name), &t, &zone));
        CHECK(t.ms == 7 && zone);
    }
    Time t;
    CHECK(!time_parse_iso(S("2024-03-01\0"), &t, NULL));
}

TEST(any_dialect_of_a_query_is_read) {
    static const struct {
        const char *name;
        int64_t ms;
    } rows[] = {
        { "1709296496", INT64_C(1709296496000) },
        { "1709296496001", INT64_C(1709296496001) },
        { "1709296496001999", INT64_C(1709296496001) },
        { "1709296496001999999", INT64_C(1709296496001) },
        { "0", 0 },
        { "-1", -1000 },
        { "-1709296496001999", INT64_C(-1709296496002) },
        { "99999999999", INT64_C(99999999999000) },
        { "100000000000", INT64_C(100000000000) },
        { "-9223372036854775808", INT64_C(-9223372036855) },
        { "2024-03-01", INT64_C(1709251200000) },
    };
    Time t;
    EACH_ROW (r, rows) {
        CHECK(time_parse_any(str_c(r->name), &t));
        CHECK_EQ(t.ms, r->ms);
    }
    static const struct {
        const char *name;
    } bad[] = { { "" }, { "now" }, { "12.5" }, { "1709296496Z" }, { "9223372036854775808" }, { "--1" } };
    EACH_ROW (r, bad)
        CHECK(!time_parse_any(str_c(r->name), &t));
}

TEST(durations_need_a_unit) {
    static const struct {
        const char *name;
        bool ok;
        int64_t ms;
    } rows[] = {
        { "250ms", true, 250 },
        { "90s", true, 90000 },
        { "15m", true, 900000 },
        { "36h", true, INT64_C(129600000) },
        { "7d", true, INT64_C(604800000) },
        { "2w", true, INT64_C(1209600000) },
        { "0s", true, 0 },
        { "90", false, -1 },
        { "s", false, -1 },
        { "", false, -1 },
        { "-5s", false, -1 },
        { "1.5h", false, -1 },
        { "5 s", false, -1 },
        { "5y", false, -1 },
        { "9223372036854775807ms", true, INT64_MAX },
        { "9223372036854775808ms", false, -1 },
        { "99999999999999w", false, -1 },
    };
    EACH_ROW (r, rows) {
        int64_t ms = -1;
        CHECK_EQ(duration_parse_ms(str_c(r->name), &ms), r->ok);
        CHECK_EQ(ms, r->ms);
    }
}

TEST(http_dates) {
    char out[TIME_TEXT_MAX];
    CHECK_STR(str_n(out, time_format_http(time_ms(INT64_C(784111777000)), out)), S("Sun, 06 Nov 1994 08:49:37 GMT"));
    CHECK_STR(str_n(out, time_format_http(time_ms(-1), out)), S("Wed, 31 Dec 1969 23:59:59 GMT"));
    CHECK_STR(str_n(out, time_format_http(TIME_MIN, out)), S("Mon, 01 Jan 0001 00:00:00 GMT"));
    CHECK_STR(str_n(out, time_format_http(TIME_MAX, out)), S("Fri, 31 Dec 9999 23:59:59 GMT"));
}

TEST(civil_fields_are_checked_and_saturate) {
    Civil c = { 2024, 2, 29, 23, 59, 59, 999 };
    CHECK(civil_valid(&c));
    CHECK_EQ(time_from_civil(&c).ms, INT64_C(1709251199999));
    c.second = 60;
    CHECK(!civil_valid(&c));
    c = (Civil){ 2023, 2, 29, 0, 0, 0, 0 };
    CHECK(!civil_valid(&c));
    c = (Civil){ INT32_MAX, 12, 31, 0, 0, 0, 0 };
    CHECK_EQ(time_from_civil(&c).ms, INT64_MAX);
    c.year = INT32_MIN;
    CHECK_EQ(time_from_civil(&c).ms, INT64_MIN);
    static const int64_t ends[] = { INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX, 0, -1, -86400000 };
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        c = time_to_civil(time_ms(ends[i]));
        CHECK(civil_valid(&c));
        CHECK_EQ(time_from_civil(&c).ms, ends[i]);
    }
}

TEST(parse_undoes_format) {
    uint64_t seed = prop_seed(20240301);
    uint64_t x = seed | 1;
    uint64_t range = (uint64_t)(TIME_ISO_MAX.ms - TIME_ISO_MIN.ms) + 1;
    CHECK(range > 0);
    for (int i = 0; i < 100000; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        Time t = { TIME_ISO_MIN.ms + (int64_t)((x ^ x >> 29) % range) }, back;
        char out[TIME_TEXT_MAX];
        bool zone = false;
        Str text = str_n(out, time_format_iso(t, out));
        if (!time_parse_iso(text, &back, &zone) || back.ms != t.ms || !zone)
            FAIL("%lld became " STR_FMT, (long long)t.ms, STR_ARG(text));
    }
}

TESTS(T(days_of_known_dates), T(days_follow_each_other), T(iso_text), T(iso_is_read),
      T(bad_iso_is_refused_and_changes_nothing), T(any_dialect_of_a_query_is_read), T(durations_need_a_unit),
      T(http_dates), T(civil_fields_are_checked_and_saturate), T(parse_undoes_format))
