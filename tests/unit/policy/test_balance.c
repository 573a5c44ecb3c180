/* policy/balance: shares of each kind, health, ejection and its cap, lists that change under calls. */

#include "base/err.h"
#include "lib/test.h"
#include "policy/balance.h"

static MonoNs at_ms(int64_t ms) {
    return (MonoNs){ ms * NS_PER_MS };
}

static Balancer *balancer_of(BalanceKind kind, const int *weights, size_t n) {
    BalanceOptions o;
    balance_options_default(&o);
    o.kind = kind;
    Balancer *b = balancer_new(&o);
    static char ids[64][24];
    BalanceTarget targets[64];
    for (size_t i = 0; i < n; i++) {
        snprintf(ids[i], sizeof ids[i], "t%zu", i);
        targets[i] = (BalanceTarget){ .id = str_c(ids[i]), .weight = weights ? weights[i] : 0, .owner = ids[i] };
    }
    assert_int_equal(balancer_set(b, targets, n), 0);
    return b;
}

static int64_t picks_of(const Balancer *b, size_t i) {
    BalanceView v;
    balancer_view(b, i, at_ms(0), &v);
    return v.picks;
}

/* One call, ended as told. Returns the slot's place in the list, by its owner's name. */
static size_t call(Balancer *b, Rng *rng, bool success, int64_t ms) {
    BalancePick p;
    assert_int_equal(balancer_pick(b, NULL, 0, at_ms(ms), rng, &p), 0);
    balancer_done(b, p, success, NS_PER_MS, at_ms(ms));
    return (size_t)strtoul((const char *)p.owner + 1, NULL, 10);
}

TEST(gwy_04_round_robin_spreads_within_one) {
    Rng rng;
    rng_seed(&rng, 1);
    for (size_t n = 1; n <= 7; n++) {
        Balancer *b = balancer_of(BALANCE_ROUND_ROBIN, NULL, n);
        for (int i = 0; i < 10000; i++) {
            call(b, &rng, true, 0);
            int64_t lo = INT64_MAX, hi = 0;
            for (size_t t = 0; t < n; t++) {
                lo = MIN(lo, picks_of(b, t));
                hi = MAX(hi, picks_of(b, t));
            }
            CHECK(hi - lo <= 1);
        }
        balancer_free(b);
    }
}

TEST(gwy_04_weights_1_2_7_within_one_percent_and_evenly_spread) {
    Rng rng;
    rng_seed(&rng, 1);
    const int weights[] = { 1, 2, 7 };
    Balancer *b = balancer_of(BALANCE_WEIGHTED, weights, 3);
    int run = 0, longest = 0;
    for (int i = 0; i < 10000; i++) {
        run = call(b, &rng, true, 0) == 2 ? run + 1 : 0;
        longest = MAX(longest, run);
    }
    for (size_t t = 0; t < 3; t++)
        CHECK_NEAR((double)picks_of(b, t) / 10000, weights[t] / 10.0, 0.001);
    CHECK(longest <= 4); /* not seven in a row and then the others */
    balancer_free(b);
}

/* Each call to target 0 takes 10 times as long: it holds its calls longer and so gets fewer. */
/* GWY-03 */
TEST(gwy_03_a_slow_instance_gets_less_and_an_unhealthy_one_nothing) {
    const BalanceKind kinds[] = { BALANCE_LEAST, BALANCE_EWMA };
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        Rng rng;
        rng_seed(&rng, prop_seed(7));
        Balancer *b = balancer_of(kinds[k], NULL, 3);
        struct {
            BalancePick p;
            int64_t begun, ends;
        } calls[64];
        size_t n = 0;
        for (int64_t ms = 0; ms < 20000; ms++) {
            for (size_t i = 0; i < n;)
                if (calls[i].ends <= ms) {
                    balancer_done(b, calls[i].p, true, (ms - calls[i].begun) * NS_PER_MS, at_ms(ms));
                    calls[i] = calls[--n];
                } else {
                    i++;
                }
            if (n < ARRAY_LEN(calls) && ms % 2 == 0) {
                CHECK_EQ(balancer_pick(b, NULL, 0, at_ms(ms), &rng, &calls[n].p), 0);
                calls[n].begun = ms;
                calls[n].ends = ms + (((const char *)calls[n].p.owner)[1] == '0' ? 100 : 10);
                n++;
            }
        }
        int64_t slow = picks_of(b, 0), all = slow + picks_of(b, 1) + picks_of(b, 2);
        CHECK(slow * 100 < all * 20); /* a third would be its turn */
        CHECK(slow > 0);
        balancer_set_health(b, S("t0"), false);
        for (int i = 0; i < 1000; i++) {
            BalancePick p;
            CHECK_EQ(balancer_pick(b, NULL, 0, at_ms(30000), &rng, &p), 0);
            CHECK(((const char *)p.owner)[1] != '0');
            balancer_cancel(b, p);
        }
        balancer_free(b);
    }
}

