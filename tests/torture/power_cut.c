/* tests/torture/power_cut.c - see power_cut.h.
 *
 * The model keeps a hash of the whole content after each call. What a cut leaves must be one of those states:
 * not older than the last call that promised durability, not newer than the call under way, and never a mix. */

#include "torture/power_cut.h"

#include "adapters/store/sqlite.h"
#include "sim/vfs.h"
#include "torture/store_model.h"

#include <stdio.h>

enum { CUTS = 3, CALLS = 24 };

typedef struct Life {
    Arena arena;
    ClockManual clock;
    Ctx cx;
    Rng rng;
    SimDisk *disk;
    CandleStore *store;
    Model model;
    uint64_t states[CALLS + 2]; /* allowed after a cut */
    size_t n_states;
    PowerCutStats *stats;
    char *words;
    size_t words_size;
} Life;

static int fail(Life *l, const char *what) {
    snprintf(l->words, l->words_size, "%s: %s", what, l->cx.err.text);
    return -1;
}

static int open_store(Life *l) {
    StoreSqliteOptions o = { .path = "/disk/market.db", .vfs = "power-cut", .inline_writer = true };
    return store_sqlite_open(&l->cx, &o, &l->store);
}

/* Calls until one fails because the power is off. */
static int live(Life *l) {
    l->n_states = 0;
    l->states[l->n_states++] = model_hash(&l->model);
    for (int i = 0; i < CALLS; i++) {
        Model after;
        bool durable;
        ArenaMark mark = arena_mark(&l->arena);
        int r = model_call(&l->model, l->store, &l->cx, &l->rng, &after, &durable);
        arena_rewind(&l->arena, mark);
        if (r && !sim_disk_is_off(l->disk))
            return fail(l, "a call failed on a healthy disk");
        if (r == 0 && durable)
            l->n_states = 0; /* nothing older may come back */
        l->states[l->n_states++] = model_hash(&after);
        if (r)
            return 0;
        l->model = after;
        l->stats->commits++;
    }
    return 0;
}

static int check_after_cut(Life *l) {
    if (open_store(l))
        return fail(l, "the store does not open after the cut");
    if (candle_store_verify(l->store, &l->cx))
        return fail(l, "verify after the cut");
    Model got;
    if (model_read(l->store, &l->cx, &got))
        return fail(l, "reading after the cut");
    uint64_t state = model_hash(&got);
    size_t i = 0;
    while (i < l->n_states && l->states[i] != state)
        i++;
    if (i == l->n_states) {
        l->cx.err.text[0] = '\0';
        return fail(l, "the content is none of the states it may be in: something acknowledged is lost, or half there");
    }
    l->stats->in_flight += model_hash(&l->model) != state && i + 1 == l->n_states;
    l->model = got;
    return 0;
}

static int begin(Life *l, uint64_t seed, PowerCutStats *stats, char *words, size_t size) {
    *l = (Life){ .stats = stats, .words = words, .words_size = size };
    clock_manual_init(&l->clock, time_ms(1704067200000));
    ctx_init(&l->cx, &l->arena, &l->clock.clock);
    rng_seed(&l->rng, seed);
    l->disk = sim_disk_new("power-cut", seed + 1);
    return 0;
}

static void end(Life *l) {
    candle_store_close(l->store);
    l->stats->lost_sectors += sim_disk_lost_sectors(l->disk);
    sim_disk_free(l->disk);
    arena_done(&l->arena);
}

/* The power goes, the process is gone with it, and both come back. */
static int cut_and_check(Life *l) {
    sim_disk_power_off(l->disk);
    l->store = candle_store_close(l->store);
    sim_disk_power_on(l->disk);
    l->stats->cuts++;
    return check_after_cut(l);
}

int power_cut_run(uint64_t seed, PowerCutStats *stats, char *words, size_t size) {
    Life *l = mem_new(Life);
    int r = begin(l, seed, stats, words, size);
    for (int i = 0; i < CUTS && r == 0; i++) {
        SimDiskFaults faults = { .cut_at_op = 1 + (int64_t)rng_below(&l->rng, rng_chance(&l->rng, 0.3) ? 60 : 700) };
        sim_disk_set_faults(l->disk, &faults);
        l->states[0] = model_hash(&l->model);
        l->n_states = 1;
        if (!l->store && open_store(l) && !sim_disk_is_off(l->disk))
            r = fail(l, "open failed on a healthy disk");
        if (r == 0 && l->store)
            r = live(l);
        if (r == 0)
            r = cut_and_check(l);
        if (r == 0 && rng_chance(&l->rng, 0.3))
            l->store = candle_store_close(l->store); /* next time the cut may strike while opening */
    }
    end(l);
    mem_free(l);
    return r;
}

static int fill(Life *l) {
    bool durable;
    for (int i = 0; i < 6; i++) {
        Model after;
        if (model_call(&l->model, l->store, &l->cx, &l->rng, &after, &durable))
            return fail(l, "filling the store");
        l->model = after;
    }
    l->states[0] = model_hash(&l->model);
    l->n_states = 1;
    l->store = candle_store_close(l->store);
    return 0;
}

/* The n-th operation of a migration from one version to the other is the last; *done when it got through. */
static int migrate_once(Life *l, int from, int to, int64_t op, bool *done) {
    StoreSqliteOptions o = { .path = "/disk/market.db", .vfs = "power-cut", .inline_writer = true };
    sim_disk_set_faults(l->disk, &(SimDiskFaults){ 0 });
    if (store_sqlite_migrate(&l->cx, &o, from))
        return fail(l, "going to the old version");
    sim_disk_set_faults(l->disk, &(SimDiskFaults){ .cut_at_op = op });
    int r = store_sqlite_migrate(&l->cx, &o, to);
    *done = r == 0 && !sim_disk_is_off(l->disk);
    if (r && !sim_disk_is_off(l->disk))
        return fail(l, "a migration failed on a healthy disk");
    return cut_and_check(l);
}

int power_cut_migration(uint64_t seed, PowerCutStats *stats, char *words, size_t size) {
    static const int ways[][2] = { { 1, 2 }, { 2, 3 }, { 3, 2 }, { 2, 1 } };
    Life *l = mem_new(Life);
    int r = begin(l, seed, stats, words, size);
    if (r == 0 && open_store(l))
        r = fail(l, "open");
    if (r == 0)
        r = fill(l);
    for (size_t k = 0; k < ARRAY_LEN(ways) && r == 0; k++) {
        bool done = false;
        for (int64_t op = 1; r == 0 && !done; op++) {
            r = migrate_once(l, ways[k][0], ways[k][1], op, &done);
            l->store = candle_store_close(l->store);
        }
    }
    end(l);
    mem_free(l);
    return r;
}
