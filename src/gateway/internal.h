#pragma once

/* gateway/internal.h - shared by the files of this folder only. */

#include "gateway/gateway.h"

#include "gateway/negotiate.h"

#include <pthread.h>

enum { PAGE_FORMS = CODING_ZSTD + 1, REQUEST_ID_MAX = 64 };

typedef struct Page {
    Buf form[PAGE_FORMS]; /* by Coding; empty where compressing did not pay */
} Page;

typedef struct OpMetrics {
    Counter *requests[6]; /* by status class: [2] = 2xx */
    Histogram *seconds;
} OpMetrics;

/* Requests at rest with the memory of their last use: the next one costs no malloc. Taken on the loop, given back by
 * whichever owner is the last. */
typedef struct RequestPool {
    pthread_mutex_t lock;
    struct Request *top;
    int n;
} RequestPool;

/* The last look at what stands behind. */
typedef struct HealthSeen {
    Buf services; /* a JSON object */
    bool well;
    MonoNs looked;
} HealthSeen;

struct Gateway {
    HealthSeen health;
    RequestPool pool;
    GatewayOptions o;
    IdsBatch ids; /* o.ids of the loop's thread, which gives every request its id */
    HttpServer *server;
    LiveHub *live; /* NULL: there is none */
    OpRouter *router;
    ApiRole *roles;
    const OpTable **tables;
    char *admin_key;
    Time started;
    Gauge *connections;
    Page *pages;           /* those that never change, made once in every coding */
    OpMetrics *op_metrics; /* one an op, in table order; the last is for everything else */
    size_t n_ops;
};

/* One request between the loop and its lane. It has two owners: whoever works on it, until the answer is given, and
 * the exchange, until its end is counted and logged. The client may leave while a lane still works, so either may be
 * the last. What the log needs is set on the loop before the lane starts, and lies outside of the arena. */
typedef struct Request {
    struct Request *next; /* in the pool */
    Gateway *g;
    HttpExchange *ex; /* the worker's, until it has answered */
    Arena arena;      /* the worker's */
    Ctx cx;
    OpMatch match;
    void *role;
    Str raw_media; /* of an answer that is a document */
    MediaType media;
    Coding coding;
    bool head_only;
    const OpMetrics *metrics;
    atomic_int owners;
    char request_id[REQUEST_ID_MAX + 1], correlation_id[REQUEST_ID_MAX + 1];
} Request;

/* On the loop. Sets ex->user, which request_ended takes when the exchange is over. */
Request *request_new(Gateway *g, HttpExchange *ex);
void request_run(void *rq, int lane_err); /* a LaneJob: decode, run, encode, reply */
void request_ended(Request *rq);
void request_pool_done(Gateway *g); /* when no request is left */

/* Answers with the error in rq->cx. The worker's share of rq is gone after. */
void request_fail(Request *rq);
/* Answers with body, compressed where that pays. The worker's share of rq is gone after. */
void request_reply(Request *rq, int status, Str content_type, Buf *body, const HttpField *extra, size_t n_extra);
/* The same with bytes that are in rq->coding already (or, with CODING_IDENTITY, are to stay as they are). */
void request_reply_coded(Request *rq, int status, Str content_type, Buf *body, const HttpField *extra, size_t n_extra);

/* /health, /metrics, /openapi.json, /docs: true when the path was one of them. */
bool pages_serve(Request *rq);
void pages_make(Gateway *g);
void pages_free(Gateway *g);

/* /ws: true when the path was it. */
bool live_serve(Request *rq);
/* The exchange has become something else: there is no answer to give. The worker's share of rq is gone after. */
void request_left(Request *rq);

/* Who asks: the principal into rq->cx, or why nobody may. */
int gateway_caller(Request *rq, Role needed);

OpMetrics *gateway_op_metrics(Gateway *g, const Op *op);
void *gateway_role_of(Gateway *g, const Op *op);
