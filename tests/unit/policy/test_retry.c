/* policy/retry: the documents' delays, jitter's bounds, what may be repeated, Retry-After, the budget's share. */

#include "base/err.h"
#include "lib/test.h"
#include "policy/retry.h"

static Rng seeded(uint64_t seed) {
    Rng r;
    rng_seed(&r, prop_seed(seed));
    return r;
}

/* RES-06, RES-07, PRI-08: the retry */
TEST(res_06_res_07_delays_without_jitter) {
    const struct {
        const char *name;
        int64_t waits[5];
    } rows[] = {
        { "handler", { 1000, 2000, 4000, RETRY_NO_MORE, RETRY_NO_MORE } },
        { "collection", { 2000, 4000, 8000, RETRY_NO_MORE, RETRY_NO_MORE } },
        { "none", { RETRY_NO_MORE, RETRY_NO_MORE, RETRY_NO_MORE, RETRY_NO_MORE, RETRY_NO_MORE } },
    };
    Rng rng = seeded(1);
    EACH_ROW (r, rows) {
        const RetryProfile *p = retry_profile(str_c(r->name));
        CHECK(p != NULL);
        for (int n = 1; n <= 5; n++)
            CHECK_EQ(retry_wait_ms(p, n, 0, INT64_MAX, &rng), r->waits[n - 1]);
    }
    CHECK(retry_profile(S("x")) == NULL);
}

/* A million draws: nothing outside the bounds, both ends come near, and the mean is where it should be. */
/* RES-08, RES-09 */
TEST(res_08_res_09_jitter_stays_in_its_bounds_over_a_million_draws) {
    const struct {
        const char *name;
        const RetryProfile *p;
        int n;
        double lo, hi;
    } rows[] = {
        { "strategy, first", &retry_strategy, 1, 0, 1000 },
        { "strategy, second", &retry_strategy, 2, 0, 2000 },
        { "python, first", &retry_python, 1, 1000, 1100 },
        { "python, second", &retry_python, 2, 1500, 1650 },
    };
    Rng rng = seeded(2);
    EACH_ROW (r, rows) {
        int64_t lo = INT64_MAX, hi = 0;
        double sum = 0;
        for (int i = 0; i < 250000; i++) {
            int64_t wait = retry_wait_ms(r->p, r->n, 0, INT64_MAX, &rng);
            lo = MIN(lo, wait);
            hi = MAX(hi, wait);
            sum += (double)wait;
        }
        double width = r->hi - r->lo;
        CHECK(lo >= r->lo && hi <= r->hi);
        CHECK(lo <= r->lo + width / 50 && hi >= r->hi - width / 50);
        CHECK_NEAR(sum / 250000, (r->lo + r->hi) / 2, width / 200 + 0.5);
    }
    CHECK_EQ(retry_wait_ms(&retry_strategy, 3, 0, INT64_MAX, &rng), RETRY_NO_MORE);
    CHECK_EQ(retry_wait_ms(&retry_python, 3, 0, INT64_MAX, &rng), RETRY_NO_MORE);
}

TEST(u14_endless_goes_on_at_its_ceiling) {
    Rng rng = seeded(3);
    for (int n = 1; n < 5000; n++) {
        int64_t wait = retry_wait_ms(&retry_endless, n, 0, INT64_MAX, &rng);
        CHECK(wait >= 0 && wait <= retry_endless.max_ms);
    }
}

TEST(retry_after_is_a_floor_and_the_deadline_an_end) {
    Rng rng = seeded(4);
    CHECK_EQ(retry_wait_ms(&retry_handler, 1, 7000, INT64_MAX, &rng), 7000);
    CHECK_EQ(retry_wait_ms(&retry_handler, 1, 500, INT64_MAX, &rng), 1000);
    CHECK_EQ(retry_wait_ms(&retry_handler, 1, 7000, 7001, &rng), 7000);
    CHECK_EQ(retry_wait_ms(&retry_handler, 1, 7000, 7000, &rng), RETRY_NO_MORE);
    CHECK_EQ(retry_wait_ms(&retry_handler, 1, 0, 999, &rng), RETRY_NO_MORE);
}

