#pragma once

/* app/alert_rounds.h - measures what alerts are about, every alerts.every, and hands it to the evaluator.
 *
 * What belongs to the loop (counters, services, sources of failed logins) is read there, in some microseconds; the rest,
 * the evaluation and the deliveries are work of a lane. */

#include "app/platform.h"

typedef struct AlertRounds AlertRounds;

/* Nothing (*out NULL) where alerts.every is 0 or the gateway is not hosted. 0 or ErrCode with words. */
int alert_rounds_start(Ctx *cx, Platform *p, Gateway *g, Loop *loop, Lane *lane, AlertRounds **out);
void alert_rounds_stop(AlertRounds *a);         /* after the lane is closed; NULL is fine */
AlertRounds *alert_rounds_free(AlertRounds *a); /* after the loop, whose last letters come here; NULL is fine */
/* A GatewayOptions.on_denied; arg: the Platform. */
void alert_rounds_denied(void *platform, Str client, MonoNs at);
