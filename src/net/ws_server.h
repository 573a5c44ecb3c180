#pragma once

/* net/ws_server.h - a server's end of a WebSocket, taken over from an HTTP request (RFC 6455).
 *
 * Inside of an HttpHandler, on the loop: ws_accept instead of http_reply. The connection then speaks WebSocket until it
 * ends; the exchange is counted as answered with 101. Bytes go out as the socket takes them; a sender watches
 * ws_queued, or is told by on_drain. An idle socket costs the two structs and no buffer.
 *
 * Threads: the loop's alone, callbacks too. A send may be called from a callback or from anywhere else on the loop;
 * what is sent leaves with the loop's next turn at the latest, many frames in one system call. */

#include "net/http_server.h"
#include "net/websocket.h"

typedef struct WsSocket WsSocket;

typedef struct WsOptions {
    size_t max_message; /* 64 KiB */
    size_t max_queue;   /* 256 KiB of bytes to be sent; beyond, ws_send refuses, and nothing is read */
    int64_t idle_ms;    /* 90,000 without a byte from the peer ends it; 0 = never */
    int64_t ping_ms;    /* 30,000 */
    int64_t close_ms;   /* 5,000 */
    int64_t write_ms;   /* 30,000 without any progress while something is queued */
    Str protocol;       /* what to say in Sec-WebSocket-Protocol; empty: nothing */
} WsOptions;
void ws_options_default(WsOptions *o);

typedef struct WsEnd {
    int err;         /* 0: closed as agreed; ERR_CORRUPT, ERR_LIMIT, ERR_TIMEOUT, ERR_UNAVAILABLE (lost) */
    int code;        /* the peer's, WS_CLOSE_NONE, WS_CLOSE_LOST */
    Str reason;      /* the peer's */
    const char *why; /* words */
} WsEnd;

typedef struct WsEvents {
    void (*on_message)(void *arg, WsKind kind, Str data); /* data is valid during the call */
    void (*on_drain)(void *arg);                          /* optional: less than ws_drain_mark bytes are queued again */
    void (*on_end)(void *arg, const WsEnd *end);          /* exactly once, last; the WsSocket is gone after it */
} WsEvents;

/* Does this request ask for a WebSocket at all? */
bool ws_asked_for(const HttpHead *h);
/* 0, and the exchange is answered: not touched after. Else the HTTP status to answer it with, and words: 400, 426, 501
 * (over a protocol that cannot, HTTP/2 for now). `options` is borrowed for as long as the socket lives. */
int ws_accept(HttpExchange *ex, const WsOptions *options, const WsEvents *events, void *arg, WsSocket **out,
              const char **why);

/* 0; ERR_LIMIT: the queue is full, nothing is queued; ERR_UNAVAILABLE: it is closing. Copies. */
int ws_send(WsSocket *ws, WsKind kind, Str data);

/* A message framed once for many sockets. Made on any thread, counted, never changed. */
typedef struct OutShared WsFrame;
WsFrame *ws_frame_new(WsKind kind, Str data);
WsFrame *ws_frame_ref(WsFrame *f);
WsFrame *ws_frame_unref(WsFrame *f); /* NULL is fine; returns NULL */
size_t ws_frame_size(const WsFrame *f);
int ws_send_frame(WsSocket *ws, WsFrame *f); /* as ws_send; takes a reference of its own */

size_t ws_queued(const WsSocket *ws);
void ws_drain_mark(WsSocket *ws, size_t bytes); /* asks for one on_drain when fewer are queued */
/* Sends a close frame and waits for the peer's; on_end follows. */
void ws_close(WsSocket *ws, int code, Str reason);
Str ws_peer_address(const WsSocket *ws);
