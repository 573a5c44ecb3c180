#pragma once

/* tests/lib/fake_http.h - the fake of the http_client port: answers come from a script or a function.
 *
 * Each exchange takes the next scripted answer; when the script is used up, the function answers; without one
 * an exchange fails with ERR_INTERNAL and "unexpected request". Every request is recorded. Threads: any. */

#include "ports/http_client.h"

typedef int FakeHttpFn(void *arg, Ctx *cx, const HttpRequest *req, HttpResponse *out);

typedef struct FakeHttp FakeHttp;

FakeHttp *fake_http_new(void);
FakeHttp *fake_http_free(FakeHttp *f);
HttpClient *fake_http_client(FakeHttp *f); /* owned by f; its close does nothing */

/* Appends an answer. headers: lines "name: value\n", or "". Everything is copied. */
void fake_http_reply(FakeHttp *f, int status, const char *headers, Str body);
/* Appends a failure of the exchange itself: an ErrCode and its words. */
void fake_http_fail(FakeHttp *f, int code, const char *words);
/* Answers once the script is used up. Called under no lock. */
void fake_http_serve(FakeHttp *f, FakeHttpFn *fn, void *arg);
/* Each exchange takes this long on the Ctx's clock, which must be a manual one. */
void fake_http_latency_ms(FakeHttp *f, int64_t ms);

size_t fake_http_n(FakeHttp *f);                        /* exchanges so far */
Str fake_http_url(FakeHttp *f, size_t i);               /* of the i-th; borrowed from f */
Time fake_http_sent(FakeHttp *f, size_t i);             /* wall time of the i-th */
size_t fake_http_n_with(FakeHttp *f, const char *part); /* exchanges whose URL contains part */

/* For FakeHttpFn: fills *out in cx->arena. */
void fake_http_answer(Ctx *cx, HttpResponse *out, int status, const char *headers, Str body);
/* A query parameter of a URL; the empty Str when it is not there. Not unescaped. */
Str fake_http_param(Str url, const char *name);
