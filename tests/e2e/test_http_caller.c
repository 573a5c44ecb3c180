/* Caller and server over real sockets, each on a thread of its own. */

#include "lib/test.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/clock/system.h"
#include "base/lane.h"
#include "net/http_caller.h"

typedef struct World {
    Clock clock;
    Arena arena;
    Ctx cx;
    Loop *loop;
    HttpServer *server;
    Lane *lane;
    pthread_t thread;
    char tcp[64], unix_address[128];
    char why[256];
    const char *dir;
} World;

static void reply_with(HttpExchange *ex, int status, Str body) {
    HttpField f = { S("X-Kind"), S("test") };
    HttpReply r = { .status = status, .fields = &f, .n_fields = 1 };
    buf_init(&r.body, MAX(body.n, (size_t)1));
    buf_put_str(&r.body, body);
    http_reply(ex, &r);
}

static void answer_late(void *arg, int err) {
    HttpExchange *ex = arg;
    UNUSED(err);
    while (str_eq(ex->head.path, S("/never")) && !http_exchange_gone(ex))
        usleep(1000);
    reply_with(ex, 200, ex->head.query);
}

static int pump_letters(void *arg, Buf *out) {
    int64_t *left = arg;
    for (int i = 0; i < 1000; i++)
        buf_put_c(out, (char)('a' + i % 26));
    return --*left > 0 ? HTTP_PUMP_MORE : HTTP_PUMP_DONE;
}

static void free_counter(void *arg) {
    mem_free(arg);
}

static void handle(void *arg, HttpExchange *ex) {
    World *w = arg;
    Str path = ex->head.path;
    if (str_eq(path, S("/late")) || str_eq(path, S("/never"))) {
        LaneJob job = { .run = answer_late, .arg = ex };
        if (lane_post(w->lane, &job) != 0)
            reply_with(ex, 503, S(""));
    } else if (str_eq(path, S("/stream"))) {
        int64_t *left = mem_new(int64_t);
        *left = 500;
        HttpReply r = { .status = 200 };
        http_reply_stream(ex, &r, pump_letters, left, free_counter);
    } else if (str_eq(path, S("/where"))) {
        reply_with(ex, 200, ex->head.local ? S("local") : S("remote"));
    } else {
        reply_with(ex, str_eq(path, S("/missing")) ? 404 : 200, ex->body);
    }
}

static void *serve(void *arg) {
    loop_run(((World *)arg)->loop);
    return NULL;
}

static void world_start(World *w, int64_t idle_ms) {
    *w = (World){ 0 };
    clock_system_init(&w->clock);
    ctx_init(&w->cx, &w->arena, &w->clock);
    w->loop = loop_new(&w->clock);
    w->lane = lane_threads_new("late", 4, 256, &w->clock);
    HttpServerOptions o;
    http_server_options_default(&o);
    o.idle_ms = idle_ms;
    w->server = http_server_new(w->loop, &o, handle, w);
    int port = 0;
    if (http_server_listen_tcp(w->server, "127.0.0.1", 0, &port, w->why, sizeof w->why) != 0)
        FAIL("%s", w->why);
    snprintf(w->tcp, sizeof w->tcp, "http://127.0.0.1:%d", port);
    w->dir = test_dir();
    snprintf(w->unix_address, sizeof w->unix_address, "unix:%s/s", w->dir);
    if (http_server_listen_unix(w->server, w->unix_address + 5, w->why, sizeof w->why) != 0)
        FAIL("%s", w->why);
    pthread_create(&w->thread, NULL, serve, w);
}

static void stopped(void *arg) {
    loop_stop(arg);
}

static void stop(void *arg) {
    World *w = arg;
    http_server_stop(w->server, 1000, stopped, w->loop);
}

static void world_end(World *w) {
    loop_post(w->loop, stop, w);
    pthread_join(w->thread, NULL);
    HttpServerStats n;
    http_server_stats(w->server, &n);
    assert_int_equal(n.in_flight, 0);
    assert_int_equal(n.connections, 0);
    w->server = http_server_free(w->server);
    w->lane = lane_close(w->lane);
    w->loop = loop_free(w->loop);
    arena_done(&w->arena);
    test_dir_done(w->dir);
}

static HttpCaller *caller(World *w, const char *address) {
    HttpCaller *c = NULL;
    if (http_caller_new(&w->cx, str_c(address), &c) != 0)
        FAIL("%s", w->cx.err.text);
    return c;
}

