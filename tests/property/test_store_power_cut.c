/* The SQLite store on a disk that loses power: nothing acknowledged is ever lost, the store opens, every check
 * passes. 200 cuts here, 10,000 in tests/torture. A kill in mid-migration leaves either version whole (STO-14,
 * GOV-05). */

#include "lib/test.h"
#include "torture/power_cut.h"

TEST(no_acknowledged_row_is_lost_in_200_power_cuts) {
    PowerCutStats stats = { 0 };
    char words[640];
    uint64_t seed = prop_seed(1000);
    for (uint64_t i = 0; stats.cuts < 200; i++)
        if (power_cut_run(seed + i, &stats, words, sizeof words))
            FAIL("seed %llu: %s", (unsigned long long)(seed + i), words);
    CHECK(stats.lost_sectors > 1000); /* else the disk lost nothing and the test proves nothing */
    CHECK(stats.commits > 500);
}

TEST(a_cut_at_any_operation_of_a_migration_leaves_a_whole_version_STO_14_GOV_05) {
    PowerCutStats stats = { 0 };
    char words[640];
    if (power_cut_migration(prop_seed(7), &stats, words, sizeof words))
        FAIL("%s", words);
    CHECK(stats.cuts > 8);
}

TESTS(T(no_acknowledged_row_is_lost_in_200_power_cuts),
      T(a_cut_at_any_operation_of_a_migration_leaves_a_whole_version_STO_14_GOV_05))
