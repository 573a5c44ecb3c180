#pragma once

/* gateway/cluster.h - the instances of one service behind the gateway, and a call to whichever of them is best.
 *
 * A call passes, in this order: the breaker of the service, the choice of an instance (policy/balance.h), its connection
 * pool (net/http_upstream.h). What fails before its reply began is tried again on another instance if that can do no
 * harm: the call is repeatable, or nothing of it left; within the retry profile, the retry budget and the deadline. The
 * breaker hears how the call ended, the balancer how each attempt did.
 *
 * Instances come from the configuration or from discovery: cluster_set replaces the list at any time. Those that stay
 * keep their connections and numbers; those that left end their calls and go.
 *
 * Health: each instance is asked health_path every health_every_ms; health_failures in a row take it out, one good
 * answer takes it back. Its calls' own failures eject it sooner.
 *
 * Threads: the loop's alone. Memory: an instance's options and address; calls while they last. */

#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/span.h"
#include "net/http_upstream.h"
#include "policy/balance.h"
#include "policy/breaker.h"
#include "policy/bulkhead.h"
#include "policy/retry.h"

typedef struct Cluster Cluster;
typedef struct ClusterCall ClusterCall;

enum { CLUSTER_INSTANCES_MAX = 256 };

typedef struct ClusterInstance {
    Str address; /* "127.0.0.1:8000", "unix:/path", "https://10.0.0.5:8000" (over ClusterEnv.tls) */
    int weight;  /* 0 = 1 */
} ClusterInstance;

typedef struct ClusterOptions {
    Str name; /* copied, as all texts here */
    BalanceOptions balance;
    const BreakerProfile *breaker;
    const RetryProfile *retry;
    int retry_percent; /* of calls that may be retries: RETRY_BUDGET_PERCENT */
    Str health_path;   /* "/health"; empty: instances are judged by their calls alone */
    int64_t health_every_ms, health_timeout_ms;
    int health_failures;
    UpstreamOptions upstream;
    bool grpc; /* its instances speak gRPC and nothing else: their health is asked by grpc.health.v1 */
} ClusterOptions;
/* RES-11: every 30 s, 5 s each, 3 failures. fast: every 500 ms, 500 ms each, 3 failures, and the breaker `fast`: a
 * killed instance is out of the routing in 2 s at the latest, and its calls go elsewhere at once. */
void cluster_options_default(ClusterOptions *o, bool fast);

typedef struct ClusterEnv { /* borrowed */
    Loop *loop;
    Clock *clock;
    Metrics *metrics;
    Logger *log; /* NULL = silent */
    Ids *ids;
    TlsClient *tls;  /* NULL: instances are asked in plain alone */
    Str tls_name;    /* what an instance's certificate must be for; empty: its address */
    SendTurn *sends; /* as UpstreamOptions */
} ClusterEnv;

Cluster *cluster_new(const ClusterEnv *env, const ClusterOptions *o);
Cluster *cluster_free(Cluster *c); /* no call is open any more; NULL is fine */
/* 0; ERR_USAGE (an address that is none), ERR_LIMIT, with words: then the old list stays. */
int cluster_set(Cluster *c, Ctx *cx, const ClusterInstance *v, size_t n);
Str cluster_name(const Cluster *c);

typedef struct ClusterView {
    size_t instances, healthy, available; /* available: would be given a call now */
    BreakerState breaker;
    int64_t in_flight, calls, failures, retries;
} ClusterView;
void cluster_view(const Cluster *c, ClusterView *out);
/* Of its instances that pass their checks; borrowed until the next cluster_set. */
size_t cluster_addresses(const Cluster *c, Str *out, size_t cap);
/* {"status":"healthy","instances":[{"address",...}],...}; whether at least one instance can be called. */
bool cluster_write_health(const Cluster *c, JsonWriter *w);

/* --- calls --- */

/* How many calls of one kind may be under way at once: found by what they take. More wait for a moment or are refused,
 * with the stage "overload". Lives as long as its calls; needs no end. Private but for init. */
typedef struct ClusterGate {
    Loop *loop;
    AdaptiveLimit limit;
    BulkheadQueue queue;
    LoopTimer timer;
    double busy;   /* calls under way of late */
    double p95_ns; /* 95 of 100 calls take less, about; 0: none was made yet */
    Counter *shed;
} ClusterGate;
void cluster_gate_init(ClusterGate *g, Loop *loop, Counter *shed);

enum { HEDGE_NEVER = 0, HEDGE_BY_P95 = -1 };

typedef struct ClusterRequest {
    ClusterGate *gate; /* NULL: as many as come */
    /* > 0: when no answer has come by then, a repeatable call is made once more, elsewhere, and the first answer is
     * taken; HEDGE_BY_P95: after what 95 of 100 calls take. */
    int64_t hedge_ms;
    UpRequest up; /* fields and body are borrowed until the call is closed: it may be sent again */
    bool rpc;     /* a call of gRPC: over HTTP/2, and how it ended is what grpc-status says */
    /* Its deadline is the caller's own and shorter than the route's: that it passes is no fault of the service, and who
     * sets 1 ms shuts no breaker for others. */
    bool hurried;
    bool repeatable;   /* idempotent, or with an idempotency key */
    bool answers;      /* one of our roles: what it answers is its answer, and a 502 is that of a venue behind it, which
                      * would be asked again; only 429 and 503 say "not here, not now" */
    SpanLog *spans;    /* of the request; NULL = none are kept. An attempt is a span, below `parent`, */
    uint64_t parent;   /* and its id is written into */
    char *traceparent; /* the field's value among up.fields */
} ClusterRequest;

/* Why a call came to nothing: the stage that refused, and words. */
typedef struct ClusterFailure {
    int err;
    const char *stage; /* "overload", "breaker", "balance", "upstream" */
    const char *words;
    int64_t retry_after_ms; /* 0 = unknown */
} ClusterFailure;

typedef struct ClusterEvents { /* on the loop, never from within cluster_send; each may close the call */
    void (*head)(void *arg, const UpHead *head);
    void (*fail)(void *arg, const ClusterFailure *why); /* instead of head; the call is closed already */
    void (*more)(void *arg);
    void (*drained)(void *arg); /* optional: as UpEvents */
} ClusterEvents;

ClusterCall *cluster_send(Cluster *c, const ClusterRequest *rq, const ClusterEvents *events, void *arg);
int cluster_take(ClusterCall *k, Buf *out); /* as upstream_take */
bool cluster_moved(const ClusterCall *k);   /* an instance failed it, and another answered */
void cluster_trailers(const ClusterCall *k, const HttpField **fields, size_t *n); /* as upstream_trailers */
void cluster_wake(ClusterCall *k);                                                /* as upstream_wake */
void cluster_close(ClusterCall *k);                                               /* NULL is fine */
/* After a head of 101 (up.upgrade): as upstream_push. */
void cluster_push(ClusterCall *k, Str bytes);
size_t cluster_queued(const ClusterCall *k);
/* After a head: from now on others hear of it. */
void cluster_adopt(ClusterCall *k, const ClusterEvents *events, void *arg);
