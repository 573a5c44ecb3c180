#pragma once

/* ports/http_client.h - calls to third parties.
 *
 * Adapters:  adapters/http/curl; sim/ has one on the virtual clock; tests/lib has a scripted fake.
 * Policy:    the wrapper http_fetch owns retries, deadlines, size limits and the SSRF guard, once for all
 *            adapters; an adapter performs exactly one exchange.
 * Memory:    the response lives in cx->arena.   Threads: any; calls block.
 * Contract:  tests/contract/http_client.c. */

#include "base/ctx.h"
#include "base/rng.h"

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
    int redirects;                /* most to follow; 0 = none: a 3xx is an answer like any other */
} HttpRequest;

typedef struct HttpResponse {
    int status;
    HttpHeader *headers;
    size_t n_headers;
    Str body; /* decoded (gzip, deflate, chunked) */
} HttpResponse;

/* Case-insensitive; the empty Str when it is not there. */
Str http_response_header(const HttpResponse *r, Str name);
/* Seconds (also "1.5") or an HTTP date -> ms from `now`; -1 when absent or unreadable. */
int64_t http_retry_after_ms(const HttpResponse *r, Time now);
/* "Fri, 01 Mar 2024 12:34:56 GMT" (RFC 9110 IMF-fixdate, the only form that servers may send). */
bool http_date_parse(Str s, Time *out);

enum { HTTP_RETRY = 1 }; /* what RetryPolicy.judge may answer */

/* RES-style policy: attempts with exponential back-off and full jitter, never less than Retry-After.
 * Repeated are: a failure to connect; 429, 502, 503, 504; of an idempotent call also a time-out and an
 * answer cut short; with `exchange` also 418, and every 5xx of a GET. */
typedef struct RetryPolicy {
    int attempts;            /* in all; 1 = no retry */
    int64_t base_ms, max_ms; /* the n-th wait is drawn from [0, min(max, base * 2^n)] */
    int64_t total_ms;        /* gives up when the next wait would pass it; 0 = no such bound */
    bool exchange;
    bool idempotent;
    Rng *rng; /* of the jitter, used by this call alone; NULL = the whole back-off is waited */

    /* Hooks, either may be NULL. `admit` runs before each exchange and may wait (a venue's budget); < 0 ends
     * the call. `judge` runs after each, exactly once: it sees every answer, and a failed exchange as status 0 with its
     * code in `failed`. 0 leaves the decision to the rules above, HTTP_RETRY repeats (a body that makes no
     * sense), < 0 ends the call with that code; both with words in cx->err. Nothing of the answer may be
     * kept: a repeated try gives its memory back. */
    int (*admit)(void *arg, Ctx *cx);
    int (*judge)(void *arg, Ctx *cx, const HttpResponse *r, int failed);
    void *arg;
} RetryPolicy;

typedef struct HttpClientOps {
    const char *name;
    /* One exchange. Any HTTP status is success (0). ERR_TIMEOUT, ERR_UNAVAILABLE (cannot connect, name not
     * found), ERR_TOO_LARGE, ERR_DENIED (SSRF guard, or a certificate that proves nothing), ERR_COLLECTION
     * (the answer is not HTTP or was cut short), ERR_CANCELLED. */
    int (*fetch)(HttpClient *c, Ctx *cx, const HttpRequest *req, HttpResponse *out);
    void (*close)(HttpClient *c);
} HttpClientOps;

struct HttpClient {
    const HttpClientOps *ops;
};

/* 0 with any status the policy does not retry, or the last failure; a status that was retried in vain is
 * ERR_LIMIT (429, 418) or ERR_UNAVAILABLE, with cx->err.retry_after_ms where the server told one. *out holds
 * the last answer in either case; its status is 0 when there was none. *tries counts exchanges; may be NULL.
 * ERR_INVALID: the request itself is wrong (URL, header). ERR_DENIED: the SSRF guard. */
int http_fetch(HttpClient *c, Ctx *cx, const HttpRequest *req, const RetryPolicy *policy, HttpResponse *out,
               int *tries);
HttpClient *http_client_close(HttpClient *c); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(HttpClient *, http_client_close)

/* --- the SSRF guard's rules, for adapters --- */

/* 4 or 16 bytes in network order. True for everything that is not a public unicast address: loopback,
 * private, link-local (cloud metadata too), shared, documentation, multicast, and IPv6 forms that carry
 * such an IPv4 address. Adapters ask it about the address a name resolved to, at the moment of connecting. */
bool http_address_private(const uint8_t *ip, size_t n);

/* The guard's first look: ERR_DENIED (with words) for "localhost" and for an address written out that is not public. */
int http_host_check(Ctx *cx, Str host);

/* Splits an absolute URL. ERR_INVALID (with words) for what is not http(s) or carries credentials. */
typedef struct HttpUrl {
    bool tls;
    Str host; /* without the brackets of IPv6 */
    int port; /* 80 and 443 by default */
    Str path; /* path, query and fragment; may be empty */
} HttpUrl;
int http_url_parse(Ctx *cx, Str url, HttpUrl *out);

/* Sleeps on cx->clock, in slices, so that a cancel or the deadline ends it: 0 or ctx_check's code. */
int http_wait_ms(Ctx *cx, int64_t ms);
