#pragma once

/* cli/spool.h - candles that wait outside memory: batches on a temporary file without a name.
 *
 * An import must know that every row of its source is well before it stores the first one, and a source may be a
 * pipe that gives its bytes once. So the rows wait here between reading and storing, and memory stays small however
 * long the source is. The file has no name: it is gone with the process, however that ends. One thread. */

#include "base/ctx.h"
#include "core/candle.h"

#include <stdio.h>

typedef struct Spool {
    int64_t n_rows, n_batches;
    /* private */
    FILE *file;
    const char *dir;
} Spool;

enum { SPOOL_END = 1 };

/* dir: where temporary files may grow large. Nothing is made there before the first put. */
void spool_init(Spool *s, const char *dir);
void spool_done(Spool *s); /* all-zero is fine */

int spool_put(Spool *s, Ctx *cx, const Candles *rows);
int spool_rewind(Spool *s, Ctx *cx); /* after the last put, before the first next */
/* The next batch as it was put, into a heap table whose rows it replaces. 0, SPOOL_END or an error. */
int spool_next(Spool *s, Ctx *cx, Candles *out);
