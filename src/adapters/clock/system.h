#pragma once

/* adapters/clock/system.h - the clock and the randomness of the kernel. Any thread. */

#include "base/clock.h"
#include "base/rng.h"

void clock_system_init(Clock *c); /* CLOCK_REALTIME, CLOCK_MONOTONIC, clock_nanosleep */
void ids_system_init(Ids *ids);   /* getrandom(2) */
