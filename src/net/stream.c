/* net/stream.c - see stream.h. */

#include "net/stream.h"

#include "base/err.h"
#include "net/tls_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <unistd.h>

enum { RECORD = 16384, GATHER_BELOW = 8192 };

/* --- waiting --- */

/* What to ask of the kernel for what the user wants. */
static unsigned kernel_want(const Stream *s) {
    unsigned w = 0;
    if (s->want & LOOP_READ)
        w |= s->read_needs_write ? LOOP_WRITE : LOOP_READ;
    if (s->want & LOOP_WRITE)
        w |= s->write_needs_read ? LOOP_READ : LOOP_WRITE;
    return w;
}

static void apply_want(Stream *s) {
    if (stream_is_ready(s))
        loop_fd_want(s->loop, &s->fd, kernel_want(s));
}

void stream_want(Stream *s, unsigned want) {
    s->want = want;
    apply_want(s);
}

/* --- events --- */

static void fail(Stream *s) {
    s->failed = true;
    loop_fd_want(s->loop, &s->fd, 0);
}

static void handshake(Stream *s) {
    ERR_clear_error();
    int r = SSL_do_handshake(s->ssl), e = r == 1 ? 0 : SSL_get_error(s->ssl, r);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
        loop_fd_want(s->loop, &s->fd, e == SSL_ERROR_WANT_READ ? LOOP_READ : LOOP_WRITE);
        return;
    }
    s->handshaking = false;
    if (r != 1) {
        tls_why(s->ssl, s->why, sizeof s->why);
        fail(s);
        s->fn(s->arg, LOOP_GONE);
        return;
    }
    apply_want(s);
    s->fn(s->arg, STREAM_READY); /* may close s */
}

