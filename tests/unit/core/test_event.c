/* tests/unit/core/test_event.c - topics and the documents' topology. */

#include "core/event.h"

#include "base/rng.h"
#include "lib/test.h"

/* MSG-19: the rules of AMQP 0-9-1's topic exchange, and RabbitMQ's answers where the text leaves room. */
TEST(topic_patterns_match_as_amqp_says) {
    static const struct {
        const char *name, *pattern, *key;
        bool want;
    } rows[] = {
        { "equal", "a.b.c", "a.b.c", true },
        { "another word", "a.b.c", "a.b.d", false },
        { "shorter key", "a.b.c", "a.b", false },
        { "longer key", "a.b", "a.b.c", false },
        { "star is one word", "a.*.c", "a.b.c", true },
        { "star is not two words", "a.*.c", "a.b.b.c", false },
        { "star is not none", "a.*", "a", false },
        { "star is an empty word", "a.*", "a.", true },
        { "star alone", "*", "a", true },
        { "star alone, two words", "*", "a.b", false },
        { "star alone, no word", "*", "", false },
        { "hash is none", "a.#", "a", true },
        { "hash is one", "a.#", "a.b", true },
        { "hash is many", "a.#", "a.b.c.d", true },
        { "hash before", "#.d", "a.b.c.d", true },
        { "hash before, none", "#.d", "d", true },
        { "hash between", "a.#.d", "a.d", true },
        { "hash between, many", "a.#.d", "a.b.c.d", true },
        { "hash between, no end", "a.#.d", "a.b.c", false },
        { "hash alone", "#", "a.b.c", true },
        { "hash alone, empty key", "#", "", true },
        { "two hashes", "#.#", "", true },
        { "two hashes, words", "#.#", "a.b", true },
        { "hash and star need a word", "#.*", "", false },
        { "hash and star", "#.*", "a.b", true },
        { "star and hash", "*.#", "a", true },
        { "star, hash, star", "*.#.*", "a", false },
        { "star, hash, star, two", "*.#.*", "a.b", true },
        { "hash takes back", "#.b.c", "a.b.b.c", true },
        { "two hashes take back", "#.a.#.b", "x.a.y.a.b", true },
        { "a hash inside a word is a letter", "a#", "a#", true },
        { "and no wildcard", "a#", "ab", false },
        { "a star inside a word is a letter", "a*.b", "ab.b", false },
        { "case counts", "A", "a", false },
        { "empty both", "", "", true },
        { "empty pattern", "", "a", false },
        { "empty words", "a..b", "a..b", true },
        { "star is an empty word inside", "a.*.b", "a..b", true },
        { "domain", "*.market", "data_update.market", true },
        { "literal name of the documents", "*.data_collection_queue", "x.data_collection_queue", true },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(event_topic_match(str_c(r->pattern), str_c(r->key)), r->want);
}

/* The plain definition, exponential and obviously right. */
static bool match_plainly(const char *const *p, size_t np, const char *const *k, size_t nk) {
    if (np == 0)
        return nk == 0;
    if (strcmp(p[0], "#") == 0)
        return match_plainly(p + 1, np - 1, k, nk) || (nk > 0 && match_plainly(p, np, k + 1, nk - 1));
    return nk > 0 && (strcmp(p[0], "*") == 0 || strcmp(p[0], k[0]) == 0) && match_plainly(p + 1, np - 1, k + 1, nk - 1);
}

static Str join(char *out, size_t size, const char *const *words, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", i ? "." : "", words[i]);
    return str_n(out, at);
}

TEST(topic_patterns_match_as_their_definition) {
    static const char *const parts[] = { "a", "b", "*", "#" };
    Rng rng;
    rng_seed(&rng, prop_seed(19));
    for (int i = 0; i < 20000; i++) {
        const char *p[6], *k[6];
        size_t np = 1 + rng_below(&rng, 5), nk = 1 + rng_below(&rng, 5);
        char pattern[32], key[32];
        for (size_t j = 0; j < np; j++)
            p[j] = parts[rng_below(&rng, 4)];
        for (size_t j = 0; j < nk; j++)
            k[j] = parts[rng_below(&rng, 2)];
        Str ps = join(pattern, sizeof pattern, p, np), ks = join(key, sizeof key, k, nk);
        char both[80];
        snprintf(both, sizeof both, STR_FMT " and " STR_FMT, STR_ARG(ps), STR_ARG(ks));
        test_row_name = both;
        CHECK_EQ(event_topic_match(ps, ks), match_plainly(p, np, k, nk));
        test_row_name = NULL;
    }
}

TEST(no_pattern_makes_it_slow) {
    char pattern[EVENT_KEY_MAX], key[EVENT_KEY_MAX];
    for (size_t i = 0; i < sizeof pattern; i += 2) {
        memcpy(pattern + i, "#.", MIN((size_t)2, sizeof pattern - i));
        memcpy(key + i, "a.", MIN((size_t)2, sizeof key - i));
    }
    pattern[sizeof pattern - 1] = 'b';
    CHECK(!event_topic_match(str_n(pattern, sizeof pattern), str_n(key, sizeof key)));
}

TEST(names_and_keys_are_bounded) {
    char much[300];
    memset(much, 'a', sizeof much);
    CHECK(event_name_valid(S("finsight.events")) && event_name_valid(str_n(much, EVENT_NAME_MAX)));
    CHECK(!event_name_valid(S("")) && !event_name_valid(S("a b")) &&
          !event_name_valid(str_n(much, EVENT_NAME_MAX + 1)));
    CHECK(!event_name_valid(str_n("a\0b", 3)));
    CHECK(event_topic_valid(S("")) && event_topic_valid(str_n(much, EVENT_KEY_MAX)));
    CHECK(!event_topic_valid(str_n(much, EVENT_KEY_MAX + 1)) && !event_topic_valid(S("a\n")));
    CHECK(!event_topic_valid(S("\xff")));
}

/* Which queues a routing key reaches from an exchange, by the bindings alone. */
static void reach(Str exchange, Str key, uint32_t *queues) {
    const BusTopology *t = &event_topology;
    for (size_t i = 0; i < t->n_bindings; i++) {
        const BusBinding *b = &t->bindings[i];
        bool topic = str_eq(b->source, exchange) && bus_exchange_find(t, exchange)->kind == EXCHANGE_TOPIC;
        if (!str_eq(b->source, exchange) || !(topic ? event_topic_match(b->key, key) : str_eq(b->key, key)))
            continue;
        if (b->to_exchange)
            reach(b->destination, key, queues);
        else
            *queues |= 1u << (bus_queue_find(t, b->destination) - t->queues);
    }
}

/* MSG-06, MSG-07, MSG-15, U08, U09: one event, the exact set of queues. */
TEST(every_domain_reaches_exactly_its_queues) {
    static const struct {
        const char *name, *key, *queues;
    } rows[] = {
        { "market", "data_update.market", "data_collection_queue notification_queue" },
        { "news", "news_collected.news", "news_processing_queue sentiment_analysis_queue" },
        { "prediction", "prediction_made.prediction", "prediction_queue" },
        { "backtest", "backtest_completed.backtest", "backtest_queue notification_queue" },
        { "storage", "object_stored.storage", "storage_queue notification_queue" },
        { "a score goes back to the news", "sentiment_analysis_completed.sentiment", "news_processing_queue" },
        { "a request goes to whom it is for", "data_collection_request.cli",
          "data_collection_queue notification_queue" },
        { "a backtest wanted", "backtest_request.gateway", "backtest_queue notification_queue" },
        { "the documents' literal name", "x.sentiment_analysis_queue", "sentiment_analysis_queue" },
        { "nobody", "x.nobody", "" },
    };
    EACH_ROW (r, rows) {
        uint32_t got = 0, want = 0;
        Str list = str_c(r->queues), one;
        reach(BUS_EVENTS, str_c(r->key), &got);
        while (list.n && str_next(&list, ' ', &one))
            want |= 1u << (bus_queue_find(&event_topology, one) - event_topology.queues);
        CHECK_EQ(got, want);
    }
}

/* MSG-01, MSG-02, MSG-03, MSG-04, MSG-05, MSG-14, U10. */
TEST(the_documents_topology_is_whole) {
    static const char *const names[] = { "finsight.events", "finsight.dlx",        "market_data_exchange",
                                         "news_exchange",   "prediction_exchange", "backtest_exchange",
                                         "storage_exchange" };
    static const char *const works[] = { "data_collection_queue", "news_processing_queue", "sentiment_analysis_queue",
                                         "prediction_queue",      "backtest_queue",        "storage_queue",
                                         "notification_queue" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const BusExchange *x = bus_exchange_find(&event_topology, str_c(names[i]));
        CHECK(x && x->kind == (i == 1 ? EXCHANGE_DIRECT : EXCHANGE_TOPIC));
    }
    for (size_t i = 0; i < ARRAY_LEN(works); i++) {
        const BusQueue *q = bus_queue_find(&event_topology, str_c(works[i]));
        CHECK(q && str_eq(q->dead_exchange, BUS_DEAD) && str_eq(q->dead_key, BUS_DEAD_LETTER));
    }
    CHECK_EQ(bus_queue_find(&event_topology, S("data_collection_queue"))->ttl_ms, 300000);
    CHECK_EQ(bus_queue_find(&event_topology, S("sentiment_analysis_queue"))->ttl_ms, 0);
    uint32_t dead = 0;
    reach(BUS_DEAD, BUS_DEAD_LETTER, &dead);
    CHECK_EQ(dead, 1u << (bus_queue_find(&event_topology, BUS_DEAD_QUEUE) - event_topology.queues));
    for (size_t i = 0; i < event_topology.n_bindings; i++) {
        const BusBinding *b = &event_topology.bindings[i];
        CHECK(bus_exchange_find(&event_topology, b->source) != NULL);
        CHECK(b->to_exchange ? bus_exchange_find(&event_topology, b->destination) != NULL
                             : bus_queue_find(&event_topology, b->destination) != NULL);
    }
}

/* MSG-13, MSG-33. */
TEST(routing_keys_and_log_topics) {
    TestCtx t;
    test_ctx_init(&t);
    CHECK_STR(event_routing_key(&t.arena, &(Event){ .type = S("news_collected"), .source = S("news") }),
              S("news_collected.news"));
    CHECK_STR(event_log_topic(S("data_update.market")), S("market_data_topic"));
    CHECK_STR(event_log_topic(S("news_collected.news")), S("news_topic"));
    CHECK_STR(event_log_topic(S("sentiment_analysis_completed.sentiment")), S("sentiment_topic"));
    CHECK_STR(event_log_topic(S("")), S("events_topic"));
    test_ctx_done(&t);
}

TESTS(T(topic_patterns_match_as_amqp_says), T(topic_patterns_match_as_their_definition), T(no_pattern_makes_it_slow),
      T(names_and_keys_are_bounded), T(every_domain_reaches_exactly_its_queues), T(the_documents_topology_is_whole),
      T(routing_keys_and_log_topics))
