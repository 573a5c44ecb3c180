/* base/tz against the C library, over the system's own zone files. */

#include "base/tz.h"

#include <time.h>

#include "lib/test.h"

static const char *const zones[] = {
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Godthab",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Berlin",
    "Europe/Moscow",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Asia/Ho_Chi_Minh",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Asia/Pyongyang",
    "Pacific/Apia",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "Africa/Monrovia",
    "Etc/GMT+12",
    "America/Caracas",
    "Pacific/Kwajalein",
    "America/Argentina/San_Luis",
};

static const char *zone_dir(void) {
    static const char dir[] = TZ_DIR;
    FILE *f = fopen(TZ_DIR "/Europe/Berlin", "rb");
    if (f)
        fclose(f);
    return f ? dir : NULL;
}

static uint64_t next_random(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    return *x ^= *x << 17;
}

/* Random times of 1800..2400, and all within two days of a change. */
static Time random_time(const Tz *tz, uint64_t *x) {
    int64_t from = INT64_C(-5364662400000), to = INT64_C(13569465600000);
    Time t = { from + (int64_t)(next_random(x) % (uint64_t)(to - from)) };
    Time change = tz_next_change(tz, t);
    if (next_random(x) % 2 && change.ms != INT64_MAX)
        t = time_add_ms(change, (int64_t)(next_random(x) % (4 * MS_PER_DAY)) - 2 * MS_PER_DAY);
    return t;
}

static void compare_zone(TestCtx *t, const char *name, uint64_t *x) {
    const Tz *tz = NULL;
    int e = tz_load(&t->cx, TZ_DIR, str_c(name), &tz);
    if (e == ERR_NOT_FOUND)
        return; /* this system's tzdata is older or newer */
    if (e)
        FAIL("%s", t->cx.err.text);
    setenv("TZ", name, 1);
    tzset();
    for (int i = 0; i < 4000; i++) {
        Time when = random_time(tz, x);
        time_t seconds = (time_t)floor_div(when.ms, 1000);
        struct tm tm;
        localtime_r(&seconds, &tm);
        TzOffset got = tz_offset_at(tz, when);
        Civil c = tz_to_civil(tz, when);
        if (got.offset_s != tm.tm_gmtoff || got.dst != (tm.tm_isdst > 0) ||
            !str_eq(got.abbreviation, str_c(tm.tm_zone)))
            FAIL("%s at %lld: %d %d %.*s, not %ld %d %s", name, (long long)seconds, got.offset_s, got.dst,
                 STR_ARG(got.abbreviation), tm.tm_gmtoff, tm.tm_isdst, tm.tm_zone);
        if (c.year != tm.tm_year + 1900 || c.month != tm.tm_mon + 1 || c.day != tm.tm_mday || c.hour != tm.tm_hour ||
            c.minute != tm.tm_min || c.second != tm.tm_sec)
            FAIL("%s at %lld: other civil time", name, (long long)seconds);

        /* There and back: the same instant, or the first of the two that show this time. */
        TzFit fit;
        Time back = tz_from_civil(tz, &c, &fit);
        Civil again = tz_to_civil(tz, back);
        if (fit == TZ_SKIPPED || back.ms > when.ms || (fit == TZ_ONCE && back.ms != when.ms) ||
            memcmp(&again, &c, sizeof c) != 0)
            FAIL("%s at %lld: came back as %lld", name, (long long)when.ms, (long long)back.ms);
    }
}

TEST(agrees_with_the_c_library) {
    uint64_t x = prop_seed(20240310);
    if (!zone_dir())
        SKIP("no %s", TZ_DIR);
    TestCtx t;
    test_ctx_init(&t);
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        compare_zone(&t, zones[i], &x);
    unsetenv("TZ");
    test_ctx_done(&t);
    CHECK(x != 0);
}

/* In every gap the time moves forward by the gap; in every overlap the first of two is meant. */
TEST(gaps_and_overlaps_around_every_change) {
    if (!zone_dir())
        SKIP("no %s", TZ_DIR);
    TestCtx t;
    test_ctx_init(&t);
    size_t gaps = 0, overlaps = 0;
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        const Tz *tz;
        if (tz_load(&t.cx, TZ_DIR, str_c(zones[i]), &tz))
            continue;
        for (Time at = tz_next_change(tz, time_ms(0)); at.ms < INT64_C(4102444800000); at = tz_next_change(tz, at)) {
            int64_t before = tz_offset_at(tz, time_add_ms(at, -1)).offset_s, after = tz_offset_at(tz, at).offset_s;
            int64_t middle = at.ms + (before + after) * 500; /* local time halfway through the gap or overlap */
            Civil local = time_to_civil(time_ms(middle));
            TzFit fit;
            int64_t got = tz_from_civil(tz, &local, &fit).ms;
            CHECK_EQ(fit, after > before ? TZ_SKIPPED : after < before ? TZ_TWICE : TZ_ONCE);
            CHECK_EQ(got, middle - before * 1000);
            gaps += after > before;
            overlaps += after < before;
        }
    }
    test_ctx_done(&t);
    CHECK(gaps > 500 && overlaps > 500);
}

TESTS(T(agrees_with_the_c_library), T(gaps_and_overlaps_around_every_change))
