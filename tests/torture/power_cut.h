#pragma once

/* tests/torture/power_cut.h - one life of a store on a disk that loses power; shared by make test (200 of them)
 * and by the torture program (10,000). */

#include <stddef.h>
#include <stdint.h>

typedef struct PowerCutStats {
    int64_t cuts, commits, lost_sectors, in_flight; /* in_flight: an unanswered save that was found whole */
} PowerCutStats;

/* Random saves and removes, a cut at a random operation of the disk, reopen, check; three times on one disk.
 * 0, or -1 with words. */
int power_cut_run(uint64_t seed, PowerCutStats *stats, char *words, size_t size);
/* A cut at every single operation of a migration, up and down. */
int power_cut_migration(uint64_t seed, PowerCutStats *stats, char *words, size_t size);
