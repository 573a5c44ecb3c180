/* base/timer: what callbacks may do; tests/property/test_timer.c compares the wheel with a sorted list. */

#include "base/timer.h"
#include "lib/test.h"

typedef struct Bench {
    TimerWheel wheel;
    Timer a, b;
    int fired_a, fired_b;
    MonoNs again; /* a starts itself at this time */
} Bench;

static void on_a(void *arg) {
    Bench *x = arg;
    x->fired_a++;
    if (x->again.ns) {
        timer_start(&x->wheel, &x->a, x->again);
        x->again.ns += x->fired_a < 5 ? 10 * NS_PER_MS : 0;
    }
}

static void on_b(void *arg) {
    Bench *x = arg;
    x->fired_b++;
    timer_stop(&x->wheel, &x->a);
}

static MonoNs at_ms(int64_t ms) {
    return (MonoNs){ ms * NS_PER_MS };
}

static void bench_init(Bench *x) {
    *x = (Bench){ 0 };
    timer_wheel_init(&x->wheel, at_ms(1000));
    timer_init(&x->a, on_a, x);
    timer_init(&x->b, on_b, x);
}

TEST(a_timer_never_fires_early_and_fires_once) {
    Bench x;
    bench_init(&x);
    timer_start(&x.wheel, &x.a, (MonoNs){ 1005 * NS_PER_MS + 1 });
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1005)), 0);
    CHECK_EQ(timer_wheel_advance(&x.wheel, (MonoNs){ 1005 * NS_PER_MS + 999999 }), 0);
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1006)), 1);
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(9999999)), 0);
    CHECK_EQ(x.fired_a, 1);
    CHECK(!timer_running(&x.a));
}

TEST(a_due_time_in_the_past_fires_with_the_next_advance) {
    Bench x;
    bench_init(&x);
    timer_start(&x.wheel, &x.a, at_ms(-50));
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1000)), 1);
}

TEST(time_that_goes_back_does_nothing) {
    Bench x;
    bench_init(&x);
    timer_start(&x.wheel, &x.a, at_ms(1010));
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(10)), 0);
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1010)), 1);
}

TEST(a_callback_stops_a_timer_due_at_the_same_time) {
    Bench x;
    bench_init(&x);
    timer_start(&x.wheel, &x.b, at_ms(1010));
    timer_start(&x.wheel, &x.a, at_ms(1010));
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1010)), 1);
    CHECK_EQ(x.fired_b, 1);
    CHECK_EQ(x.fired_a, 0);
    CHECK_EQ(x.wheel.n, 0);
}

TEST(a_callback_that_starts_itself_again_fires_at_each_of_its_times) {
    Bench x;
    bench_init(&x);
    x.again = at_ms(1020);
    timer_start(&x.wheel, &x.a, at_ms(1010));
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1045)), 4); /* 1010, 1020, 1030, 1040 */
    CHECK(timer_running(&x.a));
}

TEST(a_callback_that_starts_itself_in_the_past_fires_once_a_tick) {
    Bench x;
    bench_init(&x);
    x.again = at_ms(1);
    timer_start(&x.wheel, &x.a, at_ms(1010));
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1010)), 1);
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1010)), 0);
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1012)), 2);
}

TEST(a_running_timer_moves_to_its_new_time) {
    Bench x;
    bench_init(&x);
    timer_start(&x.wheel, &x.a, at_ms(5000));
    timer_start(&x.wheel, &x.a, at_ms(1500));
    CHECK_EQ(x.wheel.n, 1);
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(1500)), 1);
    CHECK_EQ(timer_wheel_advance(&x.wheel, at_ms(6000)), 0);
}

TESTS(T(a_timer_never_fires_early_and_fires_once), T(a_due_time_in_the_past_fires_with_the_next_advance),
      T(time_that_goes_back_does_nothing), T(a_callback_stops_a_timer_due_at_the_same_time),
      T(a_callback_that_starts_itself_again_fires_at_each_of_its_times),
      T(a_callback_that_starts_itself_in_the_past_fires_once_a_tick), T(a_running_timer_moves_to_its_new_time))
