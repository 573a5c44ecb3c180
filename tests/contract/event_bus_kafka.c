/* The event bus contract on adapters/bus/kafka (U07, MSG-39), with librdkafka's three brokers in this process, which
 * outlive the buses and end with it; or with the broker that FINSIGHT_TEST_KAFKA names (tests/peers/kafka). */

#include "adapters/bus/kafka.h"
#include "contract/event_bus.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

static const char *cluster(void) {
    static rd_kafka_mock_cluster_t *brokers;
    if (getenv("FINSIGHT_TEST_KAFKA"))
        return getenv("FINSIGHT_TEST_KAFKA");
    if (!brokers) {
        char words[200];
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        rd_kafka_conf_set(conf, "log_level", "0", words, sizeof words);
        rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, words, sizeof words);
        brokers = host ? rd_kafka_mock_cluster_new(host, 3) : NULL;
    }
    return brokers ? rd_kafka_mock_cluster_bootstraps(brokers) : NULL;
}

static EventBus *open_kafka(TestCtx *t, const char *dir) {
    static const EventKafkaSetting settings[] = { { "session.timeout.ms", "6000" } };
    EventKafkaOptions o = { .brokers = cluster(), .settings = settings, .n_settings = ARRAY_LEN(settings) };
    EventBus *b = NULL;
    UNUSED(dir);
    CHECK_OK_PLAIN(&t->cx, event_kafka_open(&t->cx, &o, &b));
    return b;
}

/* Not persistent: the topology is each bus's own, which the suite declares once. event_bus_kafka_groups.c restarts. */
const BusMaker bus_maker = { .name = "kafka", .wait_ms = 2000, .open = open_kafka };
