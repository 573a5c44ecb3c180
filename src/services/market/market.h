#pragma once

/* services/market/market.h - the market dataset service: candles in, candles out, and what may be said of them.
 *
 * Uses the ports candle_store and market_feed, and knows no adapter. One service per process; every call may
 * come from any thread. Results live in cx->arena.
 *
 * Ranges are half-open on the open time, [from, to), everywhere. */

#include "base/log.h"
#include "core/gap.h"
#include "core/quality.h"
#include "core/stats.h"
#include "ports/candle_store.h"
#include "ports/job_store.h"
#include "ports/market_feed.h"

typedef struct MarketService MarketService;

typedef struct MarketOptions {
    CandleStore *store;       /* borrowed; outlives the service */
    MarketFeed *const *feeds; /* borrowed; one a venue */
    size_t n_feeds;
    Logger *log;          /* borrowed; NULL = silent */
    JobStore *record;     /* borrowed; the audit of market_record; NULL = none is kept */
    const char *zone_dir; /* time zones of calendars; NULL = TZ_DIR */
    /* Tests and traces: called at each step of ensure, in order ("check_data_exists", "collect_ohlcv",
     * "standardize", "save_ohlcv"). May be NULL. */
    void (*span)(void *arg, const char *name);
    void *span_arg;
} MarketOptions;

enum { MARKET_NO_SERIES = 1, MARKET_NO_VENUE = 2, MARKET_NO_SYMBOL = 3 };

MarketService *market_service_new(const MarketOptions *o);
MarketService *market_service_free(MarketService *m); /* NULL is fine; returns NULL */
/* One row in the audit, as job_store_record writes it. */
int market_record(MarketService *m, Ctx *cx, const AuditRow *what, int r);
CandleStore *market_store(MarketService *m);
/* The collector of a venue, or NULL. */
MarketFeed *market_feed_of(MarketService *m, Venue venue);
size_t market_feeds(MarketService *m, MarketFeed *const **out);

/* Series are found by symbol and timeframe, and by venue and provider where the key names them. Without a provider
 * the venue's own data come first; without a venue the symbol must be stored of one venue only (else ERR_CONFLICT
 * says which there are). *out is the stored series; 0 or MARKET_NO_SERIES. */
int market_resolve(MarketService *m, Ctx *cx, const SeriesKey *key, SeriesInfo *out);

/* --- get and save (MDS-08, MDS-09) --- */

typedef struct MarketPage {
    SeriesInfo series;
    Candles rows;
    bool more; /* rows of the range are left; ask again from next */
    Time next;
    bool simulated; /* at least one row came from a simulator */
    /* What is not stored as it was asked for is made on the way out, and says so (complete.h). */
    Timeframe derived_from; /* resampled from that finer series, which `series` then names; none = stored */
    size_t n_actions;       /* splits and dividends applied; the series is the raw one */
} MarketPage;
int market_get(MarketService *m, Ctx *cx, const SeriesKey *key, const CandleQuery *q, MarketPage *out);

typedef struct MarketSaved {
    int64_t received, inserted, updated, unchanged, kept_real, revision;
    int64_t warnings; /* rows stored although something about them is odd (off grid, zero volume…) */
} MarketSaved;
/* All rows or none: the first bad row refuses the call (ERR_INVALID, field "candles[i].high"). Rows need not be
 * sorted; of equal open times the last one counts. `source` is recorded as coverage when it is not empty:
 * the rows are then the whole answer of that source for [from, to). */
typedef struct MarketSave {
    const SeriesKey *key;
    const Candles *rows;
    Str source;
    Time from, to; /* of the coverage; ms 0 both = first row .. behind the last */
    bool durable;
} MarketSave;
int market_save(MarketService *m, Ctx *cx, const MarketSave *req, MarketSaved *out);

/* --- statistics, gaps, quality --- */

int market_statistics(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, SeriesInfo *series,
                      CandleStats *out);

typedef struct MarketGaps {
    SeriesInfo series;
    GapList gaps;                  /* at most `most`, the first in time */
    int64_t n_gaps;                /* all of them */
    int64_t missing;               /* candles missing in all gaps, outside of closed markets */
    int64_t closed;                /* grid times without a candle because the market was closed */
    int64_t expected;              /* grid times from the first to the last candle with open time in them */
    int64_t synthetic;             /* of the candles that are there, those filled in */
    const Calendar *calendar;      /* of the listing; NULL = not known */
    double completeness_percent;   /* of these places that have a candle; NaN when there is none */
    int64_t by_class[GAP_CLASSES]; /* among `gaps` */
} MarketGaps;
typedef struct MarketGapQuery {
    const SeriesKey *key;
    Time from, to;
    size_t most;         /* gaps to list */
    bool closed;         /* list also what lies outside the sessions of the calendar */
    bool whole;          /* the range is what should be there: a hole at its begin or end is a gap too */
    bool skip_synthetic; /* what was filled counts as missing */
} MarketGapQuery;
int market_gaps(MarketService *m, Ctx *cx, const MarketGapQuery *q, MarketGaps *out);

/* The report lies in cx->arena. */
int market_quality(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, SeriesInfo *series,
                   const QualityReport **out);

/* --- ensure (FLW-01, FLW-02) --- */

typedef struct MarketEnsure {
    const SeriesKey *key;
    Time from, to; /* to may lie in the future: what has not closed yet is not missing */
    bool refresh;  /* ask the venue even for what is covered */
    /* Progress, after each page; < 0 stops. May be NULL. */
    int (*progress)(void *arg, Ctx *cx, int64_t n_rows, Time at, Time from, Time to);
    void *progress_arg;
} MarketEnsure;

typedef struct MarketEnsured {
    bool hit;          /* everything was there: no request was made */
    int64_t collected; /* rows the venue gave */
    int64_t rejected;  /* of them not valid, left out */
    int64_t inserted, updated, unchanged;
    int64_t requests;      /* calls the venue was asked during this */
    int64_t windows;       /* holes in our coverage that were asked for */
    int64_t n_candles;     /* stored in the range afterwards */
    int64_t gaps, missing; /* left in the range afterwards */
    Time covered_to;
    bool simulated;
    bool waited; /* another caller was fetching the same series; its work was used */
} MarketEnsured;
/* Two calls for one series at once make one collection. 0, MARKET_NO_VENUE, MARKET_NO_SYMBOL or ErrCode. */
int market_ensure(MarketService *m, Ctx *cx, const MarketEnsure *req, MarketEnsured *out);

/* Listings of a venue: from the store, fetched first when there are none or `refresh`. */
int market_listings(MarketService *m, Ctx *cx, Venue venue, bool refresh, Listing **out, size_t *n);
