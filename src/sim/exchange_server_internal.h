#pragma once

/* sim/exchange_server_internal.h - what the files of the exchange server share; no one else includes it. */

#include "sim/exchange_server.h"

#include "base/list.h"
#include "net/http_server.h"
#include "net/ws_server.h"

#include <pthread.h>

struct ExchangeServer {
    pthread_mutex_t lock; /* guards sim */
    ExchangeSim *sim;
    Clock *clock;
    Loop *loop;
    HttpServer *http;
    ListNode slow;    /* SlowReply: answers that wait for a timer */
    ListNode streams; /* ServedStream */
    WsOptions ws;     /* of all streams */
    int port;
    bool stopping;
    pthread_t thread;
};

void exchange_ws_init(ExchangeServer *server);
/* exchange_ws.c: the request asks for a WebSocket, and has been answered. */
bool exchange_ws_handle(ExchangeServer *server, HttpExchange *ex, Arena *arena, Str target);
void exchange_ws_stop(ExchangeServer *server); /* on the loop: closes all streams */
