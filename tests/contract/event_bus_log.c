/* The event bus contract on adapters/bus/log. */

#include "adapters/bus/log.h"
#include "contract/event_bus.h"

static EventBus *open_log(TestCtx *t, const char *dir) {
    EventLogOptions o = { .path = str_cz(&t->arena, str_fmt(&t->arena, "%s/bus.db", dir)) };
    EventBus *b = NULL;
    CHECK_OK_PLAIN(&t->cx, event_log_open(&t->cx, &o, &b));
    return b;
}

const BusMaker bus_maker = { .name = "log", .persistent = true, .open = open_log };
