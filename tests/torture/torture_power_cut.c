/* 10,000 power cuts on the simulated disk, and every operation of a migration once. One PASS or FAIL line. */

#include "torture/power_cut.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int64_t cuts = argc > 1 ? strtoll(argv[1], NULL, 10) : 10000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, first = seed;
    PowerCutStats stats = { 0 };
    char words[640] = "";
    int r = 0;
    while (r == 0 && stats.cuts < cuts)
        r = power_cut_run(seed++, &stats, words, sizeof words);
    if (r == 0)
        r = power_cut_migration(first, &stats, words, sizeof words);
    printf("%s power_cut: %lld cuts, %lld calls answered, %lld sectors lost, seeds %llu..%llu%s%s\n",
           r ? "FAIL" : "PASS", (long long)stats.cuts, (long long)stats.commits, (long long)stats.lost_sectors,
           (unsigned long long)first, (unsigned long long)seed - 1, r ? ": " : "", words);
    return r ? 1 : 0;
}
