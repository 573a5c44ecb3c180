#pragma once

/* sim/exchange_internal.h - what the files of the exchange simulator share; no one else includes it. */

#include "base/zip.h"
#include "sim/exchange_query.h"
#include "sim/exchange_source.h"

enum { PEERS_MAX = 64 };

typedef enum SimFaceName { FACE_COINBASE, FACE_KRAKEN, FACE_VCI, FACE_BYBIT, FACES } SimFaceName;

typedef struct Peer { /* one address and what it has used */
    char name[48];
    int64_t minute, used; /* weight of that minute */
    int64_t over;         /* requests beyond the limit in that minute */
    int64_t ban_ms;       /* length of the last ban */
    Time banned_until;
    int64_t free_at[FACES]; /* of venues with a pace: ms at which their bucket is full again */
} Peer;

struct ExchangeSim {
    Source *sources; /* by listing.symbol, in the order given */
    size_t n_sources;
    CandleGen *gen;
    VenueDays days;
    Faults faults;
    Zip *zip;
    int64_t weight_limit, ban_after, stream_ms;
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
/* --- answers --- */

void sim_reply_header(SimReply *r, Str name, Str value);
void sim_reply_begin(SimReply *r, int status, Str type);
void sim_reply_json(SimReply *r, int status, Str body);
void sim_reply_error(SimReply *r, Arena *arena, int status, int code, Str msg);
void sim_reply_html(SimReply *r, int status, Str body);
void sim_reply_spoil(SimReply *r, FaultHit f); /* faults of how bytes travel */
Str sim_request_header(const SimRequest *req, Str name);
Peer *sim_peer_get(ExchangeSim *x, Str name);

/* --- other venues over the same candles --- */

typedef struct FaceCall { /* one request to a venue that is not Binance */
    ExchangeSim *x;
    Arena *arena;
    const SimRequest *req;
    Str path;
    Query q;
    Time now;
    Str symbol;    /* as sent, for fault rules */
    unsigned fits; /* faults of a page that would show */
    FaultHit fault;
    int status; /* of an answer in `out` that is no success; 0 = 200 */
    Buf out;
} FaceCall;

typedef struct SimFace {
    const char *prefixes[3];    /* of paths */
    int64_t interval_ms, burst; /* of its requests */
    void (*run)(FaceCall *c);   /* writes `out`; asks face_fault first where faults of a page would show */
    void (*limited)(FaceCall *c, SimReply *r);                /* the answer when it is asked too often */
    void (*broken)(FaceCall *c, SimReply *r, FaultKind kind); /* BUSY, 500 and 503 */
} SimFace;

extern const SimFace sim_face_coinbase, sim_face_kraken, sim_face_vci, sim_face_bybit;

/* true: a face owns the path and has answered. */
bool sim_face_handle(ExchangeSim *x, Arena *arena, const SimRequest *req, Str path, Str query, Time now, SimReply *r);
/* What hits this call, of `fits` and of all that always fit. */
void face_fault(FaceCall *c, unsigned fits);
void face_fail(FaceCall *c, int status, const char *fmt, ...) PRINTF_LIKE(3, 4); /* {"message": …} */
const Source *face_find_pair(const ExchangeSim *x, Str base, Str quote, Time now);
void put_shortest(Buf *b, double v); /* a JSON number or the text of one, without an exponent */
/* Spoils a page as FAULT_EMPTY_PAGE, DUPLICATE_ROW (within), UNSORTED say; returns the rows left. */
size_t face_spoil_rows(const FaceCall *c, Kline *v, size_t n);

/* Weight of a request, from its parameters. */
int64_t weight_ticker(const Query *q, int64_t one, int64_t many, bool by_count);
