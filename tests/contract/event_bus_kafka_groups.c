/* What the common suite does not ask and Kafka promises: order by key, offsets behind effects, rebalances, failures of
 * brokers. Brokers of three in this process; every test has its own. */

#include "adapters/bus/kafka.h"
#include "lib/test.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum { PATIENCE_MS = 60000, PRODUCE = 0, FETCH = 1 };

typedef struct Fixture {
    TestCtx t;
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *brokers;
    EventBus *b;
    int64_t confirm_ms;
    int n_sent;
} Fixture;

static const BusExchange exchanges[] = { { STR_INIT("x"), EXCHANGE_TOPIC }, { STR_INIT("dlx"), EXCHANGE_DIRECT } };
static const BusQueue queues[] = {
    { .name = STR_INIT("q"), .dead_exchange = STR_INIT("dlx"), .dead_key = STR_INIT("dead") },
    { .name = STR_INIT("dlq") },
};
static const BusBinding bindings[] = { { STR_INIT("x"), STR_INIT("q"), false, STR_INIT("#.market") },
                                       { STR_INIT("dlx"), STR_INIT("dlq"), false, STR_INIT("dead") } };
static const BusTopology topology = { exchanges, 2, queues, 2, bindings, 2 };

static EventBus *open_bus(Fixture *f) {
    static const EventKafkaSetting settings[] = { { "session.timeout.ms", "6000" } };
    EventKafkaOptions o = { .brokers = rd_kafka_mock_cluster_bootstraps(f->brokers),
                            .confirm_ms = f->confirm_ms,
                            .settings = settings,
                            .n_settings = ARRAY_LEN(settings) };
    EventBus *b = NULL;
    CHECK_OK_PLAIN(&f->t.cx, event_kafka_open(&f->t.cx, &o, &b));
    CHECK_OK_PLAIN(&f->t.cx, event_bus_declare(b, &f->t.cx, &topology));
    return b;
}

static void begin(Fixture *f) {
    char words[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    *f = (Fixture){ 0 };
    test_ctx_init(&f->t);
    rd_kafka_conf_set(conf, "log_level", "0", words, sizeof words);
    f->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
    f->brokers = rd_kafka_mock_cluster_new(f->host, 3);
    f->b = open_bus(f);
}

static void end(Fixture *f) {
    event_bus_close(f->b);
    rd_kafka_mock_cluster_destroy(f->brokers);
    rd_kafka_destroy(f->host);
    test_ctx_done(&f->t);
}

static int tell(Fixture *f, const char *symbol, const char *body) {
    Event e = { .id = str_fmt(&f->t.arena, "id-%d", ++f->n_sent),
                .type = S("data_update"),
                .key = str_c(symbol),
                .source = S("market"),
                .version = 2,
                .at = clock_wall(f->t.cx.clock),
                .body = str_c(body) };
    Publication p = { S("x"), S("data_update.market"), true, &e };
    return event_bus_publish(f->b, &f->t.cx, &p);
}

static Subscription *subscribe(Fixture *f, EventBus *b, int prefetch) {
    Subscription *s = NULL;
    CHECK_OK_PLAIN(&f->t.cx,
                   event_bus_subscribe(b, &f->t.cx, &(SubscribeOptions){ .queue = S("q"), .prefetch = prefetch }, &s));
    return s;
}

static const Delivery *next_in(Fixture *f, Subscription *s, int64_t wait_ms) {
    Delivery *d;
    size_t n;
    int r = event_bus_receive(s, &f->t.cx, wait_ms, &d, 1, &n);
    if (r == BUS_EMPTY || r == ERR_UNAVAILABLE)
        return NULL;
    CHECK_OK_PLAIN(&f->t.cx, r);
    return d;
}

static const Delivery *next(Fixture *f, Subscription *s) {
    return next_in(f, s, PATIENCE_MS);
}

/* --- what stands in the topic: by a reader of librdkafka's own --- */

typedef struct Raw {
    int32_t partition;
    char key[16], body[16], version[16], id[16];
} Raw;

static void copy_text(char *out, size_t size, const void *p, size_t n) {
    snprintf(out, size, "%.*s", (int)n, p ? (const char *)p : "");
}

static void copy_header(const rd_kafka_message_t *m, const char *name, char *out, size_t size) {
    rd_kafka_headers_t *h;
    const void *v = NULL;
    size_t n = 0;
    if (rd_kafka_message_headers(m, &h) == 0 && rd_kafka_header_get_last(h, name, &v, &n) == 0)
        copy_text(out, size, v, n);
}

static size_t read_topic(Fixture *f, const char *topic, Raw *v, size_t want) {
    char words[200];
    size_t n = 0;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(f->brokers), words, sizeof words);
    rd_kafka_conf_set(conf, "group.id", "reader", words, sizeof words);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, words, sizeof words);
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(4);
    for (int32_t p = 0; p < 4; p++) /* the mock's standard */
        rd_kafka_topic_partition_list_add(all, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_assign(rk, all);
    for (int i = 0; n < want && i < PATIENCE_MS / 100; i++) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (m && !m->err) {
            v[n] = (Raw){ .partition = m->partition };
            copy_text(v[n].key, sizeof v[n].key, m->key, m->key_len);
            copy_text(v[n].body, sizeof v[n].body, m->payload, m->len);
            copy_header(m, "schema-version", v[n].version, sizeof v[n].version);
            copy_header(m, "message-id", v[n].id, sizeof v[n].id);
            n++;
        }
        if (m)
            rd_kafka_message_destroy(m);
    }
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return n;
}

