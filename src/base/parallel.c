/* base/parallel.c - see parallel.h.
 *
 * Threads take the next i from one counter: pieces are milliseconds long, so the counter is not what limits, and a
 * piece that takes long holds nobody else up. */

#include "base/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

typedef struct Parallel {
    ParallelFn *fn;
    void *arg;
    size_t n;
    atomic_size_t next;
} Parallel;

typedef struct Worker {
    Parallel *p;
    int number;
    pthread_t thread;
} Worker;

static void work(Parallel *p, int worker) {
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
        if (i >= p->n)
            return;
        p->fn(p->arg, worker, i);
    }
}

static void *worker_main(void *arg) {
    Worker *w = arg;
    work(w->p, w->number);
    return NULL;
}

void parallel_for(int threads, size_t n, ParallelFn *fn, void *arg) {
    Parallel p = { .fn = fn, .arg = arg, .n = n };
    Worker workers[PARALLEL_MAX];
    int most = (int)MIN((size_t)CLAMP(threads, 1, PARALLEL_MAX), MAX(n, 1)), n_started = 1;
    sigset_t all, before;
    sigfillset(&all); /* signals stay with the threads that expect them */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; n_started < most; n_started++) {
        workers[n_started] = (Worker){ .p = &p, .number = n_started };
        if (pthread_create(&workers[n_started].thread, NULL, worker_main, &workers[n_started]) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    work(&p, 0);
    for (int i = 1; i < n_started; i++)
        pthread_join(workers[i].thread, NULL);
}
