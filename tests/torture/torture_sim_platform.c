/* 2,000 runs of the whole platform under simulation, until one fails. One PASS or FAIL line.
 * torture_sim_platform [RUNS [FIRST SEED]]: a run that failed is repeated with 1 and its seed. */

#include "torture/sim_platform.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int64_t runs = argc > 1 ? strtoll(argv[1], NULL, 10) : 2000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, first = seed, trace = 0;
    SimPlatformStats s = { 0 };
    char words[640] = "";
    int r = 0;
    while (r == 0 && s.runs < runs)
        r = sim_platform_run(seed++, DEFECT_NONE, &s, &trace, words, sizeof words);
    int64_t collections = s.collections + s.collections_failed, saves = s.saves + s.saves_failed;
    printf("%s sim_platform: seeds %llu..%llu: %lld hours, %lld cuts, %lld sectors lost, %lld/%lld collections "
           "failed, %lld/%lld saves failed, %lld faults, trace %016llx%s%s\n",
           r ? "FAIL" : "PASS", (unsigned long long)first, (unsigned long long)seed - 1, (long long)s.hours,
           (long long)s.cuts, (long long)s.lost_sectors, (long long)s.collections_failed, (long long)collections,
           (long long)s.saves_failed, (long long)saves, (long long)s.faults, (unsigned long long)trace, r ? ": " : "",
           words);
    return r ? 1 : 0;
}
