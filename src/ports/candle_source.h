#pragma once

/* ports/candle_source.h - candles for a service that does not own them: backtests, forecasts.
 *
 * Services do not know each other. Who needs candles asks this port; app/ puts the market service of this process
 * behind it, or a caller of the market role's API.
 *
 * Memory: rows lie in cx->arena.  Threads: calls may come from any thread. */

#include "base/ctx.h"
#include "core/candle.h"
#include "core/instrument.h"
#include "core/series.h"

typedef struct CandleSource CandleSource;

enum { SOURCE_NO_SERIES = 1 };

typedef struct SourceQuery {
    SeriesKey key; /* venue and provider may be empty: found as market_resolve does */
    Time from, to; /* [from, to) on the open time; TIME_MIN, TIME_MAX: all there is */
    size_t most;   /* rows; ERR_LIMIT when the range holds more */
    bool newest;   /* instead of that limit: the last `most` rows of the range */
    bool real_only;
} SourceQuery;

typedef struct SourceCandles {
    SeriesKey key; /* as stored */
    Candles rows;  /* ascending, unique, closed candles alone */
    int64_t revision;
    int64_t n_synthetic;
    bool simulated;
    const Listing *listing; /* the venue's trading rules, where they are known; else NULL */
} SourceCandles;

typedef struct CandleSourceOps {
    const char *name;
    /* Required. 0, SOURCE_NO_SERIES or ErrCode. */
    int (*get)(CandleSource *s, Ctx *cx, const SourceQuery *q, SourceCandles *out);
} CandleSourceOps;

struct CandleSource {
    const CandleSourceOps *ops;
};

static inline int candle_source_get(CandleSource *s, Ctx *cx, const SourceQuery *q, SourceCandles *out) {
    *out = (SourceCandles){ 0 };
    int r = ctx_check(cx);
    return r ? r : s->ops->get(s, cx, q, out);
}
