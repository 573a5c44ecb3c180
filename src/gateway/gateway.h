#pragma once

/* gateway/gateway.h - HTTP in front of the operation tables.
 *
 * One request: bytes -> net/http_server -> here on the loop: request id, route, role -> a lane: decode, validate,
 * run, encode, compress -> http_reply. The gateway knows tables of operations, never services: the role object of a
 * table is an opaque pointer.
 *
 * Besides the tables it serves, on the loop: GET /health, /metrics, /openapi.json, /docs, and /ws: the live API.
 * Refusals are uniform JSON: {"error":{"code","message","field","request_id",...}} (api/op.h).
 *
 * Keys: reading needs none on a loopback address; writing and administration need the admin key, as X-API-Key or
 * Authorization: Bearer. A connection over the Unix socket is the same user and may do everything. */

#include "api/call.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "gateway/live.h"
#include "net/http_server.h"

typedef struct Gateway Gateway;

typedef struct GatewayOptions {
    Loop *loop;
    const ApiRole *roles; /* copied */
    size_t n_roles;
    Lane *cpu, *io, *feed; /* borrowed; by Op.lane */
    Clock *clock;
    Ids *ids;
    Logger *log; /* NULL = silent */
    Metrics *metrics;
    RequestStats *requests;        /* the documents' MetricsService; NULL = none */
    Str admin_key;                 /* copied; empty = no key opens writing over TCP */
    bool access_log;               /* one INFO line a request */
    bool open_reading;             /* who has no key may read: for a loopback address */
    bool simulated;                /* a collector talks to the simulator: /health says so */
    HttpServerOptions http;        /* limits; the gateway sets the callbacks */
    const LiveSource *live_source; /* borrowed; NULL = no live API */
    LiveOptions live;
    /* Health of what stands behind: writes members of "services" and says whether all is well. May be NULL.
     * Runs on the loop: it must not block. */
    bool (*health)(void *arg, JsonWriter *w);
    void *health_arg;
} GatewayOptions;

Gateway *gateway_new(const GatewayOptions *o);
HttpServer *gateway_server(Gateway *g); /* to listen and to stop */
Gateway *gateway_free(Gateway *g);      /* after the server has stopped and the lanes are closed */
