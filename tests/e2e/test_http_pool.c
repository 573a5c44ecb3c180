/* The pooled client against the server, and against an upstream that misbehaves; all on one loop. */

#include "lib/test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "adapters/clock/system.h"
#include "net/http_listen.h"
#include "net/http_pool.h"

typedef struct World {
    Clock clock;
    Loop *loop;
    HttpServer *server;
    HttpPool *pool;
    HttpExchange *held[8];
    int n_held;
    char address[64];
    /* what came back */
    int want, got, errs[64], n_errs, good, reused;
    bool chain;
} World;

static void handle(void *arg, HttpExchange *ex) {
    World *w = arg;
    HttpReply r = { .status = 200 };
    if (str_eq(ex->head.path, S("/hold")) && w->n_held < 8) {
        w->held[w->n_held++] = ex;
        return;
    }
    buf_init(&r.body, 1 << 20);
    buf_put_str(&r.body, ex->head.query);
    buf_put_str(&r.body, ex->body);
    http_reply(ex, &r);
}

static void world_start(World *w, const HttpPoolOptions *o, int64_t idle_ms) {
    *w = (World){ 0 };
    clock_system_init(&w->clock);
    w->loop = loop_new(&w->clock);
    HttpServerOptions so;
    http_server_options_default(&so);
    so.idle_ms = idle_ms;
    w->server = http_server_new(w->loop, &so, handle, w);
    char why[200];
    int port = 0;
    if (http_server_listen_tcp(w->server, "127.0.0.1", 0, &port, why, sizeof why) != 0)
        FAIL("%s", why);
    snprintf(w->address, sizeof w->address, "127.0.0.1:%d", port);
    w->pool = http_pool_new(w->loop, str_c(w->address), o);
}

static void world_end(World *w) {
    w->pool = http_pool_free(w->pool);
    for (int i = 0; i < w->n_held; i++)
        http_reply(w->held[i], &(HttpReply){ .status = 200 });
    w->server = http_server_free(w->server);
    w->loop = loop_free(w->loop);
}

static void stop(void *arg) {
    loop_stop(arg);
}

static void run_ms(World *w, int64_t ms) {
    LoopTimer t;
    loop_timer_init(&t, w->loop, stop, w->loop);
    loop_timer_start(&t, ms, 0);
    loop_run(w->loop);
    loop_timer_stop(&t);
}

typedef struct Ask {
    World *w;
    char body[40];
    int n;
} Ask;

static void asked(void *arg, int err, const HttpPoolReply *reply) {
    Ask *a = arg;
    World *w = a->w;
    if (err != 0 && w->n_errs < 64)
        w->errs[w->n_errs++] = err;
    if (err == 0) {
        w->good += reply->status == 200 && str_eq(reply->body, str_c(a->body));
        w->reused += reply->reused;
    }
    if (++w->got == w->want)
        loop_stop(w->loop);
}

static int ask(World *w, Ask *a, Str method, Str path, int64_t timeout_ms, PoolCall **out) {
    HttpPoolCall call = { .method = method, .path = path, .deadline = mono_add_ms(clock_mono(&w->clock), timeout_ms) };
    if (!str_eq(method, S("GET")))
        call.body = str_c(a->body);
    return http_pool_call(w->pool, &call, asked, a, out);
}

TEST(many_calls_share_few_connections_and_get_their_own_answers) {
    World w;
    HttpPoolOptions o;
    http_pool_options_default(&o);
    o.max_connections = 4;
    o.max_waiting = 1000;
    world_start(&w, &o, 5000);
    enum { CALLS = 500 };
    Ask *asks = mem_new_n(Ask, CALLS);
    w.want = CALLS;
    for (int i = 0; i < CALLS; i++) {
        asks[i].w = &w;
        snprintf(asks[i].body, sizeof asks[i].body, "call-%d", i);
        char path[60];
        int n = snprintf(path, sizeof path, i % 2 ? "/echo" : "/get?%s", asks[i].body);
        CHECK_EQ(ask(&w, &asks[i], i % 2 ? S("POST") : S("GET"), str_n(path, (size_t)n), 5000, NULL), 0);
    }
    CHECK_EQ(w.got, 0); /* nothing is answered from within the call */
    loop_run(w.loop);
    CHECK_EQ(w.good, CALLS);
    HttpPoolStats s;
    http_pool_stats(w.pool, &s);
    CHECK_EQ(s.opened, 4);
    CHECK_EQ(s.idle, 4);
    CHECK_EQ(s.reused, CALLS - 4);
    CHECK_EQ(s.waiting, 0);
    mem_free(asks);
    world_end(&w);
}

