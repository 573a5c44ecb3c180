#pragma once

/* adapters/store/memory.h - a candle store that lives as long as the process.
 *
 * The reference of the port: the simplest thing that keeps the whole contract, for tests, demonstrations and
 * as the model that the other stores are compared with. One lock; reads copy under it.
 *
 * A journal makes more of it: it is shown every change before anybody can read it and may refuse it, so an
 * adapter that keeps files (csv.h) needs no store logic of its own. */

#include "ports/candle_store.h"

CandleStore *store_memory_new(void);

typedef struct MemoryCommit { /* a series as it is going to be */
    const SeriesInfo *info;
    const Candles *rows;
    const Coverage *cover;
    size_t n_cover;
    const SeriesChange *change; /* NULL: nothing changed but the time of a coverage window, or nothing at all */
    bool dropped;
} MemoryCommit;

typedef struct MemoryJournal {
    const char *name; /* of the adapter */
    Str location;     /* lives as long as the store */
    /* 0: keep it; else nothing happens and the caller gets the code. Called with the store's lock. */
    int (*commit)(void *arg, Ctx *cx, const MemoryCommit *c);
    int (*listings)(void *arg, Ctx *cx, const Listing *v, size_t n); /* all of them, in order */
    void (*close)(void *arg);
    void *arg;
} MemoryJournal;

CandleStore *store_memory_journaled(const MemoryJournal *journal);
/* What a journal kept, before anybody else uses the store. rows is taken over (heap). Ids of series removed since
 * come from the changes. */
void store_memory_restore(CandleStore *store, const SeriesInfo *info, Candles *rows, const Coverage *cover, size_t n);
void store_memory_restore_change(CandleStore *store, const SeriesChange *change);
void store_memory_restore_listing(CandleStore *store, const Listing *listing);
