#pragma once

/* api/call.h - calling an operation: here, here through the wire's form, or over HTTP.
 *
 *     ApiCaller *api = api_caller_local(roles, n);
 *     CandleQueryIn in = { .symbol = S("BTCUSDT"), .timeframe = S("1h"), .limit = 100 };
 *     CandlePage page;
 *     e = api_call(api, cx, &op_market_candles, &in, &page);
 *
 * The three kinds answer alike: the same `out` for the same `in`, the same Err for the same failure. That is
 * what the wire kind is for: run a suite with it and in-process calls have gone through query, JSON and back.
 * Memory: what *out points to is in cx->arena. On failure *out is zero.
 * Threads: a caller may be used by many threads at once if its roles (or its exchange) may; a local call runs
 * on the caller's thread. Policy (keys, limits, deadlines) is the gateway's: a local call has none. */

#include "api/op.h"

typedef struct ApiRole { /* who serves the operations of a table */
    const OpTable *table;
    void *role; /* what Op.run gets */
} ApiRole;

/* Validates, runs, answers: no copy of the data is made. The array of roles is copied. */
ApiCaller *api_caller_local(const ApiRole *roles, size_t n);
/* The same through op_encode, op_route, op_decode, shape_write, shape_decode_reply. For tests. */
ApiCaller *api_caller_wire(const ApiRole *roles, size_t n);

typedef struct ApiRequest {
    Str method, target; /* "/api/v1/market/candles?symbol=BTCUSDT" */
    const QueryPair *headers;
    size_t n_headers;
    Str body; /* JSON; empty = none */
} ApiRequest;

typedef struct ApiAnswer {
    int status;
    Str content_type;
    Str body;               /* in cx->arena */
    int64_t retry_after_ms; /* from Retry-After; 0 = none */
} ApiAnswer;

/* One HTTP exchange: 0 whatever the status is, or < 0 with words when there was none (no connection). */
typedef int ApiExchange(void *arg, Ctx *cx, const ApiRequest *request, ApiAnswer *out);
/* key: sent as X-API-Key; empty = none. arg outlives the caller. */
ApiCaller *api_caller_http(ApiExchange *exchange, void *arg, Str key);

/* Names of headers that travel with a call. */
#define API_HEADER_KEY         "x-api-key"
#define API_HEADER_CORRELATION "x-correlation-id"
#define API_HEADER_DEADLINE    "x-deadline-ms" /* what is left of the caller's deadline */
#define API_HEADER_TRACE       "traceparent"   /* W3C Trace Context, as the next */
#define API_HEADER_TRACESTATE  "tracestate"

/* An `in` struct as method, target and body; no headers. The reverse of op_decode. */
int op_encode(const Op *op, Ctx *cx, const void *in, ApiRequest *out);
/* Percent-encodes all but the unreserved characters of RFC 3986. */
void percent_encode(Buf *b, Str s);
