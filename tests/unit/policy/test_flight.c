/* policy/flight: one load for all who wait, in order, with errors, abandoned leads and bounds. */

#include "base/err.h"
#include "lib/test.h"
#include "policy/flight.h"

typedef struct Caller {
    FlightWaiter w; /* first */
    int landed, led, err, order;
    void *result;
} Caller;

static int clock_ticks;

static void on_landed(FlightWaiter *w, int err, void *result) {
    Caller *c = (Caller *)w;
    c->landed++;
    c->err = err;
    c->result = result;
    c->order = ++clock_ticks;
}

static void on_lead(FlightWaiter *w) {
    ((Caller *)w)->led++;
}

static Caller caller(void) {
    return (Caller){ .w = { .landed = on_landed, .lead = on_lead } };
}

TEST(cac_15_ten_thousand_misses_are_one_load) {
    Flights *f = flights_new(10, 20000, 1);
    static Caller callers[10000];
    int loads = 0, result = 42;
    for (int i = 0; i < 10000; i++) {
        callers[i] = caller();
        loads += flight_join(f, S("key"), &callers[i].w) == FLIGHT_LEAD;
    }
    CHECK_EQ(loads, 1);
    CHECK(flight_leads(&callers[0].w) && !flight_leads(&callers[1].w));
    CHECK_EQ(flights_joined(f), 9999);
    flight_land(f, &callers[0].w, 0, &result);
    CHECK_EQ(callers[0].landed, 0); /* the leader knows */
    for (int i = 1; i < 10000; i++) {
        CHECK_EQ(callers[i].landed, 1);
        CHECK(callers[i].result == &result);
        CHECK(i == 1 || callers[i].order == callers[i - 1].order + 1);
    }
    CHECK_EQ(flights_count(f), 0);
    CHECK_EQ(flight_join(f, S("key"), &callers[5].w), FLIGHT_LEAD); /* a new one */
    flight_land(f, &callers[5].w, 0, NULL);
    flights_free(f);
}

TEST(keys_fly_apart_and_an_error_is_everybodys) {
    Flights *f = flights_new(10, 10, 1);
    Caller a = caller(), b = caller(), b2 = caller();
    CHECK_EQ(flight_join(f, S("a"), &a.w), FLIGHT_LEAD);
    CHECK_EQ(flight_join(f, S("b"), &b.w), FLIGHT_LEAD);
    CHECK_EQ(flight_join(f, S("b"), &b2.w), FLIGHT_WAITS);
    CHECK_EQ(flights_count(f), 2);
    flight_land(f, &b.w, ERR_TIMEOUT, NULL);
    CHECK_EQ(b2.err, ERR_TIMEOUT);
    CHECK_EQ(a.landed, 0);
    flight_land(f, &a.w, 0, NULL);
    flights_free(f);
}

TEST(a_leader_who_gives_up_hands_the_lead_on) {
    Flights *f = flights_new(10, 10, 1);
    Caller c[4] = { caller(), caller(), caller(), caller() };
    c[1].w.lead = NULL; /* cannot load */
    for (int i = 0; i < 4; i++)
        flight_join(f, S("k"), &c[i].w);
    flight_abandon(f, &c[0].w);
    CHECK_EQ(c[1].err, ERR_CANCELLED);
    CHECK_EQ(c[1].landed, 1);
    CHECK_EQ(c[2].led, 1);
    CHECK(flight_leads(&c[2].w));
    flight_leave(f, &c[2].w); /* it goes too */
    CHECK_EQ(c[3].led, 1);
    flight_leave(f, &c[3].w);
    CHECK_EQ(flights_count(f), 0);
    flight_leave(f, &c[3].w); /* in none: nothing happens */
    flights_free(f);
}

TEST(who_leaves_is_not_called_and_numbers_are_bounded) {
    Flights *f = flights_new(2, 2, 1);
    Caller c[6];
    for (int i = 0; i < 6; i++)
        c[i] = caller();
    CHECK_EQ(flight_join(f, S("a"), &c[0].w), FLIGHT_LEAD);
    CHECK_EQ(flight_join(f, S("a"), &c[1].w), FLIGHT_WAITS);
    CHECK_EQ(flight_join(f, S("a"), &c[2].w), FLIGHT_WAITS);
    CHECK_EQ(flight_join(f, S("a"), &c[3].w), FLIGHT_FULL);
    CHECK_EQ(flight_join(f, S("b"), &c[4].w), FLIGHT_LEAD);
    CHECK_EQ(flight_join(f, S("c"), &c[5].w), FLIGHT_FULL);
    flight_leave(f, &c[1].w);
    CHECK_EQ(flight_join(f, S("a"), &c[3].w), FLIGHT_WAITS);
    flight_land(f, &c[0].w, 0, NULL);
    CHECK_EQ(c[1].landed, 0);
    CHECK_EQ(c[2].landed, 1);
    CHECK_EQ(c[3].landed, 1);
    flight_land(f, &c[4].w, 0, NULL);
    flights_free(f);
}

typedef struct Rejoiner {
    FlightWaiter w; /* first */
    Flights *f;
    FlightJoin got;
} Rejoiner;

static void rejoin(FlightWaiter *w, int err, void *result) {
    Rejoiner *r = (Rejoiner *)w;
    UNUSED(err);
    UNUSED(result);
    r->got = flight_join(r->f, S("k"), w);
}

TEST(joining_from_within_landed_is_a_new_flight) {
    Flights *f = flights_new(2, 4, 1);
    Caller leader = caller();
    Rejoiner a = { .w = { .landed = rejoin }, .f = f }, b = a;
    flight_join(f, S("k"), &leader.w);
    flight_join(f, S("k"), &a.w);
    flight_join(f, S("k"), &b.w);
    flight_land(f, &leader.w, 0, NULL);
    CHECK_EQ(a.got, FLIGHT_LEAD);
    CHECK_EQ(b.got, FLIGHT_WAITS);
    b.w.landed = on_landed;
    flight_leave(f, &b.w);
    flight_leave(f, &a.w);
    flights_free(f);
}

TESTS(T(cac_15_ten_thousand_misses_are_one_load), T(keys_fly_apart_and_an_error_is_everybodys),
      T(a_leader_who_gives_up_hands_the_lead_on), T(who_leaves_is_not_called_and_numbers_are_bounded),
      T(joining_from_within_landed_is_a_new_flight))
