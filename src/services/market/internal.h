#pragma once

/* services/market/internal.h - shared by the files of this folder only. */

#include "services/market/market.h"

#include <pthread.h>

typedef struct Flight Flight; /* a collection under way; ensure.c */

struct MarketService {
    MarketOptions o;
    pthread_mutex_t lock; /* guards flights */
    Flight *flights;
};

/* Reads the stored series `key` over [from, to) in pieces and calls fn for each, oldest first. Memory stays that of
 * one piece however long the series is; each piece is its own short read. */
typedef int MarketPieceFn(void *arg, const Candles *rows);
int market_each_piece(MarketService *m, Ctx *cx, const SeriesKey *key, Time from, Time to, MarketPieceFn *fn,
                      void *arg);

void market_span(MarketService *m, const char *name);
