/* tests/e2e/ws_test_server.c - a WebSocket server for peers to try, beside plain HTTP on the same port.
 *
 * /echo sends back what it gets; "bye CODE REASON" closes; "flood N" sends N messages of 1 KB, as the socket takes them;
 * "shout TEXT" sends TEXT to everybody, framed once. Any other path answers 200. With --cert and --key the port speaks TLS; SIGHUP reads them
 * again. Prints "port N"; ends on SIGTERM after draining, with its counts as JSON on the last line. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/clock/system.h"
#include "base/err.h"
#include "base/list.h"
#include "net/ws_server.h"

typedef struct App {
    Clock clock;
    Ctx cx;
    Arena arena;
    Loop *loop;
    HttpServer *server;
    TlsServer *tls;
    WsOptions ws;
    ListNode sockets;
    int opened, ended, drained;
} App;

typedef struct Peer {
    App *app;
    WsSocket *ws;
    ListNode node;
    int64_t flood_left;
} Peer;

static void flood(Peer *p) {
    static const char block[1024] = { [0 ... 1023] = 'f' };
    while (p->flood_left > 0 && ws_send(p->ws, WS_TEXT, str_n(block, sizeof block)) == 0)
        p->flood_left--;
    if (p->flood_left > 0)
        ws_drain_mark(p->ws, 64 << 10);
}

static void on_message(void *arg, WsKind kind, Str data) {
    Peer *p = arg;
    int64_t n = 0;
    if (str_starts(data, S("bye "))) {
        Str rest = str_from(data, 4), code;
        str_next(&rest, ' ', &code);
        str_to_i64(code, &n);
        ws_close(p->ws, (int)n, rest);
    } else if (str_starts(data, S("flood ")) && str_to_i64(str_from(data, 6), &n)) {
        p->flood_left = n;
        flood(p);
    } else if (str_starts(data, S("shout "))) {
        WsFrame *f = ws_frame_new(WS_TEXT, str_from(data, 6));
        LIST_FOR (it, &p->app->sockets)
            ws_send_frame(LIST_ENTRY(it, Peer, node)->ws, f);
        ws_frame_unref(f);
    } else {
        ws_send(p->ws, kind, data);
    }
}

static void on_drain(void *arg) {
    Peer *p = arg;
    p->app->drained++;
    flood(p);
}

static void on_end(void *arg, const WsEnd *end) {
    Peer *p = arg;
    printf("end %s %d %s [" STR_FMT "]\n", end->err ? err_info(end->err)->name : "ok", end->code, end->why,
           STR_ARG(end->reason));
    fflush(stdout);
    p->app->ended++;
    list_remove(&p->node);
    mem_free(p);
}

static const WsEvents events = { .on_message = on_message, .on_drain = on_drain, .on_end = on_end };

static void handle(void *arg, HttpExchange *ex) {
    App *app = arg;
    HttpReply r = { .status = 200 };
    const char *why = "plain HTTP\n";
    if (str_eq(ex->head.path, S("/echo"))) {
        Peer *p = mem_new(Peer);
        p->app = app;
        r.status = ws_accept(ex, &app->ws, &events, p, &p->ws, &why);
        if (r.status == 0) {
            list_push_back(&app->sockets, &p->node);
            app->opened++;
            return;
        }
        mem_free(p);
    }
    buf_init(&r.body, 1000);
    buf_put_str(&r.body, str_c(why));
    http_reply(ex, &r);
}

static void on_stopped(void *arg) {
    loop_stop(((App *)arg)->loop);
}

static void on_signal(void *arg, int signo) {
    App *app = arg;
    if (signo == SIGTERM) {
        http_server_stop(app->server, 2000, on_stopped, app);
        return;
    }
    int r = app->tls ? tls_server_reload(app->tls, &app->cx) : 0;
    printf("reload %s\n", r == 0 ? "ok" : app->cx.err.text);
    fflush(stdout);
}

int main(int argc, char **argv) {
    App app = { 0 };
    HttpServerOptions o;
    TlsServerOptions t = { .h2 = true };
    http_server_options_default(&o);
    o.send_helpers = 2;
    ws_options_default(&app.ws);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t n = strtoll(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--cert") == 0)
            t.cert = str_c(argv[i + 1]);
        else if (strcmp(argv[i], "--key") == 0)
            t.key = str_c(argv[i + 1]);
        else if (strcmp(argv[i], "--max_message") == 0)
            app.ws.max_message = (size_t)n;
        else if (strcmp(argv[i], "--max_queue") == 0)
            app.ws.max_queue = (size_t)n;
        else if (strcmp(argv[i], "--idle_ms") == 0)
            app.ws.idle_ms = n;
        else if (strcmp(argv[i], "--ping_ms") == 0)
            app.ws.ping_ms = n;
        else if (strcmp(argv[i], "--write_ms") == 0)
            o.write_ms = n;
        else if (strcmp(argv[i], "--max_connections") == 0)
            o.max_connections = (int)n;
        else
            return fprintf(stderr, "unknown option %s\n", argv[i]), 2;
    }
    clock_system_init(&app.clock);
    ctx_init(&app.cx, &app.arena, &app.clock);
    list_init(&app.sockets);
    app.loop = loop_new(&app.clock);
    loop_on_signal(app.loop, SIGTERM, on_signal, &app);
    loop_on_signal(app.loop, SIGHUP, on_signal, &app);
    if (t.cert.n && tls_server_new(&app.cx, &t, &app.tls) != 0)
        return fprintf(stderr, "%s\n", app.cx.err.text), 1;
    app.server = http_server_new(app.loop, &o, handle, &app);
    char why[256];
    int port = 0;
    if (http_server_listen_tls(app.server, app.tls, "127.0.0.1", 0, &port, why, sizeof why) != 0)
        return fprintf(stderr, "%s\n", why), 1;
    printf("port %d\n", port);
    fflush(stdout);
    loop_run(app.loop);
    HttpServerStats st;
    http_server_stats(app.server, &st);
    app.server = http_server_free(app.server);
    printf("{\"opened\":%d,\"ended\":%d,\"drained\":%d,\"requests\":%lld,\"replied\":%lld,\"aborted\":%lld}\n",
           app.opened, app.ended, app.drained, (long long)st.requests, (long long)st.replied, (long long)st.aborted);
    tls_server_free(app.tls);
    loop_free(app.loop);
    arena_done(&app.arena);
    return 0;
}
