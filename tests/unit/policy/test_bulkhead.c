/* policy/bulkhead: places, waiters and their deadlines, and a limit that keeps an overloaded server at its best. */

#include "base/err.h"
#include "base/rng.h"
#include "lib/test.h"
#include "policy/bulkhead.h"

#include <pthread.h>

static MonoNs at_ms(int64_t ms) {
    return (MonoNs){ ms * NS_PER_MS };
}

enum { THREADS = 6 };
static Bulkhead shared;
static _Atomic int64_t highest;

static void *visitor(void *arg) {
    UNUSED(arg);
    for (int i = 0; i < 20000; i++) {
        if (!bulkhead_enter(&shared))
            continue;
        int64_t now = atomic_load(&shared.inside), seen = atomic_load(&highest);
        while (now > seen && !atomic_compare_exchange_weak(&highest, &seen, now))
            ;
        bulkhead_leave(&shared);
    }
    return NULL;
}

TEST(never_more_inside_than_places) {
    bulkhead_init(&shared, 3);
    CHECK(bulkhead_enter(&shared) && bulkhead_enter(&shared) && bulkhead_enter(&shared));
    CHECK(!bulkhead_enter(&shared));
    CHECK_EQ(atomic_load(&shared.refused), 1);
    for (int i = 0; i < 3; i++)
        bulkhead_leave(&shared);
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&t[i], NULL, visitor, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK(atomic_load(&highest) <= 3);
    CHECK_EQ(atomic_load(&shared.inside), 0);
}

typedef struct Caller {
    BulkheadWaiter w; /* first */
    int turns, err;
} Caller;

static void on_turn(BulkheadWaiter *w, int err) {
    Caller *c = (Caller *)w;
    c->turns++;
    c->err = err;
}

TEST(waiters_come_in_by_turn_and_late_ones_are_told) {
    BulkheadQueue q;
    bulkhead_queue_init(&q, 1, 3);
    Caller c[5];
    for (int i = 0; i < 5; i++)
        c[i] = (Caller){ .w.turn = on_turn };
    c[1].w.deadline = at_ms(100);
    c[3].w.deadline = at_ms(50);
    CHECK_EQ(bulkhead_queue_enter(&q, &c[0].w), 0);
    CHECK_EQ(bulkhead_queue_enter(&q, &c[1].w), BULKHEAD_WAITS);
    CHECK_EQ(bulkhead_queue_enter(&q, &c[2].w), BULKHEAD_WAITS);
    CHECK_EQ(bulkhead_queue_enter(&q, &c[3].w), BULKHEAD_WAITS);
    CHECK_EQ(bulkhead_queue_enter(&q, &c[4].w), ERR_BUSY);
    CHECK_EQ(bulkhead_queue_next_deadline(&q).ns, at_ms(50).ns);
    bulkhead_queue_expire(&q, at_ms(50));
    CHECK_EQ(c[3].err, ERR_TIMEOUT);
    CHECK_EQ(q.waiting, 2);
    bulkhead_queue_leave(&q, at_ms(150)); /* the first is late by now: the second's turn */
    CHECK_EQ(c[1].err, ERR_TIMEOUT);
    CHECK_EQ(c[2].turns, 1);
    CHECK_EQ(c[2].err, 0);
    CHECK_EQ(q.inside, 1);
    CHECK_EQ(q.expired, 2);
    CHECK_EQ(bulkhead_queue_enter(&q, &c[4].w), BULKHEAD_WAITS);
    bulkhead_queue_forget(&q, &c[4].w);
    bulkhead_queue_forget(&q, &c[4].w);
    bulkhead_queue_leave(&q, at_ms(160));
    CHECK_EQ(c[4].turns, 0);
    CHECK_EQ(q.inside, 0);
}

