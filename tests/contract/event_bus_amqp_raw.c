/* What others see of us on a RabbitMQ: the properties of a message, read with the plain library, against golden ones
 * (MSG-11), and the documents' connect() and publish_event() while the broker is not there yet, there, killed in between,
 * and back (MSG-44). */

#include "adapters/bus/amqp.h"
#include "adapters/bus/outbox.h"
#include "lib/rabbit_server.h"
#include "lib/test.h"
#include "services/events/events.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <unistd.h>

static RabbitServer *server; /* one for the program: it takes seconds to start */

static void stop_server(void) {
    server = rabbit_server_stop(server);
}

static void need_server(void) {
    if (!rabbit_server_there())
        SKIP("rabbitmq-server is not installed");
    if (server)
        return;
    server = rabbit_server_start();
    assert_non_null(server);
    atexit(stop_server);
}

static EventBus *open_bus(TestCtx *t) {
    EventAmqpOptions o = { .url = str_fmt(&t->arena, "amqp://guest:guest@127.0.0.1:%d", rabbit_server_port(server)),
                           .connect_ms = 60000,
                           .confirm_ms = 60000,
                           .backoff_ms = 20,
                           .most_delay_ms = 100 };
    EventBus *b = NULL;
    CHECK_OK_PLAIN(&t->cx, event_amqp_open(&t->cx, &o, &b));
    return b;
}

/* --- MSG-11 --- */

static const struct {
    const char *name, *value;
} golden[] = { { "event_type", "data_update" }, { "timestamp", "2024-01-01T00:00:00.123Z" },
               { "correlation_id", "c-1" },     { "message_id", "e-1" },
               { "schema_version", "1" },       { "event_key", "BTCUSDT" },
               { "source", "market" },          { "note", "of the caller" } };

static void check_headers(const amqp_table_t *t) {
    assert_int_equal(t->num_entries, ARRAY_LEN(golden));
    for (size_t i = 0; i < ARRAY_LEN(golden); i++) {
        bool found = false;
        for (int k = 0; k < t->num_entries; k++) {
            const amqp_table_entry_t *e = &t->entries[k];
            if (!str_eq(str_n(e->key.bytes, e->key.len), str_c(golden[i].name)))
                continue;
            found = e->value.kind == AMQP_FIELD_KIND_UTF8
                        ? str_eq(str_n(e->value.value.bytes.bytes, e->value.value.bytes.len), str_c(golden[i].value))
                        : e->value.kind == AMQP_FIELD_KIND_I64 && e->value.value.i64 == 1;
            if (!found)
                FAIL("header %s is of kind %c: " STR_FMT, golden[i].name, e->value.kind,
                     STR_ARG(str_n(e->value.value.bytes.bytes, e->value.value.bytes.len)));
        }
        if (!found)
            FAIL("no header %s", golden[i].name);
    }
}

