/* base/clock.c - the manual clock; see clock.h. */

#include "base/clock.h"

#include <stdatomic.h>

static Time manual_wall(Clock *c) {
    return (Time){ atomic_load(&((ClockManual *)c)->wall_ms) };
}

static MonoNs manual_mono(Clock *c) {
    return (MonoNs){ atomic_load(&((ClockManual *)c)->mono_ns) };
}

static void manual_sleep(Clock *c, int64_t ms) {
    clock_manual_advance_ms((ClockManual *)c, ms);
}

void clock_manual_init(ClockManual *c, Time wall) {
    *c = (ClockManual){ .clock = { manual_wall, manual_mono, manual_sleep } };
    atomic_store(&c->wall_ms, wall.ms);
    atomic_store(&c->mono_ns, NS_PER_SECOND); /* not 0: 0 means "no deadline" */
}

void clock_manual_advance_ms(ClockManual *c, int64_t ms) {
    assert(ms >= 0);
    atomic_fetch_add(&c->wall_ms, ms);
    atomic_fetch_add(&c->mono_ns, ms * NS_PER_MS);
}

void clock_manual_set_wall(ClockManual *c, Time wall) {
    atomic_store(&c->wall_ms, wall.ms);
}
