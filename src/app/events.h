#pragma once

/* app/events.h - who consumes what, and the threads that make events move in a server. */

#include "app/platform.h"

typedef struct EventRuntime EventRuntime;

/* Relays the outboxes, ticks the bus, and consumes the queues of the roles this process hosts. Threads of its own. A queue
 * that cannot be consumed yet (the broker is away) is tried again. */
EventRuntime *events_start(Platform *p);
EventRuntime *events_stop(EventRuntime *r); /* waits for handlers under way, which are cancelled; NULL is fine */
