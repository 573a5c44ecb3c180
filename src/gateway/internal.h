#pragma once

/* gateway/internal.h - shared by the files of this folder only. */

#include "gateway/gateway.h"

#include "base/vec.h"
#include "gateway/negotiate.h"
#include "gateway/route_table.h"
#include "gateway/rules.h"
#include "gateway/shelf.h"
#include "grpc/health.h"
#include "grpc/reflection.h"
#include "policy/flight.h"
#include "policy/refusal/refusal.h"

#include <pthread.h>

enum { REQUEST_ID_MAX = 64 };

typedef struct Page {
    HttpShared *form[CODINGS]; /* by Coding; NULL where compressing did not pay */
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
    int out; /* not in it */
} RequestPool;

typedef struct RpcMetrics {
    Str method;                        /* "finsight.news.NewsService/GetNews" */
    Counter *by_status[GRPC_STATUSES]; /* made when first needed, on the loop */
} RpcMetrics;

/* Where a path leads. */
typedef struct Route {
    const Op *op; /* NULL: a route of the configuration, or a method of gRPC */
    const GrpcMethod *rpc;
    RpcMetrics *calls;               /* of a method */
    void (*own)(struct Request *rq); /* not NULL: the gateway answers it itself */
    bool alias;                      /* reached by an older name of op */
    void *role;                      /* here: what Op.run gets */
    Cluster *cluster;                /* elsewhere; NULL: here */
    OpMetrics *metrics;
    Role needs;
    bool prose; /* its bodies are text of people or code: not looked at for forms of attack */
    int64_t timeout_ms;
    size_t max_body;
    Str prefix;        /* see GatewayForeign */
    bool keeps;        /* answers may be kept here */
    int64_t fresh_ms;  /* of one that tells no lifetime; -1: it is not kept */
    Rules *rules;      /* NULL: nothing is changed */
    ClusterGate *gate; /* how many calls of it may be under way; NULL: of this process */
    int64_t hedge_ms;  /* see ClusterRequest */
    Str pattern;
    int64_t a_minute; /* requests of one client; 0: no limit of its own */
} Route;

/* Something that stays open by a key, in whatever it is: ended when the key is revoked or expires (SEC-23). */
typedef struct KeyHold {
    ListNode node;
    char key_id[KEY_ID];
    void (*end)(struct KeyHold *h); /* on the loop, once; it is in no row any more */
} KeyHold;

/* All routes of one configuration. Requests hold it, so that a reload takes nothing away from under them. */
typedef struct RouteSet {
    atomic_int refs;
    RouteTable *table;
    Arena arena; /* of the routes and their metrics */
} RouteSet;

/* Answers of services elsewhere, kept (keep.c), and the calls that fetch them (fetch.c). */
/* FALLBACK: stale, because the service failed. PASSED: not one that is kept; nothing is said of it. */
typedef enum KeptWord {
    KEPT_HIT,
    KEPT_MISS,
    KEPT_STALE,
    KEPT_REVALIDATED,
    KEPT_FALLBACK,
    KEPT_WORDS,
    KEPT_PASSED
} KeptWord;
typedef struct Fetch Fetch;
typedef struct RequestPart RequestPart;
typedef struct Keeping {
    Shelf *shelf; /* NULL: nothing is kept */
    Flights *flights;
    ListNode fetches;
    Counter *told[KEPT_WORDS], *hits, *misses; /* the last two under the documents' names */
} Keeping;

/* The last look at what stands behind. */
typedef struct HealthSeen {
    Buf services; /* a JSON object */
    bool well;
    MonoNs looked;
} HealthSeen;

typedef struct KeyLimit { /* of the keys that have that number */
    int64_t a_minute;
    Limiter *limiter;
} KeyLimit;

