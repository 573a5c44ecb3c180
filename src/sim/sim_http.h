#pragma once

/* sim/sim_http.h - an HttpClient without sockets: calls the exchange simulator on a virtual clock.
 *
 * A call takes its latency on the clock (clock_sleep_ms), so that in a simulation other work goes on meanwhile.
 * Lost connections, timeouts and slow bodies come from the seed and from the simulator's faults; every URL reaches
 * the one exchange, whatever its host. Threads: one at a time (a simulation, a unit test). */

#include "sim/exchange_sim.h"

typedef struct SimHttpOptions {
    ExchangeSim *exchange; /* borrowed */
    Clock *clock;          /* borrowed; a manual or virtual one */
    Clock *venue;          /* what time the exchange thinks it is; NULL = clock */
    uint64_t seed;
    int64_t latency_ms; /* least; 0 = none */
    int64_t jitter_ms;  /* up to so much more */
    double drop;        /* probability that the answer never comes (a timeout) */
    double refuse;      /* probability that the connection cannot be made */
    /* Optional: told of every finished exchange, for traces; status 0 with err < 0. */
    void (*on_done)(void *arg, const HttpRequest *req, int err, const HttpResponse *resp);
    void *arg;
} SimHttpOptions;

HttpClient *sim_http_new(const SimHttpOptions *o);
