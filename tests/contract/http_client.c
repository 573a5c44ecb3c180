/* The contract of ports/http_client.h for adapters that have a network, run on adapters/http/curl against a loopback
 * server that sends whatever bytes a test wants. Exchanges go to ops->fetch directly: what the wrapper adds has its
 * own tests without sockets (tests/unit/ports). */

#include "adapters/clock/system.h"
#include "adapters/http/curl.h"
#include "raw_server.h"
#include "test.h"

#include <pthread.h>
#include <zlib.h>

typedef struct World {
    Arena arena;
    Clock clock;
    Ctx cx;
    RawServer *server;
    HttpClient *http;
    HttpRequest req;
    HttpResponse res;
    char seen[4096]; /* the last request's head and body, for /echo */
} World;

static Str packed(Arena *a, Str text, int window_bits) {
    z_stream z = { 0 };
    size_t cap = text.n + 1024;
    char *out = arena_alloc(a, cap);
    deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)cap;
    deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return str_n(out, cap - z.avail_out);
}

static bool send_with(int fd, Arena *a, const char *headers, Str body) {
    return raw_write(fd, str_fmt(a, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", headers, body.n)) &&
           raw_write(fd, body);
}

static bool trickle(int fd) {
    if (!raw_write(fd, S("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")))
        return false;
    for (int i = 0; i < 100; i++)
        if (!raw_write(fd, S(".")) || !raw_pause_ms(fd, 50))
            return false;
    return true;
}

static bool answer_odd(int fd, Arena *a, Str path) {
    if (str_eq(path, S("/trickle")))
        return trickle(fd);
    if (str_eq(path, S("/silence"))) {
        raw_pause_ms(fd, 5000);
        return false;
    }
    if (str_eq(path, S("/cut"))) {
        raw_write(fd, S("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[[1,\"2\""));
        return false;
    }
    if (str_eq(path, S("/cut-chunks"))) {
        raw_write(fd, S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
        return false;
    }
    if (str_eq(path, S("/nothing")))
        return false;
    if (str_eq(path, S("/not-http"))) {
        raw_write(fd, S("220 mail.example ESMTP\r\n"));
        return false;
    }
    if (str_eq(path, S("/bad-gzip")))
        return send_with(fd, a, "Content-Encoding: gzip\r\n", S("this is no gzip at all"));
    if (str_eq(path, S("/long-headers"))) {
        raw_write(fd, S("HTTP/1.1 200 OK\r\n"));
        for (int i = 0; i < 2000; i++)
            if (!raw_write(fd, str_fmt(a, "X-Filler-%d: %0*d\r\n", i, 60, i)))
                return false;
        return raw_write(fd, S("\r\n"));
    }
    return raw_write(fd, S("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"));
}

static bool answer(void *arg, int fd, const RawRequest *req) {
    World *w = arg;
    Arena a = { 0 };
    bool ok;
    Str path = req->path;
    if (str_eq(path, S("/echo"))) {
        snprintf(w->seen, sizeof w->seen, STR_FMT "\n" STR_FMT, STR_ARG(req->head), STR_ARG(req->body));
        ok = str_starts(req->head, S("HEAD")) ? raw_write(fd, S("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"))
                                              : send_with(fd, &a, "", S("it's here"));
    } else if (str_eq(path, S("/headers"))) {
        ok = send_with(fd, &a, "X-MBX-Used-Weight-1M:  37 \r\nRETRY-AFTER: 7\r\nX-Empty:\r\n", S("{}"));
    } else if (str_eq(path, S("/gzip"))) {
        ok = send_with(fd, &a, "Content-Encoding: gzip\r\n", packed(&a, S("a packed body"), 31));
    } else if (str_eq(path, S("/deflate"))) {
        ok = send_with(fd, &a, "Content-Encoding: deflate\r\n", packed(&a, S("a packed body"), 15));
    } else if (str_eq(path, S("/bomb"))) { /* 16 MiB of zeros in 16 kB */
        size_t n = 16 << 20;
        ok = send_with(fd, &a, "Content-Encoding: gzip\r\n", packed(&a, str_n(arena_zalloc(&a, n), n), 31));
    } else if (str_eq(path, S("/chunked"))) {
        ok = raw_write(fd, S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n"));
    } else if (str_eq(path, S("/redirect"))) {
        ok = raw_write(fd, S("HTTP/1.1 302 Found\r\nLocation: /headers\r\nContent-Length: 5\r\n\r\nthere"));
    } else if (str_eq(path, S("/loop"))) {
        ok = raw_write(fd, S("HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"));
    } else if (str_eq(path, S("/to-file"))) {
        ok = raw_write(fd, S("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"));
    } else if (str_eq(path, S("/to-other"))) { /* another host name, same machine */
        ok = raw_write(
            fd, str_fmt(&a, "HTTP/1.1 302 Found\r\nLocation: http://localhost:%d/echo\r\nContent-Length: 0\r\n\r\n",
                        raw_server_port(w->server)));
    } else {
        ok = answer_odd(fd, &a, path);
    }
    arena_done(&a);
    return ok;
}

static void begin(World *w) {
    *w = (World){ 0 };
    clock_system_init(&w->clock);
    ctx_init(&w->cx, &w->arena, &w->clock);
    w->server = raw_server_start(answer, w);
    if (http_curl_open(&w->cx, NULL, &w->http))
        FAIL("%s", w->cx.err.text);
    w->req = (HttpRequest){ .method = "GET", .connect_ms = 2000, .total_ms = 5000, .max_body = 1 << 20 };
    w->req.allow_private = true;
}

static void end(World *w) {
    http_client_close(w->http);
    raw_server_stop(w->server);
    arena_done(&w->arena);
}

static int fetch(World *w, const char *path) {
    w->req.url = str_fmt(&w->arena, "http://127.0.0.1:%d%s", raw_server_port(w->server), path);
    w->res = (HttpResponse){ 0 };
    return w->http->ops->fetch(w->http, &w->cx, &w->req, &w->res);
}

TEST(an_answer_comes_whole_with_lower_case_headers) {
    World w;
    begin(&w);
    CHECK_OK(&w.cx, fetch(&w, "/headers"));
    CHECK_EQ(w.res.status, 200);
    CHECK_STR(w.res.body, S("{}"));
    CHECK_STR(http_response_header(&w.res, S("x-mbx-used-weight-1m")), S("37"));
    CHECK_STR(http_response_header(&w.res, S("X-Empty")), S(""));
    CHECK_EQ(http_retry_after_ms(&w.res, time_ms(0)), 7000);
    for (size_t i = 0; i < w.res.n_headers; i++)
        CHECK_STR(w.res.headers[i].name, str_lower(&w.arena, w.res.headers[i].name));
    CHECK_OK(&w.cx, fetch(&w, "/no-such-path")); /* any status is an answer */
    CHECK_EQ(w.res.status, 404);
    CHECK_STR(w.res.body, S("none"));
    end(&w);
}

TEST(requests_are_sent_as_asked) {
    static const struct {
        const char *name; /* and method */
        const char *body;
        const char *sent[4];
    } rows[] = {
        { "GET", "", { "GET /echo HTTP/1.1\r\n", "X-Key: abc\r\n", "User-Agent: finsight/" } },
        { "HEAD", "", { "HEAD /echo HTTP/1.1\r\n" } },
        { "POST", "{\"a\":1}", { "POST /echo HTTP/1.1\r\n", "Content-Length: 7\r\n", "{\"a\":1}" } },
        { "POST", "", { "POST /echo HTTP/1.1\r\n", "Content-Length: 0\r\n" } },
        { "PUT", "x", { "PUT /echo HTTP/1.1\r\n", "Content-Length: 1\r\n" } },
        { "DELETE", "", { "DELETE /echo HTTP/1.1\r\n" } },
    };
    World w;
    begin(&w);
    HttpHeader key = { S("X-Key"), S("abc") };
    EACH_ROW (r, rows) {
        w.req.method = r->name;
        w.req.body = str_c(r->body);
        w.req.headers = &key;
        w.req.n_headers = 1;
        CHECK_OK(&w.cx, fetch(&w, "/echo"));
        for (size_t i = 0; i < ARRAY_LEN(r->sent) && r->sent[i]; i++)
            if (!strstr(w.seen, r->sent[i]))
                FAIL("'%s' was not sent: %s", r->sent[i], w.seen);
        CHECK(!strstr(w.seen, "Expect:"));
        CHECK_STR(w.res.body, strcmp(r->name, "HEAD") == 0 ? S("") : S("it's here"));
    }
    end(&w);
}

TEST(bodies_are_decoded) {
    World w;
    begin(&w);
    static const char *const paths[] = { "/gzip", "/deflate" };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        CHECK_OK(&w.cx, fetch(&w, paths[i]));
        CHECK_STR(w.res.body, S("a packed body"));
    }
    CHECK_OK(&w.cx, fetch(&w, "/chunked"));
    CHECK_STR(w.res.body, S("hello world"));
    end(&w);
}

TEST(bodies_are_bounded_by_their_decoded_size) {
    World w;
    begin(&w);
    CHECK_EQ(fetch(&w, "/bomb"), ERR_TOO_LARGE);
    CHECK(strstr(w.cx.err.text, "1048576"));
    w.req.max_body = 11;
    CHECK_OK(&w.cx, fetch(&w, "/chunked"));
    w.req.max_body = 10;
    CHECK_EQ(fetch(&w, "/chunked"), ERR_TOO_LARGE);
    w.req.max_body = 1 << 20;
    CHECK_EQ(fetch(&w, "/long-headers"), ERR_TOO_LARGE);
    w.arena.limit = w.arena.used + 8192; /* the request's own memory is a limit too */
    w.req.max_body = 32 << 20;
    CHECK_EQ(fetch(&w, "/bomb"), ERR_TOO_LARGE);
    end(&w);
}

TEST(what_goes_wrong_is_told_apart_and_in_words) {
    static const struct {
        const char *name;
        int code;
        const char *words;
    } rows[] = {
        { "/cut", ERR_COLLECTION, "127.0.0.1" },      { "/cut-chunks", ERR_COLLECTION, "broke off" },
        { "/nothing", ERR_COLLECTION, "127.0.0.1" },  { "/not-http", ERR_COLLECTION, "HTTP" },
        { "/bad-gzip", ERR_COLLECTION, "127.0.0.1" },
    };
    World w;
    begin(&w);
    EACH_ROW (r, rows) {
        CHECK_EQ(fetch(&w, r->name), r->code);
        CHECK_EQ(w.cx.err.code, r->code);
        if (!strstr(w.cx.err.text, r->words))
            FAIL("\"%s\" does not say \"%s\"", w.cx.err.text, r->words);
        CHECK_OK(&w.cx, fetch(&w, "/headers")); /* and the client is whole */
    }
    w.req.url = S("http://127.0.0.1:1/");
    CHECK_EQ(w.http->ops->fetch(w.http, &w.cx, &w.req, &w.res), ERR_UNAVAILABLE);
    CHECK_STR(str_c(w.cx.err.text), S("cannot connect to 127.0.0.1:1: connection refused"));
    w.req.url = S("http://no-such-host.invalid/");
    CHECK_EQ(w.http->ops->fetch(w.http, &w.cx, &w.req, &w.res), ERR_UNAVAILABLE);
    CHECK(strstr(w.cx.err.text, "no-such-host.invalid"));
    w.req.connect_ms = 300;
    w.req.url = str_fmt(&w.arena, "https://127.0.0.1:%d/headers", raw_server_port(w.server)); /* it speaks no TLS */
    CHECK_EQ(w.http->ops->fetch(w.http, &w.cx, &w.req, &w.res), ERR_UNAVAILABLE);
    CHECK(strstr(w.cx.err.text, "TLS") || strstr(w.cx.err.text, "SSL"));
    end(&w);
}

static int64_t now_ms(World *w) {
    return clock_mono(w->cx.clock).ns / NS_PER_MS;
}

TEST(slow_answers_time_out) {
    static const char *const paths[] = { "/trickle", "/silence" };
    World w;
    begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int64_t began = now_ms(&w);
        w.req.total_ms = 300;
        CHECK_EQ(fetch(&w, paths[i]), ERR_TIMEOUT);
        CHECK(now_ms(&w) - began >= 250 && now_ms(&w) - began < 3000);
    }
    w.req.total_ms = 5000; /* the Ctx's deadline is nearer */
    w.cx.deadline = mono_add_ms(clock_mono(w.cx.clock), 300);
    int64_t began = now_ms(&w);
    CHECK_EQ(fetch(&w, "/silence"), ERR_TIMEOUT);
    CHECK(now_ms(&w) - began < 3000);
    end(&w);
}

static void *cancel_later(void *arg) {
    Clock clock;
    clock_system_init(&clock);
    clock_sleep_ms(&clock, 150);
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

TEST(a_cancel_ends_the_exchange) {
    World w;
    atomic_bool cancel = false;
    pthread_t thread;
    begin(&w);
    w.cx.cancel = &cancel;
    int64_t began = now_ms(&w);
    pthread_create(&thread, NULL, cancel_later, &cancel);
    CHECK_EQ(fetch(&w, "/silence"), ERR_CANCELLED);
    CHECK(now_ms(&w) - began < 3000);
    pthread_join(thread, NULL);
    w.cx.cancel = NULL;
    CHECK_OK(&w.cx, fetch(&w, "/headers"));
    end(&w);
}

TEST(private_addresses_are_refused_where_they_are_resolved) {
    World w;
    begin(&w);
    w.req.allow_private = false;
    CHECK_EQ(fetch(&w, "/headers"), ERR_DENIED);
    w.req.url = str_fmt(&w.arena, "http://localhost:%d/headers", raw_server_port(w.server));
    CHECK_EQ(w.http->ops->fetch(w.http, &w.cx, &w.req, &w.res), ERR_DENIED);
    w.req.url = str_fmt(&w.arena, "http://2130706433:%d/headers", raw_server_port(w.server)); /* 127.0.0.1 to libc */
    CHECK_EQ(w.http->ops->fetch(w.http, &w.cx, &w.req, &w.res), ERR_DENIED);
    CHECK_EQ(raw_server_connections(w.server), 0);

    w.req.allow_private = true; /* leaves a living connection behind, which the next must not ride on */
    CHECK_OK(&w.cx, fetch(&w, "/headers"));
    w.req.allow_private = false;
    CHECK_EQ(fetch(&w, "/headers"), ERR_DENIED);
    CHECK_EQ(raw_server_connections(w.server), 1);
    end(&w);
}

TEST(redirects_are_followed_only_on_demand_and_only_to_http) {
    World w;
    begin(&w);
    CHECK_OK(&w.cx, fetch(&w, "/redirect"));
    CHECK_EQ(w.res.status, 302);
    CHECK_STR(w.res.body, S("there"));
    w.req.redirects = 2;
    CHECK_OK(&w.cx, fetch(&w, "/redirect"));
    CHECK_EQ(w.res.status, 200);
    CHECK_STR(w.res.body, S("{}"));
    CHECK_STR(http_response_header(&w.res, S("location")), S("")); /* headers of the last answer only */
    CHECK_EQ(fetch(&w, "/loop"), ERR_DENIED);
    CHECK(fetch(&w, "/to-file") < 0);
    HttpHeader secret = { S("Authorization"), S("Bearer secret") };
    w.req.headers = &secret;
    w.req.n_headers = 1;
    CHECK_OK(&w.cx, fetch(&w, "/to-other"));
    CHECK(!strstr(w.seen, "secret"));
    end(&w);
}

TEST(connections_are_kept_and_the_environment_is_not_asked) {
    World w;
    begin(&w);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    for (int i = 0; i < 20; i++)
        CHECK_OK(&w.cx, fetch(&w, "/headers"));
    CHECK_EQ(raw_server_connections(w.server), 1);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    end(&w);
}

static void *fetch_many(void *arg) {
    World *w = arg;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, &w->clock);
    HttpRequest req = w->req;
    intptr_t good = 0;
    for (int i = 0; i < 25; i++) {
        HttpResponse res = { 0 };
        req.url = str_fmt(&arena, "http://127.0.0.1:%d%s", raw_server_port(w->server), i % 5 ? "/gzip" : "/cut");
        int r = w->http->ops->fetch(w->http, &cx, &req, &res);
        good += r == (i % 5 ? 0 : ERR_COLLECTION) && (r || str_eq(res.body, S("a packed body")));
    }
    arena_done(&arena);
    return (void *)good;
}

TEST(threads_share_a_client) {
    World w;
    pthread_t threads[6];
    begin(&w);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, fetch_many, &w);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        void *good;
        pthread_join(threads[i], &good);
        CHECK_EQ((intptr_t)good, 25);
    }
    end(&w);
}

TESTS(T(an_answer_comes_whole_with_lower_case_headers), T(requests_are_sent_as_asked), T(bodies_are_decoded),
      T(bodies_are_bounded_by_their_decoded_size), T(what_goes_wrong_is_told_apart_and_in_words),
      T(slow_answers_time_out), T(a_cancel_ends_the_exchange), T(private_addresses_are_refused_where_they_are_resolved),
      T(redirects_are_followed_only_on_demand_and_only_to_http),
      T(connections_are_kept_and_the_environment_is_not_asked), T(threads_share_a_client))
