#pragma once

/* app/serve_internal.h - the running platform among the files that start, reload and end it. */

#include "app/app.h"
#include "app/callbacks.h"
#include "app/discovery.h"
#include "app/events.h"
#include "app/follower.h"
#include "app/kept.h"
#include "app/mlflow.h"
#include "app/news_clock.h"
#include "app/observe.h"
#include "app/security.h"
#include "app/serve.h"
#include "app/takeover.h"
#include "app/ticker.h"
#include "app/trace_gather.h"

struct Service {
    App *app;
    const AppCfg *cfg;
    Loop *loop;
    Lane *cpu, *io, *feed;
    Gateway *gateway;
    TlsServer *tls;          /* NULL: the port speaks plain HTTP */
    TlsClient *upstream_tls; /* NULL: services are asked in plain */
    TraceGather *gather;     /* NULL: the gateway is elsewhere */
    LoopTimer tls_timer;
    Follower *follower; /* NULL: nothing is followed */
    Ticker *ticker, *training_ticker;
    Observe *observe;
    DiscoveryApp *discovery;
    GatewayDoor doors[1 + MLFLOW_DOORS];
    Callbacks *callbacks;
    EventRuntime *events;
    NewsClock *news_clock;
    KeptAnswers kept;
    SecurityDesk *desk; /* NULL: the gateway is not hosted */
    Logger *log;
    RoleSet hosts;
    ApiCaller *wire;    /* NULL: operations are called as they are */
    Takeover *takeover; /* NULL: it cannot be taken over */
    bool taken;         /* another process is this instance now */
    int socket;         /* that it was given; -1: none */
    int port;
    int signals;
};

/* The port it asks for where no socket is given to it. */
int serve_own_port(const AppCfg *cfg, const RoleSet *hosts);
int serve_cpu_threads(const AppCfg *cfg);

/* serve_reload.c: TLS of both sides, and all that may change while it runs. */
int serve_make_tls(Service *s, Ctx *cx);
int serve_make_upstream_tls(Service *s, Ctx *cx);
void serve_on_hangup(void *service, int signo);
void serve_tls_look(void *service); /* a LoopTimer's */

/* serve_gateway.c: what HTTP is given of the platform. */
int serve_make_gateway(Service *s, Ctx *cx);
