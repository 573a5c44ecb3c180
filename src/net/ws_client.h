#pragma once

/* net/ws_client.h - a WebSocket client on the loop (RFC 6455), plain and TLS, for streams of venues.
 *
 * One WsClient is one connection: name, TCP, TLS with the host's certificate checked, handshake, messages, close. It
 * does not reconnect: whoever uses it knows what was missed and how long to wait. Pings are answered by themselves;
 * fragments are joined; text is checked to be UTF-8; a message or a send queue past its limit ends the connection.
 *
 * Threads: the loop's alone; a name is looked up on a thread of its own, since getaddrinfo blocks. Callbacks never run
 * from within ws_client_open or ws_client_send, and none after ws_client_free, which a callback may call. */

#include "base/ctx.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "net/websocket.h"

struct sockaddr;

typedef struct WsClient WsClient;

typedef struct WsClientOptions {
    Str url;                 /* "wss://stream.binance.com:9443/ws/btcusdt@kline_1m", "ws://127.0.0.1:9000/" */
    Str local;               /* path of a Unix socket to connect to; the URL then only names host and path */
    const HttpField *fields; /* more fields of the handshake's request; copied */
    size_t n_fields;
    Str protocol;       /* Sec-WebSocket-Protocol to ask for, and to insist on; empty: none */
    TlsClient *tls;     /* for wss: borrowed */
    int64_t open_ms;    /* 10,000: absolute, from the name to the end of the handshake */
    int64_t idle_ms;    /* 60,000 without a byte from the peer ends the connection; 0 = never */
    int64_t ping_ms;    /* 20,000: after so much silence a ping asks for a sign of life; 0 = never */
    int64_t close_ms;   /* 5,000: how long the peer's answer to a close frame is waited for */
    size_t max_message; /* 1 MiB */
    size_t max_queue;   /* 1 MiB of bytes to be sent */
    /* Optional: may this address be reached? For the guard against requests to one's own network. */
    bool (*allow)(void *arg, const struct sockaddr *address);
} WsClientOptions;
void ws_client_options_default(WsClientOptions *o);

typedef struct WsClientEnd {
    int err; /* 0: closed as agreed, by either side. Before on_open: ERR_UNAVAILABLE (name, TCP), ERR_TIMEOUT, ERR_DENIED
              * (certificate, `allow`), ERR_COLLECTION (another HTTP status than 101: `status`), ERR_CORRUPT (not
              * WebSocket). After it: ERR_UNAVAILABLE (lost), ERR_TIMEOUT (silent), ERR_LIMIT (message or queue too
              * large), ERR_CORRUPT (protocol broken) */
    int status;             /* of the HTTP reply, where there was one that was not 101 */
    int64_t retry_after_ms; /* of that reply; 0 = none */
    int code;               /* close code the peer gave; WS_CLOSE_NONE, WS_CLOSE_LOST */
    Str reason;             /* the peer's */
    const char *why;        /* for people and logs */
} WsClientEnd;

typedef struct WsClientEvents {
    void (*on_open)(void *arg);
    void (*on_message)(void *arg, WsKind kind, Str data); /* data is valid during the call */
    void (*on_ping)(void *arg, Str data);                 /* optional: answered already */
    void (*on_drain)(void *arg);                          /* optional: the send queue has become empty */
    void (*on_end)(void *arg, const WsClientEnd *end);    /* exactly once, last; then ws_client_free */
} WsClientEvents;

/* 0; ERR_USAGE (not a ws or wss URL, a field with a line break, wss without tls), with words. */
int ws_client_open(Ctx *cx, Loop *l, const WsClientOptions *o, const WsClientEvents *events, void *arg, WsClient **out);
/* 0; ERR_LIMIT: the queue is full, nothing is queued; ERR_UNAVAILABLE: not open (yet, or any more). Copies. */
int ws_client_send(WsClient *c, WsKind kind, Str data);
int ws_client_ping(WsClient *c, Str data); /* at most 125 bytes */
/* Sends a close frame and waits close_ms for the peer's; on_end follows. reason: at most 123 bytes of UTF-8. */
void ws_client_close(WsClient *c, int code, Str reason);
WsClient *ws_client_free(WsClient *c); /* cuts the connection if there is one; NULL is fine */
