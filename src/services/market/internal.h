#pragma once

/* services/market/internal.h - shared by the files of this folder only. */

#include "services/market/market.h"

#include <pthread.h>

typedef struct Flight Flight;
struct Flight {    /* work at a venue that is under way; on the stack of who does it */
    SeriesKey key; /* without symbol: the venue's listings */
    Flight *next;
    int64_t nr; /* grows by take-off */
};

enum { CRASHES_KEPT = 32 };
typedef struct Crash { /* how a flight failed */
    int64_t nr;
    Err err;
} Crash;

struct MarketService {
    MarketOptions o;
    pthread_mutex_t lock; /* guards all below */
    Flight *flights;
    int64_t n_flights;
    Crash crashes[CRASHES_KEPT]; /* a ring: the newest failures, for those who waited for them */
    size_t n_crashes;
    MonoNs *listed_at; /* one a feed: when its listings were fetched */
};

/* One flight a key: waits until no other is under way and registers `mine`. 0, or ERR_CANCELLED, ERR_TIMEOUT; or what
 * the flight waited for failed with: fifty callers must not ask a venue that is down fifty times. */
int market_take_off(MarketService *m, Ctx *cx, Flight *mine, bool *waited);
/* result: of the work, with its words in cx when < 0. */
void market_land(MarketService *m, const Ctx *cx, Flight *mine, int result);

/* ERR_COLLECTION when a feed that is configured as a market turned out to be a simulator. */
int market_check_simulated(Ctx *cx, MarketFeed *feed, bool configured);

/* Reads the stored series `key` over [from, to) in pieces and calls fn for each, oldest first. Memory stays that of
 * one piece however long the series is; each piece is its own short read. */
typedef int MarketPieceFn(void *arg, const Candles *rows);
int market_each_piece(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, MarketPieceFn *fn,
                      void *arg);

void market_span(MarketService *m, const char *name);
