/* tests/e2e/http_test_server.c - a server for peers to try: curl, wrk, and the probes beside this file.
 *
 * Routes: /health (a small JSON document), /echo (the body back), /slow?ms=n (answers later, from another thread),
 * /big (a megabyte), /stream?n=pieces (chunked, from another thread), /stats (the server's counts as JSON). Prints
 * "port N" when it listens; ends on SIGTERM after draining. Options: --port N, --unix PATH, and any limit of
 * HttpServerOptions as --name N. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/clock/system.h"
#include "base/lane.h"
#include "net/http_server.h"

enum { BIG_SIZE = 1024 * 1024, STREAM_PIECE = 64 * 1024 };

typedef struct App {
    Clock clock;
    Loop *loop;
    HttpServer *server;
    Lane *lane;
    char *big;
} App;

static int64_t query_number(const HttpHead *h, Str name, int64_t standard) {
    Str rest = h->query, pair;
    int64_t v;
    while (str_next(&rest, '&', &pair))
        if (str_starts(pair, name) && pair.n > name.n && pair.p[name.n] == '=' &&
            str_to_i64(str_from(pair, name.n + 1), &v))
            return v;
    return standard;
}

static void reply(HttpExchange *ex, int status, Str type, Str body) {
    HttpField f = { S("Content-Type"), type };
    HttpReply r = { .status = status, .fields = &f, .n_fields = 1 };
    buf_init(&r.body, MAX(body.n, (size_t)1));
    buf_put_str(&r.body, body);
    http_reply(ex, &r);
}

/* --- /slow: the answer comes from a lane --- */

typedef struct Slow {
    App *app;
    HttpExchange *ex;
    int64_t ms;
} Slow;

static void slow_run(void *arg, int err) {
    Slow s = *(Slow *)arg;
    mem_free(arg);
    clock_sleep_ms(&s.app->clock, s.ms);
    reply(s.ex, err ? 503 : 200, S("text/plain"), s.ms ? S("slow\n") : S("lane\n"));
}

static void slow(App *app, HttpExchange *ex) {
    Slow *s = mem_new(Slow);
    *s = (Slow){ app, ex, CLAMP(query_number(&ex->head, S("ms"), 100), 0, 5000) };
    LaneJob job = { .run = slow_run, .arg = s };
    if (lane_post(app->lane, &job) != 0) {
        mem_free(s);
        reply(ex, 503, S("text/plain"), S("busy\n"));
    }
}

/* --- /stream: a lane makes pieces, the loop sends them when the client has taken the last ones --- */

typedef struct Stream {
    App *app;
    HttpExchange *ex;
    int64_t left, made;
    Buf piece; /* handed over under `wait`: the lane writes it between a WAIT and its wake, the loop otherwise */
} Stream;

static void stream_run(void *arg, int err) {
    Stream *s = arg;
    UNUSED(err);
    for (int i = 0; i < STREAM_PIECE; i++)
        buf_put_c(&s->piece, (char)('a' + (s->made + i) % 26));
    s->made += STREAM_PIECE;
    s->left--;
    http_stream_wake(s->ex);
}

static int stream_pump(void *arg, Buf *out) {
    Stream *s = arg;
    if (s->piece.n) {
        buf_put(out, s->piece.p, s->piece.n);
        buf_clear(&s->piece);
        return s->left ? HTTP_PUMP_MORE : HTTP_PUMP_DONE;
    }
    if (s->left == 0)
        return HTTP_PUMP_DONE;
    LaneJob job = { .run = stream_run, .arg = s };
    return lane_post(s->app->lane, &job) == 0 ? HTTP_PUMP_WAIT : ERR_BUSY;
}

static void stream_done(void *arg) {
    Stream *s = arg;
    buf_done(&s->piece);
    mem_free(s);
}

static void stream(App *app, HttpExchange *ex) {
    Stream *s = mem_new(Stream);
    *s = (Stream){ .app = app, .ex = ex, .left = CLAMP(query_number(&ex->head, S("n"), 10), 0, 100000) };
    buf_init(&s->piece, STREAM_PIECE);
    HttpReply r = { .status = 200 };
    http_reply_stream(ex, &r, stream_pump, s, stream_done);
}

