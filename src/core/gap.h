#pragma once

/* core/gap.h - holes in a series, why they are there, and what that rests on. Pure. */

#include "core/calendar.h"
#include "core/candle.h"
#include "core/symbol.h"

typedef enum GapClass {
    GAP_UNKNOWN,       /* nothing proves a class */
    GAP_NO_TRADE,      /* the venue was up, nobody traded */
    GAP_VENUE_DOWN,    /* every known symbol of the venue misses it */
    GAP_MARKET_CLOSED, /* outside the sessions of the calendar */
    GAP_NOT_FETCHED,   /* we never asked for it */
} GapClass;

typedef struct Gap {
    Time from, to;   /* [from, to): grid times of the first missing candle and of the next present one */
    int64_t missing; /* grid times without a candle */
    GapClass cls;
    char evidence[120]; /* what the class rests on, in words; never empty */
} Gap;

enum { GAP_CLASSES = 5 };
const char *gap_class_name(GapClass cls); /* "unknown", "no-trade", "venue-down", … */

/* A window in which we asked the source and got its whole answer. */
typedef struct Coverage {
    Time from, to; /* [from, to) */
    Time fetched_at;
    char source[24]; /* "binance rest", "file btc.csv" */
} Coverage;

/* Holes between the candles of an ascending table, on the plain time grid of the timeframe, sessions
 * not considered. Two neighbours a, b leave a gap when timeframe_next(a) < b's grid place; off-grid
 * times count by their grid cell. Synthetic candles count as present unless skip_synthetic.
 * Appends to *out in the arena; every gap is GAP_UNKNOWN. Returns the number of missing candles. */
typedef struct GapList {
    Gap *v;
    size_t n, cap;
} GapList;
int64_t gaps_find(const Candles *cs, Timeframe tf, bool skip_synthetic, Arena *arena, GapList *out);
/* The same over a long series in pieces: `last` carries the previous piece's last open time in and out;
 * TIME_MIN at the start. A synthetic row that is skipped is not carried. */
int64_t gaps_find_next(const Candles *cs, Timeframe tf, bool skip_synthetic, Arena *arena, Time *last, GapList *out);

/* Cuts the gaps from index `first` on at the sessions of a calendar: pieces in which candles are to be expected, and
 * pieces in which the market is closed. `missing` of an open piece counts the places with open time in them. Closed
 * pieces stay in the list only where keep_closed; returns the grid places of all of them. */
int64_t gaps_split(GapList *gaps, size_t first, Timeframe tf, const Calendar *cal, bool keep_closed, Arena *arena);

/* Gives classes where the evidence proves one, in this order:
 *  - a calendar is known and the gap lies wholly outside its sessions -> MARKET_CLOSED
 *  - no coverage window touches it             -> NOT_FETCHED (only when coverage of the series is known)
 *  - covered, and a peer (same venue, same timeframe) has a candle inside it -> NO_TRADE
 *  - covered, peers reach over both ends of it and all miss it -> VENUE_DOWN
 *  - else UNKNOWN, saying what was missing.
 * "Covered" means by windows that leave nothing of [from, to) out. A peer without candles on both sides of a gap
 * says nothing about it, nor does a peer's synthetic candle. */
typedef struct GapEvidence {
    const Coverage *cover; /* ascending, may overlap */
    size_t n_cover;
    bool cover_known;     /* false: the series predates coverage or was imported without it */
    const Candles *peers; /* candles of other symbols around the gaps, one table a symbol */
    const Symbol *peer_symbols;
    size_t n_peers;
    const Calendar *calendar; /* of the listing; NULL = not known, nothing is called closed */
} GapEvidence;
void gaps_classify(GapList *gaps, Timeframe tf, const GapEvidence *ev);
