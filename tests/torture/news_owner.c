/* tests/torture/news_owner.c - see news_owner.h. */

#include "torture/news_owner.h"

#include "adapters/bus/log.h"
#include "adapters/bus/share.h"
#include "adapters/bus/shared.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, START_MS = 1704067200000 };

static void socket_path(const NewsOwner *o, char *out, size_t size) {
    snprintf(out, size, "%s/bus.sock", o->dir);
}

/* Never returns: it serves until it is killed. Its clock stands, so that nothing expires however slow the machine is. */
static _Noreturn void serve(const NewsOwner *o) {
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    EventBus *log;
    BusShare *share;
    char path[600];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    clock_manual_init(&clock, time_ms(START_MS));
    ctx_init(&cx, &arena, &clock.clock);
    socket_path(o, path, sizeof path);
    EventLogOptions lo = { .path = str_cz(&arena, str_fmt(&arena, "%s/bus.db", o->dir)) };
    if (event_log_open(&cx, &lo, &log) == 0 && bus_share_open(&cx, log, path, &clock.clock, &share) == 0)
        for (;;)
            pause();
    fprintf(stderr, "the owner of the log: %s\n", cx.err.text);
    _exit(3);
}

static bool start(void *arg) {
    NewsOwner *o = arg;
    char path[600];
    socket_path(o, path, sizeof path);
    o->pid = fork();
    if (o->pid == 0)
        serve(o);
    for (int waited = 0; o->pid > 0 && waited < PATIENCE_MS; waited++) {
        int fd = shared_connect(path);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    return false;
}

static void end(void *arg) {
    NewsOwner *o = arg;
    if (o->pid <= 0)
        return;
    kill(o->pid, SIGKILL);
    waitpid(o->pid, NULL, 0);
    o->pid = 0;
}

static int open_shared(void *arg, Ctx *cx, const char *dir, const char *vfs, EventBus **out) {
    char path[600];
    UNUSED(cx);
    UNUSED(dir);
    UNUSED(vfs);
    socket_path(arg, path, sizeof path);
    *out = event_shared_new(path);
    return 0;
}

bool news_owner_start(NewsOwner *o, const char *dir, NewsChainBus *out) {
    *o = (NewsOwner){ .dir = dir };
    *out = (NewsChainBus){
        .name = "log of another process", .open = open_shared, .kill = end, .again = start, .arg = o, .wait_ms = 50
    };
    return start(o);
}

void news_owner_stop(NewsOwner *o) {
    end(o);
}
