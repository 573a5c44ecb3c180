/* adapters/clock/system.c - see system.h. The one file that asks the kernel for the time and for random bytes. */

#include "adapters/clock/system.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static Time system_wall(Clock *c) {
    UNUSED(c);
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return time_ms((int64_t)ts.tv_sec * MS_PER_SECOND + ts.tv_nsec / NS_PER_MS);
}

static MonoNs system_mono(Clock *c) {
    UNUSED(c);
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (MonoNs){ (int64_t)ts.tv_sec * NS_PER_SECOND + ts.tv_nsec };
}

static void system_sleep(Clock *c, int64_t ms) {
    MonoNs until = mono_add_ms(system_mono(c), ms);
    struct timespec ts = { .tv_sec = until.ns / NS_PER_SECOND, .tv_nsec = until.ns % NS_PER_SECOND };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
        ;
}

void clock_system_init(Clock *c) {
    *c = (Clock){ system_wall, system_mono, system_sleep };
}

static void system_bytes(Ids *ids, void *out, size_t n) {
    UNUSED(ids);
    char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* a kernel without random bytes: ids that repeat would be worse */
        p += got;
        n -= (size_t)got;
    }
}

void ids_system_init(Ids *ids) {
    *ids = (Ids){ system_bytes };
}
