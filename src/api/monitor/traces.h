#pragma once

/* api/monitor/traces.h - the handlers of traces and slow queries, for the table in ops.c. */

#include "api/monitor/monitor_api.h"

int monitor_traces_list(void *role, Ctx *cx, const void *in, void *out);
int monitor_traces_get(void *role, Ctx *cx, const void *in, void *out);
/* The same and what the other processes have. */
int monitor_traces_whole(void *role, Ctx *cx, const void *in, void *out);
int monitor_slow_list(void *role, Ctx *cx, const void *in, void *out);
