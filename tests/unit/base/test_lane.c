/* base/lane: real threads, no sleeping: jobs wait on a gate, time is the manual clock. */

#include "base/lane.h"
#include "lib/test.h"

#include <pthread.h>

typedef struct Gate { /* holds workers until it is opened; counts who came */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int arrived, finished, timed_out, cancelled;
    pthread_t last;
} Gate;

static void gate_init(Gate *g) {
    *g = (Gate){ 0 };
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
}

static void gate_done(Gate *g) {
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
}

static void pass_gate(void *arg, int err) {
    Gate *g = arg;
    pthread_mutex_lock(&g->lock);
    if (err == 0) {
        g->arrived++;
        g->last = pthread_self();
        pthread_cond_broadcast(&g->changed);
        while (!g->open)
            pthread_cond_wait(&g->changed, &g->lock);
        g->finished++;
    }
    g->timed_out += err == ERR_TIMEOUT;
    g->cancelled += err == ERR_CANCELLED;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void gate_open(Gate *g) {
    pthread_mutex_lock(&g->lock);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void wait_for(Gate *g, const int *what, int count) {
    pthread_mutex_lock(&g->lock);
    while (*what < count)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static int post(Lane *l, Gate *g, MonoNs deadline) {
    return lane_post(l, &(LaneJob){ pass_gate, g, deadline });
}

static const MonoNs NEVER = { 0 };

TEST(threads_start_with_work_and_not_more_than_told) {
    TestCtx t;
    test_ctx_init(&t);
    Gate g;
    gate_init(&g);
    Lane *l = lane_threads_new("cpu", 2, 8, &t.clock.clock);
    LaneStats s;
    lane_stats(l, &s);
    CHECK_EQ(s.threads, 0);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(post(l, &g, NEVER), 0);
    wait_for(&g, &g.arrived, 2);
    lane_stats(l, &s);
    CHECK_EQ(s.threads, 2);
    CHECK_EQ(s.running, 2);
    CHECK_EQ(s.waiting, 3);
    char name[16];
    CHECK_EQ(pthread_getname_np(g.last, name, sizeof name), 0);
    CHECK(str_starts(str_c(name), S("cpu-")));
    gate_open(&g);
    wait_for(&g, &g.finished, 5);
    l = lane_close(l);
    CHECK(l == NULL);
    gate_done(&g);
    test_ctx_done(&t);
}

TEST(a_full_queue_refuses) {
    TestCtx t;
    test_ctx_init(&t);
    Gate g;
    gate_init(&g);
    Lane *l = lane_threads_new("cpu", 1, 2, &t.clock.clock);
    CHECK_EQ(post(l, &g, NEVER), 0);
    wait_for(&g, &g.arrived, 1);
    CHECK_EQ(post(l, &g, NEVER), 0);
    CHECK_EQ(post(l, &g, NEVER), 0);
    CHECK_EQ(post(l, &g, NEVER), ERR_BUSY);
    LaneStats s;
    lane_stats(l, &s);
    CHECK_EQ(s.refused, 1);
    gate_open(&g);
    wait_for(&g, &g.finished, 3);
    CHECK_EQ(post(l, &g, NEVER), 0); /* and takes again when there is room */
    wait_for(&g, &g.finished, 4);
    lane_close(l);
    gate_done(&g);
    test_ctx_done(&t);
}

TEST(a_stopped_lane_runs_nothing_and_can_still_be_asked) {
    TestCtx t;
    test_ctx_init(&t);
    Gate g;
    gate_init(&g);
    Lane *all[] = { lane_threads_new("cpu", 2, 8, &t.clock.clock), lane_inline_new() };
    gate_open(&g);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        LaneStats s;
        CHECK_EQ(post(all[i], &g, NEVER), 0);
        lane_stop(all[i]);
        CHECK_EQ(g.finished + g.cancelled, (int)i + 1); /* what ran has ended, what waited was told */
        CHECK_EQ(post(all[i], &g, NEVER), ERR_BUSY);
        lane_stats(all[i], &s);
        CHECK_EQ(s.running, 0);
        lane_stop(all[i]);
        lane_close(all[i]);
    }
    lane_stop(NULL);
    gate_done(&g);
    test_ctx_done(&t);
}

TEST(a_head_that_waits_longer_than_100_ms_closes_the_door) {
    TestCtx t;
    test_ctx_init(&t);
    Gate g;
    gate_init(&g);
    Lane *l = lane_threads_new("cpu", 1, 100, &t.clock.clock);
    CHECK_EQ(post(l, &g, NEVER), 0);
    wait_for(&g, &g.arrived, 1);
    CHECK_EQ(post(l, &g, NEVER), 0);
    clock_manual_advance_ms(&t.clock, 100);
    CHECK_EQ(post(l, &g, NEVER), 0);
    clock_manual_advance_ms(&t.clock, 1);
    CHECK_EQ(post(l, &g, NEVER), ERR_BUSY);
    LaneStats s;
    lane_stats(l, &s);
    CHECK_EQ(s.oldest_wait_ms, 101);
    gate_open(&g);
    lane_close(l);
    gate_done(&g);
    test_ctx_done(&t);
}

TEST(a_job_past_its_deadline_is_dropped_not_done) {
    TestCtx t;
    test_ctx_init(&t);
    Gate g;
    gate_init(&g);
    Lane *l = lane_threads_new("cpu", 1, 8, &t.clock.clock);
    CHECK_EQ(post(l, &g, NEVER), 0);
    wait_for(&g, &g.arrived, 1);
    CHECK_EQ(post(l, &g, mono_add_ms(clock_mono(t.cx.clock), 50)), 0);
    CHECK_EQ(post(l, &g, mono_add_ms(clock_mono(t.cx.clock), 51)), 0);
    clock_manual_advance_ms(&t.clock, 50);
    gate_open(&g);
    wait_for(&g, &g.timed_out, 1);
    wait_for(&g, &g.finished, 2);
    lane_close(l);
    CHECK_EQ(g.timed_out, 1);
    CHECK_EQ(g.finished, 2);
    gate_done(&g);
    test_ctx_done(&t);
}

static void *open_later(void *arg) {
    gate_open(arg);
    return NULL;
}

TEST(close_finishes_what_runs_and_cancels_what_waits) {
    TestCtx t;
    test_ctx_init(&t);
    Gate g;
    gate_init(&g);
    Lane *l = lane_threads_new("cpu", 1, 8, &t.clock.clock);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(post(l, &g, NEVER), 0);
    wait_for(&g, &g.arrived, 1);
    pthread_t opener;
    CHECK_EQ(pthread_create(&opener, NULL, open_later, &g), 0);
    lane_close(l);
    pthread_join(opener, NULL);
    CHECK_EQ(g.finished + g.cancelled, 4); /* each exactly once */
    CHECK(g.finished >= 1);
    gate_done(&g);
    test_ctx_done(&t);
}

static void note_thread(void *arg) {
    *(pthread_t *)arg = pthread_self();
}

TEST(lane_call_runs_on_the_lane_and_waits) {
    TestCtx t;
    test_ctx_init(&t);
    Lane *l = lane_threads_new("io", 2, 8, &t.clock.clock);
    pthread_t where = pthread_self();
    CHECK_EQ(lane_call(l, note_thread, &where), 0);
    CHECK(!pthread_equal(where, pthread_self()));
    lane_close(l);
    Lane *here = lane_inline_new();
    CHECK_EQ(lane_call(here, note_thread, &where), 0);
    CHECK(pthread_equal(where, pthread_self()));
    LaneStats s;
    lane_stats(here, &s);
    CHECK_EQ(s.done, 1);
    CHECK_EQ(s.running, 0);
    lane_close(here);
    test_ctx_done(&t);
}

enum { POSTERS = 4, POSTS = 2000 };

typedef struct Poster {
    Lane *lane;
    _Atomic int *ran;
    int accepted;
} Poster;

static void count(void *arg, int err) {
    UNUSED(err);
    atomic_fetch_add((_Atomic int *)arg, 1);
}

static void *post_many(void *arg) {
    Poster *p = arg;
    for (int i = 0; i < POSTS; i++)
        p->accepted += lane_post(p->lane, &(LaneJob){ .run = count, .arg = p->ran }) == 0;
    return NULL;
}

TEST(every_accepted_job_is_answered_once_under_contention) {
    TestCtx t;
    test_ctx_init(&t);
    Lane *l = lane_threads_new("cpu", 3, 64, &t.clock.clock);
    _Atomic int ran = 0;
    Poster posters[POSTERS];
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (Poster){ .lane = l, .ran = &ran };
        CHECK_EQ(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    int accepted = 0;
    for (int i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        accepted += posters[i].accepted;
    }
    LaneStats s;
    lane_stats(l, &s);
    CHECK_EQ(s.refused, POSTERS * POSTS - accepted);
    lane_close(l);
    CHECK_EQ(ran, accepted);
    CHECK(accepted >= 64);
    test_ctx_done(&t);
}

TESTS(T(threads_start_with_work_and_not_more_than_told), T(a_full_queue_refuses),
      T(a_stopped_lane_runs_nothing_and_can_still_be_asked), T(a_head_that_waits_longer_than_100_ms_closes_the_door),
      T(a_job_past_its_deadline_is_dropped_not_done), T(close_finishes_what_runs_and_cancels_what_waits),
      T(lane_call_runs_on_the_lane_and_waits), T(every_accepted_job_is_answered_once_under_contention))
