/* 300 times ten virtual minutes of a venue that flaps, followed live, until one fails. One PASS or FAIL line.
 * torture_sim_live [RUNS [FIRST SEED]]: a run that failed is repeated with 1 and its seed. */

#include "torture/sim_live.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int64_t runs = argc > 1 ? strtoll(argv[1], NULL, 10) : 300;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1, first = seed, trace = 0;
    SimLiveStats s = { 0 };
    char words[640] = "";
    int r = 0;
    while (r == 0 && s.runs < runs)
        r = sim_live_run(seed++, DEFECT_NONE, &s, &trace, words, sizeof words);
    if (r == 0 && (s.losses < s.runs || s.caught_up < s.runs || s.faults < s.runs)) { /* then nothing was shown */
        r = -1;
        snprintf(words, sizeof words, "the weather was too fine");
    }
    printf("%s sim_live: seeds %llu..%llu: %lld flips, %lld connections lost, %lld REST calls failed, %lld restarts, "
           "%lld of %lld candles caught up, trace %016llx%s%s\n",
           r ? "FAIL" : "PASS", (unsigned long long)first, (unsigned long long)seed - 1, (long long)s.flips,
           (long long)s.losses, (long long)s.refusals, (long long)s.restarts, (long long)s.caught_up,
           (long long)s.closed, (unsigned long long)trace, r ? ": " : "", words);
    return r ? 1 : 0;
}
