/* The AMQP bus when things break: connections under load, the broker itself. Through a relay whose connections the test
 * can cut. What publish confirmed must come out, whatever was cut; what comes twice has the same id. */

#include "adapters/bus/amqp.h"
#include "lib/rabbit_server.h"
#include "lib/test.h"
#include "ports/event_bus.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- a relay in the way --- */

enum { PIPES_MAX = 16 };

typedef struct Relay {
    int listener, port, to_port;
    int pairs[PIPES_MAX][2]; /* -1: free; the thread's alone */
    atomic_int cut;          /* asked for; the thread does it */
    atomic_int n_cuts;       /* connections cut so far */
    atomic_bool stop;
    pthread_t thread;
} Relay;

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void close_pair(Relay *r, int i) {
    struct linger now = { 1, 0 }; /* a reset, as a broken network ends */
    for (int side = 0; side < 2; side++) {
        setsockopt(r->pairs[i][side], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(r->pairs[i][side]);
        r->pairs[i][side] = -1;
    }
}

static void take_one(Relay *r) {
    int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC), to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in sa = loopback(r->to_port);
    for (int i = 0; fd >= 0 && i < PIPES_MAX; i++)
        if (r->pairs[i][0] < 0 && connect(to, (const struct sockaddr *)&sa, sizeof sa) == 0) {
            r->pairs[i][0] = fd;
            r->pairs[i][1] = to;
            return;
        }
    close(fd);
    close(to);
}

static bool pass(int from, int to) {
    char some[16384];
    ssize_t n = recv(from, some, sizeof some, 0);
    for (ssize_t at = 0, w; at < n; at += w)
        if ((w = send(to, some + at, (size_t)(n - at), MSG_NOSIGNAL)) <= 0)
            return false;
    return n > 0;
}

static void *relay_main(void *arg) {
    Relay *r = arg;
    while (!atomic_load(&r->stop)) {
        struct pollfd p[1 + 2 * PIPES_MAX] = { { .fd = r->listener, .events = POLLIN } };
        for (int i = 0; i < 2 * PIPES_MAX; i++)
            p[1 + i] = (struct pollfd){ .fd = r->pairs[i / 2][i % 2], .events = POLLIN };
        poll(p, ARRAY_LEN(p), 2);
        if (atomic_exchange(&r->cut, 0))
            for (int i = 0; i < PIPES_MAX; i++)
                if (r->pairs[i][0] >= 0) {
                    close_pair(r, i);
                    atomic_fetch_add(&r->n_cuts, 1);
                }
        for (int i = 0; i < 2 * PIPES_MAX; i++)
            if (p[1 + i].revents && r->pairs[i / 2][i % 2] == p[1 + i].fd && p[1 + i].fd >= 0 &&
                !pass(p[1 + i].fd, r->pairs[i / 2][1 - i % 2]))
                close_pair(r, i / 2);
        if (p[0].revents)
            take_one(r);
    }
    return NULL;
}