struct Gateway {
    HealthSeen health;
    RequestPool pool;
    GatewayOptions o;
    IdsBatch ids; /* o.ids of the loop's thread, which gives every request its id */
    HttpServer *server;
    GatewayRpc *rpcs; /* those of the options, and our own */
    size_t n_rpcs;
    GrpcHealth *health_calls;
    GrpcReflection *reflection;
    LiveHub *live; /* NULL: there is none */
    RouteSet *routes;
    VEC(Cluster *) clusters;
    VEC(Cluster *) retired; /* of an older configuration: requests may still hold them */
    ApiRole *roles;
    const OpTable **tables; /* of the roles, then of the remotes */
    size_t n_tables;
    Limiter *by_flood, *by_address, *by_key; /* NULL: no limit */
    Limiter *by_route;                       /* of routes that have one of their own */
    Counter *shed;
    KeySet *keys; /* the loop's; NULL: there are none */
    VEC(KeyLimit) key_limits;
    ClientNet *hops;
    char *admin_key, *internal_key;
    Time started;
    Gauge *connections;
    Counter *cut_unread;
    Keeping keep;
    ListNode batches;
    ListNode holds;
    SendTurn *sends;
    LogBatch access; /* lines of this turn of the loop */
    LoopLater access_end;
    Page *pages;    /* those that never change, made once in every coding */
    OpMetrics none; /* of what met no route */
    Counter *refused[REFUSALS];
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
    RouteSet *routes; /* holds route; NULL: none was looked for */
    const Route *route;
    RouteHit hit;
    Str body;                 /* of the request, as it goes on */
    Str path;                 /* as routed: the documents' prefixes made ours */
    const char *stage;        /* that it is in, or was refused at */
    Str client;               /* address of who asks */
    Str origin;               /* of a page, where any may ask */
    const LimitVerdict *tell; /* of the limits it passed the tightest; NULL: none */
    LimitVerdict verdicts[4];
    ClusterCall *call;     /* NULL: none under way */
    FlightWaiter wait;     /* for an answer that is fetched for several */
    RequestPart *part;     /* not NULL: one of several; its exchange is no server's */
    struct Batch *batch;   /* of several, while they are under way */
    Fetch *fetch;          /* NULL: it waits for none */
    Buf early;             /* of a reply that is passed on after all: what was there of it */
    bool streaming;        /* its reply has begun, and more of it is to come */
    KeyHold hold;          /* of a reply that streams */
    bool is_rpc;           /* a call of gRPC */
    struct GrpcPass *pass; /* grpc_pass.c */
    GrpcCall *rpc;         /* of a method here that streams */
    int rpc_status;
    int upload_err; /* why the body that streams never came whole */
    bool vouched;   /* a hop of ours said who asks */
    /* Of the gateway's set: good until the stages are through. NULL: another way in. */
    const KeyEntry *key;
    Str raw_media;  /* of an answer that is a document */
    Str kept;       /* "HIT", "MISS"; empty: an answer that is not kept */
    Str surrogates; /* names of its answer in caches; empty: it has none */
    MediaType media;
    Coding coding;
    bool head_only;
    const OpMetrics *metrics;
    SpanLog *spans;     /* kept with the arena from use to use; of this request only where cx.spans says so */
    MonoNs stage_began; /* the span that traced_stage ends */
    int64_t took_ns;
    atomic_int owners;
    char request_id[REQUEST_ID_MAX + 1], correlation_id[REQUEST_ID_MAX + 1];
} Request;

/* On the loop. Sets ex->user, which request_ended takes when the exchange is over. */
Request *request_new(Gateway *g, HttpExchange *ex);
/* One of several; gone: what it watches. */
Request *request_new_part(Gateway *g, RequestPart *p, HttpExchange *ex, const atomic_bool *gone);
bool request_gone(const Request *rq); /* nobody waits for the answer */
/* http_reply, or to what the request is a part of. */
void request_answer(Request *rq, HttpReply *reply);
void request_run(void *rq, int lane_err); /* a LaneJob: decode, run, encode, reply */
void request_ended(Request *rq);
void request_pool_done(Gateway *g); /* when no request is left */

