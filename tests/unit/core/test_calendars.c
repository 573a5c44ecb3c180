/* core/calendar: the tables. Holidays by rule, early closings, sessions over clock changes, what is to be expected. */

#include "base/vec.h"
#include "core/calendar.h"
#include "core/gap.h"
#include "lib/test.h"
#include "lib/zone.h"

static Calendar bound(TestCtx *t, const char *name) {
    const Calendar *cal = calendar_find(str_c(name));
    if (!cal)
        FAIL("no calendar %s", name);
    const Tz *tz = NULL;
    if (cal->zone && str_eq(str_c(cal->zone), S("America/New_York")))
        tz = test_zone(&t->cx, "NY", "EST5EDT,M3.2.0,M11.1.0");
    else if (cal->zone)
        tz = test_zone(&t->cx, "Berlin", "CET-1CEST,M3.5.0,M10.5.0/3");
    return calendar_bind(cal, tz);
}

TEST(us_sessions_follow_new_yorks_clock) {
    static const struct {
        const char *name, *t, *open, *close;
    } rows[] = {
        { "winter", "2024-03-08T12:00:00", "2024-03-08T14:30:00", "2024-03-08T21:00:00" },
        { "over the weekend the clock changes", "2024-03-08T21:00:00", "2024-03-11T13:30:00", "2024-03-11T20:00:00" },
        { "autumn", "2024-11-03T00:00:00", "2024-11-04T14:30:00", "2024-11-04T21:00:00" },
        { "Independence Day, and the early close before", "2024-07-03T12:00:00", "2024-07-03T13:30:00",
          "2024-07-03T17:00:00" },
        { "behind the early close: not the fourth", "2024-07-03T17:00:00", "2024-07-05T13:30:00",
          "2024-07-05T20:00:00" },
        { "the day after Thanksgiving", "2024-11-27T21:00:00", "2024-11-29T14:30:00", "2024-11-29T18:00:00" },
        { "Christmas", "2024-12-24T18:00:00", "2024-12-26T14:30:00", "2024-12-26T21:00:00" },
        { "New Year on a Saturday takes no Friday", "2021-12-31T12:00:00", "2021-12-31T14:30:00",
          "2021-12-31T21:00:00" },
        { "New Year on a Sunday takes the Monday", "2022-12-30T21:00:00", "2023-01-03T14:30:00",
          "2023-01-03T21:00:00" },
        { "Juneteenth on a Sunday", "2022-06-17T20:00:00", "2022-06-21T13:30:00", "2022-06-21T20:00:00" },
        { "no Juneteenth in 2021", "2021-06-18T12:00:00", "2021-06-18T13:30:00", "2021-06-18T20:00:00" },
        { "Good Friday", "2024-03-28T20:00:00", "2024-04-01T13:30:00", "2024-04-01T20:00:00" },
        { "11 September", "2001-09-10T20:00:00", "2001-09-17T13:30:00", "2001-09-17T20:00:00" },
        { "Sandy", "2012-10-26T20:00:00", "2012-10-31T13:30:00", "2012-10-31T20:00:00" },
    };
    TestCtx t;
    test_ctx_init(&t);
    Calendar cal = bound(&t, "nyse");
    EACH_ROW (r, rows) {
        CalendarSpan span;
        CHECK(calendar_span(&cal, test_time(r->t), &span));
        CHECK_EQ(span.open.ms, test_time(r->open).ms);
        CHECK_EQ(span.close.ms, test_time(r->close).ms);
    }
    test_ctx_done(&t);
}

/* As the exchange counted them. */
TEST(years_have_as_many_us_trading_days_as_they_had) {
    static const struct {
        const char *name;
        int year, days;
    } rows[] = {
        { "1998", 1998, 252 }, { "2001", 2001, 248 }, { "2004", 2004, 252 }, { "2008", 2008, 253 },
        { "2012", 2012, 250 }, { "2018", 2018, 251 }, { "2020", 2020, 253 }, { "2022", 2022, 251 },
        { "2023", 2023, 250 }, { "2024", 2024, 252 }, { "2025", 2025, 250 },
    };
    TestCtx t;
    test_ctx_init(&t);
    Calendar cal = bound(&t, "us-equities");
    EACH_ROW (r, rows) {
        Time from = time_ms(civil_to_days(r->year, 1, 1) * MS_PER_DAY);
        Time to = time_ms(civil_to_days(r->year + 1, 1, 1) * MS_PER_DAY);
        CHECK_EQ(calendar_count(&cal, (Timeframe){ UNIT_DAY, 1 }, from, to), r->days);
    }
    test_ctx_done(&t);
}

