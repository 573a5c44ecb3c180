#pragma once

/* base/parallel.h - one piece of work after the other, on several threads.
 *
 * parallel_for calls fn(arg, worker, i) once for each i below n and returns when all are done. The caller's thread is
 * worker 0; the others are started for the call and joined. Which worker gets which i is not told: a result that must
 * not depend on the number of threads is written to the place of its i, or is a sum the caller takes afterwards in
 * order. fn must not block on another piece. Threads: any, also from within fn (it only starts more). */

#include "base/defs.h"

enum { PARALLEL_MAX = 256 };

typedef void ParallelFn(void *arg, int worker, size_t i);

/* threads 1..PARALLEL_MAX (clamped), the caller's included. Where the system gives fewer threads, fewer do all the work. */
void parallel_for(int threads, size_t n, ParallelFn *fn, void *arg);

/* The same with threads that stay: for work of which the pieces between two waits last microseconds (a training step).
 * Between calls they sleep. One call at a time; fn must not call the same pool. */
typedef struct ParallelPool ParallelPool;

ParallelPool *parallel_pool_new(int threads);
ParallelPool *parallel_pool_free(ParallelPool *p); /* NULL is fine; returns NULL */
int parallel_pool_threads(const ParallelPool *p);  /* those that the system gave, the caller's included */
void parallel_pool_run(ParallelPool *p, size_t n, ParallelFn *fn, void *arg);
