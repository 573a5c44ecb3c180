#pragma once

/* base/slow.h - who wants to hear of calls and statements that took longer than they may (STO-13).
 *
 * It travels with a request (Ctx.slow), so that whoever is deep below knows for whom it worked. Threads: tell is called on
 * any, by whoever did the work, with its Ctx. */

#include "base/ctx.h"

typedef struct SlowCall {
    Str what;   /* "sql", "store.read" */
    Str detail; /* the statement without its values, the series */
    Str plan;   /* how the database went about it; may be empty */
    int64_t rows, took_ns;
} SlowCall;

typedef struct SlowWatch {
    int64_t threshold_ns;
    void (*tell)(void *arg, const Ctx *cx, const SlowCall *call);
    void *arg;
} SlowWatch;
