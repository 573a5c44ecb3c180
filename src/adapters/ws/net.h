#pragma once

/* adapters/ws/net.h - the WsDialer on net/ws_client: TLS, pings, a thread with an event loop of its own.
 *
 * For venues, and for our own server's live API. What comes waits in a queue until it is polled; a link whose peer sends faster than it is polled for long ends with
 * ERR_LIMIT rather than filling memory. */

#include "ports/ws_dialer.h"

typedef struct WsNetOptions {
    Clock *clock;       /* required; the system's, outlives the dialer */
    bool allow_private; /* may reach loopback, private and link-local addresses */
    Str local;          /* every dial goes to this Unix socket, whatever host the URL names; borrowed, like the key */
    Str api_key;        /* goes into the handshake as X-API-Key; empty: none */
    Str ca;             /* file of further roots, PEM; empty: those of the system alone */
    size_t queue_max;   /* texts that wait; 0 = 65,536 */
} WsNetOptions;

int ws_net_open(Ctx *cx, const WsNetOptions *options, WsDialer **out);
