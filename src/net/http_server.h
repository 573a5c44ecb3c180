#pragma once

/* net/http_server.h - an HTTP/1.1 server core: many connections, one loop, no blocking.
 *
 * What it enforces (each has a test on both sides of the line; tests/e2e/http_probe covers them from
 * outside): absolute deadline for the header block (10 s) and for the body, not only idle timers; header
 * block <= 16 KB (431) and <= 100 fields; body limit (413) before the body is read; refuses CL+TE, differing
 * or malformed Content-Length, missing or repeated Host, bare LF, space before the colon, obsolete folding;
 * caps the backlog of pipelined requests; stops reading while the reply queue is over its mark; answers
 * Expect: 100-continue; drains on stop; never closes a listener on reload.
 *
 * Life of one request: bytes -> llhttp -> HttpExchange -> handler on the loop thread. The handler answers at
 * once, or keeps the exchange and answers later from any thread with http_reply (the reply crosses to the
 * loop through one queue and one wakeup). Exactly one reply per exchange. Replies of pipelined requests
 * leave in the order the requests came.
 * Threads: everything here runs on the loop's thread but http_reply*, http_exchange_gone, which any thread
 * may call. */

#include "base/buf.h"
#include "base/clock.h"
#include "net/loop.h"

typedef struct HttpServer HttpServer;
typedef struct HttpExchange HttpExchange;

typedef struct HttpField {
    Str name, value; /* name in lower case; value trimmed */
} HttpField;

typedef struct HttpHead { /* borrows from the exchange, valid until it is answered */
    Str method;  /* "GET" */
    Str target;  /* as sent: "/a/b?x=1" */
    Str path;    /* still percent-encoded, without the query */
    Str query;   /* without '?'; empty if none */
    const HttpField *fields;
    size_t n_fields;
    Str peer;    /* "127.0.0.1:5123" or "unix" */
    bool local;  /* came in over a Unix socket: the peer is the same user */
} HttpHead;

struct HttpExchange {
    HttpHead head;
    Str body; /* whole, already limited */
    MonoNs started; /* when the first byte of the request was there */
    void *user; /* the handler's own */
    /* private fields follow in http_server.c */
};

typedef void HttpHandler(void *arg, HttpExchange *ex);

typedef struct HttpReply {
    int status;
    const HttpField *fields; /* copied; Content-Length, Date, Connection are the server's own */
    size_t n_fields;
    Buf body;  /* moved into the reply; heap */
} HttpReply;

/* A body produced in pieces, for answers over 4 MB: called on a lane-less pump on the loop whenever the
 * connection has drained below its mark; appends to out; returns 1 more, 0 done, < 0 abort the connection. */
typedef int HttpPump(void *arg, Buf *out);

typedef struct HttpServerOptions {
    size_t max_header_bytes; /* 16 KiB */
    size_t max_fields;       /* 100 */
    size_t max_body;         /* 16 MiB; a handler may refuse earlier by route through on_head */
    int64_t header_ms;       /* 10,000: from the first byte to the end of the head, absolute */
    int64_t body_ms;         /* 30,000, absolute */
    int64_t idle_ms;         /* 60,000 between requests */
    int64_t write_ms;        /* 30,000 without any progress of a reply */
    int max_connections;     /* 10,000; more are answered 503 and closed */
    int max_pipelined;       /* 32 */
    size_t reply_mark;       /* 1 MiB of queued replies stops reading */
    Str server_name;         /* "finsight" */
    /* Optional: body limit for this head (by route), or -status to refuse before the body is read. */
    int64_t (*on_head)(void *arg, const HttpHead *head);
} HttpServerOptions;

void http_server_options_default(HttpServerOptions *o);

HttpServer *http_server_new(Loop *loop, const HttpServerOptions *o, HttpHandler *fn, void *arg);
/* "127.0.0.1", port 0 = any free one. 0 and the bound port, or ErrCode with words (port in use: who to ask). */
int http_server_listen_tcp(HttpServer *s, const char *host, int port, int *out_port, char *why, size_t why_size);
/* A Unix socket, mode 0600; a stale file of a dead server is replaced. */
int http_server_listen_unix(HttpServer *s, const char *path, char *why, size_t why_size);
/* Stops accepting, lets requests in flight finish for at most drain_ms, then calls done on the loop. */
void http_server_stop(HttpServer *s, int64_t drain_ms, void (*done)(void *arg), void *arg);
HttpServer *http_server_free(HttpServer *s); /* after done; NULL is fine */

typedef struct HttpServerStats {
    int64_t connections, accepted, requests, aborted, refused_400, refused_408, refused_413, refused_431, refused_503;
} HttpServerStats;
void http_server_stats(const HttpServer *s, HttpServerStats *out); /* any thread */

/* Answers and releases the exchange. Any thread. */
void http_reply(HttpExchange *ex, HttpReply *reply);
void http_reply_stream(HttpExchange *ex, HttpReply *head, HttpPump *pump, void *arg, void (*done)(void *arg));
/* True once the client is gone: the work may be dropped (an answer is still owed, and goes nowhere). */
bool http_exchange_gone(const HttpExchange *ex);
Str http_field(const HttpHead *h, Str lower_name); /* first of that name; p NULL if absent */
