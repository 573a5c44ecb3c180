#pragma once

/* tests/torture/sim_live.h - ten virtual minutes in which a venue flaps, from one seed; shared by make test (a few) and
 * by the torture program (hundreds).
 *
 * The follow service, Binance's stream and REST adapters and the store are the real ones. Streams and REST go down and
 * come back every few seconds, each for itself, in every way the simulator knows; the service is ended and begun anew
 * now and then. After a calm, what is stored, and what was told as closed, is held against the generator. */

#include "torture/sim_defect.h"

typedef struct SimLiveStats { /* each run adds its own */
    int64_t runs, flips, restarts;
    int64_t losses, refusals;        /* of stream connections; of REST calls: those that failed */
    int64_t closed, caught_up, rows; /* candles told as closed; by REST; stored and held against the venue's */
    int64_t faults;                  /* answers and messages of the exchange that were spoilt */
} SimLiveStats;

/* 0, or -1 with words. *trace: the same for the same seed, or something is not simulated. */
int sim_live_run(uint64_t seed, SimDefect defect, SimLiveStats *stats, uint64_t *trace, char *words, size_t size);
