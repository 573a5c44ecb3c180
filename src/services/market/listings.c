/* services/market/listings.c - what a venue lists: kept in the store, fetched from the venue when it must be. */

#include "services/market/internal.h"

#include <stdlib.h>

static int by_symbol(const void *a, const void *b) {
    return strcmp(((const Listing *)a)->symbol.s, ((const Listing *)b)->symbol.s);
}

int market_check_simulated(Ctx *cx, MarketFeed *feed, bool configured) {
    if (configured || !market_feed_simulated(feed))
        return 0;
    return err_set(cx, ERR_COLLECTION,
                   "%s answers as an exchange simulator, but is configured as a market: set %s.simulated to true",
                   feed->ops->name, feed->ops->name);
}

static MonoNs *listed_at(MarketService *m, const MarketFeed *feed) {
    size_t i = 0;
    while (m->o.feeds[i] != feed)
        i++;
    return &m->listed_at[i];
}

/* Symbols do not change by the minute, and asking is open to callers without a key: the venue's request budget must
 * not be theirs to spend. */
static bool fetched_lately(MarketService *m, Ctx *cx, const MarketFeed *feed) {
    enum { LATELY_MS = 60 * 1000 };
    pthread_mutex_lock(&m->lock);
    MonoNs at = *listed_at(m, feed);
    pthread_mutex_unlock(&m->lock);
    return at.ns && mono_ms_between(at, clock_mono(cx->clock)) < LATELY_MS;
}

/* Those of a simulator are not kept: in the store nothing would tell them from the market's. */
static int fetch(MarketService *m, Ctx *cx, MarketFeed *feed, Listing **out, size_t *n) {
    bool simulated = market_feed_simulated(feed);
    int r = market_feed_symbols(feed, cx, out, n);
    if (r == 0)
        r = market_check_simulated(cx, feed, simulated);
    if (r != 0)
        return r;
    if (simulated) {
        if (*n)
            qsort(*out, *n, sizeof **out, by_symbol);
        return 0;
    }
    r = candle_store_put_listings(m->o.store, cx, *out, *n);
    if (r != 0)
        return r;
    pthread_mutex_lock(&m->lock);
    *listed_at(m, feed) = clock_mono(cx->clock);
    pthread_mutex_unlock(&m->lock);
    return 0;
}

int market_listings(MarketService *m, Ctx *cx, Venue venue, bool refresh, Listing **out, size_t *n) {
    MarketFeed *feed = market_feed_of(m, venue);
    bool simulated = feed && market_feed_simulated(feed);
    int r = candle_store_listings(m->o.store, cx, &venue, out, n);
    if (r != 0)
        return r;
    if (!feed)
        return *n ? 0 : MARKET_NO_VENUE;
    if (!simulated && *n && (!refresh || fetched_lately(m, cx, feed)))
        return 0;

    Flight flight = { .key.venue = venue };
    bool waited = false;
    r = market_take_off(m, cx, &flight, &waited);
    if (r != 0)
        return r;
    if (!waited || simulated || !fetched_lately(m, cx, feed))
        r = fetch(m, cx, feed, out, n);
    market_land(m, cx, &flight, r);
    /* Read back: the store keeps history, and answers in its own order. */
    return r == 0 && !simulated ? candle_store_listings(m->o.store, cx, &venue, out, n) : r;
}
