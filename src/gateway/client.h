#pragma once

/* gateway/client.h - who is at the other end, when hops of ours stand between. Pure.
 *
 * The peer of the connection is the client, unless its address is on the list of trusted hops: then X-Forwarded-For is
 * read from its end, past every address that is on the list too, to the first that is not (GWY-32). What a client wrote
 * there itself lies before that and is never believed. */

#include "base/ctx.h"

typedef struct ClientNet { /* a network of trusted hops: 10.0.0.0/8, ::1/128 */
    uint8_t bytes[16];     /* IPv4 as ::ffff:a.b.c.d */
    int bits;              /* of 128 */
} ClientNet;

/* "10.0.0.0/8", "127.0.0.1", "::1". false: none of these. */
bool client_net_parse(Str text, ClientNet *out);
/* "127.0.0.1:5123" or "[::1]:80" without the port; others as they are. */
Str client_host(Str peer);
bool client_trusted(Str host, const ClientNet *hops, size_t n);
/* The client's address as text; borrows from peer or forwarded_for. */
Str client_address(Str peer, Str forwarded_for, const ClientNet *hops, size_t n);
