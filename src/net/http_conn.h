#pragma once

/* net/http_conn.h - one server connection as a machine of bytes: no socket, no timer, no thread.
 *
 * Bytes in through http_conn_input, bytes out through http_conn_output and http_conn_sent, time as a parameter. So
 * http_server.c is left with sockets, and tests and the fuzzer drive every rule without one.
 * It begins with HTTP/1.1 and may change over: to HTTP/2 (net/h2_conn.c), to WebSocket (net/ws_server.c).
 * Memory: an idle connection is this struct and nothing else; what a request needs sits in its exchange, what a reply
 * needs in a queue of blocks, both taken from and given back to the core's short free lists.
 * Private to net/, its tests and its bench. */

#include "net/http_server.h"
#include "net/out_queue.h"

typedef struct HttpConn HttpConn;
typedef struct Exchange Exchange;

enum {
    HTTP_READ_IDLE = 16 * 1024, /* read at most this much at once while no body is coming: it may have to be stashed */
    HTTP_READ_BODY = 64 * 1024,
    HTTP_PUMP_LOW = 128 * 1024, /* a stream's pump runs while less than this is queued */
    HTTP_IOV_MAX = OUT_IOV_MAX,
};

typedef struct HttpCounts { /* one writer, any reader */
    _Atomic int64_t connections, accepted, requests, replied, aborted;
    _Atomic int64_t refused_400, refused_408, refused_413, refused_431, refused_503, refused_other;
    _Atomic int64_t bytes_in, bytes_out;
    _Atomic int64_t h2_connections, h2_floods, h2_slow, tls_failed, cut_unread;
} HttpCounts;

static inline void http_count(_Atomic int64_t *c, int64_t n) { /* no locked instruction: one writer */
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

typedef enum HttpNews { HTTP_NEWS_REPLY, HTTP_NEWS_WAKE } HttpNews;

/* What all connections of a server share. */
typedef struct HttpCore {
    HttpServerOptions o;
    HttpHandler *fn;
    void *arg;
    Clock *clock;
    bool draining;  /* no keep-alive any more */
    bool fresh_too; /* not even for connections on which nothing was asked yet */
    MonoNs now;     /* of the call that is being served */
    HttpCounts counts;
    /* Brings news of an exchange to the thread of the connections, where http_conn_news takes it. NULL: the caller is
     * on it already. */
    void (*deliver)(void *owner, Exchange *x, HttpNews news);
    void *owner;
    void (*touch)(void *owner, HttpConn *c); /* NULL: whoever drives the connections looks after all of them */
    int64_t owed;                            /* exchanges whose connection is gone and whose answer is still to come */
    /* private */
    Exchange *free_exchanges;
    int n_free_exchanges;
    OutPool segs;
    MonoNs date_read;
    int64_t date_second;
    char date[32];
} HttpCore;

void http_core_init(HttpCore *core, const HttpServerOptions *o, HttpHandler *fn, void *arg, Clock *clock);
void http_core_done(HttpCore *core); /* every connection done, every exchange answered */

/* What a connection speaks after HTTP/1.1 (HTTP/2, WebSocket), behind the same functions below. Each runs on the
 * connections' thread with core->now set; NULL where there is nothing to do. */
typedef struct HttpProtocol HttpProtocol;

typedef enum HttpConnState {
    HTTP_CONN_OPEN,
    HTTP_CONN_LINGER, /* all is sent: close the sending half, read and drop until EOF or the deadline */
    HTTP_CONN_CLOSE,  /* nothing more to do: close */
} HttpConnState;

struct HttpConn {
    HttpCore *core;
    Exchange *first, *last; /* requests whose replies are owed, in order; the last may still be arriving */
    Exchange *cur;          /* the request that is arriving; also in the list once its head is whole */
    OutQueue out;           /* for the socket */
    size_t held_bytes;      /* in replies that wait for their turn */
    int n_owed;             /* in the list */
    int unsent_replies;     /* queued, not yet taken by the socket; for the count of aborted ones */
    Buf stash;              /* came with earlier bytes, and waits for room in the backlog or for its next turn */
    MonoNs idle_since, wrote_at, queued_at, linger_until, eof_at;
    int turn_left;     /* requests that may still begin in this turn of it */
    uint8_t preface_n; /* bytes of HTTP/2's preface that were there */
    uint8_t blank;     /* CR and LF dropped before a request */
    bool served;       /* had a request before: idle, not new */
    bool eof;          /* the client sends no more */
    bool closing;      /* no further request is read */
    bool linger;       /* what still comes is read and dropped before the close */
    bool dead;
    bool local;
    bool secure; /* TLS */
    char peer[56];
    uint8_t peer_n;
    const HttpProtocol *protocol; /* NULL: HTTP/1.1 */
    void *speaker;                /* the protocol's own */
};

struct HttpProtocol {
    void (*input)(HttpConn *c, const char *p, size_t n);
    void (*eof)(HttpConn *c);
    bool (*wants_read)(const HttpConn *c);
    void (*output)(HttpConn *c); /* queues what is ready, while little is queued */
    void (*sent)(HttpConn *c);
    HttpConnState (*state)(const HttpConn *c);
    MonoNs (*deadline)(const HttpConn *c); /* beside that of the queue; ns INT64_MAX: none */
    void (*expire)(HttpConn *c);
    void (*news)(HttpConn *c, Exchange *x, HttpNews news);
    void (*body_read)(HttpConn *c, Exchange *x, size_t n); /* its handler took n bytes of a body that streams */
    void (*done)(HttpConn *c);                             /* the connection ends: frees the speaker */
};

void http_conn_init(HttpConn *c, HttpCore *core, Str peer, bool local, MonoNs now);
/* The socket is gone or to be closed. Exchanges still unanswered live on until they are. */
void http_conn_done(HttpConn *c);

/* From now on the connection speaks protocol; x, answered with 101 or NULL, is counted and released. */
void http_conn_switch(HttpConn *c, Exchange *x, const HttpProtocol *protocol, void *speaker);
/* Something was queued from outside of the connection's own turn. */
void http_conn_touch(HttpConn *c);

/* One connection too many: answers 503 to whatever comes. */
void http_conn_turn_away(HttpConn *c, MonoNs now);

void http_conn_input(HttpConn *c, const char *p, size_t n, MonoNs now);
void http_conn_eof(HttpConn *c, MonoNs now);
bool http_conn_wants_read(const HttpConn *c);
size_t http_conn_read_size(const HttpConn *c);

/* Requests have come whose turn it is not: others are to have theirs before http_conn_turn. */
bool http_conn_wants_turn(const HttpConn *c);
void http_conn_turn(HttpConn *c, MonoNs now);

/* Up to HTTP_IOV_MAX pieces to write; runs a stream's pump while there is room. 0: nothing now. */
int http_conn_output(HttpConn *c, struct iovec iov[HTTP_IOV_MAX], MonoNs now);
void http_conn_sent(HttpConn *c, size_t n, MonoNs now);

HttpConnState http_conn_state(const HttpConn *c);
MonoNs http_conn_deadline(const HttpConn *c);   /* ns INT64_MAX: none */
void http_conn_expire(HttpConn *c, MonoNs now); /* call when the deadline has passed */

/* Takes news of an exchange, on the connections' thread. Returns its connection, which then has output to flush, or
 * NULL when that is gone. */
HttpConn *http_conn_news(Exchange *x, HttpNews news, MonoNs now);
