/* A process that writes is killed at 25 random moments: every answered save is there afterwards, whole. 1,000
 * kills are in tests/torture. */

#include "lib/test.h"
#include "torture/kill_store.h"

TEST(no_answered_save_is_lost_in_25_kills) {
    KillStats stats = { 0 };
    char words[640];
    const char *dir = test_dir();
    int r = kill_store_run(dir, prop_seed(25), 25, &stats, words, sizeof words);
    test_dir_done(dir);
    if (r)
        FAIL("kill %lld: %s", (long long)stats.kills, words);
    CHECK_EQ(stats.kills, 25);
    CHECK(stats.acknowledged >= 18); /* three lives in four last past their first answer */
}

TESTS(T(no_answered_save_is_lost_in_25_kills))
