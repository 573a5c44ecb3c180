/* tests/unit/adapters/test_venue_limits.c - the budget of weight: MDS-19. */

#include "adapters/market/venue_limits.h"
#include "base/rng.h"
#include "test.h"

enum { MINUTE = 60000 };
static const int64_t T0 = INT64_C(1000000); /* our clock */

/* Limit 100 a minute; the venue's clock shows 10 s past a minute at T0, known exactly. */
static VenueLimits known(void) {
    VenueLimits l = { 0 };
    venue_limits_server_time(&l, T0, T0, time_ms(100 * MINUTE + 10000), time_ms(100 * MINUTE + 10000));
    venue_limits_told(&l, T0, LIMIT_WEIGHT, MINUTE, 100);
    return l;
}

static bool take(VenueLimits *l, int64_t now, int64_t weight, int64_t *wait) {
    bool got = venue_limits_take(l, now, weight, wait);
    if (got)
        venue_limits_done(l, now, weight);
    return got;
}

TEST(stops_at_80_percent_until_the_venues_next_minute) {
    VenueLimits l = known();
    int64_t wait;
    for (int i = 0; i < 40; i++)
        CHECK(take(&l, T0 + i, 2, &wait));
    CHECK(!take(&l, T0 + 1000, 2, &wait));
    CHECK_EQ(wait, 49000); /* 10 s + 1 s of the minute are over */
    CHECK(!take(&l, T0 + 49999, 2, &wait));
    CHECK_EQ(wait, 1);
    CHECK(take(&l, T0 + 50000, 2, &wait));
    CHECK_EQ(l.windows[0].used, 2);
}

TEST(without_told_limits_nothing_is_held_back) {
    VenueLimits l = { 0 };
    int64_t wait;
    for (int i = 0; i < 10000; i++)
        CHECK(take(&l, T0, 20, &wait));
    CHECK(!venue_limits_weight(&l));
}

TEST(what_the_venue_counts_of_others_is_counted) {
    VenueLimits l = known();
    int64_t wait;
    CHECK(take(&l, T0, 2, &wait));
    venue_limits_used(&l, T0, T0 + 50, MINUTE, 79);
    CHECK(!take(&l, T0 + 60, 2, &wait));
    venue_limits_used(&l, T0, T0 + 70, MINUTE, 3); /* an older answer does not give it back */
    CHECK(!take(&l, T0 + 80, 2, &wait));
    CHECK(take(&l, T0 + 50000, 2, &wait));
    venue_limits_used(&l, T0 + 49000, T0 + 50100, MINUTE, 79); /* the count of the minute before, late */
    CHECK(take(&l, T0 + 50200, 2, &wait));
}

TEST(requests_under_way_count_in_the_minute_that_begins) {
    VenueLimits l = known();
    int64_t wait;
    for (int i = 0; i < 40; i++)
        CHECK(venue_limits_take(&l, T0 + 49990, 2, &wait));
    CHECK(!venue_limits_take(&l, T0 + 50010, 2, &wait)); /* none is answered: they may arrive only now */
    for (int i = 0; i < 40; i++)
        venue_limits_done(&l, T0 + 50020, 2);
    CHECK(!venue_limits_take(&l, T0 + 50030, 2, &wait));
    CHECK(venue_limits_take(&l, T0 + 50000 + MINUTE, 2, &wait));
}

TEST(an_uncertain_clock_counts_a_request_in_both_minutes) {
    VenueLimits l = { 0 };
    int64_t wait;
    venue_limits_told(&l, T0, LIMIT_WEIGHT, MINUTE, 100);
    /* It said 0:10 at some moment of the last two seconds: it shows 0:10 to 0:12 now. */
    venue_limits_server_time(&l, T0 - 2000, T0, time_ms(100 * MINUTE + 10000), time_ms(100 * MINUTE + 10000));
    for (int i = 0; i < 40; i++)
        CHECK(take(&l, T0 + 48500, 2, &wait)); /* 0:58.5 to 1:00.5 */
    CHECK(!take(&l, T0 + 48600, 2, &wait));
    CHECK_EQ(wait, 1400);
    CHECK(!take(&l, T0 + 50000, 2, &wait)); /* all 40 may have been counted in this minute */
    CHECK(take(&l, T0 + 50000 + MINUTE, 2, &wait));
}

