#pragma once

/* services/market/complete.h - making series whole: filling, resampling, comparing, adjusting, keeping.
 *
 * Nothing here touches a real candle. What is filled is stored with the flag synthetic, and a real candle that comes
 * later replaces it; what is resampled or adjusted on the way out says so in the page. Threads and memory as in
 * market.h. */

#include "core/action.h"
#include "core/disagree.h"
#include "core/fill.h"
#include "services/market/market.h"

/* The calendar that the venue's listing names, with its zone loaded, in cx->arena; NULL where no listing names one that
 * is known here, or its zone is not installed (which is logged). */
int market_calendar(MarketService *m, Ctx *cx, const SeriesKey *key, const Calendar **out);
/* One by name; ERR_INVALID when there is none. */
int market_calendar_named(MarketService *m, Ctx *cx, Str name, const Calendar **out);

/* --- filling (MDS-14) --- */

enum { FILL_MAX_GAP = 1440 };

typedef struct MarketFill {
    const SeriesKey *key;
    Time from, to;
    FillMethod method;
    const SeriesKey *donor; /* FILL_VENUE: the series to take from; same timeframe */
    double max_bps;         /* FILL_VENUE: most that the two may differ at the ends of a gap; 0 = 50 */
    int64_t max_gap;        /* longer gaps stay; 0 = FILL_MAX_GAP */
    bool not_fetched;       /* fill also what was never asked for: fetching it is better */
    bool dry_run;           /* say what would be done */
} MarketFill;

typedef struct MarketFilled {
    SeriesInfo series;
    int64_t gaps, missing;                             /* found in the range, outside of closed markets */
    int64_t filled_gaps, filled;                       /* candles made (or that would be) */
    int64_t too_long, not_fetched, no_donor, disagree; /* gaps left, by reason */
    double worst_bps;                                  /* of those that disagree; 0 = none */
    int64_t revision;
} MarketFilled;
int market_fill(MarketService *m, Ctx *cx, const MarketFill *req, MarketFilled *out);
/* Takes filled candles of [from, to) out again. What was known of coverage stays known. */
int market_unfill(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, int64_t *removed);

/* --- resampling --- */

typedef struct MarketResample {
    const SeriesKey *key; /* the source */
    Timeframe to;
    Time from, until; /* on the open times of the result, half-open */
    size_t limit;     /* 0 = no limit */
    bool newest;      /* the last `limit` places of the range instead of the first */
    Str session;      /* a calendar: cells are its trading days, and `to` is 1d; empty = the grid */
    bool save;        /* store the result as the provider's "resample" */
} MarketResample;
/* 0, MARKET_NO_SERIES, or ErrCode. out->series is the source. */
int market_resample(MarketService *m, Ctx *cx, const MarketResample *req, MarketPage *out, MarketSaved *saved);
/* The finest way to answer for a timeframe that is not stored: the coarsest stored series of the same symbol from which
 * it can be made. 0 or MARKET_NO_SERIES. */
int market_finer(MarketService *m, Ctx *cx, const SeriesKey *key, SeriesInfo *out);

/* --- corporate actions --- */

/* The actions of the series' instrument, ascending; n 0 when there are none. */
int market_actions_of(MarketService *m, Ctx *cx, const SeriesKey *key, CorporateAction **out, size_t *n);
/* Adjusts rows of the raw series `key` in place. *n_applied = actions that count. */
int market_adjust(MarketService *m, Ctx *cx, const SeriesKey *key, Adjustment how, Candles *rows, size_t *n_applied);

/* --- two venues (MDS-13) --- */

typedef struct MarketCompared {
    SeriesInfo first, second;
    Disagreement d;
} MarketCompared;
int market_compare(MarketService *m, Ctx *cx, const SeriesKey *first, const SeriesKey *second, Time from, Time to,
                   double threshold_bps, MarketCompared *out);

/* --- retention --- */

typedef struct RetentionRule {
    Timeframe timeframe;
    int64_t keep_ms;
} RetentionRule;
/* "1m=90d,5m=1y" (d, w, y); at most `most` rules. ERR_INVALID names the one at fault. */
int retention_parse(Ctx *cx, Str text, RetentionRule *out, size_t most, size_t *n);

typedef struct RetentionRow {
    SeriesInfo series;
    Time before;     /* candles that open before it are old */
    int64_t old;     /* how many there are */
    int64_t removed; /* 0 in a dry run */
    Str kept;        /* why they stay; empty = they go */
} RetentionRow;
/* Old candles go only where a collector could bring them again: its venue has one, and it is no simulator. Imported,
 * simulated and resampled series stay unless `force`. Rows for every series that a rule speaks of. */
int market_retain(MarketService *m, Ctx *cx, const RetentionRule *rules, size_t n, bool dry_run, bool force,
                  RetentionRow **out, size_t *n_out);