/* MSG-29, MSG-33, MSG-37: the topic by the service, a symbol's records in one partition and in order, the version of
 * the schema beside each. */
TEST(a_symbols_events_are_in_one_partition_and_in_order) {
    enum { SYMBOLS = 8, EACH = 20, N = SYMBOLS * EACH };
    static Raw v[N];
    Fixture f;
    begin(&f);
    for (int i = 0; i < EACH; i++)
        for (int s = 0; s < SYMBOLS; s++)
            CHECK_OK(&f.t.cx, tell(&f, str_cz(&f.t.arena, str_fmt(&f.t.arena, "SYM%d", s)),
                                   str_cz(&f.t.arena, str_fmt(&f.t.arena, "%d", i))));
    CHECK_EQ(read_topic(&f, "market_data_topic", v, N), N);
    int partition[SYMBOLS], seen[SYMBOLS] = { 0 }, used[4] = { 0 };
    for (int i = 0; i < N; i++) {
        int s = v[i].key[3] - '0';
        CHECK(s >= 0 && s < SYMBOLS);
        if (seen[s] == 0)
            partition[s] = v[i].partition;
        CHECK_EQ(v[i].partition, partition[s]);
        CHECK_STR(str_c(v[i].body), str_fmt(&f.t.arena, "%d", seen[s]));
        CHECK_STR(str_c(v[i].version), S("2"));
        seen[s]++;
        used[v[i].partition]++;
    }
    int n_used = 0;
    for (int p = 0; p < 4; p++)
        n_used += used[p] > 0;
    CHECK(n_used > 1); /* not all in one */
    end(&f);
}

/* Offsets are those behind the effects: what is unanswered comes again after a restart, with all that is behind it in
 * its partition, and what is in front of it does not. */
TEST(a_restart_goes_on_behind_the_last_answer_without_a_gap) {
    Fixture f;
    begin(&f);
    static const char *const bodies[] = { "1", "2", "3", "4" };
    for (size_t i = 0; i < 4; i++)
        CHECK_OK(&f.t.cx, tell(&f, "BTCUSDT", bodies[i]));
    Subscription *s = subscribe(&f, f.b, 10);
    int64_t tags[4];
    for (size_t i = 0; i < 4; i++) {
        const Delivery *d = next(&f, s);
        CHECK(d && str_eq(d->event.body, str_c(bodies[i])));
        tags[i] = d->tag;
    }
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, tags[0]));
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, tags[2])); /* 2 is open: nothing past it may be stored */
    event_bus_unsubscribe(s);
    event_bus_close(f.b);
    f.b = open_bus(&f);
    s = subscribe(&f, f.b, 10);
    for (size_t i = 1; i < 4; i++) {
        const Delivery *d = next(&f, s);
        CHECK(d && str_eq(d->event.body, str_c(bodies[i])));
        CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    }
    event_bus_unsubscribe(s);
    event_bus_close(f.b);
    f.b = open_bus(&f);
    s = subscribe(&f, f.b, 10);
    CHECK(next_in(&f, s, 2000) == NULL);
    event_bus_unsubscribe(s);
    end(&f);
}

