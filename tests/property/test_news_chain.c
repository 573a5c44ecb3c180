/* The chain article → event → score → article of the product's own parts, killed 25 times on the embedded log, on that of
 * another process, and on RabbitMQ, where that process and the broker are killed 25 times too, and cut off from power 25
 * times: nothing acknowledged is lost, nothing has its effect twice, each article has exactly one score, poison is among the
 * dead with its reason (FLW-07, MSG-17, MSG-18, MSG-47, U23). A thousand of each are in tests/torture.
 *
 * RabbitMQ takes 3 s of processor to start: its 25 deaths are shared by brokers in cases of their own, which run beside each
 * other. */

#include "lib/test.h"
#include "torture/news_owner.h"
#include "torture/news_rabbit.h"

static RabbitServer *server;

static void stop(void) {
    server = rabbit_server_stop(server);
}

enum { KILLS = 25, RABBITS = 5, EACH = KILLS / RABBITS };

static void kills(const NewsChainBus *bus, uint64_t seed, int n, int brokers, NewsChainStats *s) {
    char words[700] = "";
    const char *dir = test_dir();
    NewsChainOptions o = {
        .bus = bus, .dir = dir, .seed = prop_seed(seed), .kills = n, .broker_kills = brokers, .most_s = 540
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
    kills(NULL, 27, KILLS, 0, &s);
    CHECK_EQ(s.kills[NEWS_PARTS], KILLS);
}

TEST(the_chain_on_the_log_of_a_process_that_is_killed_loses_and_doubles_nothing) {
    NewsChainStats s;
    NewsChainBus bus;
    NewsOwner owner;
    const char *dir = test_dir();
    CHECK(news_owner_start(&owner, dir, &bus));
    kills(&bus, 30, KILLS, KILLS, &s);
    news_owner_stop(&owner);
    test_dir_done(dir);
    CHECK_EQ(s.kills[NEWS_PART_NEWS] + s.kills[NEWS_PART_SENTIMENT], KILLS);
    CHECK_EQ(s.broker_kills, KILLS);
}

static void on_rabbitmq(uint64_t seed) {
    NewsChainStats s;
    NewsChainBus bus;
    if (!rabbit_server_there())
        SKIP("rabbitmq-server is not installed");
    server = rabbit_server_start();
    assert_non_null(server);
    atexit(stop);
    news_rabbit(server, &bus);
    kills(&bus, seed, EACH, EACH, &s);
    assert_int_equal(s.kills[NEWS_PART_NEWS] + s.kills[NEWS_PART_SENTIMENT], EACH);
    assert_int_equal(s.broker_kills, EACH);
    stop();
}

#define ON_RABBITMQ(name, seed)                                                                                        \
    TEST(name) {                                                                                                       \
        UNUSED(state_);                                                                                                \
        on_rabbitmq(seed);                                                                                             \
    }
ON_RABBITMQ(rabbitmq_1st_of_5_killed_with_the_chain_loses_and_doubles_nothing, 28)
ON_RABBITMQ(rabbitmq_2nd_of_5_killed_with_the_chain_loses_and_doubles_nothing, 31)
ON_RABBITMQ(rabbitmq_3rd_of_5_killed_with_the_chain_loses_and_doubles_nothing, 32)
ON_RABBITMQ(rabbitmq_4th_of_5_killed_with_the_chain_loses_and_doubles_nothing, 33)
ON_RABBITMQ(rabbitmq_5th_of_5_killed_with_the_chain_loses_and_doubles_nothing, 34)

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
      T(rabbitmq_1st_of_5_killed_with_the_chain_loses_and_doubles_nothing),
      T(rabbitmq_2nd_of_5_killed_with_the_chain_loses_and_doubles_nothing),
      T(rabbitmq_3rd_of_5_killed_with_the_chain_loses_and_doubles_nothing),
      T(rabbitmq_4th_of_5_killed_with_the_chain_loses_and_doubles_nothing),
      T(rabbitmq_5th_of_5_killed_with_the_chain_loses_and_doubles_nothing),
      T(the_chain_cut_off_25_times_loses_and_doubles_nothing))