TEST(call_and_reply_over_both_kinds_of_socket) {
    World w;
    world_start(&w, 5000);
    const char *addresses[] = { w.tcp, w.unix_address };
    for (int i = 0; i < 2; i++) {
        HttpCaller *c = caller(&w, addresses[i]);
        HttpCallReply r;
        HttpCall call = { .method = S("POST"), .path = S("/echo"), .body = S("hello") };
        CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
        CHECK_EQ(r.status, 200);
        CHECK_STR(r.body, S("hello"));
        CHECK_STR(http_call_field(&r, S("x-kind")), S("test"));
        CHECK(!r.reused);
        call = (HttpCall){ .path = S("/where") };
        CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
        CHECK_STR(r.body, i ? S("local") : S("remote"));
        CHECK(r.reused); /* one connection for all calls */
        call = (HttpCall){ .path = S("/missing") };
        CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
        CHECK_EQ(r.status, 404);
        call = (HttpCall){ .method = S("HEAD"), .path = S("/where") };
        CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
        CHECK_EQ(r.body.n, 0);
        CHECK(r.reused);
        http_caller_free(c);
    }
    struct stat st;
    CHECK_EQ(stat(w.unix_address + 5, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    world_end(&w);
    CHECK(stat(w.unix_address + 5, &st) != 0); /* and nothing is left behind */
}

TEST(large_bodies_go_both_ways) {
    World w;
    world_start(&w, 5000);
    HttpCaller *c = caller(&w, w.tcp);
    char *big = mem_alloc(5 << 20);
    for (int i = 0; i < 5 << 20; i++)
        big[i] = (char)(i * 7 + i / 1000);
    HttpCall call = { .method = S("POST"), .path = S("/echo"), .body = { big, 5 << 20 } };
    HttpCallReply r;
    CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
    CHECK(str_eq(r.body, call.body));
    call.max_body = (5 << 20) - 1;
    CHECK_EQ(http_call(c, &w.cx, &call, &r), ERR_LIMIT);
    mem_free(big);
    http_caller_free(c);
    world_end(&w);
}

TEST(body_over_the_servers_limit_is_answered_413) {
    World w;
    world_start(&w, 5000);
    HttpCaller *c = caller(&w, w.tcp);
    size_t size = (size_t)20 << 20;
    char *big = mem_zalloc(size);
    HttpCall call = { .method = S("POST"), .path = S("/echo"), .body = { big, size } };
    HttpCallReply r;
    CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r)); /* though the server never reads it all */
    CHECK_EQ(r.status, 413);
    CHECK(str_find(r.body, S("\"too_large\"")) > 0);
    mem_free(big);
    http_caller_free(c);
    world_end(&w);
}

static int count_pieces(void *arg, Str piece) {
    int64_t *n = arg;
    *n += (int64_t)piece.n;
    return *n > 400000 && n[1] ? ERR_CANCELLED : 0;
}

TEST(stream_is_taken_as_it_comes_and_may_be_ended) {
    World w;
    world_start(&w, 5000);
    HttpCaller *c = caller(&w, w.tcp);
    int64_t got[2] = { 0, 0 };
    HttpCall call = { .path = S("/stream"), .on_body = count_pieces, .arg = got };
    HttpCallReply r;
    CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
    CHECK_EQ(got[0], 500000);
    got[0] = 0;
    got[1] = 1;
    CHECK_EQ(http_call(c, &w.cx, &call, &r), ERR_CANCELLED);
    CHECK(got[0] < 500000);
    call = (HttpCall){ .path = S("/where") }; /* over a new connection: the old one is in mid-body */
    CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
    CHECK(!r.reused);
    http_caller_free(c);
    world_end(&w);
}

TEST(stale_connection_is_noticed_and_the_call_sent_again) {
    World w;
    world_start(&w, 50); /* the server drops idle connections after 50 ms */
    HttpCaller *c = caller(&w, w.tcp);
    HttpCall call = { .path = S("/where") };
    HttpCallReply r;
    CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
    usleep(300 * 1000);
    CHECK_OK(&w.cx, http_call(c, &w.cx, &call, &r));
    CHECK(!r.reused);
    http_caller_free(c);
    world_end(&w);
}

