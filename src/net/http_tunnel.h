#pragma once

/* net/http_tunnel.h - a connection that has become a pipe: after 101 its bytes go both ways as they come (WebSocket
 * through the gateway).
 *
 * Neither side is read faster than the other takes: past a mark of queued bytes its reading stops. The pipe ends with
 * either side; what was on its way to the client still gets there. One that is silent in both directions for idle_ms
 * ends too. Threads: the loop's. */

#include "net/http_server.h"

typedef struct HttpTunnel HttpTunnel;

typedef struct TunnelEnd {              /* the other side */
    int (*take)(void *arg, Buf *out);   /* bytes for the client, as a HttpPump; after WAIT http_tunnel_wake is owed */
    void (*push)(void *arg, Str bytes); /* bytes of the client */
    size_t (*queued)(void *arg);        /* of them, not sent yet */
    void (*close)(void *arg);           /* the pipe has ended: once */
} TunnelEnd;

/* Answers with 101 and the fields (Connection and Upgrade are among them), and makes the pipe. 0; else the exchange is as
 * it was: ERR_CONFLICT when something came behind the request, ERR_UNSUPPORTED over HTTP/2. */
int http_tunnel(HttpExchange *ex, const HttpField *fields, size_t n, int64_t idle_ms, const TunnelEnd *end, void *arg,
                HttpTunnel **out);
void http_tunnel_wake(HttpTunnel *t);  /* there is more to take */
void http_tunnel_drain(HttpTunnel *t); /* the other side has sent what was queued */
void http_tunnel_cut(HttpTunnel *t);   /* ends it at once, whatever is on its way */
