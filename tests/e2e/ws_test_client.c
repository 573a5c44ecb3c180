/* tests/e2e/ws_test_client.c - a WebSocket client for peers to try: sends back what it gets, tells on stdout what
 * happened. A text "close CODE REASON" makes it close, "ping" makes it ping. The last line is "end ERR CODE STATUS WHY".
 *
 *     ws_test_client URL [--ca FILE] [--protocol NAME] [--max_message N] [--idle_ms N] [--ping_ms N] [--open_ms N] */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/clock/system.h"
#include "base/err.h"
#include "net/ws_client.h"

typedef struct App {
    Loop *loop;
    WsClient *client;
} App;

static void on_open(void *arg) {
    UNUSED(arg);
    printf("open\n");
}

static void on_message(void *arg, WsKind kind, Str data) {
    App *app = arg;
    printf("%s %zu\n", kind == WS_TEXT ? "text" : "binary", data.n);
    if (str_starts(data, S("close "))) {
        Str rest = str_from(data, 6), code;
        int64_t n = 0;
        str_next(&rest, ' ', &code);
        str_to_i64(code, &n);
        ws_client_close(app->client, (int)n, rest);
    } else if (str_eq(data, S("ping"))) {
        ws_client_ping(app->client, S("are you there"));
    } else {
        ws_client_send(app->client, kind, data);
    }
}

static void on_ping(void *arg, Str data) {
    UNUSED(arg);
    printf("ping " STR_FMT "\n", STR_ARG(data));
}

static void on_end(void *arg, const WsClientEnd *e) {
    App *app = arg;
    printf("end %s %d %d %s [" STR_FMT "]\n", e->err ? err_info(e->err)->name : "ok", e->code, e->status, e->why,
           STR_ARG(e->reason));
    app->client = ws_client_free(app->client);
    loop_stop(app->loop);
}

int main(int argc, char **argv) {
    Clock clock;
    Arena arena = { 0 };
    Ctx cx;
    App app = { 0 };
    WsClientOptions o;
    TlsClientOptions trust = { 0 };
    TlsClient *tls = NULL;
    ws_client_options_default(&o);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 2; i + 1 < argc; i += 2) {
        int64_t n = strtoll(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--ca") == 0)
            trust = (TlsClientOptions){ .ca = str_c(argv[i + 1]), .no_system = true };
        else if (strcmp(argv[i], "--protocol") == 0)
            o.protocol = str_c(argv[i + 1]);
        else if (strcmp(argv[i], "--max_message") == 0)
            o.max_message = (size_t)n;
        else if (strcmp(argv[i], "--idle_ms") == 0)
            o.idle_ms = n;
        else if (strcmp(argv[i], "--ping_ms") == 0)
            o.ping_ms = n;
        else if (strcmp(argv[i], "--open_ms") == 0)
            o.open_ms = n;
    }
    clock_system_init(&clock);
    ctx_init(&cx, &arena, &clock);
    o.url = str_c(argc > 1 ? argv[1] : "");
    if (tls_client_new(&cx, &trust, &tls) != 0)
        return fprintf(stderr, "%s\n", cx.err.text), 2;
    o.tls = tls;
    app.loop = loop_new(&clock);
    static const WsClientEvents events = {
        .on_open = on_open, .on_message = on_message, .on_ping = on_ping, .on_end = on_end
    };
    if (ws_client_open(&cx, app.loop, &o, &events, &app, &app.client) != 0)
        return fprintf(stderr, "%s\n", cx.err.text), 2;
    loop_run(app.loop);
    loop_free(app.loop);
    tls_client_free(tls);
    arena_done(&arena);
    return 0;
}
