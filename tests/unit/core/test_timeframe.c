/* core/timeframe: candle lengths and their grids. */

#include "core/timeframe.h"
#include "lib/test.h"

static Timeframe tf(const char *text) {
    Timeframe t = { 0 };
    if (!timeframe_parse(str_c(text), &t))
        FAIL("%s is not a timeframe", text);
    return t;
}

static Time at(const char *iso) {
    Time t = { 0 };
    if (!time_parse_iso(str_c(iso), &t, NULL))
        FAIL("%s is not a time", iso);
    return t;
}

TEST(text_names_unit_and_count_and_case_matters) {
    static const struct {
        const char *name;
        Timeframe want;
        bool ok;
    } rows[] = {
        { "1s", { UNIT_SECOND, 1 }, true },
        { "1m", { UNIT_MINUTE, 1 }, true },
        { "1M", { UNIT_MONTH, 1 }, true },
        { "15m", { UNIT_MINUTE, 15 }, true },
        { "59m", { UNIT_MINUTE, 59 }, true },
        { "23h", { UNIT_HOUR, 23 }, true },
        { "6d", { UNIT_DAY, 6 }, true },
        { "52w", { UNIT_WEEK, 52 }, true },
        { "12M", { UNIT_MONTH, 12 }, true },
        { "60m", { 0, 0 }, false },
        { "24h", { 0, 0 }, false },
        { "7d", { 0, 0 }, false },
        { "53w", { 0, 0 }, false },
        { "13M", { 0, 0 }, false },
        { "0m", { 0, 0 }, false },
        { "01m", { 0, 0 }, false },
        { "m", { 0, 0 }, false },
        { "1", { 0, 0 }, false },
        { "", { 0, 0 }, false },
        { "1H", { 0, 0 }, false },
        { "1D", { 0, 0 }, false },
        { "1m ", { 0, 0 }, false },
        { "-1m", { 0, 0 }, false },
        { "100s", { 0, 0 }, false },
    };
    EACH_ROW (r, rows) {
        Timeframe got = { 0 };
        CHECK_EQ(timeframe_parse(str_c(r->name), &got), r->ok);
        CHECK(timeframe_eq(got, r->want));
        char text[TIMEFRAME_TEXT_MAX];
        CHECK_STR(timeframe_text(got, text), r->ok ? str_c(r->name) : S("none"));
    }
}

TEST(the_common_ones_are_valid_and_ascending) {
    for (size_t i = 0; i < ARRAY_LEN(TIMEFRAMES); i++) {
        CHECK(timeframe_valid(TIMEFRAMES[i]));
        if (i > 0)
            CHECK(timeframe_ms(TIMEFRAMES[i - 1]) < timeframe_ms(TIMEFRAMES[i]));
    }
}

