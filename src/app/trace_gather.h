#pragma once

/* app/trace_gather.h - what other processes of the platform have of a trace, asked for when somebody looks at one
 * (MonitorRole.gather). Every instance of every role elsewhere is asked, for half a second at most; who does not answer is
 * counted. Threads: of the IO lane; a gather waits for the loop, and for the others. */

#include "app/platform.h"
#include "gateway/gateway.h"

typedef struct TraceGather TraceGather;

/* admin_key: for processes that have the same, where the platform has no auth.internal_key. */
TraceGather *trace_gather_new(Platform *p, Loop *loop, Gateway *gateway, Str admin_key);
void trace_gather(void *arg, Ctx *cx, const TraceRef *which, TraceDetail *out, size_t cap, size_t *n, size_t *unasked);
TraceGather *
trace_gather_free(TraceGather *g); /* after the lanes; before the loop, whose last letters find nobody. NULL is fine */
