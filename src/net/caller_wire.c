/* net/caller_wire.c - see caller_wire.h. */

#include "net/caller_wire.h"

#include "net/tls_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t plain_result(CallerWire *w, ssize_t n, short wants) {
    if (n >= 0)
        return n;
    w->wants = wants;
    return errno == EAGAIN || errno == EWOULDBLOCK ? WIRE_AGAIN : WIRE_FAILED;
}

static ssize_t tls_result(CallerWire *w, int r) {
    int e = SSL_get_error(w->ssl, r);
    if (e == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
        w->wants = e == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
        return WIRE_AGAIN;
    }
    tls_why(w->ssl, w->why, sizeof w->why);
    return WIRE_FAILED;
}

int wire_secure(CallerWire *w, TlsClient *tls, Str host) {
    w->ssl = tls_client_begin(tls, w->fd, host);
    return w->ssl ? 0 : ERR_DENIED;
}

int wire_handshake(CallerWire *w) {
    if (!w->ssl)
        return 0;
    ERR_clear_error();
    int r = SSL_do_handshake(w->ssl);
    return r == 1 ? 0 : tls_result(w, r) == WIRE_AGAIN ? WIRE_AGAIN : WIRE_FAILED;
}

ssize_t wire_write(CallerWire *w, const struct iovec *iov, int n) {
    if (w->ssl) {
        ERR_clear_error();
        int sent = SSL_write(w->ssl, iov[0].iov_base, (int)MIN(iov[0].iov_len, (size_t)INT32_MAX));
        return sent > 0 ? sent : tls_result(w, sent);
    }
    struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n };
    ssize_t sent;
    do
        sent = sendmsg(w->fd, &m, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return plain_result(w, sent, POLLOUT);
}

ssize_t wire_read(CallerWire *w, void *p, size_t size) {
    if (w->ssl) {
        ERR_clear_error();
        int got = SSL_read(w->ssl, p, (int)MIN(size, (size_t)INT32_MAX));
        return got > 0 ? got : tls_result(w, got);
    }
    ssize_t got;
    do
        got = recv(w->fd, p, size, 0);
    while (got < 0 && errno == EINTR);
    return plain_result(w, got, POLLIN);
}

void wire_close(CallerWire *w) {
    if (w->ssl) {
        SSL_free(w->ssl);
        ERR_clear_error();
    }
    if (w->fd >= 0)
        close(w->fd);
    *w = (CallerWire){ .fd = -1 };
}