TEST(floor_finds_the_open_time_before_and_after_1970) {
    static const struct {
        const char *name, *tf, *t, *want;
    } rows[] = {
        { "minute", "1m", "2024-03-01T12:34:56.789", "2024-03-01T12:34:00" },
        { "on the grid", "1m", "2024-03-01T12:34:00", "2024-03-01T12:34:00" },
        { "quarter hour", "15m", "2024-03-01T12:34:56", "2024-03-01T12:30:00" },
        { "four hours", "4h", "2024-03-01T15:59:59.999", "2024-03-01T12:00:00" },
        { "day", "1d", "2024-02-29T23:59:59.999", "2024-02-29T00:00:00" },
        { "before 1970", "1h", "1969-12-31T23:30:00", "1969-12-31T23:00:00" },
        { "one ms before 1970", "1d", "1969-12-31T23:59:59.999", "1969-12-31T00:00:00" },
        { "3 days count from 1970", "3d", "1970-01-05", "1970-01-04" },
        { "3 days before 1970", "3d", "1969-12-31", "1969-12-29" },
        { "a week opens on Monday", "1w", "2024-03-03T23:00:00", "2024-02-26" },
        { "Monday itself", "1w", "2024-03-04", "2024-03-04" },
        { "the week of the epoch", "1w", "1970-01-01", "1969-12-29" },
        { "first Monday of the epoch", "2w", "1970-01-05", "1970-01-05" },
        { "two weeks before it", "2w", "1970-01-04", "1969-12-22" },
        { "weeks of 1950", "1w", "1950-01-08T12:00:00", "1950-01-02" },
        { "month", "1M", "2024-02-29T23:59:59.999", "2024-02-01" },
        { "quarter", "3M", "2024-06-30", "2024-04-01" },
        { "year", "12M", "1969-07-20T20:17:40", "1969-01-01" },
        { "5 months count from year 0", "5M", "2024-02-15", "2023-10-01" },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(timeframe_floor(tf(r->tf), at(r->t)).ms, at(r->want).ms);
}

TEST(steps_and_counts_follow_the_calendar) {
    static const struct {
        const char *name, *tf, *from;
        int64_t n;
        const char *want;
    } rows[] = {
        { "leap February", "1M", "2024-01-01", 2, "2024-03-01" },
        { "back over a year", "1M", "2024-02-01", -3, "2023-11-01" },
        { "a century", "12M", "1900-01-01", 100, "2000-01-01" },
        { "weeks", "1w", "2023-12-25", 1, "2024-01-01" },
        { "hours over the epoch", "1h", "1969-12-31T23:00:00", 2, "1970-01-01T01:00:00" },
        { "nothing", "1m", "2024-01-01T00:01:00", 0, "2024-01-01T00:01:00" },
    };
    EACH_ROW (r, rows) {
        Timeframe t = tf(r->tf);
        CHECK_EQ(timeframe_step(t, at(r->from), r->n).ms, at(r->want).ms);
        if (r->n > 0)
            CHECK_EQ(timeframe_count(t, at(r->from), at(r->want)), r->n);
        else
            CHECK_EQ(timeframe_count(t, at(r->want), at(r->from)), -r->n);
    }
    CHECK_EQ(timeframe_count(tf("1h"), at("2024-01-01"), at("2024-01-01T00:00:00.001")), 1);
    CHECK_EQ(timeframe_count(tf("1h"), at("2024-01-01T00:00:00.001"), at("2024-01-01T01:00:00")), 0);
    CHECK_EQ(timeframe_count(tf("1h"), at("2024-01-02"), at("2024-01-01")), 0);
    CHECK_EQ(timeframe_count(tf("1d"), at("2024-01-01"), at("2025-01-01")), 366);
    CHECK_EQ(timeframe_next(tf("1M"), at("2024-01-31T07:00:00")).ms, at("2024-02-01").ms);
}

TEST(the_ends_of_time_saturate) {
    for (size_t i = 0; i < ARRAY_LEN(TIMEFRAMES); i++) {
        Timeframe t = TIMEFRAMES[i];
        CHECK(timeframe_floor(t, TIME_MAX).ms <= INT64_MAX);
        CHECK(timeframe_floor(t, TIME_MAX).ms > INT64_MAX - timeframe_ms(t) - MS_PER_DAY);
        CHECK(timeframe_floor(t, TIME_MIN).ms < INT64_MIN + MS_PER_DAY * INT64_C(62));
        CHECK_EQ(timeframe_next(t, TIME_MAX).ms, INT64_MAX);
        CHECK_EQ(timeframe_step(t, time_ms(0), INT64_MAX).ms, INT64_MAX);
        CHECK_EQ(timeframe_step(t, time_ms(0), INT64_MIN).ms, INT64_MIN);
        CHECK(timeframe_count(t, TIME_MIN, TIME_MAX) > 0);
    }
    CHECK_EQ(timeframe_ms(tf("1M")), 2629746000);
}

TESTS(T(text_names_unit_and_count_and_case_matters), T(the_common_ones_are_valid_and_ascending),
      T(floor_finds_the_open_time_before_and_after_1970), T(steps_and_counts_follow_the_calendar),
      T(the_ends_of_time_saturate))