TEST(ho_chi_minh_city_has_a_lunch_break_and_tet) {
    TestCtx t;
    test_ctx_init(&t);
    Calendar cal = bound(&t, "HOSE");
    CalendarSpan span;
    CHECK(calendar_span(&cal, test_time("2024-02-07T04:30:00"), &span)); /* 11:30 */
    CHECK_EQ(span.open.ms, test_time("2024-02-07T06:00:00").ms);
    CHECK(calendar_span(&cal, test_time("2024-02-07T08:00:00"), &span)); /* 15:00; Tet until 14 February */
    CHECK_EQ(span.open.ms, test_time("2024-02-15T02:00:00").ms);
    CHECK_EQ(calendar_count(&cal, (Timeframe){ UNIT_DAY, 1 }, test_time("2024-01-01"), test_time("2025-01-01")), 250);
    CHECK_EQ(calendar_count(&cal, (Timeframe){ UNIT_MINUTE, 1 }, test_time("2024-02-07"), test_time("2024-02-08")),
             270);
    /* Half of an hour candle is enough to expect it: 9, 10, 11, 13, 14 o'clock. */
    CHECK_EQ(calendar_count(&cal, (Timeframe){ UNIT_HOUR, 1 }, test_time("2024-02-07"), test_time("2024-02-08")), 5);
    CHECK(cal.known_from == 2015 && cal.known_to >= 2025);
    test_ctx_done(&t);
}

TEST(eurex_and_forex_close_where_they_say) {
    TestCtx t;
    test_ctx_init(&t);
    Calendar eurex = bound(&t, "eurex"), forex = bound(&t, "forex");
    CalendarSpan span;
    CHECK(calendar_span(&eurex, test_time("2024-03-28T21:00:00"), &span)); /* Good Friday to Easter Monday */
    CHECK_EQ(span.open.ms, test_time("2024-04-01T23:10:00").ms);           /* Tuesday 01:10 summer time */
    CHECK(!calendar_is_open(&eurex, test_time("2024-12-31T12:00:00")));
    CHECK(!calendar_is_open(&forex, test_time("2024-07-05T21:00:00"))); /* 17:00 in summer */
    CHECK(calendar_is_open(&forex, test_time("2024-07-07T21:00:00")));
    CHECK(calendar_is_open(&forex, test_time("2024-12-06T21:30:00"))); /* 16:30 in winter */
    CHECK(!calendar_is_open(&forex, test_time("2024-12-25T12:00:00")));
    CHECK_EQ(calendar_day(&forex, test_time("2024-07-07T21:00:00")), civil_to_days(2024, 7, 8));
    CHECK_EQ(calendar_day(&forex, test_time("2024-07-08T20:59:59")), civil_to_days(2024, 7, 8));
    CHECK_EQ(calendar_day_count(&forex, (Timeframe){ UNIT_HOUR, 1 }, civil_to_days(2024, 7, 9)), 24);
    test_ctx_done(&t);
}

TEST(gaps_are_cut_at_the_sessions) {
    TestCtx t;
    test_ctx_init(&t);
    Calendar cal = bound(&t, "nyse");
    /* Hours from Thursday 2024-07-04 (a holiday) 20:00 UTC to Monday 15:00: Friday's seven, and Monday's two. */
    Gap whole = { .from = test_time("2024-07-04T20:00:00"), .to = test_time("2024-07-08T15:00:00") };
    Timeframe h1 = { UNIT_HOUR, 1 };
    for (int keep = 0; keep < 2; keep++) {
        GapList gaps = { 0 };
        vec_push_in(&t.arena, &gaps, whole);
        int64_t closed = gaps_split(&gaps, 0, h1, &cal, keep, &t.arena);
        CHECK_EQ(gaps.n, keep ? 4 : 2);
        const Gap *friday = &gaps.v[keep], *monday = &gaps.v[keep ? 3 : 1];
        CHECK_EQ(friday->from.ms, test_time("2024-07-05T13:00:00").ms);
        CHECK_EQ(friday->to.ms, test_time("2024-07-05T20:00:00").ms);
        CHECK_EQ(friday->missing, 7);
        CHECK_EQ(monday->from.ms, test_time("2024-07-08T13:00:00").ms);
        CHECK_EQ(monday->missing, 2);
        CHECK_EQ(closed + 9, timeframe_count(h1, whole.from, whole.to));
        gaps_classify(&gaps, h1, &(GapEvidence){ .calendar = &cal });
        if (keep)
            CHECK(gaps.v[0].cls == GAP_MARKET_CLOSED && gaps.v[2].cls == GAP_MARKET_CLOSED);
        CHECK(friday->cls != GAP_MARKET_CLOSED && monday->cls != GAP_MARKET_CLOSED);
    }
    test_ctx_done(&t);
}

TESTS(T(us_sessions_follow_new_yorks_clock), T(years_have_as_many_us_trading_days_as_they_had),
      T(ho_chi_minh_city_has_a_lunch_break_and_tet), T(eurex_and_forex_close_where_they_say),
      T(gaps_are_cut_at_the_sessions))
