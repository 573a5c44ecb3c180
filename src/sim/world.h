#pragma once

/* sim/world.h - the whole platform in one thread, on virtual time, from one seed.
 *
 * A World gives a service everything it gets from app/ in production: a clock, lanes, timers, ids, randomness, an
 * HTTP client that reaches the exchange simulator, and the name of the SQLite VFS that loses unsynced writes
 * (sim/vfs.h). Nothing happens between events and no time passes while code runs: the clock jumps from event to
 * event, so that waiting costs nothing. Ten collectors that ask once an hour ran 18,000 days a minute on one core.
 *
 * Order: by due time; events due at the same instant run in an order drawn from the seed. A lane starts its jobs a
 * moment after they were posted, as many at once as it has threads: with one thread in the order of posting, with
 * several in an order drawn from the seed among those next in line. lane_call runs its function at once, in place.
 * Sleeping (clock_sleep_ms: latency, back-off) runs what falls due meanwhile, nested inside the sleeper, which is
 * how a job that waits for its venue is overtaken by others. Nesting is bounded: at the bound a sleeper only moves
 * the clock.
 *
 * Trace: every event, job and HTTP exchange is mixed into a hash with its time. Two runs of one seed give the same
 * hash, or something read a clock, an address or an uninitialised byte.
 * Threads: one. */

#include "base/lane.h"
#include "sim/sim_http.h"

typedef struct World World;

typedef struct WorldOptions {
    uint64_t seed;
    Time start;                  /* ms 0 = 2024-01-01 */
    ExchangeSimOptions exchange; /* seed 0 = the world's */
    SimHttpOptions net;          /* latency, jitter, drop, refuse; the rest is the world's */
    const char *vfs;             /* NULL = SQLite's own */
} WorldOptions;

int world_new(Ctx *cx, const WorldOptions *o, World **out);
World *world_free(World *w); /* waiting jobs end with ERR_CANCELLED, pending events are forgotten */
DEFINE_CLEANUP(World *, world_free)

Clock *world_clock(World *w);
Time world_now(World *w);
/* The machine's wall clock is set, back or forth; the venue's clock and all timers go on as they were. */
void world_set_wall(World *w, Time t);
Time world_venue_now(World *w);     /* of a clock that nobody sets */
Clock *world_venue_clock(World *w); /* the same, as a clock */
HttpClient *world_http(World *w);   /* the world's own: not to be closed */
ExchangeSim *world_exchange(World *w);
Ids *world_ids(World *w);
Rng *world_rng(World *w);
const char *world_vfs(const World *w);
/* A lane of `threads` virtual threads with at most `depth` jobs waiting. Its memory lives as long as the world, also
 * after lane_close, which ends what waits with ERR_CANCELLED. */
Lane *world_lane(World *w, const char *name, int threads, size_t depth);

/* fn(arg) once at t (or at once when t has passed). Returns an id for world_cancel, never 0. */
uint64_t world_at(World *w, Time t, void (*fn)(void *arg), void *arg);
uint64_t world_after(World *w, int64_t ms, void (*fn)(void *arg), void *arg);
/* Every period, first after one period, until cancelled. */
uint64_t world_every(World *w, int64_t ms, void (*fn)(void *arg), void *arg);
bool world_cancel(World *w, uint64_t id); /* false when it has run or was never there */

/* Runs the next event, moving the clock to it. false when there is none. */
bool world_step(World *w);
/* Runs everything due until t and leaves the clock there. Returns the number of events run. */
int64_t world_run_until(World *w, Time t);
/* Runs until nothing is left, at most max_events. */
int64_t world_run(World *w, int64_t max_events);

void world_note(World *w, Str what); /* mixes something of the caller's into the trace */
uint64_t world_trace(const World *w);
int64_t world_events(const World *w);
