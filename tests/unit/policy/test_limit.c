/* policy/limit: the edges of each window, independence of keys, bounded memory, headers, threads. */

#include "base/rng.h"
#include "lib/test.h"
#include "policy/limit.h"

#include <pthread.h>

static MonoNs at_ms(int64_t ms) {
    return (MonoNs){ ms * NS_PER_MS };
}

static Limiter *limiter_of(LimitKind kind, int64_t most, int64_t window_ms, size_t keys) {
    return limiter_new(&(LimitRule){ .name = "t", .kind = kind, .most = most, .window_ms = window_ms }, keys, 99);
}

static bool take(Limiter *l, uint64_t key, int64_t ms) {
    LimitVerdict v;
    return limiter_take(l, key, 0, at_ms(ms), &v);
}

TEST(sec_03_sixty_in_any_sixty_seconds_to_the_millisecond) {
    Limiter *l = limiter_new(&limit_anonymous, 1000, 1);
    LimitVerdict v;
    for (int i = 0; i < 60; i++) {
        CHECK(limiter_take(l, 1, 0, at_ms(1000 + i * 100), &v));
        CHECK_EQ(v.remaining, 59 - i);
    }
    CHECK(!limiter_take(l, 1, 0, at_ms(7000), &v));
    CHECK_EQ(v.retry_after_ms, 54000);
    CHECK_EQ(v.reset_ms, 59900);
    CHECK(!limiter_take(l, 1, 0, at_ms(60999), &v));
    CHECK_EQ(v.retry_after_ms, 1);
    CHECK(limiter_take(l, 1, 0, at_ms(61000), &v)); /* the first of them has left the window */
    CHECK(!limiter_take(l, 1, 0, at_ms(61000), &v));
    CHECK_EQ(v.retry_after_ms, 100);
    CHECK(limiter_take(l, 1, 0, at_ms(61100), &v));
    CHECK(limiter_take(l, 2, 0, at_ms(61100), &v)); /* another client */
    CHECK_EQ(v.remaining, 59);
    limiter_free(l);
}

/* The seed's window by the wall clock: refused requests did not count, and neither do they here. */
TEST(sec_03_refused_requests_do_not_prolong_the_refusal) {
    Limiter *l = limiter_new(&limit_anonymous, 1000, 1);
    for (int i = 0; i < 60; i++)
        CHECK(take(l, 1, 0));
    for (int ms = 1; ms < 60000; ms += 7)
        CHECK(!take(l, 1, ms));
    CHECK(take(l, 1, 60000));
    limiter_free(l);
}

/* Against a list of all times, over random traffic: the same verdict each time. */
TEST(sec_03_sliding_equals_a_list_of_all_times) {
    Rng rng;
    rng_seed(&rng, prop_seed(3));
    for (int round = 0; round < 30; round++) {
        int64_t most = rng_between(&rng, 1, 20), window = rng_between(&rng, 1, 3000);
        Limiter *l = limiter_of(LIMIT_SLIDING, most, window, 64);
        int64_t times[2000], n = 0, ms = rng_between(&rng, 0, INT64_C(1) << 40);
        for (int i = 0; i < 2000; i++) {
            ms += rng_between(&rng, 0, rng_chance(&rng, 0.02) ? 4 * window : 2 * window / most + 1);
            int64_t inside = 0;
            for (int64_t j = n - 1; j >= 0 && ms - times[j] < window; j--)
                inside++;
            LimitVerdict v;
            bool ok = limiter_take(l, 5, 0, at_ms(ms), &v);
            CHECK_EQ(ok, inside < most);
            if (ok) {
                CHECK_EQ(v.remaining, most - inside - 1);
                times[n++] = ms;
            } else {
                CHECK_EQ(v.retry_after_ms, window - (ms - times[n - most]));
            }
        }
        limiter_free(l);
    }
}

TEST(gwy_09_the_101st_of_a_minute_is_refused) {
    Limiter *l = limiter_new(&limit_keyed, 64, 1);
    for (int i = 0; i < 100; i++)
        CHECK(take(l, 9, i * 500));
    CHECK(!take(l, 9, 59999));
    CHECK(take(l, 9, 60000));
    limiter_free(l);
}

TEST(gwy_10_clients_and_endpoints_count_apart) {
    Limiter *l = limiter_of(LIMIT_SLIDING, 2, 1000, 64);
    Str a[2] = { S("alice"), S("/market") }, b[2] = { S("alice"), S("/news") }, c[2] = { S("bob"), S("/market") };
    Str shifted[2] = { S("alic"), S("e/market") };
    uint64_t keys[] = { limit_key(l, a, 2), limit_key(l, b, 2), limit_key(l, c, 2), limit_key(l, shifted, 2) };
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        CHECK(take(l, keys[k], 0));
        CHECK(take(l, keys[k], 0));
        CHECK(!take(l, keys[k], 0));
    }
    limiter_free(l);
}

