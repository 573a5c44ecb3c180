#pragma once

/* api/events/handlers.h - handlers of the event operations; inside this folder only. */

#include "api/events/events_api.h"

#define HANDLER(name) int name(void *role, Ctx *cx, const void *in, void *out)
HANDLER(events_api_list);
HANDLER(events_api_publish);
HANDLER(events_api_queues);
HANDLER(events_api_replay);
HANDLER(events_api_dead);
HANDLER(events_api_dead_requeue);
HANDLER(events_api_dead_drop);
