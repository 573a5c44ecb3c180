#pragma once

/* app/observe.h - what a server sees of itself goes out: spans to a collector, alerts to who is to be told, the store's times
 * into metrics and the slow-query log; the pages that show them.
 *
 * A timer of the loop posts rounds to a lane of one thread; a round that is long delays the next, never a request. */

#include "app/health_checks.h"
#include "app/platform.h"
#include "app/process.h"

typedef struct Observe Observe;

/* What the gateway shows and keeps. */
void observe_gateway(Platform *p, GatewayOptions *g);

typedef struct ObserveOptions { /* borrowed */
    Gateway *gateway;
    Loop *loop;
    Lane *cpu, *io, *feed;
    Cache *shared; /* the Redis of answers; NULL = none */
} ObserveOptions;

/* Before others use the store. 0 or ErrCode with words. */
int observe_start(Ctx *cx, Platform *p, const ObserveOptions *options, Observe **out);
HealthChecks *observe_checks(Observe *o);
/* Sends what is still there, for a moment; the loop does not run any more. NULL is fine. */
void observe_stop(Observe *o);
Observe *observe_free(Observe *o); /* after the loop, whose last letters come here; NULL is fine */
