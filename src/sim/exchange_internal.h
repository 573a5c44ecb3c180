#pragma once

/* sim/exchange_internal.h - what the files of the exchange simulator share; no one else includes it. */

#include "base/zip.h"
#include "sim/exchange_query.h"
#include "sim/exchange_source.h"

enum { PEERS_MAX = 64 };

typedef struct Peer { /* one address and what it has used */
    char name[48];
    int64_t minute, used; /* weight of that minute */
    int64_t over;         /* requests beyond the limit in that minute */
    int64_t ban_ms;       /* length of the last ban */
    Time banned_until;
} Peer;

struct ExchangeSim {
    Source *sources; /* by listing.symbol, in the order given */
    size_t n_sources;
    CandleGen *gen;
    VenueDays days;
    Faults faults;
    Zip *zip;
    int64_t weight_limit, ban_after;
    Peer peers[PEERS_MAX];
    ExchangeSimStats stats;
};

typedef struct Call { /* one request on its way */
    ExchangeSim *x;
    Query q;
    Time now;
    bool micros;      /* times in µs */
    Str path, symbol; /* symbol: as sent, for fault rules */
    FaultHit fault;
    Buf out; /* the JSON body */
} Call;

const Source *exchange_find(const ExchangeSim *x, Str symbol, Time now);
/* The symbol parameter as a source; NULL with q.error set. */
const Source *call_symbol(Call *c, Str text);
int64_t call_time(const Call *c, int64_t ms); /* in the unit asked for */

/* A decimal with at least 8 places, as the venue writes all; the value's own further digits stay. */
void put_decimal(Buf *b, double v);
double kline_quote_volume(const Kline *k);

void call_klines(Call *c);
void call_exchange_info(Call *c);
void call_ticker_price(Call *c);
void call_ticker_24hr(Call *c);
void call_book_ticker(Call *c);
/* Weight of a request, from its parameters. */
int64_t weight_ticker(const Query *q, int64_t one, int64_t many, bool by_count);
