/* policy/flight.c - see flight.h. */

#include "policy/flight.h"

#include "base/err.h"
#include "base/map.h"

typedef struct Flight {
    FlightWaiter *leader;
    ListNode waiters;
    size_t n_waiters;
    size_t key_n;
    char key[];
} Flight;

struct Flights {
    Map by_key;
    size_t max_flights, max_waiters;
    uint64_t joined;
};

Flights *flights_new(size_t max_flights, size_t max_waiters, uint64_t seed) {
    Flights *f = mem_new(Flights);
    map_init(&f->by_key, seed);
    f->max_flights = max_flights;
    f->max_waiters = max_waiters;
    return f;
}

Flights *flights_free(Flights *f) {
    if (!f)
        return NULL;
    assert(f->by_key.n == 0);
    map_done(&f->by_key);
    return mem_free(f);
}

static Str flight_key(const Flight *fl) {
    return (Str){ fl->key, fl->key_n };
}

FlightJoin flight_join(Flights *f, Str key, FlightWaiter *w) {
    assert(!w->flight);
    Flight *fl = map_get(&f->by_key, key);
    if (fl) {
        if (fl->n_waiters >= f->max_waiters)
            return FLIGHT_FULL;
        w->flight = fl;
        list_push_back(&fl->waiters, &w->node);
        fl->n_waiters++;
        f->joined++;
        return FLIGHT_WAITS;
    }
    if (f->by_key.n >= f->max_flights)
        return FLIGHT_FULL;
    fl = mem_alloc(sizeof *fl + key.n);
    *fl = (Flight){ .leader = w, .key_n = key.n };
    list_init(&fl->waiters);
    if (key.n)
        memcpy(fl->key, key.p, key.n);
    map_put(&f->by_key, flight_key(fl), fl);
    w->flight = fl;
    return FLIGHT_LEAD;
}

static FlightWaiter *first_waiter(Flight *fl) {
    ListNode *node = list_pop_front(&fl->waiters);
    if (!node)
        return NULL;
    fl->n_waiters--;
    return LIST_ENTRY(node, FlightWaiter, node);
}

void flight_land(Flights *f, FlightWaiter *leader, int err, void *result) {
    Flight *fl = leader->flight;
    assert(fl && fl->leader == leader);
    leader->flight = NULL;
    map_del(&f->by_key, flight_key(fl));
    for (FlightWaiter *w; (w = first_waiter(fl));) {
        w->flight = NULL;
        w->landed(w, err, result);
    }
    mem_free(fl);
}

void flight_abandon(Flights *f, FlightWaiter *leader) {
    Flight *fl = leader->flight;
    assert(fl && fl->leader == leader);
    leader->flight = NULL;
    for (FlightWaiter *w; (w = first_waiter(fl));) {
        if (w->lead) {
            fl->leader = w;
            w->lead(w);
            return;
        }
        w->flight = NULL;
        w->landed(w, ERR_CANCELLED, NULL);
    }
    map_del(&f->by_key, flight_key(fl));
    mem_free(fl);
}

void flight_leave(Flights *f, FlightWaiter *w) {
    Flight *fl = w->flight;
    if (!fl)
        return;
    if (fl->leader == w) {
        flight_abandon(f, w);
        return;
    }
    list_remove(&w->node);
    fl->n_waiters--;
    w->flight = NULL;
}

bool flight_leads(const FlightWaiter *w) {
    const Flight *fl = w->flight;
    return fl && fl->leader == w;
}

FlightWaiter *flight_leader(const Flights *f, Str key) {
    const Flight *fl = map_get(&f->by_key, key);
    return fl ? fl->leader : NULL;
}

size_t flights_count(const Flights *f) {
    return f->by_key.n;
}

uint64_t flights_joined(const Flights *f) {
    return f->joined;
}