TEST(an_answer_to_what_is_not_ones_own_is_stale) {
    Fixture f;
    begin(&f);
    CHECK_OK(&f.t.cx, tell(&f, "BTCUSDT", "1"));
    Subscription *a = subscribe(&f, f.b, 1), *b = subscribe(&f, f.b, 1);
    const Delivery *d = next(&f, a);
    CHECK(d != NULL);
    CHECK_EQ(event_bus_ack(b, &f.t.cx, d->tag), BUS_STALE);
    CHECK_OK(&f.t.cx, event_bus_ack(a, &f.t.cx, d->tag));
    CHECK_EQ(event_bus_ack(a, &f.t.cx, d->tag), BUS_STALE);
    CHECK_EQ(event_bus_reject(a, &f.t.cx, d->tag, REJECT_DEAD, S("x")), BUS_STALE);
    CHECK_EQ(event_bus_reject(a, &f.t.cx, d->tag, REJECT_REQUEUE, S("x")), BUS_STALE);
    event_bus_unsubscribe(a);
    event_bus_unsubscribe(b);
    end(&f);
}

/* Another process joins the group: partitions move, and what was held of them is no longer ours to answer. */
TEST(a_rebalance_makes_deliveries_stale_and_loses_none) {
    enum { N = 40 };
    Fixture f;
    begin(&f);
    for (int i = 0; i < N; i++)
        CHECK_OK(&f.t.cx, tell(&f, str_cz(&f.t.arena, str_fmt(&f.t.arena, "S%d", i)),
                               str_cz(&f.t.arena, str_fmt(&f.t.arena, "%d", i))));
    Subscription *a = subscribe(&f, f.b, N);
    int64_t tags[N];
    Str bodies[N];
    for (int i = 0; i < N; i++) {
        const Delivery *d = next(&f, a);
        CHECK(d != NULL);
        tags[i] = d->tag;
        bodies[i] = d->event.body;
    }
    EventBus *other = open_bus(&f);
    Subscription *b = subscribe(&f, other, N);
    bool done[N] = { false };
    int n_done = 0, n_stale = 0;
    const Delivery *d = next(&f, b); /* it has partitions now */
    CHECK(d != NULL);
    for (int i = 0; i < N; i++) {
        int r = event_bus_ack(a, &f.t.cx, tags[i]);
        CHECK(r == 0 || r == BUS_STALE);
        int64_t nr;
        CHECK(str_to_i64(bodies[i], &nr) && nr >= 0 && nr < N);
        n_stale += r == BUS_STALE;
        n_done += r == 0;
        done[nr] = r == 0;
    }
    CHECK(n_stale > 0);
    for (; d; d = n_done < N ? next(&f, b) : NULL) {
        int64_t nr;
        CHECK(str_to_i64(d->event.body, &nr) && nr >= 0 && nr < N);
        CHECK_OK(&f.t.cx, event_bus_ack(b, &f.t.cx, d->tag));
        n_done += !done[nr];
        done[nr] = true;
    }
    CHECK_EQ(n_done, N);
    event_bus_unsubscribe(a);
    event_bus_unsubscribe(b);
    event_bus_close(other);
    end(&f);
}

/* Leaders move, connections drop, answers are late: each confirmed event is there once. */
TEST(injected_failures_neither_lose_nor_double) {
    enum { N = 30 };
    static Raw v[N + 1];
    Fixture f;
    begin(&f);
    for (int i = 0; i < N; i++) {
        if (i % 5 == 0)
            rd_kafka_mock_push_request_errors(f.brokers, PRODUCE, 3, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                              RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT);
        CHECK_OK(&f.t.cx, tell(&f, "BTCUSDT", str_cz(&f.t.arena, str_fmt(&f.t.arena, "%d", i))));
    }
    rd_kafka_mock_push_request_errors(f.brokers, FETCH, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR__TRANSPORT);
    Subscription *s = subscribe(&f, f.b, 1);
    for (int i = 0; i < N; i++) {
        const Delivery *d = NULL;
        for (int k = 0; !d && k < 10; k++) /* a failure may be told in between */
            d = next_in(&f, s, PATIENCE_MS / 10);
        CHECK(d != NULL);
        CHECK_STR(d->event.body, str_fmt(&f.t.arena, "%d", i));
        CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    }
    event_bus_unsubscribe(s);
    CHECK_EQ(read_topic(&f, "market_data_topic", v, N), N);
    end(&f);
}

