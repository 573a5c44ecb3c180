#pragma once

/* tests/lib/fake_eureka.h - an HttpClient whose other end is the real registry of eureka/, without a socket.
 *
 * Every call is recorded; what is to fail is told beforehand. One thread. */

#include "eureka/answer.h"
#include "ports/http_client.h"

enum { FAKE_EUREKA_CALLS = 256 };

typedef struct FakeCall {
    char text[120]; /* "PUT /apps/A/i?status=UP" */
    char host[40];
    int64_t at_ms; /* monotonic */
    bool authorized;
    int status; /* 0: failed */
} FakeCall;

typedef struct FakeEureka {
    HttpClient base; /* first */
    EurekaRegistry *registry;
    EurekaNode *node;
    FakeCall calls[FAKE_EUREKA_CALLS];
    size_t n;
    int fail_with;        /* an ErrCode for every call; 0: none */
    int answer_with;      /* a status for every call; 0: the registry's */
    const char *dead;     /* host that cannot be reached; NULL: none */
    const char *no_delta; /* not NULL: deltas are answered 403 */
} FakeEureka;

void fake_eureka_init(FakeEureka *f, Clock *clock);
void fake_eureka_done(FakeEureka *f);
void fake_eureka_forget(FakeEureka *f, Clock *clock);                    /* a restart: it knows nobody any more */
size_t fake_eureka_count(const FakeEureka *f, const char *part);         /* calls whose text has it */
const FakeCall *fake_eureka_last(const FakeEureka *f, const char *part); /* NULL: none */
EurekaNow fake_eureka_now(Clock *clock);
