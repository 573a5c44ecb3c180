#pragma once

/* sim/exchange_source.h - the klines of one listed symbol: generated or recorded, with the venue's bad days.
 *
 * Private to the exchange simulator. A grid is a timeframe and a shift of its day boundaries (timeZone). */

#include "sim/exchange_sim.h"

typedef struct Kline {
    int64_t open_ms, close_ms; /* as shown: close is the last ms of the interval */
    Candle c;                  /* values; open_time is not used */
    int64_t trades;
} Kline;

typedef struct KlineGrid {
    Timeframe tf;
    int64_t shift_ms; /* of days, weeks and months: what the local clock is ahead of UTC */
} KlineGrid;

typedef struct VenueDays { /* shared by all sources of a venue */
    SimWindow *outages, *quiet, *skewed;
    size_t n_outages, n_quiet, n_skewed;
    int64_t skew_most; /* largest skew, >= 0 */
} VenueDays;

typedef struct Source {
    GenSymbol listing; /* names, filters, listing time, for recorded ones too */
    CandleGen *gen;
    const SimRecorded *recorded; /* NULL: generated */
    const VenueDays *days;
} Source;

bool source_listed(const Source *s, Time now); /* known to the venue at that time */
/* The kline with the smallest shown open time >= t (largest <= t), as it looks at `now`; none opens after now. */
bool source_next(const Source *s, KlineGrid grid, Time t, Time now, Kline *out);
bool source_prev(const Source *s, KlineGrid grid, Time t, Time now, Kline *out);
/* Everything traded in [from, to): for rolling tickers. false when nothing is known of it. */
bool source_span(const Source *s, Time from, Time to, Kline *out);
/* Last price at or before t; false before the first trade. */
bool source_price(const Source *s, Time t, double *out);
