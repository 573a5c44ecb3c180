#pragma once

/* net/stream.h - a connected socket on the loop, plain or TLS: one way to read, write and wait for both.
 *
 * What it hides: that TLS may have to write before it can read, and to read before it can write; its handshake; its
 * farewell. What it keeps: readiness is level-triggered, reads and writes never block, no bytes are copied on a plain
 * socket. A TLS stream takes one record from the kernel at a time, so a caller that stops reading stops the peer.
 *
 * The callback runs for what is wanted; STREAM_READY comes once, first: after the handshake (for a plain accepted
 * socket never, as it is ready from the start; for a plain connecting one when it is connected). It may close the
 * stream. After LOOP_GONE or a failed read or write nothing but stream_close makes sense.
 * Threads: the loop's alone. The struct is embedded; TLS memory is taken for TLS streams only. */

#include "net/loop.h"
#include "net/tls.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { STREAM_READY = 1u << 3 }; /* beside LOOP_READ, LOOP_WRITE, LOOP_GONE */

enum {
    STREAM_AGAIN = -1,       /* not now: wait for the event */
    STREAM_FAILED = -2,      /* reset, or not TLS: stream_why says more */
    STREAM_READ_MIN = 16384, /* a TLS read takes a record whole, so that none is left where the kernel cannot see it */
};

typedef enum StreamAlpn { STREAM_ALPN_NONE, STREAM_ALPN_HTTP1, STREAM_ALPN_H2 } StreamAlpn;

typedef struct Stream {
    void (*fn)(void *arg, unsigned events);
    void *arg;
    Loop *loop;
    /* private */
    LoopFd fd;
    struct ssl_st *ssl; /* NULL: plain */
    unsigned want;      /* of the user */
    bool connecting, handshaking, failed, read_needs_write, write_needs_read;
    char why[120];
} Stream;

typedef void StreamFn(void *arg, unsigned events);

/* Takes over the connected, non-blocking socket fd; tls NULL: plain. 0 or ErrCode, and then fd is still the caller's. */
int stream_accept(Stream *s, Loop *l, int fd, TlsServer *tls, unsigned want, StreamFn *fn, void *arg);
/* Begins to connect; host is the name the certificate must be for (and SNI), used with tls alone. 0 or ErrCode. */
int stream_connect(Stream *s, Loop *l, const struct sockaddr *to, socklen_t to_n, TlsClient *tls, Str host,
                   StreamFn *fn, void *arg);
void stream_want(Stream *s, unsigned want); /* LOOP_READ | LOOP_WRITE; no call of the kernel when nothing changes */

/* > 0 bytes; 0: the peer sends no more; STREAM_AGAIN, STREAM_FAILED. size >= STREAM_READ_MIN. */
ssize_t stream_read(Stream *s, void *p, size_t size);
/* > 0: so many bytes are on their way; STREAM_AGAIN, STREAM_FAILED. After STREAM_AGAIN the same bytes, or more behind
 * them, are to be offered again. */
ssize_t stream_write(Stream *s, const struct iovec *iov, int n);
void stream_shut(Stream *s);  /* this side sends no more */
void stream_close(Stream *s); /* closes; an all-zero stream is fine */

static inline bool stream_is_tls(const Stream *s) {
    return s->ssl != NULL;
}
static inline bool stream_is_ready(const Stream *s) {
    return !s->connecting && !s->handshaking && !s->failed;
}
static inline int stream_fd(const Stream *s) {
    return s->fd.fd;
}
StreamAlpn stream_alpn(const Stream *s);
/* Why it failed, for people: "certificate verify failed: self-signed certificate". "" if it did not. */
const char *stream_why(const Stream *s);