/* Answers with the error in rq->cx. The worker's share of rq is gone after. */
void request_fail(Request *rq);
/* Answers with body, compressed where that pays. The worker's share of rq is gone after. */
void request_reply(Request *rq, int status, Str content_type, Buf *body, const HttpField *extra, size_t n_extra);
/* The same with bytes that others send as well, in rq->coding already. */
void request_reply_shared(Request *rq, Str content_type, HttpShared *body, const HttpField *extra, size_t n_extra);
/* The same with bytes that are in rq->coding already (or, with CODING_IDENTITY, are to stay as they are). */
void request_reply_coded(Request *rq, int status, Str content_type, Buf *body, const HttpField *extra, size_t n_extra);

/* /health, /metrics, /openapi.json, /docs: true when the path was one of them. */
bool pages_serve(Request *rq);
void pages_make(Gateway *g);
void pages_free(Gateway *g);

/* /ws: true when the path was it. */
bool live_serve(Request *rq);
/* What every reply says of this hop: ids, limits, origins. Returns how many. */
enum { REQUEST_OWN_FIELDS = 5 + CORS_FIELDS_MAX };
size_t request_own_fields(Request *rq, HttpField *to);
/* The exchange has become something else: there is no answer to give. The worker's share of rq is gone after. */
void request_left(Request *rq);

/* Who asks: the principal into rq->cx, or why there is none. Then whether it may. */
/* refuse.c: has it the form of an attack? The head before anything is looked up, the body when its route is known. */
int refuse_head(Request *rq);
int refuse_body(Request *rq);
void refuse_init(Gateway *g);
void gateway_note_refused(Request *rq, Str what, Str outcome);

int gateway_principal(Request *rq);
int gateway_allow(Request *rq, Role needed);

/* hold.c: what ends with the key of its request. Where that has none, or a hop vouched, nothing is held. */
void hold_begin(Request *rq, KeyHold *h, void (*end)(KeyHold *h));
void hold_over(KeyHold *h); /* it has ended itself; one that was never held is fine */
void holds_look(Gateway *g);
int hold_refusal(const Gateway *g); /* the code of one who comes with such a key */
#define HOLD_WORDS "the key is no longer good"

/* An operation of administration is over. */
void gateway_note_done(Request *rq, int status);
/* The limiter that counts this request's key; NULL: none does. */
Limiter *gateway_key_limiter(const Request *rq);
Limiter *gateway_limiter(const Gateway *g, const char *name, int64_t a_minute);
void guard_done(Gateway *g);

/* routes.c */
int routes_build(Gateway *g, Ctx *cx, const GatewayTopology *t, RouteSet **out);
RouteSet *routes_ref(RouteSet *s);
void routes_unref(RouteSet *s); /* any thread; NULL is fine */
/* Fills rq->route, rq->match. 0, ERR_NOT_FOUND, ERR_METHOD, ERR_BAD_REQUEST. */
int routes_find(Request *rq);
Cluster *gateway_cluster(const Gateway *g, Str name);
void op_metrics_init(Gateway *g, OpMetrics *m, Str op);
void op_metrics_alias(Gateway *g, const OpMetrics *m, Str service, Str endpoint);

/* stages.c: a request from its arrival to whoever answers it. */
void stages_run(Request *rq);

/* grpc_door.c: calls of gRPC. */
int grpc_door_open(Gateway *g, Ctx *cx);
void grpc_door_close(Gateway *g);
int grpc_routes(Gateway *g, Ctx *cx, RouteSet *s, const GatewayTopology *t);
int grpc_route(Request *rq); /* as routes_find, and the call's deadline */
void grpc_run(Request *rq);  /* the method of rq->route, here */
void grpc_fail(Request *rq); /* as request_fail */
void grpc_count(Request *rq, int status);
int64_t grpc_body_max(const Route *route); /* of all messages of a call */
/* grpc_pass.c: to the cluster of rq->route. */
void grpc_pass(Request *rq);