TEST(u03_a_client_may_have_a_number_of_its_own) {
    Limiter *l = limiter_of(LIMIT_SLIDING, 10, 1000, 64);
    LimitVerdict v;
    CHECK(limiter_take(l, 1, 2, at_ms(0), &v));
    CHECK_EQ(v.most, 2);
    CHECK(limiter_take(l, 1, 2, at_ms(10), &v));
    CHECK(!limiter_take(l, 1, 2, at_ms(20), &v));
    CHECK_EQ(v.retry_after_ms, 980);
    CHECK(limiter_take(l, 1, 0, at_ms(20), &v));    /* by the rule there is room */
    CHECK(!limiter_take(l, 1, 2, at_ms(1005), &v)); /* of 10, 20: two of its window */
    CHECK(limiter_take(l, 1, 2, at_ms(1010), &v));
    limiter_free(l);
}

TEST(a_fixed_window_ends_on_its_grid) {
    Limiter *l = limiter_of(LIMIT_FIXED, 3, 1000, 64);
    LimitVerdict v;
    for (int i = 0; i < 3; i++)
        CHECK(limiter_take(l, 1, 0, at_ms(5900), &v));
    CHECK_EQ(v.reset_ms, 100);
    CHECK(!limiter_take(l, 1, 0, at_ms(5999), &v));
    CHECK_EQ(v.retry_after_ms, 1);
    CHECK(limiter_take(l, 1, 0, at_ms(6000), &v));
    CHECK_EQ(v.remaining, 2);
    CHECK(limiter_take(l, 1, 5, at_ms(6000), &v)); /* more than the rule's, for this client */
    CHECK_EQ(v.remaining, 3);
    limiter_free(l);
}

TEST(a_bucket_gives_its_burst_and_then_its_rate) {
    Limiter *l = limiter_of(LIMIT_BUCKET, 10, 1000, 64); /* a token in 100 ms */
    LimitVerdict v;
    for (int i = 0; i < 10; i++) {
        CHECK(limiter_take(l, 1, 0, at_ms(0), &v));
        CHECK_EQ(v.remaining, 9 - i);
    }
    CHECK(!limiter_take(l, 1, 0, at_ms(99), &v));
    CHECK_EQ(v.retry_after_ms, 1);
    int passed = 0;
    for (int ms = 100; ms < 10100; ms++)
        passed += take(l, 1, ms);
    CHECK_EQ(passed, 100);
    CHECK(limiter_take(l, 1, 0, at_ms(60000), &v));
    CHECK_EQ(v.remaining, 9);
    CHECK_EQ(v.reset_ms, 100);
    limiter_free(l);
}

TEST(peek_counts_nothing) {
    Limiter *l = limiter_of(LIMIT_SLIDING, 2, 1000, 64);
    LimitVerdict v;
    LimiterStats st;
    for (int i = 0; i < 10; i++)
        CHECK(limiter_peek(l, 1, 0, at_ms(0), &v));
    CHECK_EQ(v.remaining, 1);
    limiter_stats(l, &st);
    CHECK_EQ(st.keys, 0);
    CHECK(take(l, 1, 0) && take(l, 1, 0));
    CHECK(!limiter_peek(l, 1, 0, at_ms(0), &v));
    limiter_free(l);
}

TEST(u31_a_step_back_of_the_time_frees_nobody) {
    for (int kind = LIMIT_SLIDING; kind <= LIMIT_BUCKET; kind++) {
        if (kind == LIMIT_FIXED)
            continue; /* its grid is of the monotonic clock, which does not go back */
        Limiter *l = limiter_of((LimitKind)kind, 2, 1000, 64);
        CHECK(take(l, 1, 5000) && take(l, 1, 5000));
        CHECK(!take(l, 1, 4990)); /* another thread's time, read a little earlier */
        CHECK(!take(l, 1, 5999 - (kind == LIMIT_BUCKET ? 500 : 0)));
        limiter_free(l);
    }
}

