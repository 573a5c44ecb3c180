#pragma once

/* adapters/discovery/eureka_internal.h - shared by eureka*.c only. */

#include "adapters/discovery/eureka.h"
#include "eureka/address.h"
#include "eureka/mirror.h"
#include "policy/retry.h"

typedef struct Mine {
    EurekaOwn own;
    Str app; /* in upper case */
    bool registered;
    bool gone;        /* has left: nothing is due */
    int64_t dirty_ms; /* wall time of the last change of what it says */
    MonoNs due;
    int failures; /* in a row */
    int64_t renewals;
} Mine;

typedef struct EurekaClient {
    Discovery base;
    EurekaOptions o;
    Arena arena; /* of texts, servers, mine */
    EurekaAddress *servers;
    size_t at; /* the server that answered last */
    Mine *mine;
    DiscoveryStatus says;
    EurekaMirror *mirror;
    MonoNs look_due;
    int look_failures;
    bool blind, full; /* full: the next look is for the whole list */
    Rng rng;
} EurekaClient;

typedef struct EurekaCall {
    const char *method;
    Str path; /* "/apps/MARKET" */
    Str body; /* JSON; empty: none */
} EurekaCall;

/* Asks one server after the other until one answers with less than 500. 0 with *status, or ErrCode with words.
 * *who: the server that answered, or the last that was asked. */
int eureka_call(EurekaClient *c, Ctx *cx, const EurekaCall *call, HttpResponse *out, const EurekaAddress **who);
int eureka_server_parse(Ctx *cx, Arena *a, Str url, EurekaAddress *out);

void eureka_tell(EurekaClient *c, const DiscoveryNews *news);
/* Until the next try after n failures in a row. */
MonoNs eureka_later(EurekaClient *c, MonoNs now, int n);

/* eureka_own.c */
void eureka_own_step(EurekaClient *c, Ctx *cx, Mine *m);
void eureka_own_leave(EurekaClient *c, Ctx *cx, Mine *m);
int eureka_own_override(EurekaClient *c, Ctx *cx, const Mine *m, DiscoveryStatus status);

/* eureka_look.c */
void eureka_look(EurekaClient *c, Ctx *cx);
int eureka_list(Discovery *d, Ctx *cx, DiscoveryView *out);