TEST(a_block_stops_everything_and_never_gets_shorter) {
    VenueLimits l = known();
    int64_t wait;
    venue_limits_block(&l, T0 + 120000, true);
    venue_limits_block(&l, T0 + 5000, false);
    CHECK(!take(&l, T0, 1, &wait));
    CHECK_EQ(wait, 120000);
    CHECK(l.banned);
    CHECK(take(&l, T0 + 120000, 1, &wait));
    CHECK(!l.banned);
}

TEST(a_request_larger_than_the_headroom_goes_alone) {
    VenueLimits l = known();
    int64_t wait;
    CHECK(take(&l, T0, 95, &wait));
    CHECK(!take(&l, T0 + 1, 95, &wait));
    CHECK(take(&l, T0 + 50000, 95, &wait));
}

TEST(counts_of_requests_are_kept_beside_weight) {
    VenueLimits l = known();
    int64_t wait;
    venue_limits_told(&l, T0, LIMIT_REQUESTS, 5 * MINUTE, 10);
    for (int i = 0; i < 8; i++)
        CHECK(take(&l, T0, 1, &wait));
    CHECK(!take(&l, T0, 1, &wait));
    CHECK_EQ(wait, 5 * MINUTE - 10000);
    CHECK_EQ(venue_limits_weight(&l)->length_ms, MINUTE);
}

/* Coinbase: ten a second, fifteen at once. */
TEST(a_pace_lets_a_burst_go_and_then_one_an_interval) {
    VenueLimits l = { .pace = { .interval_ms = 100, .burst = 15 } };
    int64_t wait, now = T0;
    for (int i = 0; i < 15; i++)
        CHECK(take(&l, now, 1, &wait));
    CHECK(!take(&l, now, 1, &wait));
    CHECK_EQ(wait, 100);
    CHECK(!take(&l, now + 99, 1, &wait));
    for (int i = 1; i <= 20; i++)
        CHECK(take(&l, now + i * 100, 1, &wait));
    CHECK(!take(&l, now + 2050, 1, &wait));
    now += 2000 + 1500; /* full again, and no fuller */
    for (int i = 0; i < 15; i++)
        CHECK(take(&l, now, 1, &wait));
    CHECK(!take(&l, now, 1, &wait));
}

/* --- the property: whatever the delays, the venue never counts more than the limit in one of its minutes --- */

enum { CALLERS = 24, MINUTES = 40 };

typedef struct Flight { /* a caller's request: not yet sent, on its way, on its way back */
    enum { IDLE, SENT, ARRIVED } state;
    int64_t at; /* when it goes on */
    int64_t sent, weight, told, arrived;
} Flight;

typedef struct Venue {
    int64_t offset; /* its clock - ours */
    int64_t limit;
    int64_t counted[MINUTES + 8];
    int64_t first_minute;
} Venue;

static int64_t *venue_minute(Venue *v, int64_t now) {
    return &v->counted[floor_div(now + v->offset, MINUTE) - v->first_minute];
}