TEST(queue_is_bounded) {
    World w;
    HttpPoolOptions o;
    http_pool_options_default(&o);
    o.max_connections = 1;
    o.max_waiting = 2;
    world_start(&w, &o, 5000);
    Ask a = { .w = &w };
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ask(&w, &a, S("GET"), S("/hold"), 100, NULL), 0);
    CHECK_EQ(ask(&w, &a, S("GET"), S("/hold"), 100, NULL), ERR_BUSY);
    w.want = 3;
    loop_run(w.loop);
    CHECK_EQ(w.n_errs, 3); /* their deadlines held in the queue as well */
    for (int i = 0; i < 3; i++)
        CHECK_EQ(w.errs[i], ERR_TIMEOUT);
    world_end(&w);
}

TEST(cancelled_call_says_nothing_and_makes_room) {
    World w;
    HttpPoolOptions o;
    http_pool_options_default(&o);
    o.max_connections = 1;
    world_start(&w, &o, 5000);
    Ask held = { .w = &w }, next = { .w = &w, .body = "next" };
    PoolCall *c = NULL, *queued = NULL;
    CHECK_EQ(ask(&w, &held, S("GET"), S("/hold"), 5000, &c), 0);
    CHECK_EQ(ask(&w, &held, S("GET"), S("/hold"), 5000, &queued), 0);
    CHECK_EQ(ask(&w, &next, S("GET"), S("/?next"), 5000, NULL), 0);
    run_ms(&w, 30);
    CHECK_EQ(w.got, 0);
    http_pool_cancel(queued);
    http_pool_cancel(c);
    w.want = 1;
    loop_run(w.loop);
    CHECK_EQ(w.good, 1);
    world_end(&w);
}

TEST(freeing_the_pool_ends_what_is_under_way) {
    World w;
    HttpPoolOptions o;
    http_pool_options_default(&o);
    o.max_connections = 1;
    world_start(&w, &o, 5000);
    Ask a = { .w = &w };
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ask(&w, &a, S("GET"), S("/hold"), 5000, NULL), 0);
    run_ms(&w, 20);
    w.pool = http_pool_free(w.pool);
    CHECK_EQ(w.n_errs, 3);
    CHECK_EQ(w.errs[0] == ERR_CANCELLED && w.errs[2] == ERR_CANCELLED, 1);
    world_end(&w);
}