TEST(sec_03_ten_million_addresses_stay_in_bounded_memory_and_free_nobody) {
    Limiter *l = limiter_new(&limit_anonymous, 4096, 1);
    LimiterStats st;
    limiter_stats(l, &st);
    size_t bytes = st.bytes;
    CHECK(bytes <= 4096 * 280 + 4096);
    uint64_t abuser = limit_key_ip(l, S("203.0.113.7"));
    int passed = 0;
    for (uint32_t i = 0; i < 10000000; i++) {
        MonoNs now = { (int64_t)i * 3000 }; /* 30 s for all of them */
        LimitVerdict v;
        limiter_take(l, (uint64_t)i + 1, 0, now, &v);
        if (i % 1000 == 0)
            passed += limiter_take(l, abuser, 0, now, &v);
    }
    limiter_stats(l, &st);
    CHECK_EQ(st.bytes, bytes);
    CHECK(st.keys <= 4096);
    CHECK_EQ(passed, 60); /* who is over its limit keeps its place however many others come */
    limiter_free(l);
}

TEST(one_client_is_one_key_however_its_address_is_written) {
    Limiter *l = limiter_new(&limit_anonymous, 64, 5);
    const struct {
        const char *name, *other;
        bool same;
    } rows[] = {
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "::ffff:192.0.2.1", "192.0.2.1", true },
        { "2001:db8::1", "2001:db8:0:0:ffff::9", true },
        { "2001:db8::1", "2001:DB8::2", true },
        { "2001:db8:0:1::1", "2001:db8::1", false },
        { "unix", "unix", true },
        { "unix", "", false },
        { "an address far too long to be one of any kind at all, longer than 46", "192.0.2.1", false },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(limit_key_ip(l, str_c(r->name)) == limit_key_ip(l, str_c(r->other)), r->same);
    limiter_free(l);
}

TEST(gwy_12_headers_say_limit_rest_and_when) {
    Arena a = { 0 };
    Limiter *l = limiter_of(LIMIT_SLIDING, 2, 60000, 64);
    LimitVerdict v;
    LimitHeaders h;
    limiter_take(l, 1, 0, at_ms(0), &v);
    limit_headers(&a, &v, &h);
    CHECK_STR(h.limit, S("2"));
    CHECK_STR(h.remaining, S("1"));
    CHECK_STR(h.reset, S("60"));
    CHECK_STR(h.policy, S("2;w=60"));
    CHECK_EQ(h.retry_after.n, 0);
    limiter_take(l, 1, 0, at_ms(0), &v);
    limiter_take(l, 1, 0, at_ms(59001), &v);
    limit_headers(&a, &v, &h);
    CHECK_STR(h.remaining, S("0"));
    CHECK_STR(h.retry_after, S("1"));
    LimitVerdict ok = { .ok = true, .remaining = 5 }, less = { .ok = true, .remaining = 2 };
    CHECK(limit_tighter(&ok, &less) == &less && limit_tighter(&less, &ok) == &less);
    CHECK(limit_tighter(&ok, &v) == &v && limit_tighter(&v, &less) == &v);
    limiter_free(l);
    arena_done(&a);
}

enum { THREADS = 8, TAKES = 4000 };
typedef struct Crowd {
    Limiter *l;
    _Atomic int passed;
} Crowd;

static void *crowd_member(void *arg) {
    Crowd *c = arg;
    for (int i = 0; i < TAKES; i++)
        if (take(c->l, 77, 10))
            atomic_fetch_add(&c->passed, 1);
    return NULL;
}

TEST(of_many_threads_exactly_as_many_pass_as_the_rule_says) {
    for (int kind = LIMIT_SLIDING; kind <= LIMIT_BUCKET; kind++) {
        Crowd c = { .l = limiter_of((LimitKind)kind, 1000, 60000, 64) };
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, crowd_member, &c), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        CHECK_EQ(atomic_load(&c.passed), 1000);
        LimiterStats st;
        limiter_stats(c.l, &st);
        CHECK_EQ(st.passed, 1000);
        CHECK_EQ(st.refused, THREADS * TAKES - 1000);
        limiter_free(c.l);
    }
}

TESTS(T(sec_03_sixty_in_any_sixty_seconds_to_the_millisecond), T(sec_03_refused_requests_do_not_prolong_the_refusal),
      T(sec_03_sliding_equals_a_list_of_all_times), T(gwy_09_the_101st_of_a_minute_is_refused),
      T(gwy_10_clients_and_endpoints_count_apart), T(u03_a_client_may_have_a_number_of_its_own),
      T(a_fixed_window_ends_on_its_grid), T(a_bucket_gives_its_burst_and_then_its_rate), T(peek_counts_nothing),
      T(u31_a_step_back_of_the_time_frees_nobody),
      T(sec_03_ten_million_addresses_stay_in_bounded_memory_and_free_nobody),
      T(one_client_is_one_key_however_its_address_is_written), T(gwy_12_headers_say_limit_rest_and_when),
      T(of_many_threads_exactly_as_many_pass_as_the_rule_says))
