#pragma once

/* net/http_server.h - an HTTP/1.1 and HTTP/2 server core: many connections, one loop, no blocking.
 *
 * What it enforces (each has a test on both sides of the line; tests/e2e/http_probe covers them from
 * outside): absolute deadline for the header block (10 s) and for the body, not only idle timers (408); header
 * block <= 16 KB (431, or 414 where the target alone is too long) and <= 100 fields; body limit (413) before the
 * body is read; refuses CL+TE, repeated or malformed Content-Length, missing or repeated Host, bare LF, space
 * before the colon, obsolete folding (400); transfer codings but chunked and methods nobody knows (501); other
 * versions than 1.0 and 1.1 (505); caps the backlog of pipelined requests; stops reading while the reply queue is
 * over its mark; answers Expect: 100-continue, and 417 to any other expectation; ignores and bounds trailers; lets a
 * client close its sending half and still have its answer; drains on stop; never closes a listener on reload.
 *
 * Life of one request: bytes -> llhttp -> HttpExchange -> handler on the loop thread. The handler answers at
 * once, or keeps the exchange and answers later from any thread with http_reply (the reply crosses to the
 * loop through one queue and one wakeup). Exactly one reply per exchange. Replies of pipelined requests
 * leave in the order the requests came.
 * Threads: everything here runs on the loop's thread but http_reply*, http_stream_wake, http_exchange_gone and
 * http_server_stats, which any thread may call.
 * Layers: http_conn.h is the protocol alone, driven by bytes (tests and the fuzzer use it so); http_server.c puts
 * sockets and timers round it. */

#include "base/buf.h"
#include "base/clock.h"
#include "net/loop.h"
#include "net/tls.h"

#include <stdatomic.h>

typedef struct HttpServer HttpServer;
typedef struct HttpExchange HttpExchange;

typedef struct HttpField {
    Str name, value; /* name in lower case; value trimmed */
} HttpField;

typedef struct HttpHead { /* borrows from the exchange, valid until it is answered */
    Str method;           /* "GET" */
    Str target;           /* as sent: "/a/b?x=1", "http://host/a/b?x=1", "*" */
    Str path;             /* still percent-encoded, without the query; "/" at least, "*" for OPTIONS * */
    Str query;            /* without '?'; empty if none */
    Str host;             /* of the absolute target if there is one, else the Host field */
    const HttpField *fields;
    size_t n_fields;
    Str peer;    /* "127.0.0.1:5123" or "unix" */
    bool local;  /* came in over a Unix socket: the peer is the same user */
    bool secure; /* came in over TLS */
    int major;   /* of HTTP: 1 or 2 */
    int minor;   /* of HTTP/1.x: 0 or 1 */
} HttpHead;

/* How a body comes to its handler. */
typedef enum HttpIntake {
    HTTP_BODY_WHOLE,  /* with the request */
    HTTP_BODY_STREAM, /* behind it, in pieces: http_body_read. A client that sends none for body_ms is given up */
    HTTP_BODY_OPEN,   /* the same, but it may be silent for any time: its handler watches that */
} HttpIntake;

struct HttpExchange {
    HttpHead head;
    Str body;          /* whole, already limited; of HTTP_BODY_WHOLE */
    MonoNs started;    /* when the first byte of the request was there */
    HttpIntake intake; /* as on_intake said */
    void *user;        /* the handler's own */
    void *worker;      /* of whoever answers in its place: on_body and on_gone are its, on_done still the user's */
    /* The handler's, of a body that streams: called on the loop once after each HTTP_PUMP_WAIT of http_body_read, until
     * the answer is given whole, which such a handler does on the loop. It may answer there and then. */
    void (*on_body)(HttpExchange *ex);
    /* Optional, the handler's: called once, on the loop, when the client is gone before its answer was given or its
     * stream ended. It may answer there and then; the answer goes nowhere. */
    void (*on_gone)(HttpExchange *ex);
    /* private fields follow in http_server.c */
};

typedef void HttpHandler(void *arg, HttpExchange *ex);

/* Bytes that many replies send: made once, never changed, and never copied however many clients do not read them. Any
 * thread. */
typedef struct OutShared HttpShared;
HttpShared *http_shared_new(Str bytes);
HttpShared *http_shared_of(Str lasting); /* the same, not copied: the bytes outlive the server */
HttpShared *http_shared_ref(HttpShared *s);
HttpShared *http_shared_unref(HttpShared *s); /* NULL is fine; returns NULL */
Str http_shared_text(const HttpShared *s);    /* of NULL: empty */

