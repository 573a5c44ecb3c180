#pragma once

/* adapters/market/venue.h - a venue is a table: what it is called, what it serves, and how one request is made.
 *
 * Everything that venues have in common is here and in venue_rest.h: paging by window, the request budget, retries,
 * errors in words, what is simulated. A venue of its own file fills in a VenueDriver:
 *
 *     const VenueDriver venue_acme = { .name = "acme", .base_url = "https://api.acme.com", .timeframes = ...,
 *                                      .page_rows = 500, .candles = acme_candles, ... };
 *
 * docs/adding-a-venue.md walks through one.
 *
 * Paging: a request names a window of page_rows grid times, and the next one begins behind the last candle that
 * came where the answer is cut, behind the window where the venue leaves out minutes without a trade. No gap ends a
 * collection. An empty answer is not believed at once: a venue that `seeks` is asked for the same start without an
 * end, another one where its next candle is (next_candle); only then does the window count as empty. So the years
 * before a listing cost a handful of requests, and a window that a troubled venue left out is not lost.
 * Threads: any; calls block. */

#include "adapters/market/venue_rest.h"

typedef struct VenueFeed VenueFeed;

typedef struct VenueWindow {
    Symbol symbol;
    Timeframe timeframe;
    Time from, to; /* [from, to) on open time; `to` may lie far ahead when seeking */
    int limit;     /* rows, where the venue takes a number; 0 = as many as it gives */
} VenueWindow;

typedef struct VenueRows { /* an answer: rows in any order, with strangers and twins if the venue has them */
    Candles rows;
    Time served_at; /* the venue's clock at the answer, at the least */
    bool simulated;
} VenueRows;

typedef struct VenueCollection { /* one collect on its way */
    VenueFeed *feed;
    Ctx *cx;     /* the caller's; its arena is the callback's */
    Ctx scratch; /* the same with an arena of ours, emptied after each page */
    Symbol symbol;
    Timeframe timeframe;
    Time to;
    int64_t n_total;
    FeedPageFn *fn;
    void *arg;
} VenueCollection;

struct VenueDriver {
    const char *name;
    const char *base_url;
    const Timeframe *timeframes; /* that it serves itself, shortest first */
    size_t n_timeframes;
    int page_rows;             /* most candles of one answer */
    bool seeks;                /* asked without an end it answers from the next candle there is */
    bool leaves_out;           /* minutes without a trade have no candle: a short answer is whole */
    bool readjusts;            /* may rewrite its past (dividends, splits) */
    VenuePace pace;            /* where its answers tell no limits */
    Time oldest;               /* for venue_search_*: no candle of any symbol is older */
    const HttpHeader *headers; /* of every request */
    size_t n_headers;

    /* Required. One request (or none). 0, FEED_NO_SYMBOL or ErrCode. */
    int (*candles)(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out);
    int (*symbols)(VenueFeed *f, Ctx *cx, Listing **out, size_t *n);                       /* Required */
    int (*first_candle)(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out);    /* Required */
    int (*server_time)(VenueFeed *f, Ctx *cx, Time *out);                                  /* Required */
    int (*refusal)(const VenueCall *call, Ctx *cx, const HttpResponse *res, bool *worded); /* see venue_rest.h */

    /* Optional. */
    int (*prepare)(VenueFeed *f, Ctx *cx, Symbol symbol); /* before anything of a symbol is asked */
    /* A time at or behind `from` before which the venue has no candle: 0; ERR_NOT_FOUND: there is none at all. */
    int (*next_candle)(VenueFeed *f, Ctx *cx, const VenueWindow *w, Time *out);
    Time (*window_end)(Timeframe tf, Time from);   /* where a window is not page_rows of the grid */
    int (*collect)(VenueCollection *c, Time from); /* instead of venue_collect_windows */
    void (*book)(VenueCall *call, const HttpResponse *res,
                 int64_t now); /* limits that an answer tells; under the lock */
    bool (*block_end)(Arena *arena, const HttpResponse *res, Time *out); /* of a 429 or 418, in the body's words */
};

struct VenueFeed {
    MarketFeed feed; /* first */
    const VenueDriver *driver;
    MarketFeedOps ops; /* with the driver's name */
    VenueRest rest;
};

/* Makes no request. 0, or ERR_INVALID for a base URL or name that cannot be one. */
int market_venue_open(Ctx *cx, const VenueDriver *driver, const VenueOptions *options, MarketFeed **out);

/* --- for drivers --- */

/* driver->candles, and what is the same for all: flags, known_at, the caller's clock where the venue told none. */
int venue_candles(VenueFeed *f, Ctx *cx, const VenueWindow *w, VenueRows *out);
/* Hands the caller the rows of [from, to) among `came`, sorted and unique, as one page. */
int venue_deliver(VenueCollection *c, Time from, Time to, const Candles *came, Time served_at);
/* [from, c->to) window after window. */
int venue_collect_windows(VenueCollection *c, Time from);
/* Copies listings out of a scratch arena, with the venue's name in them. */
void venue_take_listings(VenueFeed *f, Ctx *cx, const Listing *v, size_t n, Listing **out);

/* first_candle and next_candle of a venue that can only be asked what a window has, and serves 1m, 1h and 1d: a
 * binary search over pages of days, then an hour, then a minute. Traded once, a symbol is taken to be traded on. */
int venue_search_first(VenueFeed *f, Ctx *cx, Symbol symbol, Timeframe tf, Time *out);
int venue_search_next(VenueFeed *f, Ctx *cx, const VenueWindow *w, Time *out);
