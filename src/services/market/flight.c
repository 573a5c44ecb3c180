/* services/market/flight.c - one collection a series, however many ask for it at once. */

#include "services/market/internal.h"

static Flight **find_flight(MarketService *m, const SeriesKey *key) {
    Flight **at = &m->flights;
    while (*at && !series_key_eq(&(*at)->key, key))
        at = &(*at)->next;
    return at;
}

/* Waits by looking: the wait is as long as calls to a venue take, and cancel, deadline and a virtual clock all
 * work with it. */
int market_take_off(MarketService *m, Ctx *cx, Flight *mine, bool *waited) {
    enum { LOOK_AGAIN_MS = 20 };
    for (;;) {
        int r = ctx_check(cx);
        if (r != 0)
            return r;
        pthread_mutex_lock(&m->lock);
        bool free_to_go = !*find_flight(m, &mine->key);
        if (free_to_go) {
            mine->next = m->flights;
            m->flights = mine;
        }
        pthread_mutex_unlock(&m->lock);
        if (free_to_go)
            return 0;
        *waited = true;
        clock_sleep_ms(cx->clock, LOOK_AGAIN_MS);
    }
}

void market_land(MarketService *m, Flight *mine) {
    pthread_mutex_lock(&m->lock);
    Flight **at = &m->flights;
    while (*at != mine)
        at = &(*at)->next;
    *at = mine->next;
    pthread_mutex_unlock(&m->lock);
}