TEST(more_places_let_waiters_in_and_closing_tells_the_rest) {
    BulkheadQueue q;
    bulkhead_queue_init(&q, 1, 10);
    Caller c[5];
    for (int i = 0; i < 5; i++) {
        c[i] = (Caller){ .w.turn = on_turn };
        bulkhead_queue_enter(&q, &c[i].w);
    }
    bulkhead_queue_resize(&q, 3, at_ms(0));
    CHECK(c[1].turns && c[2].turns && !c[3].turns);
    bulkhead_queue_resize(&q, 1, at_ms(0)); /* those inside stay */
    bulkhead_queue_leave(&q, at_ms(0));
    CHECK_EQ(c[3].turns, 0);
    bulkhead_queue_close(&q);
    CHECK_EQ(c[3].err, ERR_CANCELLED);
    CHECK_EQ(c[4].err, ERR_CANCELLED);
}

/* A server of `workers` that each take 10 ms, asked five times more than it can; callers wait 100 ms at most. Answers in
 * time, as a share of what it can do. */
static double goodput(bool adaptive, uint64_t seed) {
    enum { WORKERS = 8, SERVICE_MS = 10, PATIENCE_MS = 100, SECONDS = 60, QUEUE = 100000 };
    static int64_t queue[QUEUE]; /* begins of the calls inside, first come first served */
    size_t head = 0, tail = 0;
    int64_t worker_free[WORKERS] = { 0 }, good = 0;
    double owed = 0;
    Rng rng;
    rng_seed(&rng, seed);
    AdaptiveLimit l;
    adaptive_limit_init(&l, 20, 1, 1000);
    for (int64_t ms = 0; ms < SECONDS * 1000; ms++) {
        owed += 5.0 * WORKERS / SERVICE_MS * (0.5 + rng_f64(&rng));
        int arrivals = (int)owed;
        owed -= arrivals;
        for (int i = 0; i < arrivals; i++) {
            if (adaptive && (int64_t)(tail - head) >= adaptive_limit_places(&l))
                continue; /* 503 at once: costs the server nothing */
            if (tail - head < QUEUE)
                queue[tail++ % QUEUE] = ms;
        }
        for (int w = 0; w < WORKERS; w++)
            if (worker_free[w] <= ms && tail > head) {
                int64_t took = ms - queue[head++ % QUEUE] + SERVICE_MS; /* also for a caller who has gone */
                worker_free[w] = ms + SERVICE_MS;
                if (ms >= 10000) /* after a while to find its limit */
                    good += took <= PATIENCE_MS;
                adaptive_limit_sample(&l, took * NS_PER_MS, (int64_t)(tail - head) + WORKERS, false);
            }
    }
    return (double)good / ((SECONDS - 10) * 1000.0 / SERVICE_MS * WORKERS);
}

TEST(five_times_the_load_keeps_nine_tenths_of_the_goodput) {
    double with = goodput(true, prop_seed(4)), without = goodput(false, prop_seed(4));
    print_message("# goodput of what it can do: %.3f with the limit, %.3f without\n", with, without);
    CHECK(with >= 0.9);
    CHECK(without < 0.1);
}

TEST(the_limit_grows_while_calls_stay_quick_and_shrinks_on_refusals) {
    AdaptiveLimit l;
    adaptive_limit_init(&l, 10, 5, 100);
    for (int i = 0; i < 1000; i++)
        adaptive_limit_sample(&l, NS_PER_MS, (int64_t)l.limit, false);
    CHECK(l.limit > 90);
    double high = l.limit;
    for (int i = 0; i < 100; i++)
        adaptive_limit_sample(&l, NS_PER_MS, 1, false); /* places that nobody uses teach nothing */
    CHECK(l.limit == high);
    for (int i = 0; i < 100; i++)
        adaptive_limit_sample(&l, 0, 50, true);
    CHECK_EQ((int)l.limit, 5);
}

TESTS(T(never_more_inside_than_places), T(waiters_come_in_by_turn_and_late_ones_are_told),
      T(more_places_let_waiters_in_and_closing_tells_the_rest), T(five_times_the_load_keeps_nine_tenths_of_the_goodput),
      T(the_limit_grows_while_calls_stay_quick_and_shrinks_on_refusals))
