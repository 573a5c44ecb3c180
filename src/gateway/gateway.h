#pragma once

/* gateway/gateway.h - HTTP in front of the operation tables, here and in other processes.
 *
 * One request: bytes -> net/http_server -> here on the loop the stages (stages.c): limit by address, route, key, role,
 * limit by key and route, validation -> then, by the route, either a lane of this process: decode, validate, run, encode,
 * compress -> http_reply; or, without a worker, a service in another process (cluster.h, proxy.c), whose reply streams
 * back. The gateway knows tables of operations, never services: the role object of a table is an opaque pointer.
 *
 * Besides the tables it serves, on the loop: GET /health, /metrics, /openapi.json, /docs, and /ws: the live API.
 * Refusals are uniform JSON: {"error":{"code","message","field","request_id",...}} (api/op.h).
 *
 * Keys: reading needs none on a loopback address; writing and administration need a key of that role, as X-API-Key or
 * Authorization: Bearer: one of gateway_keys, or the admin key of the configuration. A connection over the Unix socket is the same user and may do everything. */

#include "api/cached.h"
#include "api/call.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "base/slow.h"
#include "base/trace_ring.h"
#include "gateway/client.h"
#include "gateway/cluster.h"
#include "gateway/cors.h"
#include "gateway/live.h"
#include "gateway/negotiate.h"
#include "grpc/call.h"
#include "net/http_server.h"
#include "policy/audit_chain.h"
#include "policy/key_ring.h"
#include "policy/limit.h"

typedef struct Gateway Gateway;

/* A service in other processes. */
typedef struct GatewayCluster {
    ClusterOptions o;
    const ClusterInstance *instances;
    size_t n;
} GatewayCluster;

/* A role that is not of this process: its operations go to the cluster of that name. */
typedef struct GatewayRemote {
    const OpTable *table;
    Str cluster;
    bool live; /* it has the live API: /ws goes there */
} GatewayRemote;

/* A service of gRPC: of this process (role), or of the role elsewhere that has the table. */
typedef struct GatewayRpc {
    const GrpcService *service;
    const OpTable *table;
    void *role; /* GrpcStart.service; NULL: elsewhere */
} GatewayRpc;

/* A route of the configuration: to a service that has no table here. */
typedef struct GatewayForeign {
    Str method;  /* empty: any */
    Str pattern; /* route_table.h */
    Str cluster;
    Role role;          /* least role that may pass */
    int64_t timeout_ms; /* 0 = 30 s */
    size_t max_body;    /* 0 = 1 MiB */
    Str prefix;         /* not NULL: the target is this and what "*" took; else the path as it came */
    bool prose;         /* see Op.prose */
    bool never_kept;    /* its answers are not kept, whatever they say */
    int64_t hedge_ms;   /* see ClusterRequest */
    int64_t a_minute;   /* requests of one client, by its key or address; 0: no limit beside the others */
    int64_t fresh_ms;   /* how long those that say nothing are kept; 0: they are not */
} GatewayForeign;

/* What is behind: all of it can be replaced while the gateway serves (gateway_routes). Borrowed until the call ends. */
typedef struct GatewayTopology {
    const GatewayCluster *clusters;
    size_t n_clusters;
    const GatewayRemote *remotes;
    size_t n_remotes;
    const GatewayForeign *foreign;
    size_t n_foreign;
    const Str *rules; /* what routes change of requests and answers: rules.h */
    size_t n_rules;
} GatewayTopology;

/* Requests a minute; 0 = no limit. */
typedef struct GatewayLimits {
    int64_t flood;     /* an address, with or without a key */
    int64_t anonymous; /* an address without a key: 60 (SEC-03) */
    int64_t keyed;     /* a key: 100 (GWY-09) */
} GatewayLimits;

/* The contract of an API and its page, made before the program runs: they depend on nothing but its tables. By Coding;
 * NULL: not offered in it. */
typedef struct GatewayDocuments {
    const Str *openapi[CODINGS], *docs[CODINGS]; /* outlive the gateway */
} GatewayDocuments;

/* A page that never changes, made by whoever knows what is on it; on the path it names, readable by all. */
typedef struct GatewayPage {
    Str path, media;
    const Str *text;
} GatewayPage;
/* Paths of this process that are no operations, below one prefix: a protocol of others. Texts of a reply in cx->arena. */
typedef struct DoorReply {
    int status;
    Str media; /* empty: there is no body */
    Str body;
} DoorReply;
typedef struct GatewayDoor {
    Str prefix;                                                                /* "/eureka". Borrowed */
    size_t max_body;                                                           /* of a request */
    Role (*needs)(void *arg, const HttpHead *head);                            /* on the loop */
    int (*answer)(void *arg, Ctx *cx, const HttpExchange *ex, DoorReply *out); /* on a lane: 0 or ErrCode */
    bool io; /* answers wait for a disk: on the IO lane, else on the CPU lane */
    void *arg;
} GatewayDoor;

typedef enum GatewayRefusals { REFUSALS_OFF, REFUSALS_REPORT, REFUSALS_ON } GatewayRefusals;

