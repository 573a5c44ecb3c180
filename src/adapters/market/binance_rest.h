#pragma once

/* adapters/market/binance_rest.h - one request to Binance's REST: budget, retries, verdict, words.
 *
 * All calls of a feed share one BinanceRest, from any thread: it holds the venue's limits and what they leave.
 * Nothing is held while a request is under way. */

#include "adapters/market/binance.h"
#include "adapters/market/binance_limits.h"
#include "adapters/market/binance_parse.h"

#include <pthread.h>

typedef struct BinanceRest {
    HttpClient *http;
    char *base_url; /* without a slash at its end */
    Venue venue;
    bool allow_private;
    int attempts;
    int64_t retry_base_ms, retry_max_ms, patience_ms, timeout_ms;
    pthread_mutex_t lock; /* of all below */
    BinanceLimits limits;
    Rng rng;
    bool learning;     /* a thread is asking for the limits */
    int64_t learnt_at; /* our monotonic ms; 0 = never */
    int64_t requests, retries, waited_ms;
    bool simulated; /* a simulator's answer was seen */
} BinanceRest;

int binance_rest_init(BinanceRest *b, Ctx *cx, const BinanceOptions *options);
void binance_rest_done(BinanceRest *b);

/* How a body is read; a body that cannot be read is asked for again. */
typedef struct BinanceCall BinanceCall;
typedef int BinanceReadFn(BinanceCall *call, Ctx *cx, Str body);

struct BinanceCall {
    const char *path;  /* "/api/v3/klines" */
    Str query;         /* without '?'; may be empty */
    Str what;          /* for the words of errors: "klines BTCUSDT 1m" */
    bool names_symbol; /* only then FEED_NO_SYMBOL is an answer */
    int64_t weight;    /* as rest-api.md tells it for these parameters */
    size_t max_body;
    BinanceReadFn *read;
    void *out; /* read's own */
    /* Of the answer, set before read is called. */
    bool simulated;
    Time served_at; /* the venue's clock when it answered, at the least */
    /* private */
    BinanceRest *rest;
    int64_t sent, exchange_ms;
};

/* 0, FEED_NO_SYMBOL, or ErrCode with words. */
int binance_rest_get(BinanceRest *b, Ctx *cx, BinanceCall *call);
/* Makes sure that the limits are known, by exchangeInfo of the symbol: 0, FEED_NO_SYMBOL or ErrCode. */
int binance_rest_learn(BinanceRest *b, Ctx *cx, Symbol symbol);
/* Takes limits and clock from an exchangeInfo that answered `call`. */
void binance_rest_take_info(BinanceRest *b, Ctx *cx, const BinanceCall *call, const BinanceExchangeInfo *info);
/* The venue's clock as far as we know it, else ours. */
Time binance_rest_now(BinanceRest *b, Ctx *cx);
/* `text` as a query value. */
Str binance_escape(Arena *a, Str text);
