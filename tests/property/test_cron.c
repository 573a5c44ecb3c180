/* core/cron against a walk over every minute, in many zones, around every kind of clock change (MDS-42).
 *
 * The oracle knows nothing of how cron_next searches: it looks at the wall clock minute after minute, as the daemon
 * does. By the clock: what the wall shows fires. By name: the wall's furthest minute so far only grows, and all
 * minutes it runs or jumps over are due at that moment. */

#include "core/cron.h"

#include "base/rng.h"

#include "lib/test.h"

static const char *const zones[] = {
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Europe/London",
    "Europe/Berlin",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Tehran",
    "Asia/Ho_Chi_Minh",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "Asia/Pyongyang",
    "America/Caracas",
    "+05:45",
};

static const char *const minutes[] = { "*", "0", "30", "*/15", "5,35", "0-59/20", "59" };
static const char *const hours[] = { "*", "0", "2", "1-3", "*/2", "0,23", "2,3" };
static const char *const days[] = { "*", "1", "*/2", "25-31", "29,30,31" };
static const char *const months[] = { "*", "mar,oct,nov", "2,4", "*/3" };
static const char *const weekdays[] = { "*", "sun", "mon-fri", "6,7", "0" };

#define PICK(rng, v) (v)[rng_below((rng), ARRAY_LEN(v))]

static int64_t wall_minute(const Tz *tz, Time t) {
    return floor_div(t.ms + tz_offset_at(tz, t).offset_s * INT64_C(1000), 60000);
}

static bool fits(const Cron *c, int64_t wall) {
    Civil local = time_to_civil(time_ms(wall * 60000));
    return cron_matches(c, &local);
}

static void walk(const Cron *c, const char *text, const char *zone, const Tz *tz, Time from, int n_minutes) {
    Time expected = cron_next(c, tz, time_ms(from.ms - 1));
    int64_t furthest = wall_minute(tz, time_ms(from.ms - 60000));
    for (int64_t back = 1; back < 3 * 1440; back++) /* what the wall has shown before we look */
        furthest = MAX(furthest, wall_minute(tz, time_ms(from.ms - back * 60000)));
    for (int i = 0; i < n_minutes; i++) {
        Time now = time_ms(from.ms + i * INT64_C(60000));
        int64_t wall = wall_minute(tz, now);
        bool due = false;
        if (c->by_clock)
            due = fits(c, wall);
        else
            for (int64_t w = furthest + 1; w <= wall && !due; w++)
                due = fits(c, w);
        furthest = MAX(furthest, wall);
        if (due != (expected.ms == now.ms)) {
            char a[TIME_TEXT_MAX + 1] = { 0 }, b[TIME_TEXT_MAX + 1] = { 0 };
            time_format_iso(now, a);
            time_format_iso(expected, b);
            FAIL("%s in %s: at %s the wall says %s, cron_next says %s", text, zone, a, due ? "fire" : "no", b);
        }
        if (due) {
            Time next = cron_next(c, tz, now);
            if (next.ms <= now.ms)
                FAIL("%s in %s: no step forward", text, zone);
            expected = next;
        }
    }
}

TEST(cron_next_is_a_walk_over_every_minute_of_the_wall) {
    TestCtx t;
    test_ctx_init(&t);
    Rng rng;
    rng_seed(&rng, prop_seed(42));
    int n_zones = 0;
    for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
        const Tz *tz;
        if (tz_load(&t.cx, TZ_DIR, str_c(zones[z]), &tz) != 0)
            continue; /* this system has no such file */
        n_zones++;
        for (int i = 0; i < 24; i++) {
            Str text = str_fmt(&t.arena, "%s %s %s %s %s", PICK(&rng, minutes), PICK(&rng, hours), PICK(&rng, days),
                               PICK(&rng, months), PICK(&rng, weekdays));
            Cron c;
            if (cron_parse(&t.cx, text, &c) != 0)
                FAIL(STR_FMT ": %s", STR_ARG(text), t.cx.err.text);
            Time at = time_ms(rng_between(&rng, INT64_C(315532800), INT64_C(2208988800)) * 1000);
            Time change = tz_next_change(tz, at);
            if (change.ms != INT64_MAX) /* most of what can go wrong goes wrong here */
                at = time_ms(change.ms - rng_between(&rng, 0, 30) * MS_PER_HOUR);
            at.ms = floor_div(at.ms, 60000) * 60000;
            walk(&c, str_cz(&t.arena, text), zones[z], tz, at, 3 * 1440);
        }
    }
    test_ctx_done(&t);
    CHECK(n_zones > 0);
    if (n_zones < 3) /* UTC and the fixed one */
        SKIP("no zone files on this system");
}

TESTS(T(cron_next_is_a_walk_over_every_minute_of_the_wall))
