/* kafka_brokers - librdkafka's mock brokers as a program, and a plain consumer of theirs that knows nothing of ours.
 *
 * Prints the brokers' addresses on a line, then answers each line of standard input, "TOPIC", with the records of that
 * topic from its beginning, a line of JSON each, and an empty line; ends with standard input. */

#include "base/buf.h"
#include "base/json.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>

enum { BROKERS = 3, PARTITIONS_MAX = 64, WAIT_MS = 10000 };

static Str text_of(const void *p, size_t n) {
    return p ? str_n(p, n) : S("");
}

static void print_record(const rd_kafka_message_t *m) {
    Buf b;
    JsonWriter w;
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t size;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_i64(&w, "partition", m->partition);
    json_put_i64(&w, "offset", m->offset);
    json_put_str(&w, "key", text_of(m->key, m->key_len));
    json_put_str(&w, "value", text_of(m->payload, m->len));
    json_key(&w, S("headers"));
    json_object(&w);
    rd_kafka_message_headers(m, &headers);
    for (size_t i = 0; headers && rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; i++) {
        json_key(&w, str_c(name));
        json_str(&w, text_of(value, size));
    }
    json_object_end(&w);
    json_object_end(&w);
    printf("%.*s\n", (int)b.n, b.p);
    buf_done(&b);
}

/* Every partition that has records, from its first offset to the end there was when it began. */
static void read_topic(rd_kafka_t *reader, const char *topic) {
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(PARTITIONS_MAX);
    int64_t left = 0;
    for (int i = 0; i < PARTITIONS_MAX; i++) {
        int64_t low = 0, high = 0;
        if (rd_kafka_query_watermark_offsets(reader, topic, i, &low, &high, WAIT_MS))
            break;
        rd_kafka_topic_partition_list_add(parts, topic, i)->offset = low;
        left += high - low;
    }
    rd_kafka_assign(reader, parts);
    while (left > 0) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, WAIT_MS);
        if (!m)
            break; /* the test sees that records are missing */
        if (!m->err) {
            print_record(m);
            left--;
        }
        rd_kafka_message_destroy(m);
    }
    rd_kafka_assign(reader, NULL);
    rd_kafka_topic_partition_list_destroy(parts);
    puts("");
    fflush(stdout);
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers) {
    char words[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", words, sizeof words);
    if (brokers) {
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, words, sizeof words);
        rd_kafka_conf_set(conf, "group.id", "kafka_brokers", words, sizeof words);
        rd_kafka_conf_set(conf, "enable.auto.commit", "false", words, sizeof words);
    }
    rd_kafka_t *k = rd_kafka_new(type, conf, words, sizeof words);
    if (!k) {
        fprintf(stderr, "kafka_brokers: %s\n", words);
        exit(1);
    }
    return k;
}

int main(void) {
    char line[256];
    rd_kafka_t *host = client(RD_KAFKA_PRODUCER, NULL);
    rd_kafka_mock_cluster_t *brokers = rd_kafka_mock_cluster_new(host, BROKERS);
    rd_kafka_t *reader = client(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(brokers));
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(brokers));
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        read_topic(reader, line);
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    rd_kafka_mock_cluster_destroy(brokers);
    rd_kafka_destroy(host);
    return 0;
}
