/* The chains of events under kills and power cuts, a row of PASS or FAIL each and a line that counts them:
 *
 *     torture_events [KILLS [CUTS [BROKER_KILLS [SEED]]]]
 * 1,000, 1,000, 20 and 1 without arguments: mostly 10 minutes; a row that takes 15 fails. The seed decides who is killed, and when
 * after its start; power cuts and simulated deaths it decides to the operation. */

#include "torture/event_chain.h"
#include "torture/news_owner.h"
#include "torture/news_rabbit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_S = 900 /* of one row */, DIR_MAX = 512 };

static int n_pass, n_fail, n_skip;

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static const char *make_dir(char dir[static DIR_MAX]) {
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, DIR_MAX, "%s/finsight-events-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(dir);
}

static void remove_dir(const char *dir) {
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void told(const char *name, int r, time_t from, const char *figures, const char *words) {
    printf("%-4s  %-26s %4.0f s  %s%s%s\n", r ? "FAIL" : "PASS", name, difftime(time(NULL), from), figures,
           r ? ": " : "", r ? words : "");
    fflush(stdout);
    n_pass += r == 0;
    n_fail += r != 0;
}

/* --- the chain in small: stores with an inbox and an outbox of their own --- */

static void small_row(const char *name, int kills, int cuts, uint64_t seed) {
    ChainStats s = { 0 };
    char words[700] = "no directory for the files", figures[300];
    time_t from = time(NULL);
    char dir[DIR_MAX];
    ChainOptions o = { .dir = kills ? make_dir(dir) : "/disk", .seed = seed };
    int r = !o.dir  ? -1
            : kills ? event_chain_kills(&o, kills, &s, words, sizeof words)
                    : event_chain_cuts(seed, cuts, &s, words, sizeof words);
    snprintf(
        figures, sizeof figures,
        "%lld kills, %lld cuts (%lld sectors lost), %lld answers lost; %lld articles, lost %lld, doubled %lld, again "
        "%lld; poison %lld, dead %lld",
        (long long)s.kills, (long long)s.cuts, (long long)s.lost_sectors, (long long)s.deaths,
        (long long)s.acknowledged, (long long)s.lost, (long long)s.doubled, (long long)s.repeated, (long long)s.poison,
        (long long)s.dead);
    told(name, r, from, figures, words);
    if (r == 0 && kills)
        remove_dir(o.dir); /* a failure leaves the files to be looked at */
}

/* --- the real chain --- */

static void news_told(const char *name, int r, time_t from, const NewsChainStats *s, const char *words) {
    char figures[400];
    snprintf(
        figures, sizeof figures,
        "%lld kills (news %lld, sentiment %lld, all and the log %lld), broker %lld, cuts %lld (%lld sectors lost), "
        "%lld answers lost; %lld articles, %lld scores, %lld jobs, lost %lld, doubled %lld, again %lld; poison %lld, "
        "dead %lld",
        (long long)s->kills[NEWS_PART_NEWS] + s->kills[NEWS_PART_SENTIMENT] + s->kills[NEWS_PARTS],
        (long long)s->kills[NEWS_PART_NEWS], (long long)s->kills[NEWS_PART_SENTIMENT], (long long)s->kills[NEWS_PARTS],
        (long long)s->broker_kills, (long long)s->cuts, (long long)s->lost_sectors, (long long)s->answers_lost,
        (long long)s->stored, (long long)s->scored, (long long)s->jobs, (long long)s->lost, (long long)s->doubled,
        (long long)s->again, (long long)s->poison, (long long)s->dead);
    told(name, r, from, figures, words);
}

static void news_row(const char *name, const NewsChainBus *bus, int kills, int broker_kills, uint64_t seed) {
    NewsChainStats s = { 0 };
    char words[700] = "no directory for the files", dir[DIR_MAX];
    time_t from = time(NULL);
    NewsChainOptions o = {
        .bus = bus, .dir = make_dir(dir), .seed = seed, .kills = kills, .broker_kills = broker_kills, .most_s = MOST_S
    };
    int r = o.dir ? news_chain_kills(&o, &s, words, sizeof words) : -1;
    news_told(name, r, from, &s, words);
    if (r == 0)
        remove_dir(o.dir);
}

static void owner_row(int kills, int broker_kills, uint64_t seed) {
    static const char name[] = "news, log's owner, kills";
    NewsOwner owner;
    NewsChainBus bus;
    char dir[DIR_MAX];
    if (!make_dir(dir) || !news_owner_start(&owner, dir, &bus)) {
        told(name, -1, time(NULL), "", "the process that owns the log did not start");
        return;
    }
    int failed = n_fail;
    news_row(name, &bus, kills, broker_kills, seed);
    news_owner_stop(&owner);
    if (failed == n_fail)
        remove_dir(dir);
}

static void rabbit_row(int kills, int broker_kills, uint64_t seed) {
    NewsChainBus bus;
    RabbitServer *server = rabbit_server_there() ? rabbit_server_start() : NULL;
    if (!rabbit_server_there()) {
        printf("SKIP  news on RabbitMQ: rabbitmq-server is not installed\n");
        n_skip++;
        return;
    }
    if (!server) {
        told("news, RabbitMQ, kills", -1, time(NULL), "", "the broker did not start");
        return;
    }
    news_rabbit(server, &bus);
    news_row("news, RabbitMQ, kills", &bus, kills, broker_kills, seed);
    rabbit_server_stop(server);
}

static void cut_row(int cuts, uint64_t seed) {
    NewsChainStats s = { 0 };
    char words[700] = "";
    time_t from = time(NULL);
    int r = news_chain_cuts(seed, cuts, &s, words, sizeof words);
    news_told("news, embedded, power cuts", r, from, &s, words);
}

static int number(int argc, char **argv, int i, int standard) {
    return argc > i ? (int)strtol(argv[i], NULL, 10) : standard;
}

int main(int argc, char **argv) {
    int kills = number(argc, argv, 1, 1000), cuts = number(argc, argv, 2, 1000), brokers = number(argc, argv, 3, 20);
    uint64_t seed = (uint64_t)number(argc, argv, 4, 1);
    printf("events under kills and power cuts: seed %llu, each row at most %d s\n", (unsigned long long)seed, MOST_S);
    small_row("chain in small, kills", kills, 0, seed);
    small_row("chain in small, power cuts", 0, cuts, seed);
    news_row("news, embedded, kills", NULL, kills, 0, seed);
    owner_row(kills, brokers, seed);
    rabbit_row(kills, brokers, seed);
    cut_row(cuts, seed);
    printf("%d PASS, %d FAIL, %d SKIP; seed %llu\n", n_pass, n_fail, n_skip, (unsigned long long)seed);
    return n_fail ? 1 : 0;
}