typedef struct HttpReply {
    int status;
    const HttpField *fields; /* copied; Content-Length, Date, Connection are the server's own */
    size_t n_fields;
    Buf body;           /* moved into the reply; heap */
    HttpShared *shared; /* instead of body, of a reply that is no stream: a reference, which is the reply's then */
    int64_t length;     /* of a stream, or of what a HEAD asks about: > 0 it is told, and the pump makes so many
                                * bytes; -1: no length is told, as the body's own is not what it would be */
    const HttpField *trailers; /* copied; sent behind the body by HTTP/2, and by HTTP/1.1 behind a chunked stream */
    size_t n_trailers;
    bool bare; /* without the server's fixed_lines: for a protocol on top of HTTP, whose clients do not read them */
} HttpReply;

/* A body produced in pieces, for answers over 4 MB: called on the loop whenever the connection has drained below
 * its mark; appends to out (at most 1 MiB a call). */
enum {
    HTTP_PUMP_DONE = 0, /* that was the last piece */
    HTTP_PUMP_MORE = 1, /* call again when there is room */
    HTTP_PUMP_WAIT = 2, /* nothing now: call again after http_stream_wake, which is owed from now on, once */
};                      /* < 0: cannot go on; the connection is cut, so that the client sees a broken body */
typedef int HttpPump(void *arg, Buf *out);

/* One finished exchange, for metrics and the access log. */
typedef struct HttpDone {
    int status;      /* of the reply; 0 if none was owed any more */
    int64_t sent;    /* bytes of body handed on */
    int64_t took_ns; /* from the first byte of the request to the last of the reply in the queue */
    bool aborted;    /* the client went away, or was cut, before its reply was queued */
    bool refused;    /* the server's own refusal: the head may be empty or half there */
} HttpDone;

typedef struct SendTurn SendTurn;

typedef struct HttpServerOptions {
    size_t max_header_bytes; /* 16 KiB */
    size_t max_fields;       /* 100 */
    size_t max_body;         /* 16 MiB; a handler may refuse earlier by route through on_head */
    int64_t header_ms;       /* 10,000: from the first byte to the end of the head, absolute */
    int64_t body_ms;         /* 30,000, absolute; of a body that streams: without a byte of it */
    int64_t idle_ms;         /* 60,000 between requests */
    int64_t write_ms;        /* 30,000 without any progress of a reply */
    int64_t linger_ms;       /* 2,000: after a refusal, how long what the client still sends is read and dropped */
    int64_t half_closed_ms;  /* 5,000: how long a client that has closed its sending half is taken to wait for its
                              * answer; TCP cannot tell it from one that has left, so then it counts as gone */
    int max_connections;     /* 10,000; more are answered 503 and closed */
    int max_pipelined;       /* 32 */
    int turn_requests;       /* 4 are begun of a connection's bytes, and then it is the others' turn */
    bool h2;                 /* HTTP/2: by ALPN, and on a plain port for clients that begin with its preface */
    int h2_max_streams;      /* 100 requests at once on a connection of HTTP/2 */
    int64_t h2_ping_ms;      /* 60,000 of silence while a request is open: the client is asked whether it is there, */
    int64_t h2_pong_ms;      /* 20,000 and so long it has to say so */
    size_t reply_mark;       /* 1 MiB of queued replies stops reading */
    size_t reply_total;      /* 256 MiB in the queues of all connections: above, who has not read its own to the end */
    int64_t unread_ms;       /* for 5,000 is cut, the oldest first */
    int send_helpers;        /* 0: threads that help when frames go out to hundreds of connections at once */
    SendTurn *sends;         /* borrowed: sends together with others of the loop; NULL: has one of its own */
    Str server_name;         /* "finsight" */
    Str fixed_lines;         /* "Name: value\r\n"...: on every reply, refusals too; borrowed */
    Str fixed_secure_lines;  /* beside them on a reply over TLS */
    /* Optional: whether a connection from there begins with the PROXY protocol (net/proxy_protocol.h), which then says who
     * the peer is. A hop that begins with something else is served as itself. */
    bool (*proxied)(void *arg, Str peer);
    /* Optional: body limit for this head (by route), or -status to refuse before the body is read. */
    int64_t (*on_head)(void *arg, const HttpHead *head);
    /* Optional, after on_head: how the handler wants the body; on_head's limit then is that of all pieces together. */
    HttpIntake (*on_intake)(void *arg, const HttpHead *head);
    /* Optional: makes the JSON body of a refusal; code is a wire name of base/err.h, message is for people. The
     * default writes {"error":{"code":...,"message":...}}. */
    void (*on_refuse)(void *arg, int status, const char *code, const char *message, Buf *body);
    /* Optional: a client was cut: of HTTP/2 for a "flood" (frames that bring nothing) or because it was "slow" (a reply it
     * does not read), of either for replies "unread" when all that wait together are too many. */
    void (*on_cut)(void *arg, const char *why);
    /* Optional: a client's TLS handshake failed; why: "certificate: certificate has expired". Ports are knocked at all day:
     * whoever listens here counts rather than writes. */
    void (*on_handshake)(void *arg, Str peer, const char *why);
    /* Optional: called once for each request counted in `requests`. */
    void (*on_done)(void *arg, const HttpExchange *ex, const HttpDone *done);
} HttpServerOptions;

