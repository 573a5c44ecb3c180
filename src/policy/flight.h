#pragma once

/* policy/flight.h - single flight: of many who want the same thing now, one fetches it and all get it (CAC-15).
 *
 *     switch (flight_join(f, key, &call->waiter)) {
 *     case FLIGHT_LEAD:  start the load; when it ends: flight_land(f, &call->waiter, err, result)
 *     case FLIGHT_WAITS: call->waiter.landed will be called
 *     case FLIGHT_FULL:  too many: the caller says ERR_BUSY, or loads by itself
 *     }
 *
 * When the leader lands, every waiter's `landed` runs within flight_land, in the order they joined, with the leader's
 * error or result; results are the caller's, typically a reference that each waiter takes. A leader who gives up before
 * loading (its client went away) hands the lead on: flight_abandon makes the first waiter leader through its `lead`.
 *
 * The key is gone before the first `landed` is called, so whoever joins from within one starts a new flight. One flight
 * table, one thread: the loop's, or under the caller's lock. Bounds: flights and waiters a flight. */

#include "base/list.h"
#include "base/str.h"

typedef struct Flights Flights;
typedef struct FlightWaiter FlightWaiter;

struct FlightWaiter {
    void (*landed)(FlightWaiter *w, int err, void *result);
    void (*lead)(FlightWaiter *w); /* the lead is yours: load, then land. NULL = never; then it gets ERR_CANCELLED */
    /* private */
    ListNode node;
    void *flight; /* NULL = in none */
};

typedef enum FlightJoin { FLIGHT_LEAD, FLIGHT_WAITS, FLIGHT_FULL } FlightJoin;

Flights *flights_new(size_t max_flights, size_t max_waiters, uint64_t seed);
Flights *flights_free(Flights *f); /* all have landed or been abandoned; NULL is fine */
FlightJoin flight_join(Flights *f, Str key, FlightWaiter *w);
void flight_land(Flights *f, FlightWaiter *leader, int err, void *result);
void flight_abandon(Flights *f, FlightWaiter *leader);
void flight_leave(Flights *f, FlightWaiter *waiter); /* waits no longer; a leader abandons */
bool flight_leads(const FlightWaiter *w);
FlightWaiter *flight_leader(const Flights *f, Str key); /* who loads it now; NULL: nobody */
size_t flights_count(const Flights *f);
uint64_t flights_joined(const Flights *f); /* callers who waited instead of loading, ever */
