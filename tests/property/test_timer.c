/* The timer wheel against a model that searches an array for the next due timer: the same timers fire, in the same
 * order, never early and within a tick, whatever is started, moved and stopped in between. */

#include "base/rng.h"
#include "base/timer.h"
#include "lib/test.h"

enum { TIMERS = 64, LOG_MAX = 4096 };

static struct {
    Timer timer;
    int64_t due_ns; /* of the model; -1 = not running */
    uint64_t order;
} all[TIMERS];

static int fired[LOG_MAX], wanted[LOG_MAX];
static size_t n_fired, n_wanted;

static void on_fire(void *arg) {
    if (n_fired < LOG_MAX)
        fired[n_fired++] = (int)(intptr_t)arg;
}

static int64_t tick_up(int64_t ns) {
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* Fires in the model what is due by `now`: by tick, then due time, then start. */
static void model_advance(int64_t now_ns) {
    for (;;) {
        int next = -1;
        for (int i = 0; i < TIMERS; i++) {
            if (all[i].due_ns < 0 || tick_up(all[i].due_ns) > now_ns / NS_PER_MS)
                continue;
            bool before = next < 0 || all[i].due_ns < all[next].due_ns ||
                          (all[i].due_ns == all[next].due_ns && all[i].order < all[next].order);
            next = before ? i : next;
        }
        if (next < 0)
            return;
        all[next].due_ns = -1;
        if (n_wanted < LOG_MAX)
            wanted[n_wanted++] = next;
    }
}

/* Spans of every level of the wheel, from less than a tick to years. */
static int64_t random_span(Rng *rng) {
    int64_t span = (int64_t)(rng_u64(rng) >> rng_between(rng, 8, 60));
    return rng_chance(rng, 0.3) ? span / NS_PER_MS * NS_PER_MS : span; /* often equal ticks */
}

TEST(the_wheel_fires_what_a_sorted_list_would) {
    Rng rng;
    rng_seed(&rng, prop_seed(99));
    for (int round = 0; round < 400; round++) {
        int64_t now = random_span(&rng) / 4;
        uint64_t order = 0;
        TimerWheel w;
        timer_wheel_init(&w, (MonoNs){ now });
        for (int i = 0; i < TIMERS; i++) {
            timer_init(&all[i].timer, on_fire, (void *)(intptr_t)i);
            all[i].due_ns = -1;
        }
        n_fired = n_wanted = 0;
        size_t running = 0;
        for (int step = 0; step < 200; step++) {
            int i = (int)rng_below(&rng, TIMERS);
            uint64_t act = rng_below(&rng, 10);
            if (act < 6) {
                int64_t due = now + random_span(&rng);
                due = due < now ? INT64_MAX : due;
                timer_start(&w, &all[i].timer, (MonoNs){ due });
                all[i].due_ns = due;
                all[i].order = ++order;
            } else if (act < 8) {
                CHECK_EQ(timer_stop(&w, &all[i].timer), all[i].due_ns >= 0);
                all[i].due_ns = -1;
            } else {
                int64_t span = random_span(&rng);
                now = now > INT64_MAX - span ? INT64_MAX : now + span;
                timer_wheel_advance(&w, (MonoNs){ now });
                model_advance(now);
                CHECK_EQ(n_fired, n_wanted);
                CHECK(memcmp(fired, wanted, n_fired * sizeof fired[0]) == 0);
            }
            running = 0;
            int64_t first = INT64_MAX;
            for (int k = 0; k < TIMERS; k++) {
                CHECK_EQ(timer_running(&all[k].timer), all[k].due_ns >= 0);
                running += all[k].due_ns >= 0;
                first = all[k].due_ns >= 0 ? MIN(first, MAX(all[k].due_ns, now)) : first;
            }
            CHECK_EQ(w.n, running);
            MonoNs next;
            CHECK_EQ(timer_wheel_next(&w, &next), running > 0);
            if (running > 0)
                CHECK(next.ns <= first + NS_PER_MS);
        }
    }
}

/* Sleeping until timer_wheel_next and advancing reaches every timer at its tick, in few rounds. */
TEST(following_next_reaches_every_timer_in_time) {
    Rng rng;
    rng_seed(&rng, prop_seed(100));
    for (int round = 0; round < 2000; round++) {
        int64_t now = (int64_t)rng_below(&rng, 1u << 30) * NS_PER_MS, due = now + random_span(&rng);
        TimerWheel w;
        Timer t;
        timer_wheel_init(&w, (MonoNs){ now });
        timer_init(&t, on_fire, NULL);
        n_fired = 0;
        if (due < now)
            continue;
        timer_start(&w, &t, (MonoNs){ due });
        MonoNs next = { now };
        int rounds = 0;
        for (; n_fired == 0 && timer_wheel_next(&w, &next); rounds++)
            timer_wheel_advance(&w, next);
        CHECK_EQ(n_fired, 1);
        CHECK(next.ns >= due && next.ns - due < NS_PER_MS);
        CHECK(rounds <= TIMER_LEVELS);
    }
}

TESTS(T(the_wheel_fires_what_a_sorted_list_would), T(following_next_reaches_every_timer_in_time))
