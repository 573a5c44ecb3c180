#pragma once

/* net/proxy_protocol.h - the PROXY protocol, versions 1 and 2: who a load balancer before us speaks for.
 *
 * A hop that is configured to (GWY-32) sends a few bytes before everything else, TLS included: "PROXY TCP4 192.0.2.7
 * 10.0.0.5 51234 443\r\n", or the same in binary. They are only read from hops that are listed: from anybody else they
 * are bytes like others, and no request. A listed hop may also send none: its own health checks often do not.
 * Source: haproxy's proxy-protocol.txt, 2.1 and 2.2. Bounded: 107 bytes of text; binary PROXY_V2_MAX with what it may bring
 * along, which is skipped.
 *
 * ProxyReader is a machine of bytes: it never takes one that is not the header's, so that what follows is still in the
 * socket for whoever comes next. Pure; no socket here. */

#include "base/str.h"

enum {
    PROXY_V1_MAX = 107,
    PROXY_V2_HEAD = 16,
    PROXY_V2_MAX = 4096, /* behind the head: addresses and what else it tells (TLVs) */
    PROXY_PEEK_MAX = PROXY_V2_HEAD + PROXY_V2_MAX,
    PROXY_PEER_MAX = 64,
};

typedef enum ProxyVerdict {
    PROXY_MORE,  /* take what *used says, wait for more */
    PROXY_DONE,  /* the header is over: peer is filled, or empty where it told none (LOCAL, UNKNOWN) */
    PROXY_NONE,  /* no header: these bytes are the client's own, none was taken */
    PROXY_WRONG, /* begins like one and is none */
} ProxyVerdict;

typedef struct ProxyReader {
    char peer[PROXY_PEER_MAX]; /* "192.0.2.7:51234", "[2001:db8::1]:51234"; "" = the hop itself */
    /* private */
    size_t n; /* of head, taken */
    size_t skip, need;
    char head[PROXY_V2_HEAD + 216]; /* of version 2: the head and the longest addresses */
    bool v2;
} ProxyReader;

void proxy_reader_init(ProxyReader *r);
/* Looks at the bytes that have come; *used of them are the header's and are to be taken from the socket. */
ProxyVerdict proxy_read(ProxyReader *r, const char *p, size_t n, size_t *used);
