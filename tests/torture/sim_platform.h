#pragma once

/* tests/torture/sim_platform.h - days of the whole platform in one thread, from one seed; shared by make test (a few
 * dozen) and by the torture program (thousands).
 *
 * The market service, the Binance adapter and the SQLite store are the real ones. Simulated are the exchange and the
 * way to it (refusals, bans, broken answers, lost connections), the clock (which is set back and forth), the disk
 * (which forgets what was not synced, fails and fills up), lanes and timers, and the power, which goes several times.
 * docs/simulation.md says what is checked. */

#include "torture/sim_defect.h"

typedef struct SimPlatformStats { /* each run adds its own */
    int64_t runs, hours, cuts, lost_sectors, clock_jumps;
    int64_t collections, collections_failed; /* ensure */
    int64_t saves, saves_failed, reads;
    int64_t disk_trouble; /* stretches of I/O errors or of a full disk */
    int64_t faults;       /* answers of the exchange that were spoilt */
    int64_t rows;         /* stored at the end */
} SimPlatformStats;

/* 0, or -1 with words. *trace: the same for the same seed, or something is not simulated. */
int sim_platform_run(uint64_t seed, SimDefect defect, SimPlatformStats *stats, uint64_t *trace, char *words,
                     size_t size);