/* To the service, by the way its route needs. */
static inline bool rules_change_reply(const Route *route) {
    return route->rules && route->rules->body[RULE_REPLY];
}
/* Its answer must be there as a whole before anything is told of it. */
static inline bool request_wants_whole(const Request *rq) {
    return rq->part || rules_change_reply(rq->route);
}

/* door.c: true when the path was below a door's prefix. */
bool door_serve(Request *rq);
const GatewayDoor *door_of(const Gateway *g, Str path); /* NULL: none */
/* upload.c: bodies that are large go to a cluster as they come. */
HttpIntake upload_intake(Gateway *g, const HttpHead *head);
void upload_begin(Request *rq, ClusterRequest *call);
void upload_blame(const Request *rq, ClusterFailure *why);

/* proxy.c: to the cluster of rq->route. */
#define FALLBACK_FIELD "X-Fallback" /* the rung of the ladder that gave the answer, where it was not the first (U34) */
void proxy_start(Request *rq);      /* or fetch_alone */
extern const ClusterEvents proxy_events; /* of a rq->call; arg: the request */
/* What goes on to the service; head: the request's own, or a copy. In the arena, or borrowed from both. */
void proxy_request(Request *rq, Arena *a, const HttpHead *head, ClusterRequest *out);
void proxy_head(Request *rq, const UpHead *head);
void proxy_refuse(Request *rq, const ClusterFailure *why);
void proxy_gone(HttpExchange *ex); /* HttpExchange.on_gone while rq->call is open */

/* keep.c: the stage "cache". true: it is answered, or will be; false: it goes on. */
bool keep_serve(Request *rq);
void keep_tell(Request *rq, const ShelfAnswer *answer, KeptWord word);
void keep_new(Gateway *g, size_t max_bytes);
void keep_done(Gateway *g);

/* fetch.c */
typedef struct FetchQuestion {
    ShelfQuestion q;
    ShelfAnswer *old; /* what is kept and may not be told as it is; taken over; NULL: nothing */
    bool behind;      /* rq has its answer: nobody waits */
} FetchQuestion;
/* Joins a call that is under way, or begins one. false: too many; nothing was taken over. */
bool fetch_join(Request *rq, FetchQuestion *fq);
/* A call of its own whose answer is taken whole, because rules change its body. */
void fetch_alone(Request *rq);
/* After an answer: what changes something makes what was kept of it void. */
void fetch_changed(Request *rq, int status);
/* Answers with these surrogate keys are told no more. */
void fetch_forget(Gateway *g, const Str *keys, size_t n);
void fetches_end(Gateway *g);

/* surrogate.c, on the lane: names of the answer to in; series: what it was made of, where that is known. */
void surrogate_note(Request *rq, const void *in, Str series);
/* An operation that purges went well: here (from the lane, before its answer), or elsewhere (on the loop). */
void surrogate_purge_posted(Request *rq, const void *in);
void surrogate_purge(Request *rq);

/* traced.c: the spans of a request. */
void traced_begin(Request *rq);
/* What began where the last one ended is over, well (0) or not (< 0). */
Span *traced_stage(Request *rq, const char *name, int r);
void traced_done(Request *rq, const HttpExchange *ex, const HttpDone *done);
void traced_end(Request *rq); /* by the last owner */
/* A call that may outlive the request: a record of its own, in the same trace. Fills what `call` has of it. */
SpanLog *traced_fetch(Request *rq, Arena *a, ClusterRequest *call);
void traced_fetch_end(Gateway *g, SpanLog *l, int status);

/* request.c: the input of rq->match.op decoded and checked, in the arena. */
int request_decode(Request *rq, void **in);
int request_check(Request *rq);

/* batch.c: several readings asked together (GWY-33). */
void batch_serve(Request *rq);
void batches_end(Gateway *g);
