#pragma once

/* tests/torture/event_chain.h - the chain news → sentiment → news in small, killed again and again.
 *
 * A publisher stores articles with their events in one commit; a scorer consumes them and stores a score and its event in
 * one commit; the news consume that and write the score to the article in one commit. Some articles are poison: the
 * scorer cannot digest them. Whatever is killed in between, in the end every article that was acknowledged is there, has
 * been scored exactly once and carries exactly one score, and every poison is a dead letter with its reason (FLW-07,
 * MSG-17, MSG-18).
 *
 * The bus is the maker's; the two stores are SQLite files, on the disk or on sim/vfs. */

#include "base/ctx.h"
#include "ports/event_bus.h"

typedef struct ChainStats {
    int64_t kills, cuts, deaths;  /* processes killed; power cuts; consumers and relays that died without an answer */
    int64_t acknowledged;         /* articles */
    int64_t scored, poison, dead; /* dead: letters, repetitions included */
    int64_t repeated;             /* deliveries of what had its effect already */
    int64_t lost, doubled;        /* what must be 0 */
    int64_t lost_sectors;         /* by the power cuts: none would prove nothing */
} ChainStats;

typedef int ChainBus(void *arg, Ctx *cx, const char *dir, EventBus **out);

typedef struct ChainOptions {
    ChainBus *open; /* NULL = the embedded log */
    void *arg;
    const char *dir;
    uint64_t seed;
} ChainOptions;

/* n times: a process that runs the chain is killed at a random moment. 0, or -1 with words. */
int event_chain_kills(const ChainOptions *o, int n, ChainStats *stats, char *words, size_t size);
/* n power cuts at random operations of a simulated disk under the embedded log and both stores. */
int event_chain_cuts(uint64_t seed, int n, ChainStats *stats, char *words, size_t size);
