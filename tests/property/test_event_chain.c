/* The chain news → sentiment → news on the embedded log, killed 25 times and cut off from power 25 times: nothing
 * acknowledged is lost, nothing has its effect twice, each article has exactly one score (FLW-07, MSG-18, PRI-10, U23).
 * A thousand of each are in tests/torture. */

#include "lib/test.h"
#include "torture/event_chain.h"

static void judge(int r, const ChainStats *s, const char *words) {
    if (r)
        FAIL("after %lld kills and %lld cuts: %s", (long long)s->kills, (long long)s->cuts, words);
}

TEST(a_chain_killed_25_times_loses_and_doubles_nothing) {
    ChainStats s;
    char words[700] = "";
    const char *dir = test_dir();
    ChainOptions o = { .dir = dir, .seed = prop_seed(25) };
    int r = event_chain_kills(&o, 25, &s, words, sizeof words);
    test_dir_done(dir);
    judge(r, &s, words);
    CHECK_EQ(s.kills, 25);
    CHECK(s.acknowledged >= 18 && s.lost == 0 && s.doubled == 0);
}

TEST(a_chain_cut_off_25_times_loses_and_doubles_nothing) {
    ChainStats s;
    char words[700] = "";
    int r = event_chain_cuts(prop_seed(26), 25, &s, words, sizeof words);
    judge(r, &s, words);
    CHECK_EQ(s.cuts, 25);
    CHECK(s.lost_sectors > 0); /* else nothing was proved */
    CHECK(s.acknowledged > 0 && s.lost == 0 && s.doubled == 0);
}

TESTS(T(a_chain_killed_25_times_loses_and_doubles_nothing), T(a_chain_cut_off_25_times_loses_and_doubles_nothing))
