#pragma once

/* net/http_caller.h - a small blocking client for our own services, over a Unix socket or TCP.
 *
 * For the command line and for calls between roles from the IO lane, these over TLS where they show each other
 * certificates; venues and other third parties are called through ports/http_client.h, which knows proxies and politeness. Keeps its connection between calls. A call that finds
 * the kept connection closed by the server is sent again once, if its method may be (GET, HEAD, PUT, DELETE, OPTIONS).
 *
 * Memory: fields and body of a reply in cx->arena. Threads: one caller, one thread at a time; a call blocks, so never
 * on a loop. Deadline and cancel are the Ctx's: cancel is seen within 100 ms. Errors carry words in cx:
 * ERR_UNAVAILABLE (nobody there, cut short), ERR_TIMEOUT, ERR_CANCELLED, ERR_LIMIT (reply too large), ERR_CORRUPT (not
 * HTTP), ERR_USAGE (not an address, a field with a line break). A reply of any status is a success here. */

#include "base/ctx.h"
#include "net/http_server.h"
#include "net/tls.h"

typedef struct HttpCaller HttpCaller;

typedef struct HttpCall {
    Str method;              /* empty: GET */
    Str path;                /* with query: "/api/v1/market/candles?symbol=BTCUSDT" */
    const HttpField *fields; /* Host, Content-Length and Connection are the caller's own */
    size_t n_fields;
    Str body;
    size_t max_body;    /* of the reply; 0 = 64 MiB; no limit of its own with on_body */
    int64_t timeout_ms; /* 0 = 30 s; the Ctx's deadline holds as well */
    /* Optional: takes the body as it comes instead of HttpCallReply.body; < 0 ends the call with that code. */
    int (*on_body)(void *arg, Str piece);
    void *arg;
} HttpCall;

typedef struct HttpCallReply {
    int status;
    const HttpField *fields; /* names in lower case */
    size_t n_fields;
    Str body;
    bool reused; /* over a connection kept from an earlier call */
} HttpCallReply;

/* "unix:/run/finsight.sock", "http://127.0.0.1:8080", "127.0.0.1:8080", "[::1]:8080". Connects with the first call. */
int http_caller_new(Ctx *cx, Str address, HttpCaller **out);
/* The same, and "https://10.0.0.5:8000": trust->ca signs the other's certificate, which is for `name`, or if that is empty
 * for the address; trust->cert is shown. The files are looked at again with each connection. */
typedef struct HttpTrust {
    Str ca, cert, key, name; /* files; empty: none. ca empty: https is not spoken */
} HttpTrust;
int http_caller_new_trusting(Ctx *cx, Str address, const HttpTrust *trust, HttpCaller **out);
int http_call(HttpCaller *c, Ctx *cx, const HttpCall *call, HttpCallReply *out);
HttpCaller *http_caller_free(HttpCaller *c); /* NULL is fine */
DEFINE_CLEANUP(HttpCaller *, http_caller_free)

Str http_call_field(const HttpCallReply *r, Str lower_name); /* first of that name; p NULL if absent */
