#pragma once

/* policy/balance.h - which instance of a service gets the next call.
 *
 * BALANCE_ROUND_ROBIN  in turn: among targets that stay healthy the counts differ by at most 1 (GWY-04)
 * BALANCE_WEIGHTED     smooth weighted round robin (nginx's): 1:2:7 in every ten calls, evenly spread
 * BALANCE_LEAST        of two drawn at random the one with fewer calls under way for its weight (Mitzenmacher 2001)
 * BALANCE_EWMA         of two drawn the one whose peak-sensitive average latency times (calls + 1) is less (Finagle)
 *
 * A target gets calls while its health says so (discovery, health checks) and while it is not ejected. Ejected is who
 * failed `eject_failures` times in a row: for eject_ms, doubling each time up to eject_max_ms; but never more than
 * eject_percent of the healthy ones, and never the last. A first success after the return sets the doubling back.
 *
 * Targets are known by their id (host:port or an instance id). A new list keeps the numbers of those that stay; what is
 * no longer in it gets no more calls, and the reports of calls under way to it are taken and forgotten.
 *
 * Threads: one (a loop has its own balancer, as it has its own pools). Memory: bounded by BALANCE_TARGETS_MAX. */

#include "base/rng.h"

typedef enum BalanceKind { BALANCE_ROUND_ROBIN, BALANCE_WEIGHTED, BALANCE_LEAST, BALANCE_EWMA } BalanceKind;
enum { BALANCE_TARGETS_MAX = 1024, BALANCE_WEIGHT_MAX = 1000 };

typedef struct BalanceOptions {
    BalanceKind kind;
    int eject_failures;   /* 5; 0 = never eject */
    int64_t eject_ms;     /* 1,000 */
    int64_t eject_max_ms; /* 30,000 */
    int eject_percent;    /* 50 */
    int64_t decay_ms;     /* 10,000: EWMA forgets with this time constant */
} BalanceOptions;
void balance_options_default(BalanceOptions *o);
bool balance_kind(Str name, BalanceKind *out); /* "round_robin", "weighted", "least_requests", "ewma" */
const char *balance_kind_name(BalanceKind k);

typedef struct BalanceTarget {
    Str id;      /* copied */
    int weight;  /* 1 .. BALANCE_WEIGHT_MAX; 0 = 1 */
    void *owner; /* given back by pick: the caller's pool */
} BalanceTarget;

typedef struct Balancer Balancer;
/* A target for the time of one call; stays valid when the list changes. */
typedef struct BalancePick {
    uint32_t slot, generation;
    void *owner;
} BalancePick;

Balancer *balancer_new(const BalanceOptions *o);
Balancer *balancer_free(Balancer *b);
/* Replaces the list; ids of it must differ. 0 or ERR_LIMIT. New targets are healthy. */
int balancer_set(Balancer *b, const BalanceTarget *targets, size_t n);
void balancer_set_health(Balancer *b, Str id, bool healthy);

enum { BALANCE_NONE = 1 };
/* 0, or BALANCE_NONE when no target may be called. tried: picks this call has failed on; they are passed over while
 * there is another (a retry goes to another instance). A pick is ended by balancer_done, exactly once. */
int balancer_pick(Balancer *b, const BalancePick *tried, size_t n_tried, MonoNs now, Rng *rng, BalancePick *out);
void balancer_done(Balancer *b, BalancePick p, bool success, int64_t took_ns, MonoNs now);
/* The call was not made: neither success nor failure. */
void balancer_cancel(Balancer *b, BalancePick p);

typedef struct BalanceView {
    Str id; /* the balancer's; until the next set */
    int weight;
    bool healthy, ejected;
    int64_t in_flight, picks, failures;
    int failures_in_row;
    double latency_ns; /* the average that EWMA uses; 0 = no call yet */
} BalanceView;
size_t balancer_count(const Balancer *b);
void balancer_view(const Balancer *b, size_t i, MonoNs now, BalanceView *out);
/* How many targets a call could be sent to now. */
size_t balancer_available(const Balancer *b, MonoNs now);
