/* The chain article → event → score → article of the product's own parts, killed 25 times on the embedded log, on that of
 * another process, and on RabbitMQ, where that process and the broker are killed too, and cut off from power 25 times: nothing acknowledged is lost, nothing has its
 * effect twice, each article has exactly one score, poison is among the dead with its reason (FLW-07, MSG-17, MSG-18,
 * MSG-47, U23). A thousand of each are in tests/torture. */

#include "lib/test.h"
#include "torture/news_owner.h"
#include "torture/news_rabbit.h"

static RabbitServer *server;

static void stop(void) {
    server = rabbit_server_stop(server);
}

static void kills(const NewsChainBus *bus, uint64_t seed, int brokers, NewsChainStats *s) {
    char words[700] = "";
    const char *dir = test_dir();
    NewsChainOptions o = {
        .bus = bus, .dir = dir, .seed = prop_seed(seed), .kills = 25, .broker_kills = brokers, .most_s = 240
    };
    int r = news_chain_kills(&o, s, words, sizeof words);
    test_dir_done(dir);
    if (r)
        FAIL("%s", words);
    if (s->stored == 0 || s->scored != s->stored || s->lost || s->doubled)
        FAIL("%lld articles, %lld scores, %lld lost, %lld doubled", (long long)s->stored, (long long)s->scored,
             (long long)s->lost, (long long)s->doubled);
}

TEST(the_embedded_chain_killed_25_times_loses_and_doubles_nothing) {
    NewsChainStats s;
    kills(NULL, 27, 0, &s);
    CHECK_EQ(s.kills[NEWS_PARTS], 25);
}

TEST(the_chain_on_the_log_of_a_process_that_is_killed_loses_and_doubles_nothing) {
    NewsChainStats s;
    NewsChainBus bus;
    NewsOwner owner;
    const char *dir = test_dir();
    CHECK(news_owner_start(&owner, dir, &bus));
    kills(&bus, 30, 5, &s);
    news_owner_stop(&owner);
    test_dir_done(dir);
    CHECK_EQ(s.kills[NEWS_PART_NEWS] + s.kills[NEWS_PART_SENTIMENT], 25);
    CHECK_EQ(s.broker_kills, 5);
}

TEST(the_chain_on_rabbitmq_killed_25_times_loses_and_doubles_nothing) {
    NewsChainStats s;
    NewsChainBus bus;
    if (!rabbit_server_there())
        SKIP("rabbitmq-server is not installed");
    server = rabbit_server_start();
    CHECK(server != NULL);
    atexit(stop);
    news_rabbit(server, &bus);
    kills(&bus, 28, 1, &s);
    CHECK_EQ(s.kills[NEWS_PART_NEWS] + s.kills[NEWS_PART_SENTIMENT], 25);
    CHECK_EQ(s.broker_kills, 1);
}

TEST(the_chain_cut_off_25_times_loses_and_doubles_nothing) {
    NewsChainStats s;
    char words[700] = "";
    if (news_chain_cuts(prop_seed(29), 25, &s, words, sizeof words))
        FAIL("%s", words);
    CHECK_EQ(s.cuts, 25);
    CHECK(s.lost_sectors > 0); /* else nothing was proved */
    CHECK(s.stored > 0 && s.scored == s.stored && s.lost == 0 && s.doubled == 0);
}

TESTS(T(the_embedded_chain_killed_25_times_loses_and_doubles_nothing),
      T(the_chain_on_the_log_of_a_process_that_is_killed_loses_and_doubles_nothing),
      T(the_chain_on_rabbitmq_killed_25_times_loses_and_doubles_nothing),
      T(the_chain_cut_off_25_times_loses_and_doubles_nothing))