typedef struct GatewayOptions {
    Loop *loop;
    const ApiRole *roles; /* copied */
    size_t n_roles;
    const GatewayDocuments *documents; /* borrowed; NULL: made here, of all tables, the remote ones too */
    Lane *cpu, *io, *feed;             /* borrowed; by Op.lane */
    Clock *clock;
    Ids *ids;
    Logger *log; /* NULL = silent */
    Metrics *metrics;
    ApiCaller *wire;      /* borrowed; not NULL: operations of this process are called through the form of the wire */
    Answers *answers;     /* borrowed; answers that are kept; NULL = none are */
    int64_t edge_ms;      /* for so long an edge may tell what all may read without asking; 0: it always asks */
    size_t keep_bytes;    /* memory for answers of services elsewhere; 0: none are kept */
    int64_t hedge_ms;     /* of roles' idempotent calls; see ClusterRequest */
    int64_t keep_role_ms; /* how long an answer of a role elsewhere is told without asking it; 0: it is always asked */
    RequestStats *requests; /* the documents' MetricsService; NULL = none */
    bool metric_aliases;    /* the documents' python_services_* beside finsight_* (U19) */
    const SlowWatch *slow;  /* borrowed; of calls and statements that requests are slow by; NULL = nobody */
    TraceRing *traces;      /* borrowed; where the spans of requests go; NULL = none are kept */
    double trace_sample;    /* 0 .. 1: of the requests that come without a trace, how many are kept */
    const GatewayRpc *rpcs; /* copied */
    size_t n_rpcs;
    Str rpc_descriptors;      /* borrowed: grpc/reflection.h */
    GatewayTopology topology; /* all-zero: everything is of this process */
    GatewayLimits limits;
    const GatewayPage *pages; /* borrowed */
    size_t n_pages;
    /* Optional: a request brought a key that is not known (on the loop). */
    void (*on_denied)(void *arg, Str client, MonoNs at);
    void *on_denied_arg;
    CorsRules cors; /* borrowed texts */
    /* For instances named https://, and what their certificates must be for (empty: their address). Borrowed; may be
     * NULL. */
    TlsClient *upstream_tls;
    Str upstream_tls_name;
    Str internal_key;      /* copied; by it our own hops know each other; empty: none does */
    const ClientNet *hops; /* copied; whose X-Forwarded-For is believed */
    size_t n_hops;
    bool proxy_protocol;             /* the hops begin with the PROXY protocol */
    Str admin_key;                   /* copied; empty = no key opens writing over TCP; others: gateway_keys */
    bool unknown_key_401;            /* a key that is no good is answered 401 instead of 403 */
    bool access_log;                 /* one INFO line a request */
    GatewayRefusals refusals;        /* what becomes of requests that have the form of an attack */
    bool open_reading;               /* who has no key may read: for a loopback address */
    bool simulated;                  /* a collector talks to the simulator: /health says so */
    HttpServerOptions http;          /* limits; the gateway sets the callbacks */
    const LiveSource *live_source;   /* borrowed; NULL = no live API */
    const LiveNewsSource *live_news; /* borrowed; NULL = no channel "news" */
    LiveOptions live;
    const GatewayDoor *doors; /* borrowed */
    size_t n_doors;
    /* Health of what stands behind: writes members of "services" and says whether all is well. May be NULL.
     * Runs on the loop: it must not block. */
    bool (*health)(void *arg, JsonWriter *w);
    /* Optional: further members of the payload. 0 all is well, 1 not known yet, 2 something is not. As health. */
    int (*health_more)(void *arg, JsonWriter *w);
    void *health_arg;
    /* Refusals of keys and roles, and calls of administration. On the loop: it must not block. Texts are borrowed.
     * often: of a kind that comes in floods. May be NULL. */
    void (*on_event)(void *arg, const AuditEvent *e, bool often);
    void *event_arg;
} GatewayOptions;

/* 0, or ErrCode with words: a route that is there twice, an address that is none. */
int gateway_new(Ctx *cx, const GatewayOptions *o, Gateway **out);
HttpServer *gateway_server(Gateway *g); /* to listen and to stop */
/* Replaces what is behind. Requests under way end by the routes they came in by; clusters of the same name keep their
 * connections and numbers (and the options they were made with). 0, or ErrCode with words: then all stays as it was.
 * On the loop, or before it runs. */
int gateway_routes(Gateway *g, Ctx *cx, const GatewayTopology *topology);
/* The keys that are good from now on. Takes the reference over. On the loop, or before it runs; what a key that is not
 * among them any more has opened is ended: live connections, pipes and streams to services elsewhere, calls of gRPC. */
void gateway_keys(Gateway *g, KeySet *set);
/* The same look again, once a second: keys expire. */
void gateway_keys_look(Gateway *g);
/* The services behind, as they are now. On the loop. */
typedef struct GatewayService {
    Str name;
    ClusterView view;
} GatewayService;
size_t gateway_services(const Gateway *g, GatewayService *out, size_t cap);
/* Addresses of the instances of one, borrowed until the loop turns; 0 also for a name that is none. On the loop. */
size_t gateway_addresses(const Gateway *g, Str cluster, Str *out, size_t cap);
/* The instances of one cluster: what discovery calls. ERR_NOT_FOUND for a name that is no cluster. On the loop. */
int gateway_instances(Gateway *g, Ctx *cx, Str cluster, const ClusterInstance *v, size_t n);
/* Before the server stops: who asks by gRPC whether it serves is told that it will not. */
void gateway_stopping(Gateway *g);
Gateway *gateway_free(Gateway *g); /* after the server has stopped and the lanes are closed */
