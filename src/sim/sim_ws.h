#pragma once

/* sim/sim_ws.h - a WsDialer without sockets: connections to the exchange simulator's streams on a virtual clock.
 *
 * Texts take their latency on the way; connections may be refused or take their time, from the seed. What happens while
 * nobody polls waits, as it would in a socket. Threads: one at a time. */

#include "ports/ws_dialer.h"
#include "sim/exchange_stream.h"

typedef struct SimWsOptions {
    ExchangeSim *exchange; /* borrowed */
    Clock *clock;          /* borrowed; a manual or virtual one */
    Clock *venue;          /* what time the exchange thinks it is; NULL = clock */
    uint64_t seed;
    int64_t latency_ms; /* of a handshake and of each text, at the least */
    int64_t jitter_ms;
    double refuse; /* probability that the connection cannot be made */
} SimWsOptions;

WsDialer *sim_ws_new(const SimWsOptions *o);
