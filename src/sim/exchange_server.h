#pragma once

/* sim/exchange_server.h - the exchange simulator on a loopback port, with a thread of its own.
 *
 *     ExchangeServerOptions o = { .sim = { .seed = 7 }, .port = 0, .clock = clock };
 *     if (exchange_server_start(cx, &o, &server) == 0)
 *         port = exchange_server_port(server);
 *
 * Slow bodies, broken connections and silence are done at the wire. Threads: start, faults and stop from the
 * owner's thread; the handler runs on the server's own loop. */

#include "sim/exchange_sim.h"

typedef struct ExchangeServer ExchangeServer;

typedef struct ExchangeServerOptions {
    ExchangeSimOptions sim;
    const char *host;  /* NULL = "127.0.0.1"; the caller answers for anything else */
    int port;          /* 0 = any free one */
    Clock *clock;      /* the venue's time; required, outlives the server */
    Clock *loop_clock; /* of timers, where the venue's time is a manual one; NULL = clock */
    const Str *faults; /* rules in force from the start */
    size_t n_faults;
} ExchangeServerOptions;

/* Listening when it returns. 0, or ErrCode with words (bad fault rule, port in use). */
int exchange_server_start(Ctx *cx, const ExchangeServerOptions *o, ExchangeServer **out);
int exchange_server_port(const ExchangeServer *s);
/* Adds a fault rule, or removes all with the empty Str. Any thread. */
int exchange_server_fault(ExchangeServer *s, Ctx *cx, Str rule);
void exchange_server_stats(ExchangeServer *s, ExchangeSimStats *out); /* any thread */
ExchangeServer *exchange_server_stop(ExchangeServer *s);              /* NULL is fine; returns NULL */
DEFINE_CLEANUP(ExchangeServer *, exchange_server_stop)
