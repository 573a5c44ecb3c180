/* core/standardise: one schema for every source (MDS-24). */

#include "core/standardise.h"
#include "lib/test.h"

#define TX(s)                                                                                                          \
    { .text = STR_INIT(s) }
#define NR(x)                                                                                                          \
    { .number = (x) }

TEST(the_same_candle_from_many_sources_is_the_same_bits) {
    /* 2023-03-01 00:00, prices as each source prints them. */
    static const struct {
        const char *name;
        RawCandle raw;
    } rows[] = {
        { "binance rest: ms, strings",
          { NR(1677628800000), TX("23151.53000000"), TX("23151.53000000"), TX("23150.00000000"), TX("23150.10000000"),
            TX("0.02125883") } },
        { "binance bulk file of 2025: us",
          { TX("1677628800000000"), TX("23151.53000000"), TX("23151.53000000"), TX("23150.00000000"),
            TX("23150.10000000"), TX("0.02125883") } },
        { "kraken: s, strings",
          { TX("1677628800"), TX("23151.53"), TX("23151.53"), TX("23150.0"), TX("23150.1"), TX("0.02125883") } },
        { "coinbase: s, numbers",
          { NR(1677628800), NR(23151.53), NR(23151.53), NR(23150), NR(23150.1), NR(0.02125883) } },
        { "csv: ISO-8601 with zone",
          { TX("2023-03-01 00:00:00+00:00"), TX("2.315153e4"), TX("23151.53"), TX("23150"), TX("23150.1"),
            TX("2.125883E-2") } },
        { "csv: another zone",
          { TX("2023-02-28T19:00:00-05:00"), TX("+23151.53"), TX("023151.53"), TX("23150."), TX("23150.10"),
            TX(".02125883") } },
        { "seconds with a fraction",
          { TX("1677628800.000"), TX("23151.53"), TX("23151.53"), TX("23150"), TX("23150.1"), TX("0.02125883") } },
    };
    const StandardiseOptions options = { .timeframe = { UNIT_MINUTE, 1 } };
    Candle first;
    CHECK_EQ(candle_standardise(&rows[0].raw, &options, &first), 0);
    CHECK_EQ(first.open_time.ms, 1677628800000);
    CHECK(first.open == 23151.53 && first.low == 23150 && first.volume == 0.02125883);
    EACH_ROW (r, rows) {
        Candle c;
        CHECK_EQ(candle_standardise(&r->raw, &options, &c), 0);
        CHECK(candle_same_data(&c, &first));
        CHECK_EQ(c.flags, 0);
    }
}

TEST(the_field_at_fault_is_told) {
    static const RawCandle good = { NR(0), NR(1), NR(1), NR(1), NR(1), NR(1) };
    const StandardiseOptions options = { 0 };
    for (int field = FIELD_TIME; field <= FIELD_VOLUME; field++) {
        RawCandle raw = good;
        RawValue *values[] = { NULL, &raw.time, &raw.open, &raw.high, &raw.low, &raw.close, &raw.volume };
        Candle c = { .open = 77 };
        *values[field] = RAW_TEXT(S("n/a"));
        CHECK_EQ(candle_standardise(&raw, &options, &c), field);
        *values[field] = RAW_NUMBER(NAN);
        CHECK_EQ(candle_standardise(&raw, &options, &c), field);
        CHECK_NEAR(c.open, 77, 0); /* untouched */
    }
    CHECK_STR(str_c(candle_field_name(FIELD_HIGH)), S("high"));
}

TEST(a_candle_that_has_not_ended_is_open) {
    static const RawCandle raw = { NR(1677628800), NR(1), NR(1), NR(1), NR(1), NR(1) };
    StandardiseOptions options = { .timeframe = { UNIT_HOUR, 1 }, .flags = CANDLE_SIMULATED };
    Candle c;
    static const struct {
        const char *name;
        int64_t now_ms;
        uint8_t want;
    } rows[] = {
        { "now not known", 0, CANDLE_SIMULATED },
        { "in the candle", INT64_C(1677628800000) + 1, CANDLE_SIMULATED | CANDLE_OPEN },
        { "its last ms", INT64_C(1677632399999), CANDLE_SIMULATED | CANDLE_OPEN },
        { "its end", INT64_C(1677632400000), CANDLE_SIMULATED },
    };
    EACH_ROW (r, rows) {
        options.now = time_ms(r->now_ms);
        CHECK_EQ(candle_standardise(&raw, &options, &c), 0);
        CHECK_EQ(c.flags, r->want);
        CHECK_EQ(c.known_at.ms, r->now_ms);
    }
}

TEST(epochs_tell_their_unit_by_magnitude) {
    static const struct {
        const char *name;
        int64_t v, ms;
    } rows[] = {
        { "s", 1677628800, INT64_C(1677628800000) },
        { "ms", INT64_C(1677628800123), INT64_C(1677628800123) },
        { "us", INT64_C(1677628800123999), INT64_C(1677628800123) },
        { "ns", INT64_C(1677628800123999999), INT64_C(1677628800123) },
        { "s before 1970", -86400, -86400000 },
        { "us before 1970 floor", -INT64_C(1677628800123001), -INT64_C(1677628800124) },
        { "zero", 0, 0 },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(epoch_to_time(r->v).ms, r->ms);
}

TEST(minus_zero_becomes_zero) {
    static const RawCandle raw = { NR(0), NR(1), NR(1), NR(1), NR(1), TX("-0") };
    Candle c;
    CHECK_EQ(candle_standardise(&raw, &(StandardiseOptions){ 0 }, &c), 0);
    CHECK(!signbit(c.volume));
}

TESTS(T(the_same_candle_from_many_sources_is_the_same_bits), T(the_field_at_fault_is_told),
      T(a_candle_that_has_not_ended_is_open), T(epochs_tell_their_unit_by_magnitude), T(minus_zero_becomes_zero))
