#pragma once

/* tests/lib/sim_venue.h - a venue of the market feed's contract suite: the exchange simulator behind any VenueDriver,
 * without sockets. */

#include "adapters/market/venue.h"
#include "contract/market_feed.h"

/* `name` is what the simulator calls the recorded symbol; requests for candles have one of `paths` in their URL. */
FeedVenue *sim_venue_open(TestCtx *t, const VenueDriver *driver, const char *name, Timeframe tf, const Candles *candles,
                          const char *const paths[2]);
MarketFeed *sim_venue_feed(FeedVenue *v);
/* A fault rule of sim/fault.h, for `count` requests for candles. */
void sim_venue_fault(FeedVenue *v, const char *rule, int count);
size_t sim_venue_requests(FeedVenue *v);
void sim_venue_close(FeedVenue *v);

/* The rules that stand for the suite's faults at most venues, or NULL. */
const char *sim_venue_rule(VenueFault fault);
