/* sim/exchange_ws.c - the exchange simulator's streams on WebSockets: a machine of sim/exchange_stream.h a connection.
 *
 * Pings go out by themselves, every 20 s. A fault that cuts the connection closes it with 1001 here: a socket of
 * net/ws_server always says goodbye; sim_ws.h shows the other kind. */

#include "sim/exchange_server_internal.h"

#include "net/ws_server.h"
#include "sim/exchange_stream.h"

enum { PING_MS = 20 * 1000, QUEUE_MAX = 8 << 20 };

void exchange_ws_init(ExchangeServer *server) {
    list_init(&server->streams);
    ws_options_default(&server->ws);
    server->ws.ping_ms = PING_MS;
    server->ws.max_queue = QUEUE_MAX;
}

typedef struct ServedStream {
    ListNode node;
    ExchangeServer *server;
    ExchangeStream *stream;
    WsSocket *ws;
    LoopTimer *timer;
} ServedStream;

static void on_act(void *arg, StreamAct act, Str text, int code) {
    ServedStream *s = arg;
    if (act == STREAM_TEXT)
        ws_send(s->ws, WS_TEXT, text);
    else if (act == STREAM_CLOSE)
        ws_close(s->ws, code, text);
    else if (act == STREAM_CUT)
        ws_close(s->ws, WS_CLOSE_GOING_AWAY, (Str){ 0 });
}

static void schedule(ServedStream *s) {
    Time now = clock_wall(s->server->clock);
    int64_t wait = exchange_stream_due(s->stream).ms - now.ms;
    loop_timer_start(s->timer, CLAMP(wait, 1, MS_PER_MINUTE), 0);
}

static void on_timer(void *arg) {
    ServedStream *s = arg;
    pthread_mutex_lock(&s->server->lock);
    exchange_stream_run(s->stream, clock_wall(s->server->clock));
    pthread_mutex_unlock(&s->server->lock);
    schedule(s);
}

static void on_message(void *arg, WsKind kind, Str data) {
    ServedStream *s = arg;
    if (kind != WS_TEXT)
        return;
    pthread_mutex_lock(&s->server->lock);
    exchange_stream_input(s->stream, data, clock_wall(s->server->clock));
    pthread_mutex_unlock(&s->server->lock);
}

static void on_end(void *arg, const WsEnd *end) {
    ServedStream *s = arg;
    UNUSED(end);
    list_remove(&s->node);
    loop_timer_free(s->timer);
    exchange_stream_free(s->stream);
    mem_free(s);
}

bool exchange_ws_handle(ExchangeServer *server, HttpExchange *ex, Arena *arena, Str target) {
    static const WsEvents events = { .on_message = on_message, .on_end = on_end };
    if (!ws_asked_for(&ex->head))
        return false;
    ServedStream *s = mem_new(ServedStream);
    s->server = server;
    const char *why = NULL;
    int status = 404;
    pthread_mutex_lock(&server->lock);
    s->stream = exchange_stream_new(server->sim, target, clock_wall(server->clock), on_act, s);
    pthread_mutex_unlock(&server->lock);
    if (s->stream)
        status = ws_accept(ex, &server->ws, &events, s, &s->ws, &why);
    if (status != 0) {
        HttpReply reply = { .status = status };
        buf_init(&reply.body, 256);
        buf_printf(&reply.body, "%s", why ? why : "no such stream");
        http_reply(ex, &reply);
        exchange_stream_free(s->stream);
        mem_free(s);
        return true;
    }
    UNUSED(arena);
    s->timer = loop_timer_new(server->loop, on_timer, s);
    list_push_back(&server->streams, &s->node);
    schedule(s);
    return true;
}

void exchange_ws_stop(ExchangeServer *server) {
    LIST_FOR (n, &server->streams)
        ws_close(LIST_ENTRY(n, ServedStream, node)->ws, WS_CLOSE_GOING_AWAY, S("the simulator stops"));
}