void http_server_options_default(HttpServerOptions *o);

HttpServer *http_server_new(Loop *loop, const HttpServerOptions *o, HttpHandler *fn, void *arg);
/* "127.0.0.1", port 0 = any free one. 0 and the bound port, or ErrCode with words (port in use: who to ask). */
int http_server_listen_tcp(HttpServer *s, const char *host, int port, int *out_port, char *why, size_t why_size);
/* The same over TLS; tls outlives the server. */
int http_server_listen_tls(HttpServer *s, TlsServer *tls, const char *host, int port, int *out_port, char *why,
                           size_t why_size);
/* A socket that listens, for http_server_listen_fd: bound before the process gives its rights away. */
int http_server_bind(const char *host, int port, int *out_fd, char *why, size_t why_size);
/* A TCP socket that listens already, and now is the server's: inherited, or taken over from another process. */
int http_server_listen_fd(HttpServer *s, int fd, TlsServer *tls, int *out_port);
/* On the loop's thread, before a filter of system calls: see send_many_prepare. */
void http_server_prepare(HttpServer *s);
/* Of the first TCP listener, still the server's; -1 when there is none. */
int http_server_tcp_fd(const HttpServer *s);
/* A Unix socket, mode 0600; a stale file of a dead server is replaced. */
int http_server_listen_unix(HttpServer *s, const char *path, char *why, size_t why_size);
/* Stops accepting, lets requests in flight finish for at most drain_ms, then calls done on the loop. */
void http_server_stop(HttpServer *s, int64_t drain_ms, void (*done)(void *arg), void *arg);
HttpServer *http_server_free(HttpServer *s); /* after done; NULL is fine */

typedef struct HttpServerStats {
    int64_t connections, accepted; /* open now; ever */
    int64_t requests;              /* whose first byte came; and connections turned away with 503 */
    int64_t replied, aborted;      /* requests == replied + aborted + in_flight, at any time */
    int64_t in_flight;
    int64_t refused_400, refused_408, refused_413, refused_431, refused_503, refused_other; /* 431 counts 414 */
    int64_t bytes_in, bytes_out;
    int64_t h2_connections, h2_floods,
        h2_slow;        /* ever; cut for a flood of frames; replies cut because nobody read them */
    int64_t tls_failed; /* handshakes that came to nothing */
    int64_t cut_unread; /* connections cut because all queues together were too full */
} HttpServerStats;
void http_server_stats(const HttpServer *s, HttpServerStats *out); /* any thread */

/* Answers and releases the exchange: not touched after. Takes reply->body. Any thread. */
void http_reply(HttpExchange *ex, HttpReply *reply);
/* Answers with head (its body is the first piece), then what pump makes. done is called once, on the loop, when the
 * stream has ended either way; ex is valid until then. */
void http_reply_stream(HttpExchange *ex, HttpReply *head, HttpPump *pump, void *arg, void (*done)(void *arg));
/* After HTTP_PUMP_WAIT: there is more now. Owed exactly once each time, also when the client is gone: done waits
 * for it, so that the producer never touches a freed exchange. Any thread. */
void http_stream_wake(HttpExchange *ex);
/* From within the pump, before it says HTTP_PUMP_DONE: what is sent behind the body, instead of HttpReply.trailers. */
void http_reply_trailers(HttpExchange *ex, const HttpField *fields, size_t n);

/* Of a body that streams, on the loop: what has come of it, moved into the empty *out. As a pump: HTTP_PUMP_MORE,
 * HTTP_PUMP_WAIT (nothing now: on_body will be called), HTTP_PUMP_DONE with the last bytes, or < 0 when the rest will never
 * come: ERR_TOO_LARGE, ERR_TIMEOUT, ERR_BAD_REQUEST (its framing is wrong, it was cut short), ERR_CANCELLED (the client is
 * gone). The client may send as much again as was read: who does not read stops it. */
int http_body_read(HttpExchange *ex, Buf *out);

/* True once the client is gone: the work may be dropped (an answer is still owed, and goes nowhere). One that has only
 * closed its sending half is not gone: it may be waiting for its answer. */
bool http_exchange_gone(const HttpExchange *ex);
/* The same as a flag to be watched from any thread until the exchange is answered: fits Ctx.cancel. */
const atomic_bool *http_exchange_gone_flag(const HttpExchange *ex);
Str http_field(const HttpHead *h, Str lower_name); /* first of that name; p NULL if absent */
const char *http_reason(int status);               /* "Not Found"; "Status" for one it does not know */
