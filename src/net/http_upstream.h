#pragma once

/* net/http_upstream.h - the gateway's hop: requests to one address over kept connections, replies as they come.
 *
 * Over HTTP/1.1, or over HTTP/2 where it is told to (h2_upstream.c): then calls share connections, each with a window of
 * its own, and bodies go both ways at once.
 *
 * Unlike http_pool it never holds a whole reply: bytes wait in a window until they are taken, and while it is full the
 * upstream is not read, so a slow client slows its upstream and costs a window of memory. A reply that arrives in one
 * read is handed over whole.
 *
 * What an upstream cannot do: hold a request past its deadline (absolute until the reply's head, without progress for
 * stall_ms after it); make its reply longer than it says (the rest is dropped with the connection) or shorter (an
 * error); answer a request that was not asked (a kept connection with bytes of its own is closed); switch protocols
 * unasked.
 * Its connection is kept only after a reply whose end was certain.
 *
 * A call whose kept connection turns out dead before a byte of the reply is sent once more over a fresh one, if it is
 * idempotent; every other retry is its caller's.
 *
 * Threads: the loop's alone. Nothing is told from within upstream_send. Errors: ERR_UNAVAILABLE (nobody there, cut
 * short), ERR_TIMEOUT, ERR_CORRUPT (not HTTP), ERR_LIMIT (head too large). */

#include "net/http_server.h"

typedef struct Upstream Upstream;
typedef struct UpCall UpCall;

typedef struct UpstreamOptions {
    int max_connections; /* 256; pipes do not count */
    int max_waiting;     /* 1,024 calls beyond them */
    int64_t connect_ms;  /* 2,000: a SYN that was lost is sent again after one */
    int64_t idle_ms;     /* 20,000: shorter than the upstream's own, so that it is rarely the one that closes */
    int64_t stall_ms;    /* 30,000 without a byte of a reply that has begun */
    size_t window;       /* 128 KiB; over HTTP/2 of each call */
    SendTurn *sends;     /* borrowed: sends together with others of the loop; NULL: at once */
    bool h2;             /* it is spoken to in HTTP/2, which it is known to speak; over TLS it has to say so by ALPN */
} UpstreamOptions;
void upstream_options_default(UpstreamOptions *o);

/* "127.0.0.1:8000", "[::1]:8000" or "unix:/path": numbers, no names. tls may be NULL, and outlives the upstream; its
 * certificate must be for `host` (empty: the address). NULL when the address is none of these. */
Upstream *upstream_new(Loop *l, Str address, const UpstreamOptions *o, TlsClient *tls, Str host);
/* No call is open any more. NULL is fine. */
Upstream *upstream_free(Upstream *u);
/* Idle connections are closed, others when their call ends: for an instance that leaves. */
void upstream_retire(Upstream *u);

typedef struct UpRequest {
    Str method, target; /* target: path and query */
    Str host;           /* the Host field; empty: the address */
    const HttpField *fields;
    size_t n_fields; /* Content-Length is the writer's own */
    Str body;        /* borrowed until upstream_close, or the failure is told */
    HttpPump *
        pump; /* instead of body: makes it piece by piece; after HTTP_PUMP_WAIT upstream_wake is owed; < 0 ends the call */
    void *pump_arg;
    size_t length;   /* of what the pump will make, exactly; 0: not known, and HTTP/1.1 sends chunks */
    MonoNs deadline; /* for the head of the reply */
    bool patient;    /* a reply that has begun may be silent for any time; its user watches it */
    bool upgrade;    /* a 101 is welcome: then the call is a pipe, of upstream_take and upstream_push */
} UpRequest;

typedef struct UpHead {
    int status;
    const HttpField *fields; /* names in lower case; valid until upstream_close */
    size_t n_fields;
    int64_t length; /* the reply's Content-Length; -1 if it told none */
    bool whole;     /* the body is there to its end: one upstream_take has all of it */
    bool reused;
} UpHead;

typedef struct UpEvents { /* on the loop; each may close the call */
    void (*head)(void *arg, const UpHead *head);
    /* Instead of head; the call is closed already. sent: a byte of the request may have reached the upstream. */
    void (*fail)(void *arg, int err, bool sent);
    void (*drained)(void *arg); /* optional: all that was pushed is sent */
    void (*more)(void *arg);    /* once after each HTTP_PUMP_WAIT of upstream_take */
} UpEvents;

/* 0; ERR_BUSY (too many wait); ERR_USAGE (a target or field that would break its line): nothing is told then. */
int upstream_send(Upstream *u, const UpRequest *rq, const UpEvents *events, void *arg, UpCall **out);
/* After head: the bytes that have come, moved into the empty *out. As a HttpPump: HTTP_PUMP_DONE with the last of them,
 * HTTP_PUMP_MORE, HTTP_PUMP_WAIT, or < 0 when the rest will never come. */
int upstream_take(UpCall *c, Buf *out);
/* After HTTP_PUMP_DONE: what came behind the body (HTTP/2 alone); valid until upstream_close. */
void upstream_trailers(const UpCall *c, const HttpField **fields, size_t *n);
/* The pump of the request has more. It may be asked at once, and the call may fail by it. */
void upstream_wake(UpCall *c);
/* After a head of 101: bytes for the other side, copied. upstream_queued: how many of them are not sent yet. */
void upstream_push(UpCall *c, Str bytes);
size_t upstream_queued(const UpCall *c);
/* Ends the call; in the middle of a reply that costs the connection. NULL is fine. */
void upstream_close(UpCall *c);

typedef struct UpstreamStats {
    int64_t connections, idle, waiting, open; /* now */
    int64_t opened, calls, reused, retried, failed;
} UpstreamStats;
void upstream_stats(const Upstream *u, UpstreamStats *out);
