#pragma once

/* tests/contract/event_bus.h - what an adapter gives the suite: a way to open it. */

#include "lib/test.h"
#include "ports/event_bus.h"

typedef struct BusMaker {
    const char *name;
    bool persistent; /* what was confirmed is there after close and open in the same directory */
    int64_t wait_ms; /* how long a message that was confirmed may take to arrive */
    EventBus *(*open)(TestCtx *t, const char *dir);
} BusMaker;

extern const BusMaker bus_maker; /* defined by each of event_bus_{log,amqp,kafka}.c */

/* Publishers and consumers on threads of their own; in event_bus_threads.c. */
void bus_threads_test(void **state);