/* No broker: an error in bounded time, and the bus is well again when they are. */
TEST(brokers_that_are_down_are_told_and_come_back) {
    Fixture f;
    begin(&f);
    event_bus_close(f.b);
    f.confirm_ms = 2000;
    f.b = open_bus(&f);
    CHECK_OK(&f.t.cx, tell(&f, "BTCUSDT", "1"));
    for (int32_t i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_down(f.brokers, i);
    int r = tell(&f, "BTCUSDT", "2");
    CHECK(r == ERR_TIMEOUT || r == ERR_UNAVAILABLE);
    BusInfo info;
    CHECK_OK(&f.t.cx, event_bus_describe(f.b, &f.t.cx, &info));
    CHECK(!info.connected);
    for (int32_t i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_up(f.brokers, i);
    for (int i = 0; (r = tell(&f, "BTCUSDT", "3")) != 0 && i < PATIENCE_MS / 2000; i++)
        CHECK(r == ERR_TIMEOUT || r == ERR_UNAVAILABLE);
    CHECK_EQ(r, 0);
    CHECK_OK(&f.t.cx, event_bus_describe(f.b, &f.t.cx, &info));
    CHECK(info.connected);
    end(&f);
}

/* Records of others in a topic of ours are passed over, and counted. */
TEST(a_record_without_our_headers_is_passed_over) {
    char words[200], key[] = "BTCUSDT", body[] = "{}";
    Fixture f;
    begin(&f);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(f.brokers), words, sizeof words);
    rd_kafka_conf_set(conf, "partitioner", "murmur2_random", words, sizeof words); /* the same partition: in front */
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
    CHECK_EQ(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC("market_data_topic"), RD_KAFKA_V_KEY(key, 7),
                               RD_KAFKA_V_VALUE(body, 2), RD_KAFKA_V_END),
             0);
    CHECK_EQ(rd_kafka_flush(rk, PATIENCE_MS), 0);
    rd_kafka_destroy(rk);
    CHECK_OK(&f.t.cx, tell(&f, "BTCUSDT", "1"));
    Subscription *s = subscribe(&f, f.b, 1);
    const Delivery *d = next(&f, s);
    CHECK(d && str_eq(d->event.body, S("1")));
    CHECK_OK(&f.t.cx, event_bus_ack(s, &f.t.cx, d->tag));
    QueueDepth *v;
    size_t n;
    CHECK_OK(&f.t.cx, event_bus_stats(f.b, &f.t.cx, &v, &n));
    CHECK_EQ(n, 2);
    CHECK_STR(v[1].queue, S("q"));
    CHECK_EQ(v[1].dropped, 1);
    CHECK_EQ(v[1].acked, 1);
    CHECK_EQ(v[1].published, 1);
    CHECK_EQ(v[1].ready, -1);
    event_bus_unsubscribe(s);
    end(&f);
}

TEST(a_setting_that_is_none_is_refused) {
    static const struct {
        const char *name, *brokers, *setting, *value;
    } rows[] = { { "no broker", "", "client.rack", "a" },
                 { "no such setting", "127.0.0.1:1", "no.such.setting", "1" },
                 { "no number", "127.0.0.1:1", "session.timeout.ms", "soon" } };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        EventBus *b = NULL;
        EventKafkaSetting v = { r->setting, r->value };
        EventKafkaOptions o = { .brokers = r->brokers, .settings = &v, .n_settings = 1 };
        CHECK_EQ(event_kafka_open(&t.cx, &o, &b), ERR_INVALID);
        CHECK(b == NULL && t.cx.err.text[0]);
    }
    test_ctx_done(&t);
}

TESTS(T(a_symbols_events_are_in_one_partition_and_in_order), T(a_restart_goes_on_behind_the_last_answer_without_a_gap),
      T(an_answer_to_what_is_not_ones_own_is_stale), T(a_rebalance_makes_deliveries_stale_and_loses_none),
      T(injected_failures_neither_lose_nor_double), T(brokers_that_are_down_are_told_and_come_back),
      T(a_record_without_our_headers_is_passed_over), T(a_setting_that_is_none_is_refused))
