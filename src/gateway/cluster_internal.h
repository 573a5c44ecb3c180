#pragma once

/* gateway/cluster_internal.h - shared by cluster*.c only. */

#include "base/list.h"
#include "gateway/cluster.h"

typedef struct Instance {
    Cluster *cluster;
    ListNode node; /* in cluster->instances */
    char address[112];
    int weight;
    Upstream *upstream;
    Upstream *rpc; /* the same address over HTTP/2; NULL: nobody has called it so */
    int64_t calls; /* open, checks included */
    bool staying;  /* while a new list is compared */
    bool left;     /* goes with its last call */
    /* health */
    bool healthy;
    int failures_in_row;
    LoopTimer timer;
    MonoNs check_began;
    UpCall *check; /* NULL: none under way */
    int check_status;
} Instance;

struct Cluster {
    ClusterEnv env;
    ClusterOptions o;
    char name[64], health_path[256];
    ListNode instances;
    size_t n_instances;
    Balancer *balancer;
    Breaker breaker;
    RetryBudget budget;
    Rng rng;
    int64_t in_flight;
    Counter *calls, *failures, *retries, *hedges;
    Gauge *open, *up;
};

Upstream *instance_rpc(Instance *i);
/* HTTP's word for how a call of gRPC ended; 200 when the fields do not say. */
int rpc_http_status(const HttpField *fields, size_t n);

/* cluster_health.c */
void instance_health_start(Instance *i);
void instance_health_stop(Instance *i);
void instance_unref(Instance *i); /* one call less */

/* cluster_gate.c */
/* DROPPED: it was too much. HURRIED: its caller had little time, and it is over. */
typedef enum GateVerdict { GATE_ANSWERED, GATE_DROPPED, GATE_HURRIED, GATE_UNKNOWN } GateVerdict;
/* As bulkhead_queue_enter. */
int gate_enter(ClusterGate *g, BulkheadWaiter *w, MonoNs deadline);
void gate_leave(ClusterGate *g, int64_t took_ns, GateVerdict verdict);
void gate_forget(ClusterGate *g, BulkheadWaiter *w);
int64_t gate_hedge_ms(const ClusterGate *g, int64_t asked_ms); /* 0: not now */
