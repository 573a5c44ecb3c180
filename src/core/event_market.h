#pragma once

/* core/event_market.h - the bodies of the market's own events. Pure. */

#include "core/event.h"
#include "core/series.h"

typedef struct DataUpdate { /* new candles of a series, in one commit */
    const SeriesKey *key;
    Time from, to; /* open times, [from, to) */
    int64_t n, revision;
} DataUpdate;

/* The event of it (MSG-27), texts in the arena: its id is that of the commit, so the same commit has one event however
 * often it is told. */
Event event_data_update(Arena *a, const DataUpdate *u, Time at, Str correlation_id);