static void fly(Flight *f, Venue *v, VenueLimits *l, Rng *rng, int64_t now, bool with_headers) {
    int64_t slow = rng_chance(rng, 0.02) ? 14000 : 400; /* now and then a request takes seconds */
    int64_t wait;
    switch (f->state) {
    case IDLE:
        f->weight = rng_chance(rng, 0.1) ? 20 : 2;
        f->sent = now;
        if (!venue_limits_take(l, now, f->weight, &wait)) {
            f->at = now + wait + (int64_t)rng_below(rng, 20);
            return;
        }
        f->state = SENT;
        f->at = now + (int64_t)rng_below(rng, (uint64_t)slow);
        return;
    case SENT:
        *venue_minute(v, now) += f->weight;
        f->told = *venue_minute(v, now);
        f->arrived = now;
        f->state = ARRIVED;
        f->at = now + (int64_t)rng_below(rng, (uint64_t)slow);
        return;
    case ARRIVED:
        venue_limits_done(l, now, f->weight);
        if (with_headers)
            venue_limits_used(l, f->sent, now, MINUTE, f->told);
        if (rng_chance(rng, 0.05)) /* an answer that tells the time */
            venue_limits_server_time(l, f->sent, now, time_ms(f->arrived + v->offset), time_ms(f->arrived + v->offset));
        f->state = IDLE;
        f->at = now + (int64_t)rng_below(rng, 50);
        return;
    }
}

/* MDS-19: the weight limit is never exceeded under a fake clock, with many callers interleaved. */
TEST(the_weight_of_no_minute_exceeds_the_limit) {
    Rng rng;
    uint64_t seed = prop_seed(20240101);
    for (uint64_t round = 0; round < 60; round++) {
        rng_seed(&rng, seed + round);
        VenueLimits l = { 0 };
        Venue v = { .offset = rng_between(&rng, 0, 1000000000), .limit = rng_chance(&rng, 0.5) ? 1200 : 6000 };
        v.first_minute = floor_div(T0 + v.offset, MINUTE);
        Flight flights[CALLERS] = { 0 };
        bool with_headers = rng_chance(&rng, 0.5), with_clock = rng_chance(&rng, 0.8);
        venue_limits_told(&l, T0, LIMIT_WEIGHT, MINUTE, v.limit);
        if (with_clock) {
            int64_t rtt = rng_between(&rng, 0, 3000), part = rng_between(&rng, 0, rtt);
            venue_limits_server_time(&l, T0 - rtt, T0, time_ms(T0 - part + v.offset), time_ms(T0 - part + v.offset));
        }
        int64_t now = T0;
        for (size_t i = 0; i < CALLERS; i++)
            flights[i].at = now + (int64_t)rng_below(&rng, 1000);
        while (now < T0 + (int64_t)MINUTES * MINUTE) {
            size_t next = 0;
            for (size_t i = 1; i < CALLERS; i++)
                if (flights[i].at < flights[next].at)
                    next = i;
            now = MAX(now, flights[next].at);
            fly(&flights[next], &v, &l, &rng, now, with_headers);
        }
        int64_t most = 0, sum = 0;
        for (size_t m = 0; m < ARRAY_LEN(v.counted); m++) {
            most = MAX(most, v.counted[m]);
            sum += v.counted[m];
        }
        if (most > v.limit * LIMIT_HEADROOM_PERCENT / 100)
            FAIL("round %llu: %lld in one minute, the limit is %lld", (unsigned long long)round, (long long)most,
                 (long long)v.limit);
        /* And the budget is used: half of what 80 % would allow, or all that so many callers can ask for. */
        int64_t could = v.limit * 80 / 100 * MINUTES;
        if (v.limit == 1200 && sum < could / 2)
            FAIL("round %llu: only %lld of %lld were asked for", (unsigned long long)round, (long long)sum,
                 (long long)could);
    }
    CHECK(true);
}

TESTS(T(stops_at_80_percent_until_the_venues_next_minute), T(without_told_limits_nothing_is_held_back),
      T(what_the_venue_counts_of_others_is_counted), T(requests_under_way_count_in_the_minute_that_begins),
      T(an_uncertain_clock_counts_a_request_in_both_minutes), T(a_block_stops_everything_and_never_gets_shorter),
      T(a_request_larger_than_the_headroom_goes_alone), T(counts_of_requests_are_kept_beside_weight),
      T(a_pace_lets_a_burst_go_and_then_one_an_interval), T(the_weight_of_no_minute_exceeds_the_limit))