TEST(u05_what_may_be_tried_again) {
    const struct {
        const char *name;
        int err;
        bool sent;
        int status;
        RetryCause cause;
        bool once, repeatable; /* may a POST be repeated; may a GET */
    } rows[] = {
        { "refused", ERR_UNAVAILABLE, false, 0, RETRY_UNSENT, true, true },
        { "connect timed out", ERR_TIMEOUT, false, 0, RETRY_UNSENT, true, true },
        { "reset", ERR_UNAVAILABLE, true, 0, RETRY_CUT, false, true },
        { "timeout", ERR_TIMEOUT, true, 0, RETRY_CUT, false, true },
        { "429", 0, true, 429, RETRY_ASKED, false, true },
        { "502", 0, true, 502, RETRY_ASKED, false, true },
        { "503", 0, true, 503, RETRY_ASKED, false, true },
        { "504", 0, true, 504, RETRY_ASKED, false, true },
        { "500 is final", 0, true, 500, RETRY_FINAL, false, false },
        { "404 is final", 0, true, 404, RETRY_FINAL, false, false },
        { "200 is final", 0, true, 200, RETRY_FINAL, false, false },
        { "cancelled", ERR_CANCELLED, true, 0, RETRY_FINAL, false, false },
        { "not valid (U31)", ERR_INVALID, false, 0, RETRY_FINAL, false, false },
        { "too large", ERR_LIMIT, true, 0, RETRY_FINAL, false, false },
    };
    EACH_ROW (r, rows) {
        CHECK_EQ(retry_cause(r->err, r->sent, r->status), r->cause);
        CHECK_EQ(retry_allowed(r->cause, false), r->once);
        CHECK_EQ(retry_allowed(r->cause, true), r->repeatable);
    }
}

TEST(retry_after_is_read_in_both_forms_and_nothing_else) {
    const struct {
        const char *name;
        int64_t ms; /* -1: refused */
    } rows[] = {
        { "0", 0 },
        { "120", 120000 },
        { " 5 ", 5000 },
        { "1.5", 1500 },
        { "0.0001", 1 }, /* rounded up: never earlier than told */
        { "1.000", 1000 },
        { "99999999999999999999999999", MS_PER_DAY },
        { "Mon, 01 Jan 2024 00:01:00 GMT", 60000 },
        { "Sun, 31 Dec 2023 00:00:00 GMT", 0 },
        { "Tue, 01 Jan 2030 00:00:00 GMT", MS_PER_DAY },
        { "Mon, 01 Jan 2024 00:00:60 GMT", 59000 },
        { "", -1 },
        { "-1", -1 },
        { "1.", -1 },
        { ".5", -1 },
        { "5s", -1 },
        { "1e3", -1 },
        { "Mon, 32 Jan 2024 00:01:00 GMT", -1 },
        { "Mon, 01 Jun 2024 00:01:00 CET", -1 },
        { "Mon, 01 Foo 2024 00:01:00 GMT", -1 },
        { "Mon, 0x Jan 2024 00:01:00 GMT", -1 },
    };
    Time now = { INT64_C(1704067200000) }; /* 2024-01-01 */
    EACH_ROW (r, rows) {
        int64_t ms = -7;
        bool ok = retry_after_parse(str_c(r->name), now, &ms);
        CHECK_EQ(ok ? ms : -1, r->ms);
    }
}

TEST(u05_retries_are_a_tenth_of_the_traffic_in_the_long_run) {
    RetryBudget b;
    retry_budget_init(&b, RETRY_BUDGET_PERCENT, RETRY_BUDGET_BURST);
    int64_t retries = 0;
    for (int i = 0; i < 100000; i++) { /* everything fails and everybody wants three retries */
        retry_budget_first(&b);
        for (int n = 0; n < 3; n++)
            retries += retry_budget_take(&b);
    }
    CHECK(retries >= 10000 && retries <= 10000 + RETRY_BUDGET_BURST);
    CHECK_EQ(atomic_load(&b.refused), 300000 - retries);
    for (int i = 0; i < 100000; i++) /* a long quiet time saves no more than the burst */
        retry_budget_first(&b);
    for (int i = 0; i < RETRY_BUDGET_BURST; i++)
        CHECK(retry_budget_take(&b));
    CHECK(!retry_budget_take(&b));
}

TESTS(T(res_06_res_07_delays_without_jitter), T(res_08_res_09_jitter_stays_in_its_bounds_over_a_million_draws),
      T(u14_endless_goes_on_at_its_ceiling), T(retry_after_is_a_floor_and_the_deadline_an_end),
      T(u05_what_may_be_tried_again), T(retry_after_is_read_in_both_forms_and_nothing_else),
      T(u05_retries_are_a_tenth_of_the_traffic_in_the_long_run))