TEST(ewma_asks_again_what_was_slow_once) {
    Rng rng;
    rng_seed(&rng, 3);
    Balancer *b = balancer_of(BALANCE_EWMA, NULL, 2);
    for (int i = 0; i < 100; i++) {
        BalancePick p;
        balancer_pick(b, NULL, 0, at_ms(i), &rng, &p);
        bool slow = i == 50;
        balancer_done(b, p, true, slow ? 5000 * NS_PER_MS : NS_PER_MS, at_ms(i));
    }
    int64_t before[2] = { picks_of(b, 0), picks_of(b, 1) };
    for (int i = 100; i < 1000; i++)
        call(b, &rng, true, i);
    int64_t now[2] = { picks_of(b, 0) - before[0], picks_of(b, 1) - before[1] };
    CHECK(MIN(now[0], now[1]) == 0); /* shunned at first */
    for (int i = 0; i < 2000; i++)
        call(b, &rng, true, 200000 + i);
    CHECK(picks_of(b, 0) - before[0] - now[0] > 100 && picks_of(b, 1) - before[1] - now[1] > 100);
    balancer_free(b);
}

TEST(an_outlier_is_ejected_for_a_while_that_doubles) {
    Rng rng;
    rng_seed(&rng, 1);
    Balancer *b = balancer_of(BALANCE_ROUND_ROBIN, NULL, 4);
    BalanceView v;
    int64_t ms = 0;
    const int64_t away[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
    for (size_t round = 0; round < ARRAY_LEN(away); round++) {
        int failures = 0;
        for (int i = 0; i < 100 && failures < 5; i++) {
            BalancePick p;
            balancer_pick(b, NULL, 0, at_ms(ms), &rng, &p);
            bool bad = ((const char *)p.owner)[1] == '2';
            balancer_done(b, p, !bad, NS_PER_MS, at_ms(ms));
            failures += bad;
        }
        CHECK_EQ(failures, 5);
        balancer_view(b, 2, at_ms(ms + away[round] - 1), &v);
        CHECK(v.ejected);
        CHECK_EQ(balancer_available(b, at_ms(ms)), 3);
        for (int i = 0; i < 30; i++)
            CHECK(call(b, &rng, true, ms + away[round] - 1) != 2);
        ms += away[round];
        balancer_view(b, 2, at_ms(ms), &v);
        CHECK(!v.ejected);
    }
    for (int i = 0; i < 8; i++)
        call(b, &rng, true, ms); /* it is well: the doubling begins anew */
    for (int i = 0; i < 20; i++) {
        BalancePick p;
        balancer_pick(b, NULL, 0, at_ms(ms), &rng, &p);
        balancer_done(b, p, ((const char *)p.owner)[1] != '2', NS_PER_MS, at_ms(ms));
    }
    balancer_view(b, 2, at_ms(ms + 999), &v);
    CHECK(v.ejected);
    balancer_view(b, 2, at_ms(ms + 1000), &v);
    CHECK(!v.ejected);
    balancer_free(b);
}

TEST(ejection_stops_at_its_share_and_never_takes_the_last) {
    const struct {
        const char *name;
        size_t n, left;
    } rows[] = { { "one", 1, 1 }, { "two", 2, 1 }, { "three", 3, 2 }, { "four", 4, 2 }, { "ten", 10, 5 } };
    EACH_ROW (r, rows) {
        Rng rng;
        rng_seed(&rng, 1);
        Balancer *b = balancer_of(BALANCE_ROUND_ROBIN, NULL, r->n);
        for (int i = 0; i < 500; i++)
            call(b, &rng, false, 0); /* all fail */
        CHECK_EQ(balancer_available(b, at_ms(0)), r->left);
        balancer_free(b);
    }
}

TEST(when_only_ejected_ones_are_healthy_they_are_asked) {
    Rng rng;
    rng_seed(&rng, 1);
    Balancer *b = balancer_of(BALANCE_ROUND_ROBIN, NULL, 2);
    for (int i = 0; i < 20; i++) {
        BalancePick p;
        balancer_pick(b, NULL, 0, at_ms(0), &rng, &p);
        balancer_done(b, p, ((const char *)p.owner)[1] != '0', 1, at_ms(0));
    }
    CHECK_EQ(balancer_available(b, at_ms(0)), 1);
    balancer_set_health(b, S("t1"), false);
    CHECK_EQ(call(b, &rng, true, 0), 0);
    balancer_set_health(b, S("t0"), false);
    BalancePick p;
    CHECK_EQ(balancer_pick(b, NULL, 0, at_ms(0), &rng, &p), BALANCE_NONE);
    balancer_set_health(b, S("nobody"), true);
    balancer_free(b);
}

/* A retry asks a doubtful instance before it asks the one that has just failed. */
TEST(a_retry_prefers_a_doubtful_instance_to_one_that_failed) {
    const struct {
        const char *name;
        bool ejected, healthy;
    } rows[] = { { "ejected", true, true }, { "unhealthy", false, false }, { "both", true, false } };
    EACH_ROW (r, rows) {
        Rng rng;
        rng_seed(&rng, 1);
        Balancer *b = balancer_of(BALANCE_ROUND_ROBIN, NULL, 2);
        for (int i = 0; i < 20 && r->ejected; i++) {
            BalancePick p;
            balancer_pick(b, NULL, 0, at_ms(0), &rng, &p);
            balancer_done(b, p, ((const char *)p.owner)[1] != '0', 1, at_ms(0));
        }
        balancer_set_health(b, S("t0"), r->healthy);
        BalancePick first, second;
        CHECK_EQ(balancer_pick(b, NULL, 0, at_ms(0), &rng, &first), 0);
        CHECK_STR(str_c(first.owner), S("t1"));
        balancer_done(b, first, false, 1, at_ms(0));
        CHECK_EQ(balancer_pick(b, &first, 1, at_ms(0), &rng, &second), 0);
        CHECK_STR(str_c(second.owner), S("t0"));
        balancer_free(b);
    }
}

TEST(gwy_20_a_retry_goes_to_another_instance_while_there_is_one) {
    const BalanceKind kinds[] = { BALANCE_ROUND_ROBIN, BALANCE_WEIGHTED, BALANCE_LEAST, BALANCE_EWMA };
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        Rng rng;
        rng_seed(&rng, prop_seed(9));
        Balancer *b = balancer_of(kinds[k], NULL, 3);
        for (int i = 0; i < 200; i++) {
            BalancePick p[4];
            for (size_t n = 0; n < 4; n++) {
                CHECK_EQ(balancer_pick(b, p, n, at_ms(i), &rng, &p[n]), 0);
                for (size_t before = 0; before < n && n < 3; before++)
                    CHECK(p[before].slot != p[n].slot);
            }
            for (size_t n = 0; n < 4; n++)
                balancer_cancel(b, p[n]);
        }
        balancer_free(b);
    }
}

