#pragma once

/* tests/torture/kill_store.h - processes that write to a store until SIGKILL ends them at a random moment;
 * shared by make test (25 kills) and by the torture program (1,000). */

#include <stddef.h>
#include <stdint.h>

typedef struct KillStats {
    int64_t kills, acknowledged;
} KillStats;

/* n kills on one store in `dir`, which is checked after each: every answered call is there, the one under way
 * wholly or not at all. 0, or -1 with words. */
int kill_store_run(const char *dir, uint64_t seed, int n, KillStats *stats, char *words, size_t size);
