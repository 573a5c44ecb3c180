/* base/lane.c - see lane.h.
 *
 * One mutex and one condition a lane. Jobs are milliseconds long (a request, a query), so the lock is not what
 * limits it; what matters is that posting never blocks and that the queue is bounded in length and in waiting time. */

#include "base/lane.h"

#include "base/mem.h"
#include "base/thread_signals.h"

#include <stdatomic.h>
#include <stdio.h>

enum { LANE_WAIT_MS_MAX = 100, LANE_NAME_MAX = 16 };

int lane_post(Lane *l, const LaneJob *job) {
    assert(job->run);
    return l->ops->post(l, job);
}

void lane_stats(Lane *l, LaneStats *out) {
    l->ops->stats(l, out);
}

void lane_stop(Lane *l) {
    if (l)
        l->ops->stop(l);
}

Lane *lane_close(Lane *l) {
    if (l)
        l->ops->close(l);
    return NULL;
}

/* --- calling and waiting --- */

typedef struct LaneCall {
    void (*fn)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool done;
    int err;
} LaneCall;

static void run_call(void *arg, int err) {
    LaneCall *call = arg;
    if (!err)
        call->fn(call->arg);
    pthread_mutex_lock(&call->lock);
    call->err = err;
    call->done = true;
    pthread_cond_signal(&call->finished); /* under the lock: the waiter's frame goes away once it has it */
    pthread_mutex_unlock(&call->lock);
}

int lane_call(Lane *l, void (*fn)(void *arg), void *arg) {
    if (l->ops->call)
        return l->ops->call(l, fn, arg);
    LaneCall call = { .fn = fn, .arg = arg };
    pthread_mutex_init(&call.lock, NULL);
    pthread_cond_init(&call.finished, NULL);
    int r = lane_post(l, &(LaneJob){ .run = run_call, .arg = &call });
    if (r == 0) {
        pthread_mutex_lock(&call.lock);
        while (!call.done)
            pthread_cond_wait(&call.finished, &call.lock);
        pthread_mutex_unlock(&call.lock);
        r = call.err;
    }
    pthread_cond_destroy(&call.finished);
    pthread_mutex_destroy(&call.lock);
    return r;
}

/* --- threads --- */

typedef struct Queued {
    LaneJob job;
    MonoNs since;
} Queued;

typedef struct LaneThreads {
    Lane lane; /* first */
    Clock *clock;
    char name[LANE_NAME_MAX];
    int threads_max;
    size_t depth;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t work;
    bool closing;
    int named;
    int idle; /* threads waiting for work */
    pthread_t *threads;
    Queued *ring; /* depth slots, n used from head on */
    size_t head, n;
    LaneStats stats;
} LaneThreads;

static Queued take(LaneThreads *lt) {
    Queued q = lt->ring[lt->head];
    lt->head = (lt->head + 1) % lt->depth;
    lt->n--;
    return q;
}

/* By the thread itself: another's name is a file, which a confined process may not write. */
static void name_self(LaneThreads *lt) {
    char name[LANE_NAME_MAX];
    snprintf(name, sizeof name, "%.11s-%u", lt->name, (unsigned)lt->named++ % 1000);
    pthread_setname_np(pthread_self(), name);
}

static void *work(void *arg) {
    LaneThreads *lt = arg;
    pthread_mutex_lock(&lt->lock);
    name_self(lt);
    for (;;) {
        while (lt->n == 0 && !lt->closing) {
            lt->idle++;
            pthread_cond_wait(&lt->work, &lt->lock);
            lt->idle--;
        }
        if (lt->n == 0)
            break;
        Queued q = take(lt);
        int err = 0;
        if (lt->closing)
            err = ERR_CANCELLED;
        else if (q.job.deadline.ns && clock_mono(lt->clock).ns >= q.job.deadline.ns)
            err = ERR_TIMEOUT;
        lt->stats.running++;
        pthread_mutex_unlock(&lt->lock);

        q.job.run(q.job.arg, err);

        pthread_mutex_lock(&lt->lock);
        lt->stats.running--;
        lt->stats.done += err == 0;
        lt->stats.expired += err == ERR_TIMEOUT;
    }
    pthread_mutex_unlock(&lt->lock);
    return NULL;
}

/* With the lock held. Signals are for the main thread: workers block them all. */
static bool start_thread(LaneThreads *lt) {
    sigset_t before;
    thread_signals_off(&before);
    int i = lt->stats.threads;
    bool started = pthread_create(&lt->threads[i], NULL, work, lt) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started)
        lt->stats.threads++;
    return started;
}