TEST(a_list_that_changes_keeps_those_that_stay_and_forgets_the_reports_of_the_gone) {
    Rng rng;
    rng_seed(&rng, 1);
    Balancer *b = balancer_of(BALANCE_ROUND_ROBIN, NULL, 3);
    BalancePick p[3];
    for (int i = 0; i < 3; i++)
        CHECK_EQ(balancer_pick(b, NULL, 0, at_ms(0), &rng, &p[i]), 0);
    BalanceTarget next[] = { { .id = S("new") }, { .id = S("t1") } };
    CHECK_EQ(balancer_set(b, next, 2), 0);
    BalanceView v;
    balancer_view(b, 1, at_ms(0), &v);
    CHECK_STR(v.id, S("t1"));
    CHECK_EQ(v.in_flight, 1);
    CHECK_EQ(v.picks, 1);
    for (int i = 0; i < 3; i++)
        balancer_done(b, p[i], false, 1, at_ms(0));
    balancer_view(b, 0, at_ms(0), &v);
    CHECK_EQ(v.failures, 0); /* it has the slot of one that left, and nothing of its past */
    balancer_view(b, 1, at_ms(0), &v);
    CHECK_EQ(v.failures, 1);
    CHECK_EQ(v.in_flight, 0);
    CHECK_EQ(balancer_set(b, NULL, 0), 0);
    CHECK_EQ(balancer_pick(b, NULL, 0, at_ms(0), &rng, &p[0]), BALANCE_NONE);
    BalanceTarget many = { .id = S("x") };
    CHECK_EQ(balancer_set(b, &many, BALANCE_TARGETS_MAX + 1), ERR_LIMIT);
    balancer_free(b);
}

TEST(kinds_have_names) {
    for (int k = BALANCE_ROUND_ROBIN; k <= BALANCE_EWMA; k++) {
        BalanceKind back;
        CHECK(balance_kind(str_c(balance_kind_name((BalanceKind)k)), &back));
        CHECK_EQ(back, k);
    }
    BalanceKind none;
    CHECK(!balance_kind(S("magic"), &none));
}

TESTS(T(gwy_04_round_robin_spreads_within_one), T(gwy_04_weights_1_2_7_within_one_percent_and_evenly_spread),
      T(gwy_03_a_slow_instance_gets_less_and_an_unhealthy_one_nothing), T(ewma_asks_again_what_was_slow_once),
      T(an_outlier_is_ejected_for_a_while_that_doubles), T(ejection_stops_at_its_share_and_never_takes_the_last),
      T(when_only_ejected_ones_are_healthy_they_are_asked), T(a_retry_prefers_a_doubtful_instance_to_one_that_failed),
      T(gwy_20_a_retry_goes_to_another_instance_while_there_is_one),
      T(a_list_that_changes_keeps_those_that_stay_and_forgets_the_reports_of_the_gone), T(kinds_have_names))
