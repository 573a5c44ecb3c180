/* 1,000 kills of a process that publishes, relays, scores and consumes on the embedded log, 20 of them with the bus alone
 * judged first, and 1,000 power cuts. A line of PASS or FAIL each: torture_events [KILLS [CUTS [SEED]]]. */

#include "torture/event_chain.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int told(const char *name, int r, uint64_t seed, const ChainStats *s, const char *words) {
    printf("%s %s: %lld kills, %lld power cuts (%lld sectors lost), %lld answers lost; %lld articles acknowledged, "
           "lost %lld, "
           "doubled %lld, heard again %lld; poison %lld, dead letters %lld; seed %llu%s%s\n",
           r ? "FAIL" : "PASS", name, (long long)s->kills, (long long)s->cuts, (long long)s->lost_sectors,
           (long long)s->deaths, (long long)s->acknowledged, (long long)s->lost, (long long)s->doubled,
           (long long)s->repeated, (long long)s->poison, (long long)s->dead, (unsigned long long)seed, r ? ": " : "",
           r ? words : "");
    fflush(stdout);
    return r;
}

int main(int argc, char **argv) {
    int kills = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1000,
        cuts = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1000;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    const char *tmp = getenv("TMPDIR");
    ChainStats stats = { 0 };
    char words[700] = "no directory for the files", dir[512];
    snprintf(dir, sizeof dir, "%s/finsight-events-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    ChainOptions o = { .dir = mkdtemp(dir), .seed = seed };
    int r = o.dir ? event_chain_kills(&o, kills, &stats, words, sizeof words) : -1;
    int bad = told("events_kill", r, seed, &stats, words);
    if (r == 0)
        nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS); /* a failure leaves the files to be looked at */
    r = event_chain_cuts(seed, cuts, &stats, words, sizeof words);
    bad |= told("events_power_cut", r, seed, &stats, words);
    return bad ? 1 : 0;
}