/* With the lock held: room for one more, and someone to do it? */
static bool admits(LaneThreads *lt, MonoNs now) {
    if (lt->closing || lt->n == lt->depth)
        return false;
    if (lt->n > 0 && mono_ms_between(lt->ring[lt->head].since, now) > LANE_WAIT_MS_MAX)
        return false;
    if (lt->n >= (size_t)lt->idle && lt->stats.threads < lt->threads_max)
        start_thread(lt); /* failing is fine while there are others */
    return lt->stats.threads > 0;
}

static int threads_post(Lane *l, const LaneJob *job) {
    LaneThreads *lt = (LaneThreads *)l;
    MonoNs now = clock_mono(lt->clock);
    pthread_mutex_lock(&lt->lock);
    int r = admits(lt, now) ? 0 : ERR_BUSY;
    if (r == 0) {
        lt->ring[(lt->head + lt->n++) % lt->depth] = (Queued){ *job, now };
        pthread_cond_signal(&lt->work);
    } else {
        lt->stats.refused++;
    }
    pthread_mutex_unlock(&lt->lock);
    return r;
}

static void threads_stats(Lane *l, LaneStats *out) {
    LaneThreads *lt = (LaneThreads *)l;
    MonoNs now = clock_mono(lt->clock);
    pthread_mutex_lock(&lt->lock);
    *out = lt->stats;
    out->waiting = (int64_t)lt->n;
    out->oldest_wait_ms = lt->n ? MAX(mono_ms_between(lt->ring[lt->head].since, now), 0) : 0;
    pthread_mutex_unlock(&lt->lock);
}

static void threads_stop(Lane *l) {
    LaneThreads *lt = (LaneThreads *)l;
    pthread_mutex_lock(&lt->lock);
    lt->closing = true; /* the workers empty the queue with ERR_CANCELLED */
    pthread_cond_broadcast(&lt->work);
    int threads = lt->stats.threads;
    lt->stats.threads = 0;
    pthread_mutex_unlock(&lt->lock);
    for (int i = 0; i < threads; i++)
        pthread_join(lt->threads[i], NULL);
}

static void threads_close(Lane *l) {
    LaneThreads *lt = (LaneThreads *)l;
    threads_stop(l);
    pthread_cond_destroy(&lt->work);
    pthread_mutex_destroy(&lt->lock);
    mem_free(lt->threads);
    mem_free(lt->ring);
    mem_free(lt);
}

Lane *lane_threads_new(const char *name, int threads, size_t depth, Clock *clock) {
    static const LaneOps ops = {
        .post = threads_post, .stats = threads_stats, .close = threads_close, .stop = threads_stop
    };
    assert(threads > 0 && depth > 0);
    LaneThreads *lt = mem_new(LaneThreads);
    lt->lane.ops = &ops;
    lt->clock = clock;
    snprintf(lt->name, sizeof lt->name, "%s", name);
    lt->threads_max = threads;
    lt->depth = depth;
    pthread_mutex_init(&lt->lock, NULL);
    pthread_cond_init(&lt->work, NULL);
    lt->threads = mem_new_n(pthread_t, (size_t)threads);
    lt->ring = mem_new_n(Queued, depth);
    return &lt->lane;
}

/* --- inline --- */

typedef struct LaneInline {
    Lane lane; /* first */
    atomic_llong running, done;
    atomic_bool stopped;
} LaneInline;

static int inline_post(Lane *l, const LaneJob *job) {
    LaneInline *li = (LaneInline *)l;
    if (atomic_load(&li->stopped))
        return ERR_BUSY;
    atomic_fetch_add(&li->running, 1);
    job->run(job->arg, 0);
    atomic_fetch_sub(&li->running, 1);
    atomic_fetch_add(&li->done, 1);
    return 0;
}

static void inline_stats(Lane *l, LaneStats *out) {
    LaneInline *li = (LaneInline *)l;
    *out = (LaneStats){ .running = atomic_load(&li->running), .done = atomic_load(&li->done) };
}

static void inline_stop(Lane *l) {
    atomic_store(&((LaneInline *)l)->stopped, true);
}

static void inline_close(Lane *l) {
    mem_free(l);
}

Lane *lane_inline_new(void) {
    static const LaneOps ops = {
        .post = inline_post, .stats = inline_stats, .close = inline_close, .stop = inline_stop
    };
    LaneInline *li = mem_new(LaneInline);
    li->lane.ops = &ops;
    return &li->lane;
}
