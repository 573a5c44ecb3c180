/* The event bus contract on adapters/bus/shared: the embedded log of one place, used through the socket of another (MSG-39,
 * U07). One log and one server a directory, which outlive the buses; both run by the clock of the test. */

#include "adapters/bus/log.h"
#include "adapters/bus/share.h"
#include "adapters/bus/shared.h"
#include "contract/event_bus.h"

static struct {
    char dir[256];
    EventBus *log;
    BusShare *share;
} at;

static void stop(void) {
    at.share = bus_share_close(at.share);
    at.log = event_bus_close(at.log);
}

static EventBus *open_shared(TestCtx *t, const char *dir) {
    const char *path = str_cz(&t->arena, str_fmt(&t->arena, "%s/bus.sock", dir));
    if (strcmp(at.dir, dir) != 0) { /* another test: the clock of the one before is gone */
        EventLogOptions o = { .path = str_cz(&t->arena, str_fmt(&t->arena, "%s/bus.db", dir)) };
        if (!at.dir[0])
            atexit(stop);
        stop();
        snprintf(at.dir, sizeof at.dir, "%s", dir);
        CHECK_OK_PLAIN(&t->cx, event_log_open(&t->cx, &o, &at.log));
        CHECK_OK_PLAIN(&t->cx, bus_share_open(&t->cx, at.log, path, t->cx.clock, &at.share));
    }
    return event_shared_new(path);
}

const BusMaker bus_maker = { .name = "shared", .persistent = true, .wait_ms = 200, .open = open_shared };
