#pragma once

/* base/timer.h - a hierarchical timer wheel.
 *
 * Start and stop are O(1), whatever the number of timers (Varghese, Lauck 1987); eight levels of 64 slots
 * cover every MonoNs in ticks of 1 ms. The wheel reads no clock: whoever drives it says what time it is, which is
 * what lets a simulation drive it. A timer never fires early and at most one tick late. Timers fire in the
 * order of their due times, and of their starts where those are equal.
 *
 * Memory: the caller's; a Timer is embedded in what it times and must be stopped before that goes away.
 * Threads: one wheel, one thread. Callbacks may start and stop any timer of the wheel, themselves included. */

#include "base/list.h"
#include "base/time.h"

enum { TIMER_LEVELS = 8, TIMER_SLOTS = 64 };

typedef struct Timer {
    void (*fn)(void *arg);
    void *arg;
    MonoNs due; /* as given to timer_start */
    /* private */
    ListNode node;
    uint64_t tick, order;
    unsigned level, slot;
} Timer;

typedef struct TimerWheel {
    size_t n; /* timers started */
    /* private */
    uint64_t tick;  /* everything before it has fired */
    uint64_t order; /* of the last start */
    bool firing;
    uint64_t used[TIMER_LEVELS]; /* one bit a slot that is not empty */
    ListNode slots[TIMER_LEVELS][TIMER_SLOTS];
} TimerWheel;

void timer_wheel_init(TimerWheel *w, MonoNs now);

void timer_init(Timer *t, void (*fn)(void *arg), void *arg);
/* A due time in the past fires with the next advance; in a callback, with the next tick. A timer that runs is
 * moved to the new time. */
void timer_start(TimerWheel *w, Timer *t, MonoNs due);
bool timer_stop(TimerWheel *w, Timer *t); /* whether it was running */
static inline bool timer_running(const Timer *t) {
    return list_linked(&t->node);
}

/* Fires every timer due at `now` or before; returns how many fired. A `now` before the last one does nothing. */
size_t timer_wheel_advance(TimerWheel *w, MonoNs now);
/* A time not after the first due time, to sleep until; false without timers. Advancing to it and asking again
 * comes closer, in at most TIMER_LEVELS rounds. */
bool timer_wheel_next(const TimerWheel *w, MonoNs *out);
