#pragma once

/* base/clock.h - the clock port.
 *
 * Nothing below app/ reads a clock of the system: whoever needs the time gets a Clock. The system
 * adapter is adapters/clock/system; ClockManual is the one for tests and simulations: it moves only
 * when told, and wall and monotonic time can be moved apart (a clock that jumps back).
 * Threads: `wall` and `mono` may be called from any thread. */

#include "base/time.h"

typedef struct Clock Clock;

struct Clock {
    Time (*wall)(Clock *c);                 /* UTC now */
    MonoNs (*mono)(Clock *c);               /* never goes back */
    void (*sleep_ms)(Clock *c, int64_t ms); /* blocks the caller; a manual clock just moves on */
};

static inline Time clock_wall(Clock *c) {
    return c->wall(c);
}
static inline MonoNs clock_mono(Clock *c) {
    return c->mono(c);
}
static inline void clock_sleep_ms(Clock *c, int64_t ms) {
    if (ms > 0)
        c->sleep_ms(c, ms);
}

typedef struct ClockManual {
    Clock clock; /* first */
    _Atomic int64_t wall_ms, mono_ns;
} ClockManual;

void clock_manual_init(ClockManual *c, Time wall);
void clock_manual_advance_ms(ClockManual *c, int64_t ms); /* both times */
void clock_manual_set_wall(ClockManual *c, Time wall);    /* the wall time alone, back or forth */