static void *cancel_soon(void *arg) {
    usleep(50 * 1000);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

TEST(deadline_and_cancel_end_a_call_and_tell_the_server) {
    World w;
    world_start(&w, 5000);
    HttpCaller *c = caller(&w, w.tcp);
    HttpCall call = { .path = S("/never"), .timeout_ms = 50 };
    HttpCallReply r;
    CHECK_EQ(http_call(c, &w.cx, &call, &r), ERR_TIMEOUT);
    CHECK(strstr(w.cx.err.text, "no answer in 50 ms") != NULL);
    atomic_bool cancel = false;
    w.cx.cancel = &cancel;
    pthread_t t;
    pthread_create(&t, NULL, cancel_soon, &cancel);
    call.timeout_ms = 5000;
    CHECK_EQ(http_call(c, &w.cx, &call, &r), ERR_CANCELLED);
    pthread_join(t, NULL);
    w.cx.cancel = NULL;
    http_caller_free(c);
    /* /never ends when its client is gone: a server that stops shows that it noticed. A close without a reset is a half
     * close to the server, so it is the drain that cuts these. */
    world_end(&w);
}

TEST(nobody_there_is_said_plainly) {
    World w;
    world_start(&w, 5000);
    char tcp[64], path[160];
    snprintf(tcp, sizeof tcp, "%s", w.tcp);
    snprintf(path, sizeof path, "%s.no", w.unix_address);
    world_end(&w);
    const char *addresses[] = { tcp, path };
    for (int i = 0; i < 2; i++) {
        arena_init(&w.arena, 0);
        HttpCaller *c = caller(&w, addresses[i]);
        HttpCall call = { .path = S("/") };
        HttpCallReply r;
        CHECK_EQ(http_call(c, &w.cx, &call, &r), ERR_UNAVAILABLE);
        CHECK(strstr(w.cx.err.text, "is the server running?") != NULL);
        http_caller_free(c);
        arena_done(&w.arena);
    }
}

TEST(addresses_and_requests_that_make_no_sense) {
    TestCtx t;
    test_ctx_init(&t);
    static const char *const bad[] = { "",    "localhost", "http://", "http://h",      "http://h:0", "http://h:65536",
                                       "h:x", "unix:",     ":80",     "http://h:80/x", "[]:1" };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        HttpCaller *c = NULL;
        test_row_name = bad[i];
        CHECK_EQ(http_caller_new(&t.cx, str_c(bad[i]), &c), ERR_USAGE);
    }
    HttpCaller *c = NULL;
    CHECK_OK(&t.cx, http_caller_new(&t.cx, S("http://127.0.0.1:1/"), &c));
    HttpField bad_field = { S("X"), S("a\r\nHost: evil") };
    HttpCallReply r;
    HttpCall calls[] = { { .path = S("no-slash") },
                         { .path = S("/a b") },
                         { .path = S("/a\r\nX: y") },
                         { .path = S("/"), .fields = &bad_field, .n_fields = 1 } };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        CHECK_EQ(http_call(c, &t.cx, &calls[i], &r), ERR_USAGE);
    http_caller_free(c);
    test_ctx_done(&t);
}

/* Many threads, many late answers: each caller gets its own. */

typedef struct Worker {
    World *w;
    int id, good;
} Worker;

static void *call_many(void *arg) {
    Worker *k = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, &k->w->clock);
    HttpCaller *c = NULL;
    if (http_caller_new(&cx, str_c(k->w->tcp), &c) != 0)
        return NULL;
    for (int i = 0; i < 100; i++) {
        HttpCall call = { .path = str_fmt(&arena, "/late?%d-%d", k->id, i) };
        HttpCallReply r;
        if (http_call(c, &cx, &call, &r) == 0 && str_eq(r.body, str_fmt(&arena, "%d-%d", k->id, i)))
            k->good++;
    }
    http_caller_free(c);
    arena_done(&arena);
    return NULL;
}

TEST(replies_from_other_threads_reach_their_own_callers) {
    World w;
    world_start(&w, 5000);
    enum { WORKERS = 8 };
    pthread_t threads[WORKERS];
    Worker workers[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (Worker){ .w = &w, .id = i };
        pthread_create(&threads[i], NULL, call_many, &workers[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(workers[i].good, 100);
    }
    HttpServerStats n;
    http_server_stats(w.server, &n);
    CHECK_EQ(n.requests, WORKERS * 100);
    world_end(&w);
}

TESTS(T(call_and_reply_over_both_kinds_of_socket), T(large_bodies_go_both_ways),
      T(body_over_the_servers_limit_is_answered_413), T(stream_is_taken_as_it_comes_and_may_be_ended),
      T(stale_connection_is_noticed_and_the_call_sent_again), T(deadline_and_cancel_end_a_call_and_tell_the_server),
      T(nobody_there_is_said_plainly), T(addresses_and_requests_that_make_no_sense),
      T(replies_from_other_threads_reach_their_own_callers))