static amqp_connection_state_t connect_plainly(void) {
    amqp_connection_state_t c = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(c);
    assert_int_equal(amqp_socket_open(socket, "127.0.0.1", rabbit_server_port(server)), AMQP_STATUS_OK);
    assert_int_equal(amqp_login(c, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest").reply_type,
                     AMQP_RESPONSE_NORMAL);
    amqp_channel_open(c, 1);
    assert_int_equal(amqp_get_rpc_reply(c).reply_type, AMQP_RESPONSE_NORMAL);
    return c;
}

static Str text(amqp_bytes_t b) {
    return str_n(b.bytes, b.len);
}

TEST(a_message_has_the_documents_properties) {
    static const BusExchange x = { STR_INIT("raw.x"), EXCHANGE_TOPIC };
    static const BusQueue q = { .name = STR_INIT("raw.q") };
    static const BusBinding bind = { STR_INIT("raw.x"), STR_INIT("raw.q"), false, STR_INIT("#") };
    const EventHeader note = { S("note"), S("of the caller") };
    TestCtx t;
    need_server();
    test_ctx_init(&t);
    EventBus *b = open_bus(&t);
    Event e = { .id = S("e-1"),
                .type = S("data_update"),
                .key = S("BTCUSDT"),
                .correlation_id = S("c-1"),
                .source = S("market"),
                .version = 1,
                .at = time_ms(INT64_C(1704067200123)),
                .priority = 4,
                .headers = &note,
                .n_headers = 1,
                .body = S("{\"a\":1}") };
    CHECK_OK(&t.cx, event_bus_declare(b, &t.cx, &(BusTopology){ &x, 1, &q, 1, &bind, 1 }));
    CHECK_OK(&t.cx, event_bus_publish(b, &t.cx, &(Publication){ x.name, S("data_update.market"), true, &e }));
    amqp_connection_state_t c = connect_plainly();
    amqp_rpc_reply_t r = amqp_basic_get(c, 1, amqp_cstring_bytes("raw.q"), 1);
    CHECK(r.reply_type == AMQP_RESPONSE_NORMAL && r.reply.id == AMQP_BASIC_GET_OK_METHOD);
    const amqp_basic_get_ok_t *ok = r.reply.decoded;
    CHECK_STR(text(ok->exchange), S("raw.x"));
    CHECK_STR(text(ok->routing_key), S("data_update.market"));
    amqp_message_t m;
    CHECK(amqp_read_message(c, 1, &m, 0).reply_type == AMQP_RESPONSE_NORMAL);
    CHECK_STR(text(m.body), e.body);
    CHECK_STR(text(m.properties.content_type), S("application/json"));
    CHECK_EQ(m.properties.delivery_mode, 2); /* persistent */
    CHECK_EQ(m.properties.priority, 4);
    CHECK_STR(text(m.properties.message_id), S("e-1"));
    CHECK_STR(text(m.properties.type), S("data_update"));
    CHECK_STR(text(m.properties.correlation_id), S("c-1"));
    CHECK_STR(text(m.properties.app_id), S("market"));
    CHECK_EQ(m.properties.timestamp, 1704067200); /* whole seconds: the header has the rest */
    check_headers(&m.properties.headers);
    amqp_destroy_message(&m);
    amqp_connection_close(c, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(c);
    event_bus_close(b);
    test_ctx_done(&t);
}

/* --- MSG-44 --- */

static bool logged(LogSink *lines, Arena *a, const char *words) {
    return str_find(log_sink_memory_text(lines, a), str_c(words)) >= 0;
}

static int64_t depth(TestCtx *t, Outbox *o) {
    int64_t n = -1;
    CHECK_OK_PLAIN(&t->cx, outbox_depth(o, &t->cx, &n));
    return n;
}

TEST(connect_says_whether_and_publish_connects_again) {
    static const Str news =
        STR_INIT("{\"articles_count\":3,\"source\":\"coindesk\",\"collection_time\":\"2024-01-01T00:00:00Z\"}");
    TestCtx t;
    IdsSeeded ids;
    Outbox *kept;
    size_t n = 0;
    need_server();
    test_ctx_init(&t);
    ids_seeded_init(&ids, 7);
    EventBus *b = open_bus(&t);
    CHECK_OK(&t.cx, outbox_file_open(&t.cx, &(OutboxFileOptions){ 0 }, &kept));
    LogSink *lines = log_sink_memory(1 << 20);
    Logger *log = log_new(&(LogCfg){ .level = LEVEL_INFO, .service = S("test") }, &t.clock.clock, lines);
    EventService *s = event_service_new(&(EventServiceOptions){ .bus = b, .kept = kept, .ids = &ids.ids, .log = log });
    rabbit_server_kill(server); /* down at the start */
    CHECK(!event_service_connect(s, &t.cx));
    CHECK(logged(lines, &t.arena, "Failed to connect to"));
    CHECK(!publish_event(s, &t.cx, S("news_collected"), news, S("news_collected.news")));
    CHECK_EQ(depth(&t, kept), 1);
    CHECK(rabbit_server_again(server));
    bool there = false;
    for (int tries = 0; !there && tries < 600; tries++) {
        there = event_service_connect(s, &t.cx);
        usleep(there ? 0 : 100000);
    }
    CHECK(there);
    CHECK(logged(lines, &t.arena, "Successfully connected to"));
    CHECK(publish_event(s, &t.cx, S("news_collected"), news, S("news_collected.news")));
    rabbit_server_kill(server); /* mid-way */
    CHECK(!publish_event(s, &t.cx, S("news_collected"), news, S("news_collected.news")));
    CHECK(logged(lines, &t.arena, "Failed to publish event"));
    CHECK_EQ(depth(&t, kept), 2);
    CHECK(rabbit_server_again(server));
    for (there = false; !there; usleep(there ? 0 : 100000)) /* publishing connects by itself */
        there = publish_event(s, &t.cx, S("news_collected"), news, S("news_collected.news"));
    while (depth(&t, kept) > 0)
        CHECK_OK(&t.cx, event_relay(s, &t.cx, kept, &n));
    event_service_free(s);
    outbox_close(kept);
    event_bus_close(b);
    log_free(log);
    test_ctx_done(&t);
}

TESTS(T(a_message_has_the_documents_properties), T(connect_says_whether_and_publish_connects_again))
