/* policy/breaker: the documents' state table on virtual time, late reports, the probe's one place, threads. */

#include "base/err.h"
#include "lib/test.h"
#include "policy/breaker.h"

#include <pthread.h>

static MonoNs at_ms(int64_t ms) {
    return (MonoNs){ ms * NS_PER_MS };
}

static void fail_times(Breaker *b, int n, int64_t ms) {
    for (int i = 0; i < n; i++) {
        BreakerTicket t;
        assert_true(breaker_admit(b, at_ms(ms), &t));
        breaker_report(b, t, false, at_ms(ms));
    }
}

/* PRI-08: the circuit breaker */
TEST(res_01_five_failures_open_it_for_60_s_and_one_success_closes_it) {
    Breaker b;
    BreakerTicket t;
    breaker_init(&b, &breaker_standard, at_ms(0));
    fail_times(&b, 4, 1000);
    CHECK_EQ(breaker_state(&b), BREAKER_CLOSED);
    CHECK_EQ(breaker_failures(&b), 4);
    fail_times(&b, 1, 2000);
    CHECK_EQ(breaker_state(&b), BREAKER_OPEN);
    CHECK_EQ(atomic_load(&b.opened), 1);
    CHECK(!breaker_admit(&b, at_ms(2000), &t));
    CHECK_EQ(breaker_retry_after_ms(&b, at_ms(2000)), 60000);
    CHECK(!breaker_admit(&b, at_ms(61999), &t));
    CHECK_EQ(breaker_retry_after_ms(&b, at_ms(61999)), 1);
    CHECK_EQ(atomic_load(&b.refused), 2);
    CHECK(breaker_admit(&b, at_ms(62000), &t));
    CHECK_EQ(breaker_state(&b), BREAKER_HALF_OPEN);
    breaker_report(&b, t, true, at_ms(62500));
    CHECK_EQ(breaker_state(&b), BREAKER_CLOSED);
    CHECK_EQ(breaker_failures(&b), 0);
    CHECK_EQ(breaker_retry_after_ms(&b, at_ms(62500)), 0);
}

TEST(res_02_a_success_sets_the_count_to_zero_and_the_words_are_the_documents) {
    Breaker b;
    BreakerTicket t;
    breaker_init(&b, &breaker_standard, at_ms(0));
    for (int round = 0; round < 3; round++) {
        fail_times(&b, 4, round);
        CHECK(breaker_admit(&b, at_ms(round), &t));
        breaker_report(&b, t, true, at_ms(round));
        CHECK_EQ(breaker_failures(&b), 0);
        CHECK_EQ(breaker_state(&b), BREAKER_CLOSED);
    }
    CHECK_STR(S(BREAKER_OPEN_TEXT), S("Circuit breaker is OPEN"));
    CHECK_STR(str_c(breaker_state_name(BREAKER_HALF_OPEN)), S("HALF_OPEN"));
}

TEST(res_01_a_failed_probe_opens_it_anew_for_the_whole_time) {
    Breaker b;
    BreakerTicket t;
    breaker_init(&b, &breaker_standard, at_ms(0));
    fail_times(&b, 5, 0);
    CHECK(breaker_admit(&b, at_ms(60000), &t));
    breaker_report(&b, t, false, at_ms(60100));
    CHECK_EQ(breaker_state(&b), BREAKER_OPEN);
    CHECK_EQ(atomic_load(&b.opened), 2);
    CHECK(!breaker_admit(&b, at_ms(120099), &t));
    CHECK(breaker_admit(&b, at_ms(120100), &t));
}

/* RES-03, RES-04 */
TEST(res_03_res_04_the_documents_profiles) {
    const struct {
        const char *name;
        int failures;
        int64_t recovery_ms, call_ms;
        bool only_200;
    } rows[] = {
        { "standard", 5, 60000, 0, false },
        { "resilient", 3, 30000, 0, true },
        { "python", 5, 60000, 30000, false },
    };
    EACH_ROW (r, rows) {
        const BreakerProfile *p = breaker_profile(str_c(r->name));
        CHECK(p != NULL);
        CHECK_EQ(p->failures, r->failures);
        CHECK_EQ(p->recovery_ms, r->recovery_ms);
        CHECK_EQ(p->call_ms, r->call_ms);
        CHECK_EQ(p->only_200, r->only_200);
        Breaker b;
        BreakerTicket t;
        breaker_init(&b, p, at_ms(7));
        fail_times(&b, r->failures, 8);
        CHECK(!breaker_admit(&b, at_ms(8 + r->recovery_ms - 1), &t));
        CHECK(breaker_admit(&b, at_ms(8 + r->recovery_ms), &t));
    }
    CHECK(breaker_profile(S("nope")) == NULL);
}

