#pragma once

/* net/caller_wire.h - the bytes of a blocking caller (http_caller.c) on a non-blocking socket, plain or TLS. Private to net/.
 *
 * Nothing here waits: what cannot go on now says for which event of poll to wait. */

#include "net/tls.h"

#include <sys/types.h>
#include <sys/uio.h>

enum { WIRE_AGAIN = -1, WIRE_FAILED = -2 }; /* FAILED: `why` has words, or errno is the system's */

typedef struct CallerWire {
    int fd; /* -1: closed */
    struct ssl_st *ssl;
    short wants; /* after WIRE_AGAIN: POLLIN or POLLOUT */
    char why[120];
} CallerWire;

/* The socket is connected. 0, or ERR_DENIED: no name to believe in. */
int wire_secure(CallerWire *w, TlsClient *tls, Str host);
int wire_handshake(CallerWire *w); /* 0, WIRE_AGAIN, WIRE_FAILED */
/* > 0 bytes; of writing: so many of the first pieces are on their way. Reading: 0: the peer sends no more. */
ssize_t wire_write(CallerWire *w, const struct iovec *iov, int n);
ssize_t wire_read(CallerWire *w, void *p, size_t size);
void wire_close(CallerWire *w); /* one that is closed is fine */
