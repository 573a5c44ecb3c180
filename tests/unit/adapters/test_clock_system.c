/* adapters/clock/system: the only test that looks at the kernel's clock. */

#include "adapters/clock/system.h"
#include "lib/test.h"

TEST(monotonic_time_does_not_go_back_and_sleep_takes_at_least_its_time) {
    Clock c;
    clock_system_init(&c);
    MonoNs before = clock_mono(&c);
    for (int i = 0; i < 1000; i++) {
        MonoNs now = clock_mono(&c);
        CHECK(now.ns >= before.ns);
        before = now;
    }
    clock_sleep_ms(&c, 2);
    CHECK(clock_mono(&c).ns - before.ns >= 2 * NS_PER_MS);
    clock_sleep_ms(&c, -5);                            /* nothing to wait for */
    CHECK(clock_wall(&c).ms > INT64_C(1577836800000)); /* after 2020 */
}

TEST(kernel_ids_differ) {
    TestCtx t;
    test_ctx_init(&t);
    Ids ids;
    ids_system_init(&ids);
    Str a = ids_uuid4(&ids, &t.arena), b = ids_uuid4(&ids, &t.arena);
    CHECK(uuid_valid(a) && uuid_valid(b));
    CHECK(!str_eq(a, b));
    uint8_t big[1000] = { 0 }; /* more than getrandom gives at once without asking again */
    ids.bytes(&ids, big, sizeof big);
    int zeros = 0;
    for (size_t i = 0; i < sizeof big; i++)
        zeros += big[i] == 0;
    CHECK(zeros < 50);
    test_ctx_done(&t);
}

TESTS(T(monotonic_time_does_not_go_back_and_sleep_takes_at_least_its_time), T(kernel_ids_differ))