static void connected(Stream *s) {
    int e = 0;
    socklen_t n = sizeof e;
    if (getsockopt(s->fd.fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
        e = errno;
    s->connecting = false;
    if (e != 0) {
        snprintf(s->why, sizeof s->why, "%s", strerrordesc_np(e));
        s->handshaking = false;
        fail(s);
        s->fn(s->arg, LOOP_GONE);
    } else if (s->handshaking) {
        handshake(s);
    } else {
        apply_want(s);
        s->fn(s->arg, STREAM_READY);
    }
}

static void on_event(void *arg, unsigned events) {
    Stream *s = arg;
    if (s->connecting) {
        connected(s);
        return;
    }
    if (s->handshaking) {
        handshake(s); /* a hang-up shows there */
        return;
    }
    unsigned told = events & LOOP_GONE;
    if (events & (s->read_needs_write ? LOOP_WRITE : LOOP_READ))
        told |= s->want & LOOP_READ;
    if (events & (s->write_needs_read ? LOOP_READ : LOOP_WRITE))
        told |= s->want & LOOP_WRITE;
    if (told)
        s->fn(s->arg, told);
}

/* --- bytes --- */

/* Takes note of what a TLS call that did not succeed waits for. */
static ssize_t tls_result(Stream *s, int r, bool reading) {
    bool *other = reading ? &s->read_needs_write : &s->write_needs_read;
    int e = SSL_get_error(s->ssl, r);
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
        *other = (e == SSL_ERROR_WANT_READ) != reading;
        apply_want(s);
        return STREAM_AGAIN;
    }
    if (reading && e == SSL_ERROR_ZERO_RETURN)
        return 0;
    tls_why(s->ssl, s->why, sizeof s->why);
    s->failed = true;
    return STREAM_FAILED;
}

static void tls_went_well(Stream *s, bool *other) {
    if (*other) {
        *other = false;
        apply_want(s);
    }
}

static ssize_t sys_result(Stream *s, ssize_t n) {
    if (n >= 0)
        return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return STREAM_AGAIN;
    snprintf(s->why, sizeof s->why, "%s", strerrordesc_np(errno));
    s->failed = true;
    return STREAM_FAILED;
}

ssize_t stream_read(Stream *s, void *p, size_t size) {
    assert(size >= STREAM_READ_MIN);
    if (!stream_is_ready(s))
        return s->failed ? STREAM_FAILED : STREAM_AGAIN;
    if (!s->ssl)
        return sys_result(s, recv(s->fd.fd, p, size, 0));
    ERR_clear_error();
    int n = SSL_read(s->ssl, p, (int)MIN(size, (size_t)INT32_MAX));
    if (n <= 0)
        return tls_result(s, n, true);
    tls_went_well(s, &s->read_needs_write);
    return n;
}

static ssize_t plain_write(Stream *s, const struct iovec *iov, int n) {
    ssize_t sent;
    do {
        if (n == 1) {
            sent = send(s->fd.fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
            sent = sendmsg(s->fd.fd, &m, MSG_NOSIGNAL);
        }
    } while (sent < 0 && errno == EINTR);
    return sys_result(s, sent);
}

/* The bytes from `at` on as one piece: a large piece as it lies, small ones gathered, so that a head and a short body
 * share a record. */
static size_t next_piece(const struct iovec *iov, int n, size_t at, char room[RECORD], const char **out) {
    int i = 0;
    while (i < n && at >= iov[i].iov_len)
        at -= iov[i++].iov_len;
    if (i == n)
        return 0;
    size_t first = iov[i].iov_len - at;
    *out = (const char *)iov[i].iov_base + at;
    if (first >= GATHER_BELOW || i == n - 1)
        return first;
    size_t have = 0;
    for (; i < n && have < RECORD; i++, at = 0) {
        size_t take = MIN(iov[i].iov_len - at, RECORD - have);
        memcpy(room + have, (const char *)iov[i].iov_base + at, take);
        have += take;
    }
    *out = room;
    return have;
}

ssize_t stream_write(Stream *s, const struct iovec *iov, int n) {
    if (!stream_is_ready(s))
        return s->failed ? STREAM_FAILED : STREAM_AGAIN;
    if (!s->ssl)
        return plain_write(s, iov, n);
    char room[RECORD];
    const char *p;
    ssize_t sent = 0;
    for (size_t piece; (piece = next_piece(iov, n, (size_t)sent, room, &p)) > 0;) {
        ERR_clear_error();
        int took = SSL_write(s->ssl, p, (int)MIN(piece, (size_t)INT32_MAX));
        if (took <= 0) {
            ssize_t r = tls_result(s, took, false);
            return sent > 0 && r == STREAM_AGAIN ? sent : r;
        }
        tls_went_well(s, &s->write_needs_read);
        sent += took;
    }
    return sent;
}

/* --- life --- */

static int start(Stream *s, int fd, unsigned want) {
    int r = loop_fd_start(s->loop, &s->fd, fd, want, on_event, s);
    if (r != 0) {
        SSL_free(s->ssl);
        *s = (Stream){ 0 };
    }
    return r;
}

int stream_accept(Stream *s, Loop *l, int fd, TlsServer *tls, unsigned want, StreamFn *fn, void *arg) {
    *s = (Stream){ .fn = fn, .arg = arg, .loop = l, .want = want, .handshaking = tls != NULL };
    if (tls && !(s->ssl = tls_server_begin(tls, fd)))
        return ERR_UNAVAILABLE;
    return start(s, fd, tls ? LOOP_READ : want);
}

int stream_connect(Stream *s, Loop *l, const struct sockaddr *to, socklen_t to_n, TlsClient *tls, Str host,
                   StreamFn *fn, void *arg) {
    *s = (Stream){ .fn = fn, .arg = arg, .loop = l, .connecting = true, .handshaking = tls != NULL };
    int on = 1, fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_from_errno(errno);
    if (to->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int r = 0;
    if (connect(fd, to, to_n) != 0 && errno != EINPROGRESS)
        r = ERR_UNAVAILABLE;
    else if (tls && !(s->ssl = tls_client_begin(tls, fd, host)))
        r = ERR_DENIED;
    else
        r = start(s, fd, LOOP_WRITE);
    if (r != 0)
        close(fd);
    return r;
}

void stream_shut(Stream *s) {
    if (s->ssl && stream_is_ready(s)) {
        ERR_clear_error();
        SSL_shutdown(s->ssl);
    }
    shutdown(s->fd.fd, SHUT_WR);
}

void stream_close(Stream *s) {
    if (!s->loop)
        return;
    loop_fd_stop(s->loop, &s->fd);
    if (s->ssl) {
        ERR_clear_error();
        if (stream_is_ready(s))
            SSL_shutdown(s->ssl); /* a farewell if there is room for it; nobody waits for the answer */
        SSL_free(s->ssl);
        ERR_clear_error();
    }
    close(s->fd.fd);
    *s = (Stream){ 0 };
}

StreamAlpn stream_alpn(const Stream *s) {
    const unsigned char *p = NULL;
    unsigned n = 0;
    if (s->ssl)
        SSL_get0_alpn_selected(s->ssl, &p, &n);
    if (n == 2 && memcmp(p, "h2", 2) == 0)
        return STREAM_ALPN_H2;
    return n ? STREAM_ALPN_HTTP1 : STREAM_ALPN_NONE;
}

const char *stream_why(const Stream *s) {
    return s->why;
}
