#pragma once

/* ports/http_client.h - calls to third parties.
 *
 * Adapters:  adapters/http/curl; sim/ has one on the virtual clock; tests/lib has a scripted fake.
 * Policy:    the wrapper http_fetch owns retries, deadlines, size limits and the SSRF guard, once for all
 *            adapters; an adapter performs exactly one exchange.
 * Memory:    the response lives in cx->arena.   Threads: any; calls block.
 * Contract:  tests/contract/http_client.c. */

#include "base/ctx.h"

typedef struct HttpClient HttpClient;

typedef struct HttpHeader {
    Str name, value;
} HttpHeader;

typedef struct HttpRequest {
    const char *method; /* "GET" */
    Str url;            /* absolute, http or https, no credentials in it */
    const HttpHeader *headers;
    size_t n_headers;
    Str body;
    int64_t connect_ms, total_ms; /* 0 = 5,000 and 15,000; the Ctx's deadline also holds */
    size_t max_body;              /* decoded bytes; 0 = 16 MiB */
    bool allow_private;           /* may reach loopback, private and link-local addresses */
} HttpRequest;

typedef struct HttpResponse {
    int status;
    HttpHeader *headers;
    size_t n_headers;
    Str body; /* decoded (gzip, deflate, chunked) */
} HttpResponse;

/* Case-insensitive; the empty Str when it is not there. */
Str http_response_header(const HttpResponse *r, Str name);
/* Seconds or an HTTP date -> ms from `now`; -1 when absent or unreadable. */
int64_t http_retry_after_ms(const HttpResponse *r, Time now);

/* RES-style policy: attempts with exponential back-off and full jitter, never less than Retry-After. */
typedef struct RetryPolicy {
    int attempts;               /* in all; 1 = no retry */
    int64_t base_ms, max_ms;    /* 1,000 and 60,000 in the documents' profile */
    int64_t total_ms;           /* gives up when the next wait would pass it */
    bool retry_all_5xx;         /* exchanges: a GET may be repeated after any 5xx */
    bool idempotent;            /* timeouts may be repeated */
} RetryPolicy;

typedef struct HttpClientOps {
    const char *name;
    /* One exchange. Any HTTP status is success (0). ERR_TIMEOUT, ERR_UNAVAILABLE (cannot connect, name not
     * found), ERR_TOO_LARGE, ERR_DENIED (SSRF guard), ERR_COLLECTION (answer is not HTTP). */
    int (*fetch)(HttpClient *c, Ctx *cx, const HttpRequest *req, HttpResponse *out);
    void (*close)(HttpClient *c);
} HttpClientOps;

struct HttpClient {
    const HttpClientOps *ops;
};

/* 0 with any status the policy does not retry, or the last failure. *tries counts exchanges; may be NULL. */
int http_fetch(HttpClient *c, Ctx *cx, const HttpRequest *req, const RetryPolicy *policy, HttpResponse *out, int *tries);
HttpClient *http_client_close(HttpClient *c);
DEFINE_CLEANUP(HttpClient *, http_client_close)