TEST(res_03_what_counts_as_a_failure) {
    const struct {
        const char *name;
        const BreakerProfile *p;
        int err, status;
        bool success;
    } rows[] = {
        { "200", &breaker_resilient, 0, 200, true },
        { "201 is not 200", &breaker_resilient, 0, 201, false },
        { "404 is not 200", &breaker_resilient, 0, 404, false },
        { "404 is the caller's fault", &breaker_standard, 0, 404, true },
        { "429", &breaker_standard, 0, 429, false },
        { "500", &breaker_standard, 0, 500, false },
        { "no HTTP", &breaker_standard, 0, 0, true },
        { "timeout", &breaker_standard, ERR_TIMEOUT, 0, false },
        { "the client went away", &breaker_resilient, ERR_CANCELLED, 0, true },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(breaker_is_success(r->p, r->err, r->status), r->success);
}

TEST(a_report_from_before_it_opened_says_nothing_of_afterwards) {
    Breaker b;
    BreakerTicket slow, t;
    breaker_init(&b, &breaker_fast, at_ms(0));
    CHECK(breaker_admit(&b, at_ms(0), &slow));
    fail_times(&b, 3, 10);
    breaker_report(&b, slow, true, at_ms(20)); /* the seed closed the breaker here */
    CHECK_EQ(breaker_state(&b), BREAKER_OPEN);
    CHECK(breaker_admit(&b, at_ms(1010), &t));
    breaker_report(&b, slow, false, at_ms(1011)); /* and here would have failed the probe */
    CHECK_EQ(breaker_state(&b), BREAKER_HALF_OPEN);
    breaker_report(&b, t, true, at_ms(1012));
    CHECK_EQ(breaker_state(&b), BREAKER_CLOSED);
    breaker_report(&b, t, false, at_ms(1013)); /* a ticket is of one period */
    CHECK_EQ(breaker_failures(&b), 0);
}

TEST(u31_a_lost_probe_does_not_shut_it_for_ever_and_an_abandoned_one_leaves_its_place) {
    Breaker b;
    BreakerTicket lost, t;
    breaker_init(&b, &breaker_fast, at_ms(0));
    fail_times(&b, 3, 0);
    CHECK(breaker_admit(&b, at_ms(1000), &lost));
    CHECK(!breaker_admit(&b, at_ms(1000 + breaker_fast.probe_ms - 1), &t));
    CHECK(breaker_admit(&b, at_ms(1000 + breaker_fast.probe_ms), &t)); /* never reported: the next one's turn */
    breaker_report(&b, lost, true, at_ms(7000));
    CHECK_EQ(breaker_state(&b), BREAKER_HALF_OPEN);
    breaker_abandon(&b, t, at_ms(7000));
    CHECK_EQ(breaker_state(&b), BREAKER_OPEN);
    CHECK(breaker_admit(&b, at_ms(7000), &t));
    breaker_report(&b, t, true, at_ms(7001));
    CHECK_EQ(breaker_state(&b), BREAKER_CLOSED);
}

TEST(an_operator_opens_and_closes_it) {
    Breaker b;
    BreakerTicket t;
    breaker_init(&b, &breaker_standard, at_ms(0));
    breaker_force(&b, BREAKER_OPEN, at_ms(5));
    CHECK(!breaker_admit(&b, at_ms(6), &t));
    breaker_force(&b, BREAKER_CLOSED, at_ms(7));
    CHECK(breaker_admit(&b, at_ms(7), &t));
}

enum { THREADS = 8, CALLS = 1250 };
typedef struct Crowd {
    Breaker *b;
    _Atomic int passed, ready;
} Crowd;

static void *crowd_member(void *arg) {
    Crowd *c = arg;
    atomic_fetch_add(&c->ready, 1);
    while (atomic_load(&c->ready) < THREADS)
        sched_yield();
    for (int i = 0; i < CALLS; i++) {
        BreakerTicket t;
        if (breaker_admit(c->b, at_ms(60000 + i % 3), &t))
            atomic_fetch_add(&c->passed, 1);
    }
    return NULL;
}

TEST(res_05_of_10000_concurrent_calls_at_half_open_exactly_one_passes) {
    for (int round = 0; round < 20; round++) {
        Breaker b;
        breaker_init(&b, &breaker_standard, at_ms(0));
        fail_times(&b, 5, 0);
        Crowd c = { .b = &b };
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, crowd_member, &c), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        CHECK_EQ(atomic_load(&c.passed), 1);
        CHECK_EQ(atomic_load(&b.refused), THREADS * CALLS - 1);
        CHECK_EQ(breaker_state(&b), BREAKER_HALF_OPEN);
    }
}

static void *failing_member(void *arg) {
    Crowd *c = arg;
    for (int i = 0; i < CALLS; i++) {
        BreakerTicket t;
        if (breaker_admit(c->b, at_ms(i), &t))
            breaker_report(c->b, t, i % 2, at_ms(i));
    }
    return NULL;
}

/* Whatever the interleaving, the state is one of the three and the failures stay below the threshold. */
TEST(reports_from_many_threads_leave_a_sound_state) {
    Breaker b;
    breaker_init(&b, &breaker_fast, at_ms(0));
    Crowd c = { .b = &b };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, failing_member, &c), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(breaker_failures(&b) < breaker_fast.failures);
    BreakerTicket t;
    if (breaker_state(&b) != BREAKER_CLOSED) {
        CHECK(breaker_admit(&b, at_ms(CALLS + 10000), &t));
        breaker_report(&b, t, true, at_ms(CALLS + 10001));
    }
    CHECK_EQ(breaker_state(&b), BREAKER_CLOSED);
}

TESTS(T(res_01_five_failures_open_it_for_60_s_and_one_success_closes_it),
      T(res_02_a_success_sets_the_count_to_zero_and_the_words_are_the_documents),
      T(res_01_a_failed_probe_opens_it_anew_for_the_whole_time), T(res_03_res_04_the_documents_profiles),
      T(res_03_what_counts_as_a_failure), T(a_report_from_before_it_opened_says_nothing_of_afterwards),
      T(u31_a_lost_probe_does_not_shut_it_for_ever_and_an_abandoned_one_leaves_its_place),
      T(an_operator_opens_and_closes_it), T(res_05_of_10000_concurrent_calls_at_half_open_exactly_one_passes),
      T(reports_from_many_threads_leave_a_sound_state))
