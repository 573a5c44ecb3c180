/* base/parallel.c - see parallel.h.
 *
 * Threads take the next i from one counter: pieces are milliseconds long, so the counter is not what limits, and a
 * piece that takes long holds nobody else up. */

#include "base/parallel.h"

#include "base/mem.h"
#include "base/thread_signals.h"

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
    sigset_t before;
    thread_signals_off(&before);
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

struct ParallelPool {
    pthread_mutex_t lock;
    pthread_cond_t begun, done;
    Parallel *work;   /* of the call in progress */
    uint64_t n_calls; /* a thread that sees another number has work */
    int n_busy;       /* threads that have not finished this call */
    bool closing;
    int n_started;
    Worker worker[];
};

typedef struct PoolThread { /* what a thread is started with; Worker.p is not known yet then */
    ParallelPool *pool;
    int number;
} PoolThread;

static void *pool_main(void *arg) {
    PoolThread me = *(PoolThread *)arg;
    mem_free(arg);
    ParallelPool *p = me.pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->n_calls == seen && !p->closing)
            pthread_cond_wait(&p->begun, &p->lock);
        if (p->closing)
            break;
        seen = p->n_calls;
        Parallel *now = p->work;
        pthread_mutex_unlock(&p->lock);
        work(now, me.number);
        pthread_mutex_lock(&p->lock);
        if (--p->n_busy == 0)
            pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

ParallelPool *parallel_pool_new(int threads) {
    threads = CLAMP(threads, 1, PARALLEL_MAX);
    ParallelPool *p = mem_zalloc(sizeof *p + (size_t)threads * sizeof p->worker[0]);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begun, NULL);
    pthread_cond_init(&p->done, NULL);
    sigset_t before;
    thread_signals_off(&before);
    for (p->n_started = 1; p->n_started < threads; p->n_started++) {
        PoolThread *t = mem_new(PoolThread);
        *t = (PoolThread){ .pool = p, .number = p->n_started };
        if (pthread_create(&p->worker[p->n_started].thread, NULL, pool_main, t) != 0) {
            mem_free(t);
            break;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return p;
}

ParallelPool *parallel_pool_free(ParallelPool *p) {
    if (!p)
        return NULL;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
    for (int i = 1; i < p->n_started; i++)
        pthread_join(p->worker[i].thread, NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->begun);
    pthread_mutex_destroy(&p->lock);
    return mem_free(p);
}

int parallel_pool_threads(const ParallelPool *p) {
    return p->n_started;
}

void parallel_pool_run(ParallelPool *p, size_t n, ParallelFn *fn, void *arg) {
    Parallel now = { .fn = fn, .arg = arg, .n = n };
    if (p->n_started == 1 || n <= 1) {
        work(&now, 0);
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->work = &now;
    p->n_calls++;
    p->n_busy = p->n_started - 1;
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
    work(&now, 0);
    pthread_mutex_lock(&p->lock);
    while (p->n_busy > 0)
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
