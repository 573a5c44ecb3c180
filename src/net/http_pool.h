#pragma once

/* net/http_pool.h - a client on the loop that keeps connections to one upstream: the gateway's hop to a service.
 *
 * A call takes an idle connection, or opens one while there are fewer than max_connections, or waits its turn. Bodies
 * are whole both ways, up to max_body. A call whose kept connection turns out to be dead before a byte of the reply
 * came is sent once more over a fresh one, if its method is idempotent. Deadlines are absolute and include the wait.
 *
 * Threads: the loop's alone. Memory: call and reply are copied; the reply is valid during done. done runs exactly once
 * for each call that was taken, never from within http_pool_call. Errors: ERR_UNAVAILABLE (nobody there, cut short),
 * ERR_TIMEOUT, ERR_CANCELLED (the pool was freed), ERR_LIMIT (reply too large), ERR_CORRUPT (not HTTP). */

#include "net/http_server.h"

typedef struct HttpPool HttpPool;
typedef struct PoolCall PoolCall;

typedef struct HttpPoolOptions {
    int max_connections; /* 32 */
    int max_waiting;     /* 256 calls beyond them; more are refused at once with ERR_BUSY */
    int64_t idle_ms;     /* 20,000: shorter than the upstream's own, so that it is rarely the one that closes */
    size_t max_body;     /* 16 MiB */
} HttpPoolOptions;
void http_pool_options_default(HttpPoolOptions *o);

typedef struct HttpPoolCall {
    Str method, path;
    const HttpField *fields;
    size_t n_fields;
    Str body;
    MonoNs deadline;
} HttpPoolCall;

typedef struct HttpPoolReply {
    int status;
    const HttpField *fields; /* names in lower case */
    size_t n_fields;
    Str body;
    bool reused;
} HttpPoolReply;
typedef void HttpPoolDone(void *arg, int err, const HttpPoolReply *reply); /* reply NULL when err */

typedef struct HttpPoolStats {
    int64_t connections, idle, waiting, opened, calls, reused, retried, failed;
} HttpPoolStats;

/* "127.0.0.1:8000", "[::1]:8000" or "unix:/path": numbers, no names. NULL when it is none of these. */
HttpPool *http_pool_new(Loop *l, Str address, const HttpPoolOptions *o);
HttpPool *http_pool_free(HttpPool *p); /* calls under way end with ERR_CANCELLED; NULL is fine */
/* 0, ERR_BUSY, ERR_USAGE (a path or field that would break its line): then done is not called. */
int http_pool_call(HttpPool *p, const HttpPoolCall *call, HttpPoolDone *done, void *arg, PoolCall **out);
void http_pool_cancel(PoolCall *c); /* before its done; done is then not called */
void http_pool_stats(const HttpPool *p, HttpPoolStats *out);