TEST(nobody_there_and_replies_too_large) {
    World w;
    HttpPoolOptions o;
    http_pool_options_default(&o);
    o.max_body = 5;
    world_start(&w, &o, 5000);
    Ask a = { .w = &w, .body = "12345" }, b = { .w = &w, .body = "123456" };
    w.want = 2;
    CHECK_EQ(ask(&w, &a, S("POST"), S("/"), 1000, NULL), 0);
    CHECK_EQ(ask(&w, &b, S("POST"), S("/"), 1000, NULL), 0);
    CHECK_EQ(ask(&w, &b, S("GET"), S("/a b"), 1000, NULL), ERR_USAGE);
    loop_run(w.loop);
    CHECK_EQ(w.good, 1);
    CHECK_EQ(w.errs[0], ERR_LIMIT);
    http_pool_free(w.pool);
    const char *nobody[] = { "unix:/nonexistent/socket", "127.0.0.1:1" };
    for (int i = 0; i < 2; i++) {
        w.pool = http_pool_new(w.loop, str_c(nobody[i]), &o);
        w.got = w.n_errs = 0;
        w.want = 1;
        CHECK_EQ(ask(&w, &a, S("GET"), S("/"), 1000, NULL), 0);
        CHECK_EQ(w.got, 0);
        loop_run(w.loop);
        CHECK_EQ(w.errs[0], ERR_UNAVAILABLE);
        if (i == 0)
            http_pool_free(w.pool);
    }
    static const char *const bad[] = { "", "127.0.0.1", "localhost:80", "127.0.0.1:0", "unix:", ":80", "[::1:80" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        CHECK(http_pool_new(w.loop, str_c(bad[i]), &o) == NULL);
    world_end(&w);
}

/* An upstream that answers the first request of a connection and hangs up on the second without a word. */

typedef struct Rude {
    World *w;
    Listener socket;
    LoopFd listen_fd;
    struct {
        LoopFd fd;
        int requests;
        struct Rude *rude;
    } conns[8];
    int n_conns, requests;
} Rude;

static void rude_read(void *arg, unsigned events) {
    __typeof__(((Rude *)0)->conns[0]) *k = arg;
    char buf[4096];
    UNUSED(events);
    ssize_t n = recv(k->fd.fd, buf, sizeof buf, 0);
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    if (n > 0)
        k->rude->requests++;
    if (n > 0 && ++k->requests == 1 && send(k->fd.fd, ok, sizeof ok - 1, 0) > 0)
        return;
    loop_fd_stop(k->rude->w->loop, &k->fd);
    close(k->fd.fd);
}

static void rude_accept(void *arg, unsigned events) {
    Rude *r = arg;
    char peer[64];
    UNUSED(events);
    int fd = listener_accept(&r->socket, peer, sizeof peer);
    if (fd < 0)
        return;
    assert_true(r->n_conns < 8);
    r->conns[r->n_conns].rude = r;
    loop_fd_start(r->w->loop, &r->conns[r->n_conns].fd, fd, LOOP_READ, rude_read, &r->conns[r->n_conns]);
    r->n_conns++;
}

TEST(stale_connection_is_retried_once_and_only_where_that_is_safe) {
    World w;
    HttpPoolOptions o;
    http_pool_options_default(&o);
    world_start(&w, &o, 5000);
    Rude rude = { .w = &w };
    int port = 0;
    char why[200], address[40];
    CHECK_EQ(listener_tcp(&rude.socket, "127.0.0.1", 0, &port, why, sizeof why), 0);
    loop_fd_start(w.loop, &rude.listen_fd, rude.socket.fd, LOOP_READ, rude_accept, &rude);
    http_pool_free(w.pool);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    w.pool = http_pool_new(w.loop, str_c(address), &o);
    Ask a = { .w = &w, .body = "ok" };
    for (int i = 1; i <= 2; i++) { /* the second finds its connection dying, and is sent again over a fresh one */
        w.want = i;
        CHECK_EQ(ask(&w, &a, S("GET"), S("/"), 2000, NULL), 0);
        loop_run(w.loop);
        CHECK_EQ(w.good, i);
    }
    HttpPoolStats s;
    http_pool_stats(w.pool, &s);
    CHECK_EQ(s.retried, 1);
    CHECK_EQ(s.opened, 2);
    CHECK_EQ(rude.requests, 3);
    w.want = 3; /* a POST is not: nobody knows whether it was done */
    CHECK_EQ(ask(&w, &a, S("POST"), S("/"), 2000, NULL), 0);
    loop_run(w.loop);
    CHECK_EQ(w.errs[0], ERR_UNAVAILABLE);
    CHECK_EQ(rude.requests, 4);
    w.pool = http_pool_free(w.pool);
    run_ms(&w, 20);
    loop_fd_stop(w.loop, &rude.listen_fd);
    listener_close(&rude.socket);
    world_end(&w);
}

TEST(connection_the_upstream_closed_while_idle_is_dropped) {
    World w;
    HttpPoolOptions o;
    http_pool_options_default(&o);
    world_start(&w, &o, 30);
    Ask a = { .w = &w, .body = "x" };
    w.want = 1;
    CHECK_EQ(ask(&w, &a, S("GET"), S("/?x"), 1000, NULL), 0);
    loop_run(w.loop);
    HttpPoolStats s;
    http_pool_stats(w.pool, &s);
    CHECK_EQ(s.idle, 1);
    run_ms(&w, 150);
    http_pool_stats(w.pool, &s);
    CHECK_EQ(s.idle, 0);
    CHECK_EQ(s.connections, 0);
    world_end(&w);
}

TESTS(T(many_calls_share_few_connections_and_get_their_own_answers), T(queue_is_bounded),
      T(cancelled_call_says_nothing_and_makes_room), T(freeing_the_pool_ends_what_is_under_way),
      T(nobody_there_and_replies_too_large), T(stale_connection_is_retried_once_and_only_where_that_is_safe),
      T(connection_the_upstream_closed_while_idle_is_dropped))
