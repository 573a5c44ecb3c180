#pragma once

/* sim/exchange_sim.h - a venue that speaks Binance's spot REST, as a pure function of request and time.
 *
 * GET /api/v3/{ping, time, exchangeInfo, klines, uiKlines, ticker/price, ticker/24hr, ticker/bookTicker}, with the
 * parameters, selection rules, error codes, weights, limits and bans of the venue (facts: wire formats of the
 * Binance spot API documents, rest-api.md and errors.md, 2025/2026). Beside them
 *     GET    /sim/faults              the rules and how often they hit
 *     POST   /sim/faults?fault=TEXT   adds one (sim/fault.h); also one rule a line in the body
 *     DELETE /sim/faults              removes all
 *     GET    /sim/stats               requests by path, rows served
 * Over the same candles it speaks Coinbase Exchange (/products, /time), Kraken (/0/public: OHLC, Trades, AssetPairs…),
 * Vietcap's charts (/api/chart) and Bybit (/v5/market): one file each, exchange_face.c is what they share; and Binance's
 * streams (exchange_stream.h).
 * Every answer carries X-FinSight-Simulated: 1. No socket, no clock: exchange_server.h serves it on loopback,
 * sim_http.h calls it on a virtual clock.
 *
 * Candles come from the generator, or from recorded tables (a file someone loaded). Quote volume, trade count of
 * recorded candles and taker volumes are derived: volume × mean of open, high, low and close, and shares of it.
 * A window of an outage has no candles of any symbol; a quiet window has flat candles without volume; in a skewed
 * window the open times of intraday candles stand off the grid, as in February 2018.
 * Threads: one at a time. */

#include "core/series.h"
#include "ports/http_client.h"
#include "sim/candle_gen.h"
#include "sim/fault.h"

enum { KLINES_DEFAULT = 500, KLINES_MAX = 1000 };

typedef struct SimWindow {
    Time from, to;   /* [from, to) */
    Symbol symbol;   /* empty = all; an outage is always all */
    int64_t skew_ms; /* of open times in a skewed window; candles no longer than it are not moved */
} SimWindow;

typedef struct SimRecorded { /* borrowed: outlives the simulator */
    Symbol symbol;
    Timeframe timeframe;
    const Candles *candles;
    Decimal tick, lot; /* mantissa 0 = as fine as 8 decimals */
} SimRecorded;

typedef struct ExchangeSimOptions {
    uint64_t seed;
    const Symbol *symbols; /* of the generator; NULL with n 0: GEN_SYMBOLS, or none where candles are recorded */
    size_t n_symbols;
    const SimRecorded *recorded;
    size_t n_recorded;
    Time listed; /* of every generated symbol; ms 0 = each its own date */
    const SimWindow *outages, *quiet, *skewed;
    size_t n_outages, n_quiet, n_skewed;
    int64_t weight_limit; /* a minute and peer; 0 = 6,000 */
    int64_t stream_ms;    /* between two messages of a running candle; 0 = 2,000 */
    int64_t ban_after;    /* requests over the limit until the ban; 0 = 10 */
} ExchangeSimOptions;

typedef struct ExchangeSim ExchangeSim;

/* Copies what it needs of o, but for the recorded tables. 0, ERR_INVALID, ERR_LIMIT. */
int exchange_sim_new(Ctx *cx, const ExchangeSimOptions *o, ExchangeSim **out);
ExchangeSim *exchange_sim_free(ExchangeSim *x);
DEFINE_CLEANUP(ExchangeSim *, exchange_sim_free)
Faults *exchange_sim_faults(ExchangeSim *x);

typedef struct SimRequest {
    Str method;
    Str target; /* path and query, as on the request line */
    const HttpHeader *headers;
    size_t n_headers;
    Str body;
    Str peer; /* whom the weight is charged to: an address without its port */
} SimRequest;

typedef enum SimWire { SIM_WHOLE, SIM_CHUNKED, SIM_TRICKLE, SIM_RESET, SIM_STALL } SimWire;

enum { SIM_HEADERS_MAX = 12 };

typedef struct SimReply {
    int status;
    HttpHeader headers[SIM_HEADERS_MAX]; /* without Content-Length, Transfer-Encoding, Date, Connection */
    size_t n_headers;
    Str body; /* already encoded as Content-Encoding says */
    SimWire wire;
    int64_t wire_n; /* bytes every 100 ms of SIM_TRICKLE, ms of SIM_STALL */
} SimReply;

/* Memory: the reply lives in `arena`. */
void exchange_sim_handle(ExchangeSim *x, Arena *arena, const SimRequest *req, Time now, SimReply *out);

typedef struct ExchangeSimStats {
    int64_t requests, klines, rows, errors, limited, banned, faults;
} ExchangeSimStats;
void exchange_sim_stats(const ExchangeSim *x, ExchangeSimStats *out);