static void relay_start(Relay *r, int to_port) {
    *r = (Relay){ .to_port = to_port };
    memset(r->pairs, 0xff, sizeof r->pairs);
    struct sockaddr_in sa = loopback(0);
    socklen_t n = sizeof sa;
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listener, (const struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(listen(r->listener, 64), 0);
    getsockname(r->listener, (struct sockaddr *)&sa, &n);
    r->port = ntohs(sa.sin_port);
    assert_int_equal(pthread_create(&r->thread, NULL, relay_main, r), 0);
}

static void relay_stop(Relay *r) {
    atomic_store(&r->stop, true);
    pthread_join(r->thread, NULL);
    for (int i = 0; i < PIPES_MAX; i++)
        if (r->pairs[i][0] >= 0)
            close_pair(r, i);
    close(r->listener);
}

/* --- the bus --- */

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

static EventBus *open_bus(TestCtx *t, int port) {
    EventAmqpOptions o = { .url = str_fmt(&t->arena, "amqp://guest:guest@127.0.0.1:%d", port),
                           .connect_ms = 60000,
                           .confirm_ms = 60000,
                           .backoff_ms = 20,
                           .most_delay_ms = 100 };
    EventBus *b = NULL;
    CHECK_OK_PLAIN(&t->cx, event_amqp_open(&t->cx, &o, &b));
    return b;
}

static const BusExchange exchange = { STR_INIT("breaks.x"), EXCHANGE_TOPIC };
static const BusQueue queue = { .name = STR_INIT("breaks.q") };
static const BusBinding binding = { STR_INIT("breaks.x"), STR_INIT("breaks.q"), false, STR_INIT("#") };
static const BusTopology topology = { &exchange, 1, &queue, 1, &binding, 1 };

static void make_event(TestCtx *t, int i, Event *e, Publication *p) {
    *e = (Event){ .id = str_fmt(&t->arena, "%d", i),
                  .type = S("t"),
                  .version = 1,
                  .body = S("{\"n\":1}"),
                  .at = clock_wall(t->cx.clock) };
    *p = (Publication){ S("breaks.x"), S("a.b"), true, e };
}

/* --- MSG-09 --- */

enum { CUTS = 100, EVENTS_MAX = 200000, BATCH = 8 };

typedef struct Load {
    EventBus *b;
    atomic_bool done; /* the publisher is */
    atomic_int n;     /* confirmed: ids 0 .. n-1 */
    atomic_int n_seen;
    unsigned char *seen; /* times it came: the consumer's */
    int repeated, failed, strange;
} Load;

static void *consume_all(void *arg) {
    Load *l = arg;
    Subscription *s = NULL;
    TestCtx t;
    test_ctx_init(&t);
    while (!atomic_load(&l->done) || atomic_load(&l->n_seen) < atomic_load(&l->n)) {
        ArenaMark mark = arena_mark(&t.arena);
        Delivery *d;
        size_t n = 0;
        int r = 0;
        if (!s)
            r = event_bus_subscribe(l->b, &t.cx, &(SubscribeOptions){ .queue = queue.name, .prefetch = 64 }, &s);
        if (r == 0)
            r = event_bus_receive(s, &t.cx, 50, &d, 64, &n);
        if (r < 0) {
            l->failed++;
            usleep(5000);
        }
        for (size_t i = 0; i < n; i++) {
            int64_t id = -1;
            if (!str_to_i64(d[i].event.id, &id) || id < 0 || id >= EVENTS_MAX)
                l->strange++;
            else if (l->seen[id]++)
                l->repeated++;
            else
                atomic_fetch_add(&l->n_seen, 1);
            event_bus_ack(s, &t.cx, d[i].tag); /* stale: it comes again */
        }
        arena_rewind(&t.arena, mark);
    }
    event_bus_unsubscribe(s);
    test_ctx_done(&t);
    return NULL;
}

/* Every event is published until it is confirmed, as a relay of an outbox does. */
static void publish_while_cut(Load *l, Relay *relay) {
    TestCtx t;
    int id = 0, cuts = 0;
    test_ctx_init(&t);
    while (atomic_load(&relay->n_cuts) < CUTS && id + BATCH <= EVENTS_MAX) {
        Event e[BATCH];
        Publication p[BATCH];
        ArenaMark mark = arena_mark(&t.arena);
        for (int i = 0; i < BATCH; i++)
            make_event(&t, id + i, &e[i], &p[i]);
        for (int tries = 0; event_bus_publish_many(l->b, &t.cx, p, BATCH, NULL) != 0; tries++) {
            CHECK_OK_PLAIN(&t.cx, tries < 5000 ? 0 : t.cx.err.code);
            usleep(5000);
        }
        id += BATCH;
        atomic_store(&l->n, id);
        if (id % (2 * BATCH) == 0 && cuts++ < EVENTS_MAX)
            atomic_store(&relay->cut, 1);
        arena_rewind(&t.arena, mark);
    }
    atomic_store(&l->done, true);
    test_ctx_done(&t);
}

/* MSG-09: connections cut a hundred times and more under load; every confirmed event comes. */
TEST(connections_cut_a_hundred_times_lose_nothing_confirmed) {
    need_server();
    TestCtx t;
    Relay relay;
    pthread_t consumer;
    test_ctx_init(&t);
    relay_start(&relay, rabbit_server_port(server));
    Load l = { .b = open_bus(&t, relay.port), .seen = mem_new_n(unsigned char, EVENTS_MAX) };
    CHECK_OK(&t.cx, event_bus_declare(l.b, &t.cx, &topology));
    CHECK_EQ(pthread_create(&consumer, NULL, consume_all, &l), 0);
    publish_while_cut(&l, &relay);
    pthread_join(consumer, NULL);
    CHECK(atomic_load(&relay.n_cuts) >= CUTS);
    CHECK_EQ(l.strange, 0);
    CHECK_EQ(atomic_load(&l.n_seen), atomic_load(&l.n));
    for (int i = 0; i < atomic_load(&l.n); i++)
        CHECK(l.seen[i] > 0);
    print_message("# %d cut, %d confirmed, %d came again, %d receives failed\n", atomic_load(&relay.n_cuts),
                  atomic_load(&l.n), l.repeated, l.failed);
    event_bus_close(l.b);
    relay_stop(&relay);
    mem_free(l.seen);
    test_ctx_done(&t);
}

/* --- MSG-10 --- */

static int publish_some(TestCtx *t, EventBus *b, int from, int n) {
    for (int i = 0; i < n; i++) {
        Event e;
        Publication p;
        make_event(t, from + i, &e, &p);
        int r = event_bus_publish(b, &t->cx, &p);
        if (r)
            return r;
    }
    return 0;
}

/* MSG-10: the broker is killed and comes back: what was confirmed is there. In between publish says that it is away, and
 * the same bus goes on afterwards. */
TEST(a_broker_that_is_killed_has_kept_what_it_confirmed) {
    enum { N = 100 };
    need_server();
    TestCtx t;
    test_ctx_init(&t);
    EventBus *b = open_bus(&t, rabbit_server_port(server));
    CHECK_OK(&t.cx, event_bus_declare(b, &t.cx, &topology));
    CHECK_OK(&t.cx, publish_some(&t, b, 0, N));
    rabbit_server_kill(server);
    CHECK_EQ(publish_some(&t, b, N, 1), ERR_UNAVAILABLE);
    CHECK(rabbit_server_again(server));
    int published = ERR_UNAVAILABLE;
    for (int tries = 0; published != 0 && tries < 600; tries++) {
        published = publish_some(&t, b, N, 1);
        if (published != 0)
            usleep(100000);
    }
    CHECK_OK(&t.cx, published);
    Subscription *s = NULL;
    CHECK_OK(&t.cx, event_bus_subscribe(b, &t.cx, &(SubscribeOptions){ .queue = queue.name }, &s));
    bool seen[N + 1] = { false };
    for (int left = N + 1; left > 0;) {
        Delivery *d;
        size_t n;
        CHECK_OK(&t.cx, event_bus_receive(s, &t.cx, 60000, &d, 16, &n));
        for (size_t i = 0; i < n; i++) {
            int64_t id = -1;
            CHECK(str_to_i64(d[i].event.id, &id) && id >= 0 && id <= N);
            left -= !seen[id];
            seen[id] = true;
            CHECK_OK(&t.cx, event_bus_ack(s, &t.cx, d[i].tag));
        }
    }
    event_bus_unsubscribe(s);
    event_bus_close(b);
    test_ctx_done(&t);
}

/* --- a broker that forgets --- */

static const BusExchange forgetful = { STR_INIT("forget.x"), EXCHANGE_TOPIC };
static const BusQueue forgotten = { .name = STR_INIT("forget.q") };
static const BusBinding forgotten_binding = { STR_INIT("forget.x"), STR_INIT("forget.q"), false, STR_INIT("#") };
static const BusTopology forgotten_topology = { &forgetful, 1, &forgotten, 1, &forgotten_binding, 1 };

/* Unbinds the queue, or makes it anew with another length and without a binding, as another client may. */
static void forget(bool another) {
    amqp_connection_state_t c = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(c);
    amqp_table_entry_t length = { .key = amqp_cstring_bytes("x-max-length"),
                                  .value = { .kind = AMQP_FIELD_KIND_I64, .value.i64 = 5 } };
    amqp_bytes_t q = amqp_cstring_bytes("forget.q");
    assert_int_equal(amqp_socket_open(socket, "127.0.0.1", rabbit_server_port(server)), 0);
    amqp_login(c, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    amqp_channel_open(c, 1);
    if (another) {
        amqp_queue_delete(c, 1, q, 0, 0);
        amqp_queue_declare(c, 1, q, 0, 1, 0, 0, (amqp_table_t){ 1, &length });
    } else
        amqp_queue_unbind(c, 1, q, amqp_cstring_bytes("forget.x"), amqp_cstring_bytes("#"), amqp_empty_table);
    assert_int_equal(amqp_get_rpc_reply(c).reply_type, AMQP_RESPONSE_NORMAL);
    amqp_connection_close(c, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(c);
}

static int publish_forgotten(TestCtx *t, EventBus *b, int i) {
    Event e;
    Publication p;
    make_event(t, i, &e, &p);
    p.exchange = forgetful.name;
    return event_bus_publish(b, &t->cx, &p);
}

static void cut_all(Relay *relay) {
    int before = atomic_load(&relay->n_cuts);
    atomic_store(&relay->cut, 1);
    while (atomic_load(&relay->n_cuts) == before)
        usleep(1000);
}

/* A broker of 3.10 that was killed came back without a binding that it had agreed to before. */
TEST(what_a_broker_forgot_is_declared_again_after_a_loss) {
    need_server();
    TestCtx t;
    Relay relay;
    Subscription *s = NULL;
    test_ctx_init(&t);
    relay_start(&relay, rabbit_server_port(server));
    EventBus *b = open_bus(&t, relay.port);
    CHECK_OK(&t.cx, event_bus_declare(b, &t.cx, &forgotten_topology));
    CHECK_EQ(publish_forgotten(&t, b, 0), 0);
    for (int i = 0; i < 2; i++) { /* then: what somebody has changed stays, and the rest is put back all the same */
        forget(i == 1);
        CHECK_EQ(publish_forgotten(&t, b, 7), BUS_UNROUTED);
        cut_all(&relay);
        CHECK_EQ(publish_forgotten(&t, b, 1 + i), 0);
    }
    Delivery *d;
    size_t n;
    CHECK_OK(&t.cx, event_bus_subscribe(b, &t.cx, &(SubscribeOptions){ .queue = forgotten.name }, &s));
    CHECK_OK(&t.cx, event_bus_receive(s, &t.cx, 60000, &d, 4, &n));
    CHECK_EQ(n, 1);
    CHECK_STR(d->event.id, S("2"));
    event_bus_unsubscribe(s);
    event_bus_close(b);
    relay_stop(&relay);
    test_ctx_done(&t);
}

/* A consumer that is killed between burying and acknowledging buries again, perhaps in the same millisecond: the letters
 * are told apart, and a list in pages ends. */
TEST(one_buried_twice_is_two_letters) {
    need_server();
    static const BusQueue queues[] = {
        { .name = STR_INIT("twice.q"), .dead_exchange = STR_INIT("breaks.x"), .dead_key = STR_INIT("dead.twice") },
        { .name = STR_INIT("twice.dead") }
    };
    static const BusBinding bind = { STR_INIT("breaks.x"), STR_INIT("twice.dead"), false, STR_INIT("dead.twice") };
    TestCtx t;
    test_ctx_init(&t);
    EventBus *b = open_bus(&t, rabbit_server_port(server));
    Event e;
    Publication p;
    Subscription *sub = NULL;
    CHECK_OK(&t.cx, event_bus_declare(b, &t.cx, &(BusTopology){ &exchange, 1, queues, 2, &bind, 1 }));
    make_event(&t, 7, &e, &p);
    p.exchange = (Str){ 0 };
    p.routing_key = queues[0].name;
    CHECK_OK(&t.cx, event_bus_subscribe(b, &t.cx, &(SubscribeOptions){ .queue = queues[0].name }, &sub));
    for (int i = 0; i < 3; i++) {
        Delivery *d;
        size_t n;
        CHECK_OK(&t.cx, event_bus_publish(b, &t.cx, &p));
        CHECK_OK(&t.cx, event_bus_receive(sub, &t.cx, 60000, &d, 1, &n));
        CHECK_OK(&t.cx, event_bus_reject(sub, &t.cx, d->tag, REJECT_DEAD, S("no good")));
    }
    Str after = { 0 };
    for (int i = 0; i < 3; i++) {
        DeadLetter *v;
        size_t n;
        CHECK_OK(&t.cx, event_bus_dead_list(b, &t.cx, queues[1].name, after, 1, &v, &n));
        CHECK_EQ(n, 1);
        CHECK(!str_eq(v->handle, after));
        CHECK_STR(v->event.id, S("7"));
        after = v->handle;
    }
    DeadLetter *v;
    size_t n;
    int64_t done;
    CHECK_OK(&t.cx, event_bus_dead_list(b, &t.cx, queues[1].name, after, 1, &v, &n));
    CHECK_EQ(n, 0);
    CHECK_OK(&t.cx, event_bus_dead_drop(b, &t.cx, queues[1].name, &after, 1, &done));
    CHECK_EQ(done, 1);
    event_bus_unsubscribe(sub);
    event_bus_close(b);
    test_ctx_done(&t);
}

TEST(an_url_that_is_none_is_refused_without_its_password) {
    TestCtx t;
    test_ctx_init(&t);
    static const struct {
        const char *name, *url;
        int want;
    } rows[] = { { "empty", "", ERR_INVALID },
                 { "http", "http://user:geheim@host/", ERR_INVALID },
                 { "no host", "amqp://user:geheim@:99999x/", ERR_INVALID },
                 { "tls", "amqps://user:geheim@host/", 0 },
                 { "right", "amqp://user:geheim@host:1234/", 0 } };
    EACH_ROW (r, rows) {
        EventBus *b = NULL;
        EventAmqpOptions o = { .url = str_c(r->url) };
        CHECK_EQ(event_amqp_open(&t.cx, &o, &b), r->want);
        CHECK(r->want == 0 || str_find(str_c(t.cx.err.text), S("geheim")) < 0);
        event_bus_close(b);
    }
    test_ctx_done(&t);
}

TESTS(T(what_a_broker_forgot_is_declared_again_after_a_loss), T(an_url_that_is_none_is_refused_without_its_password),
      T(a_broker_that_is_killed_has_kept_what_it_confirmed), T(one_buried_twice_is_two_letters),
      T(connections_cut_a_hundred_times_lose_nothing_confirmed))
