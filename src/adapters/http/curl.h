#pragma once

/* adapters/http/curl.h - the HttpClient on libcurl.
 *
 * Connections are kept alive: each call borrows one of a pool of transfer handles, so that n threads use n
 * connections to a host and a single thread reuses one. Handles of requests that may reach private addresses
 * are pooled apart: a connection opened for one of them never serves a request that may not. POST and PATCH open
 * a fresh connection each.
 * TLS certificates are verified. Proxy variables of the environment, .netrc, cookies, HSTS and Alt-Svc are
 * not used. Redirects follow only http and https and pass the same guard; libcurl drops Authorization and
 * Cookie when the host changes, other headers travel along.
 * Threads: any. Cancellation and the Ctx's deadline are looked at ten times a second. */

#include "ports/http_client.h"

typedef struct HttpCurlOptions {
    const char *user_agent; /* NULL = "finsight/VERSION" */
    const char *proxy;      /* "http://10.0.0.1:3128"; NULL = none. The proxy resolves names then, and of the
                             * SSRF guard only http_fetch's check of literal addresses is left. */
    const char *ca_file;    /* PEM bundle; NULL = the system's */
    int idle_max;           /* handles kept for reuse; 0 = 16 */
} HttpCurlOptions;

/* options may be NULL. 0, or ERR_UNAVAILABLE when libcurl cannot start. */
int http_curl_open(Ctx *cx, const HttpCurlOptions *options, HttpClient **out);
