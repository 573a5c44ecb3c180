#pragma once

/* api/monitor/alerts.h - the handlers of alerts and silences, for the table in ops.c. */

#include "api/monitor/monitor_api.h"

int monitor_alerts_list(void *role, Ctx *cx, const void *in, void *out);
int monitor_silences_list(void *role, Ctx *cx, const void *in, void *out);
int monitor_silence(void *role, Ctx *cx, const void *in, void *out);
int monitor_unsilence(void *role, Ctx *cx, const void *in, void *out);
