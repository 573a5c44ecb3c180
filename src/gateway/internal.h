#pragma once

/* gateway/internal.h - shared by the files of this folder only. */

#include "gateway/gateway.h"

#include "gateway/negotiate.h"

typedef struct OpMetrics {
    Counter *requests[6]; /* by status class: [2] = 2xx */
    Histogram *seconds;
} OpMetrics;

struct Gateway {
    GatewayOptions o;
    IdsBatch ids; /* o.ids of the loop's thread, which gives every request its id */
    HttpServer *server;
    OpRouter *router;
    ApiRole *roles;
    const OpTable **tables;
    char *admin_key;
    Time started;
    Gauge *connections;
    Buf openapi, docs;     /* made once */
    OpMetrics *op_metrics; /* one an op, in table order; the last is for everything else */
    size_t n_ops;
};

/* One request between the loop and its lane. Owned by whoever works on it: loop, lane, then the reply. */
typedef struct Request {
    Gateway *g;
    HttpExchange *ex;
    Arena arena;
    Ctx cx;
    OpMatch match;
    void *role;
    MediaType media;
    Coding coding;
    bool head_only;
} Request;

/* Made on the loop; everything it needs is in its own arena. */
Request *request_new(Gateway *g, HttpExchange *ex);
void request_free(Request *rq);
void request_run(void *rq, int lane_err); /* a LaneJob: decode, run, encode, reply, free */

/* Answers with the error in rq->cx and frees rq. */
void request_fail(Request *rq);
/* Answers with body and frees rq. extra may be NULL. */
void request_reply(Request *rq, int status, Str content_type, Buf *body, const HttpField *extra, size_t n_extra);

/* /health, /metrics, /openapi.json, /docs: true when the path was one of them. */
bool pages_serve(Request *rq);
void pages_make(Gateway *g);

OpMetrics *gateway_op_metrics(Gateway *g, const Op *op);
void *gateway_role_of(Gateway *g, const Op *op);
