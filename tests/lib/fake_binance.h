#pragma once

/* tests/lib/fake_binance.h - Binance's REST over one table of candles, behind the scripted HttpClient.
 *
 * Small on purpose: it answers exchangeInfo, time and klines as rest-api.md says, counts weight by the minute of its
 * own clock, and misbehaves when told. Threads: any. */

#include "core/series.h"
#include "fake_http.h"

#include <pthread.h>

typedef enum VenueFault {
    VENUE_WELL,
    VENUE_429,       /* Retry-After: 7 */
    VENUE_418,       /* Retry-After: 120 */
    VENUE_418_WORDS, /* the same, told only in the message */
    VENUE_403,       /* an HTML page */
    VENUE_500,
    VENUE_TRUNCATED, /* 200, JSON cut in the middle */
    VENUE_SLOW,      /* no whole answer in time */
    VENUE_EMPTY,     /* [] though there are candles; only where the page would not reach the end */
    VENUE_SHORT,     /* half of the rows */
    VENUE_DUPLICATE, /* begins with the candle before startTime, and has one row twice */
    VENUE_STRAY,     /* ends with rows behind endTime */
    VENUE_MICROS,    /* times in µs */
    VENUE_UNSORTED,
} VenueFault;

typedef struct FakeBinance {
    FakeHttp *http;
    Symbol symbol; /* BTCUSDT */
    Timeframe tf;
    const Candles *candles; /* borrowed */
    int64_t ahead_ms;       /* its clock - the Ctx's wall clock */
    int64_t weight_limit;   /* 0 = tells none */
    bool simulated;
    bool counts; /* sends X-MBX-USED-WEIGHT-1M */
    /* private */
    pthread_mutex_t lock;
    VenueFault fault;
    int fault_count;
    int64_t minute, weight, most_weight; /* of the running minute; of any */
} FakeBinance;

void fake_binance_init(FakeBinance *v, Timeframe tf, const Candles *candles);
void fake_binance_done(FakeBinance *v);
/* The FakeHttpFn behind it; v is a FakeBinance. */
int fake_binance_serve(void *v, Ctx *cx, const HttpRequest *req, HttpResponse *out);
/* The next `count` klines requests meet it. */
void fake_binance_fault(FakeBinance *v, VenueFault fault, int count);
