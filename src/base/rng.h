#pragma once

/* base/rng.h - the randomness port and the id port.
 *
 * Rng is xoshiro256** (Blackman, Vigna 2018) seeded by splitmix64: fast, reproducible, not for secrets.
 * A seed gives the same stream on every machine. Ids come from an Ids: the system adapter fills it from
 * the kernel, tests and simulations from a seed. */

#include "base/time.h"

typedef struct Rng {
    uint64_t s[4];
} Rng;

void rng_seed(Rng *r, uint64_t seed);
uint64_t rng_u64(Rng *r);
uint64_t rng_below(Rng *r, uint64_t n);              /* 0 .. n-1 without bias; n > 0 */
int64_t rng_between(Rng *r, int64_t lo, int64_t hi); /* both included */
double rng_f64(Rng *r);                              /* [0, 1), 53 bits */
double rng_normal(Rng *r);                           /* mean 0, sd 1 */
bool rng_chance(Rng *r, double p);

typedef struct Ids Ids;
struct Ids {
    void (*bytes)(Ids *ids, void *out, size_t n); /* any thread */
};

enum { UUID_TEXT = 36 };
Str ids_uuid4(Ids *ids, Arena *a); /* "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx" */
bool uuid_valid(Str s);
uint64_t ids_u64(Ids *ids); /* never 0 */

/* Asks `from` for many ids' bytes at once: one call of the kernel for 64 request ids. One thread. Bytes wait in memory
 * until they are used, so this is for ids, not for keys. */
enum { IDS_BATCH = 64 * 16 };
typedef struct IdsBatch {
    Ids ids;
    Ids *from;
    size_t left;
    uint8_t bytes[IDS_BATCH];
} IdsBatch;
void ids_batch_init(IdsBatch *b, Ids *from);

typedef struct IdsSeeded { /* one thread; for tests and simulations */
    Ids ids;
    Rng rng;
} IdsSeeded;
void ids_seeded_init(IdsSeeded *s, uint64_t seed);