static void stats(App *app, HttpExchange *ex) {
    HttpServerStats n;
    http_server_stats(app->server, &n);
    char text[512];
    int len =
        snprintf(text, sizeof text,
                 "{\"connections\":%lld,\"accepted\":%lld,\"requests\":%lld,\"replied\":%lld,\"aborted\":%lld,"
                 "\"in_flight\":%lld,\"refused_400\":%lld,\"refused_408\":%lld,\"refused_413\":%lld,"
                 "\"refused_431\":%lld,\"refused_503\":%lld,\"h2_connections\":%lld,\"h2_floods\":%lld,"
                 "\"h2_slow\":%lld,\"cut_unread\":%lld}\n",
                 (long long)n.connections, (long long)n.accepted, (long long)n.requests, (long long)n.replied,
                 (long long)n.aborted, (long long)n.in_flight, (long long)n.refused_400, (long long)n.refused_408,
                 (long long)n.refused_413, (long long)n.refused_431, (long long)n.refused_503,
                 (long long)n.h2_connections, (long long)n.h2_floods, (long long)n.h2_slow, (long long)n.cut_unread);
    reply(ex, 200, S("application/json"), str_n(text, (size_t)len));
}

static void handle(void *arg, HttpExchange *ex) {
    App *app = arg;
    Str path = ex->head.path;
    if (str_eq(path, S("/health")))
        reply(ex, 200, S("application/json"), S("{\"status\":\"ok\",\"service\":\"finsight\",\"version\":\"1.0.0\"}"));
    else if (str_eq(path, S("/echo")))
        reply(ex, 200, S("application/octet-stream"), ex->body);
    else if (str_eq(path, S("/slow")))
        slow(app, ex);
    else if (str_eq(path, S("/big")))
        reply(ex, 200, S("text/plain"), str_n(app->big, BIG_SIZE));
    else if (str_eq(path, S("/stream")))
        stream(app, ex);
    else if (str_eq(path, S("/stats")))
        stats(app, ex);
    else if (str_eq(path, S("/target")))
        reply(ex, 200, S("text/plain"), ex->head.host);
    else
        reply(ex, 404, S("application/json"), S("{}"));
}

/* --- start and stop --- */

static void on_stopped(void *arg) {
    loop_stop(((App *)arg)->loop);
}

static void on_term(void *arg, int signo) {
    UNUSED(signo);
    http_server_stop(((App *)arg)->server, 2000, on_stopped, arg);
}

typedef struct Limit {
    const char *name;
    size_t offset, size;
} Limit;

#define LIMIT(m)                                                                                                       \
    { "--" #m, offsetof(HttpServerOptions, m), sizeof((HttpServerOptions *)0)->m }
static const Limit limits[] = {
    LIMIT(max_header_bytes), LIMIT(max_fields),     LIMIT(max_body),        LIMIT(header_ms),     LIMIT(body_ms),
    LIMIT(idle_ms),          LIMIT(write_ms),       LIMIT(max_connections), LIMIT(max_pipelined), LIMIT(reply_mark),
    LIMIT(linger_ms),        LIMIT(h2_max_streams), LIMIT(reply_total),     LIMIT(unread_ms),
};

static bool set_limit(HttpServerOptions *o, const char *name, long long value) {
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        if (strcmp(limits[i].name, name) != 0)
            continue;
        int small = (int)value;
        memcpy((char *)o + limits[i].offset, limits[i].size == sizeof small ? (void *)&small : (void *)&value,
               limits[i].size);
        return true;
    }
    return false;
}

int main(int argc, char **argv) {
    App app = { 0 };
    HttpServerOptions o;
    const char *unix_path = NULL;
    int port = 0;
    http_server_options_default(&o);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--port") == 0)
            port = (int)strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--unix") == 0)
            unix_path = argv[i + 1];
        else if (!set_limit(&o, argv[i], strtoll(argv[i + 1], NULL, 10)))
            return fprintf(stderr, "unknown option %s\n", argv[i]), 2;
    }
    clock_system_init(&app.clock);
    app.big = mem_alloc(BIG_SIZE);
    for (int i = 0; i < BIG_SIZE; i++)
        app.big[i] = (char)('a' + i % 26);
    app.loop = loop_new(&app.clock);
    loop_on_signal(app.loop, SIGTERM, on_term, &app);
    app.lane = lane_threads_new("slow", 4, 4096, &app.clock);
    app.server = http_server_new(app.loop, &o, handle, &app);
    char why[256];
    if (http_server_listen_tcp(app.server, "127.0.0.1", port, &port, why, sizeof why) != 0 ||
        (unix_path && http_server_listen_unix(app.server, unix_path, why, sizeof why) != 0))
        return fprintf(stderr, "%s\n", why), 1;
    printf("port %d\n", port);
    fflush(stdout);
    loop_run(app.loop);
    app.server = http_server_free(app.server);
    lane_close(app.lane);
    loop_free(app.loop);
    mem_free(app.big);
    return 0;
}
