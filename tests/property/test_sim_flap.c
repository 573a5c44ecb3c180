/* A venue whose streams and REST flap for ten virtual minutes, followed live: every candle closes once, nothing that was
 * told is lost, and all comes to what the venue has (MDS-18, STO-14). A few seeds here, hundreds in tests/torture. */

#include "lib/test.h"
#include "torture/sim_live.h"

static uint64_t run(uint64_t seed, SimLiveStats *stats) {
    char words[640];
    uint64_t trace;
    if (sim_live_run(seed, DEFECT_NONE, stats, &trace, words, sizeof words))
        FAIL("seed %llu: %s", (unsigned long long)seed, words);
    return trace;
}

TEST(a_flapping_venue_converges_to_its_truth) {
    SimLiveStats s = { 0 };
    uint64_t seed = prop_seed(9000);
    for (uint64_t i = 0; i < 6; i++)
        run(seed + i, &s);
    CHECK(s.flips > 6 * 20); /* it was no fine weather */
    CHECK(s.losses > 6 * 3);
    CHECK(s.refusals > 6);
    CHECK(s.restarts > 0);
    CHECK(s.caught_up > 6 * 20);
    CHECK(s.rows > 6 * 700);
}

TEST(a_seed_gives_the_same_run_again_and_others_do_not) {
    SimLiveStats s = { 0 };
    uint64_t seed = prop_seed(9100), first = run(seed, &s);
    CHECK(run(seed, &s) == first);
    CHECK(run(seed + 1, &s) != first);
}

/* What finds nothing in a broken store proves nothing about a whole one. */
TEST(planted_defects_are_found) {
    static const struct {
        const char *name;
        SimDefect defect;
    } rows[] = { { "row dropped", DEFECT_ROW_DROPPED }, { "flag lost", DEFECT_FLAG_LOST } };
    EACH_ROW (row, rows) {
        SimLiveStats s = { 0 };
        char words[640] = "";
        uint64_t seed = prop_seed(9200), trace;
        int r = 0;
        for (uint64_t i = 0; i < 5 && r == 0; i++)
            r = sim_live_run(seed + i, row->defect, &s, &trace, words, sizeof words);
        CHECK_EQ(r, -1);
        CHECK(words[0] != '\0');
    }
}

TESTS(T(a_flapping_venue_converges_to_its_truth), T(a_seed_gives_the_same_run_again_and_others_do_not),
      T(planted_defects_are_found))
