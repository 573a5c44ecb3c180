/* The AMQP bus over TLS: a RabbitMQ that wants certificates of its clients. Certificates are made by the machine's openssl. */

#include "adapters/bus/amqp.h"
#include "lib/rabbit_server.h"
#include "lib/test.h"
#include "ports/event_bus.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

static RabbitServer *server; /* one for the program: it takes seconds to start */
static const char *certificates;

static void stop_server(void) {
    server = rabbit_server_stop(server);
    test_dir_done(certificates);
}

/* --- certificates --- */

enum { WORDS_MAX = 32 };

/* The words of one command, split at blanks; "@name" is a file in the folder. */
static bool openssl(Arena *a, const char *line) {
    char *argv[WORDS_MAX] = { str_cz(a, S("openssl")) };
    int n = 1, status = -1;
    Str rest = str_c(line), word;
    pid_t pid;
    while (n + 1 < WORDS_MAX && str_next(&rest, ' ', &word))
        argv[n++] =
            str_cz(a, word.p[0] == '@' ? str_fmt(a, "%s/" STR_FMT, certificates, STR_ARG(str_from(word, 1))) : word);
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    bool ok = posix_spawnp(&pid, "openssl", &quiet, NULL, argv, environ) == 0 && waitpid(pid, &status, 0) == pid;
    posix_spawn_file_actions_destroy(&quiet);
    return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* An authority, a server called localhost, a client. */
static bool make_certificates(Arena *a) {
#define EC_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    return openssl(a, "req -x509 " EC_KEY " -days 2 -subj /CN=authority -keyout @ca.key -out @ca.pem") &&
           openssl(
               a,
               "req -x509 " EC_KEY " -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext "
               "basicConstraints=critical,CA:FALSE -CA @ca.pem -CAkey @ca.key -keyout @server.key -out @server.pem") &&
           openssl(a, "req -x509 " EC_KEY
                      " -days 2 -subj /CN=finsight -addext basicConstraints=critical,CA:FALSE -CA @ca.pem "
                      "-CAkey @ca.key -keyout @client.key -out @client.pem");
}

static void need_server(TestCtx *t) {
    if (!rabbit_server_there())
        SKIP("rabbitmq-server is not installed");
    if (server)
        return;
    certificates = test_dir();
    if (!make_certificates(&t->arena))
        SKIP("openssl is not here, and makes the certificates");
    server = rabbit_server_start_tls(certificates);
    assert_non_null(server);
    atexit(stop_server);
}

/* --- the bus --- */

static Str file(TestCtx *t, const char *name) {
    return name ? str_fmt(&t->arena, "%s/%s", certificates, name) : S("");
}

static EventBus *open_bus(TestCtx *t, const char *host, const char *ca, const char *client) {
    EventAmqpOptions o = { .url = str_fmt(&t->arena, "amqps://guest:guest@%s:%d", host, rabbit_server_tls_port(server)),
                           .ca = file(t, ca),
                           .cert = file(t, client ? "client.pem" : NULL),
                           .key = file(t, client),
                           .connect_ms = 60000,
                           .confirm_ms = 60000 };
    EventBus *b = NULL;
    CHECK_OK_PLAIN(&t->cx, event_amqp_open(&t->cx, &o, &b));
    return b;
}

static const BusExchange exchange = { STR_INIT("tls.x"), EXCHANGE_TOPIC };
static const BusQueue queue = { .name = STR_INIT("tls.q") };
static const BusBinding binding = { STR_INIT("tls.x"), STR_INIT("tls.q"), false, STR_INIT("#") };
static const BusTopology topology = { &exchange, 1, &queue, 1, &binding, 1 };

TEST(events_go_and_come_over_tls_with_certificates_of_both_sides) {
    enum { N = 100, LARGE = 300000 }; /* of several TLS records and AMQP frames */
    TestCtx t;
    test_ctx_init(&t);
    need_server(&t);
    EventBus *b = open_bus(&t, "localhost", "ca.pem", "client.key");
    CHECK_OK(&t.cx, event_bus_declare(b, &t.cx, &topology));
    char *body = arena_alloc(&t.arena, LARGE);
    memset(body, 'x', LARGE);
    memcpy(body, "{\"x\":\"", 6);
    memcpy(body + LARGE - 2, "\"}", 2);
    for (int i = 0; i < N; i++) {
        Event e = { .id = str_fmt(&t.arena, "%d", i),
                    .type = S("t"),
                    .version = 1,
                    .at = clock_wall(t.cx.clock),
                    .body = i % 10 ? S("{}") : str_n(body, LARGE) };
        CHECK_OK(&t.cx, event_bus_publish(b, &t.cx, &(Publication){ exchange.name, S("a"), true, &e }));
    }
    Subscription *s = NULL;
    CHECK_OK(&t.cx, event_bus_subscribe(b, &t.cx, &(SubscribeOptions){ .queue = queue.name }, &s));
    for (int seen = 0; seen < N;) {
        Delivery *d;
        size_t n;
        CHECK_OK(&t.cx, event_bus_receive(s, &t.cx, 60000, &d, 16, &n));
        for (size_t i = 0; i < n; i++, seen++) {
            CHECK_STR(d[i].event.id, str_fmt(&t.arena, "%d", seen));
            CHECK_EQ(d[i].event.body.n, seen % 10 ? 2 : LARGE);
            CHECK_OK(&t.cx, event_bus_ack(s, &t.cx, d[i].tag));
        }
    }
    BusInfo info;
    CHECK_OK(&t.cx, event_bus_describe(b, &t.cx, &info));
    CHECK(info.connected && str_starts(info.location, S("amqps://localhost:")));
    event_bus_unsubscribe(s);
    event_bus_close(b);
    test_ctx_done(&t);
}

TEST(what_is_not_trusted_is_not_spoken_to) {
    TestCtx t;
    test_ctx_init(&t);
    need_server(&t);
    static const struct {
        const char *name, *host, *ca, *client, *words;
    } rows[] = {
        { "nobody of the system's signed it", "localhost", NULL, "client.key", "verif" },
        { "signed by another", "localhost", "client.pem", "client.key", "verif" },
        { "for another name", "127.0.0.1", "ca.pem", "client.key", "hostname" },
        { "it does not trust us", "localhost", "ca.pem", NULL, "" },
        { "no such file", "localhost", "nothing.pem", "client.key", "events.tls.ca" },
        { "another's key", "localhost", "ca.pem", "server.key", "events.tls.cert" },
    };
    EACH_ROW (r, rows) {
        EventBus *b = open_bus(&t, r->host, r->ca, r->client);
        CHECK_EQ(event_bus_declare(b, &t.cx, &topology), ERR_UNAVAILABLE);
        if (str_find(str_c(t.cx.err.text), str_c(r->words)) < 0)
            FAIL("%s", t.cx.err.text);
        event_bus_close(b);
    }
    EventBus *b = NULL;
    EventAmqpOptions half = { .url = S("amqps://localhost"), .cert = file(&t, "client.pem") };
    CHECK_EQ(event_amqp_open(&t.cx, &half, &b), ERR_INVALID);
    test_ctx_done(&t);
}

TESTS(T(events_go_and_come_over_tls_with_certificates_of_both_sides), T(what_is_not_trusted_is_not_spoken_to))
