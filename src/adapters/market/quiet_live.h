#pragma once

/* adapters/market/quiet_live.h - a LiveFeed that says nothing, for venues whose streams we do not speak: the live service
 * then closes each candle by the clock, from REST, seconds after its end. */

#include "ports/live_feed.h"

LiveFeed *market_quiet_live_new(const char *venue, size_t n_series);
