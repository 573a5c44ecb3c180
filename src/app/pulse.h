#pragma once

/* app/pulse.h - work that comes again and again: on a lane, one at a time, when it says itself.
 *
 * Threads: the loop's; pulse_wake from any. Stop it, close the lane, then free it. */

#include "base/ctx.h"
#include "base/lane.h"
#include "net/loop.h"

typedef struct Pulse Pulse;

/* On the lane. *next: when it wants to run again; < 0 or nothing told: after a second. */
typedef int PulseFn(void *arg, Ctx *cx, MonoNs *next);

/* Runs first as soon as the loop does. Everything is borrowed. */
Pulse *pulse_new(Loop *loop, Lane *lane, Clock *clock, PulseFn *fn, void *arg);
void pulse_wake(Pulse *p); /* run soon, whatever it said */
void pulse_stop(Pulse *p); /* NULL is fine */
Pulse *pulse_free(Pulse *p);
