/* 1,000 kills of a writing process. One PASS or FAIL line. */

#include "torture/kill_store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int main(int argc, char **argv) {
    int64_t n = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const char *tmp = getenv("TMPDIR");
    KillStats stats = { 0 };
    char words[640] = "no directory for the store", dir[512];
    snprintf(dir, sizeof dir, "%s/finsight-kill-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    int r = mkdtemp(dir) ? kill_store_run(dir, seed, (int)n, &stats, words, sizeof words) : -1;
    printf("%s kill_store: %lld kills, %lld calls answered, seed %llu%s%s\n", r ? "FAIL" : "PASS",
           (long long)stats.kills, (long long)stats.acknowledged, (unsigned long long)seed, r ? ": " : "",
           r ? words : "");
    if (r == 0)
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS); /* a failure leaves the store to be looked at */
    return r ? 1 : 0;
}
