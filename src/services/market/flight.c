/* services/market/flight.c - one collection a series, however many ask for it at once. */

#include "services/market/internal.h"

static Flight **find_flight(MarketService *m, const SeriesKey *key) {
    Flight **at = &m->flights;
    while (*at && !series_key_eq(&(*at)->key, key))
        at = &(*at)->next;
    return at;
}

/* With the lock held. Did the flight of that number fail, and how? */
static bool crashed(const MarketService *m, int64_t nr, Err *out) {
    for (size_t i = 0; i < MIN(m->n_crashes, (size_t)CRASHES_KEPT); i++)
        if (m->crashes[i].nr == nr) {
            *out = m->crashes[i].err;
            return true;
        }
    return false;
}

/* With the lock held: takes off if nobody of that key is in the air, else says whom to wait for. */
static bool try_take_off(MarketService *m, Flight *mine, int64_t *wait_for) {
    Flight *other = *find_flight(m, &mine->key);
    if (other) {
        *wait_for = other->nr;
        return false;
    }
    mine->nr = ++m->n_flights;
    mine->next = m->flights;
    m->flights = mine;
    return true;
}

/* Waits by looking: the wait is as long as calls to a venue take, and cancel, deadline and a virtual clock all
 * work with it. */
int market_take_off(MarketService *m, Ctx *cx, Flight *mine, bool *waited) {
    enum { LOOK_AGAIN_MS = 20 };
    for (int64_t waited_for = 0;;) {
        int r = ctx_check(cx);
        if (r != 0)
            return r;
        pthread_mutex_lock(&m->lock);
        bool failed = waited_for && crashed(m, waited_for, &cx->err);
        bool off = !failed && try_take_off(m, mine, &waited_for);
        pthread_mutex_unlock(&m->lock);
        if (failed)
            return cx->err.code;
        if (off)
            return 0;
        *waited = true;
        clock_sleep_ms(cx->clock, LOOK_AGAIN_MS);
    }
}

/* A flight that its own caller gave up says nothing about the venue. */
static bool tells_of_the_venue(int result) {
    return result < 0 && result != ERR_CANCELLED && result != ERR_TIMEOUT;
}

void market_land(MarketService *m, const Ctx *cx, Flight *mine, int result) {
    pthread_mutex_lock(&m->lock);
    if (tells_of_the_venue(result))
        m->crashes[m->n_crashes++ % CRASHES_KEPT] = (Crash){ mine->nr, cx->err };
    Flight **at = &m->flights;
    while (*at != mine)
        at = &(*at)->next;
    *at = mine->next;
    pthread_mutex_unlock(&m->lock);
}
