#pragma once

/* net/tls_internal.h - what stream.c needs of tls.c. Private to net/. */

#include "net/tls.h"

struct ssl_st;

/* A new TLS end over fd, ready for its handshake; NULL when there is no memory or state for one. host: the name or
 * address the peer's certificate must be for. */
struct ssl_st *tls_server_begin(TlsServer *s, int fd);
struct ssl_st *tls_client_begin(TlsClient *c, int fd, Str host);

/* The oldest words OpenSSL has for what just failed, into why; empties its list. */
void tls_why(const struct ssl_st *ssl, char *why, size_t why_size);
